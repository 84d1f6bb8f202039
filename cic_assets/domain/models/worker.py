"""What runs in a process of its own: `python -m cic_assets.domain.models.worker train SPEC.json`, or `check …`.

It writes one JSON event a line to standard output, and ends when its standard input does: it never outlives the process
that started it. Started by `process`, imported by nobody.
"""

import gc
import os
import sys
import threading
from importlib import import_module
from pathlib import Path

from cic_assets.domain.models.accelerator import activate
from cic_assets.domain.models.errors import ModelError
from cic_assets.domain.models.events import Event, Failed, Finished, OnEvent
from cic_assets.domain.models.pooled import PooledExport, export_pooled
from cic_assets.domain.models.settings import AcceleratorSettings
from cic_assets.domain.models.spec import TrainingSpec
from cic_assets.domain.models.training import train


def _main(task: str, file: Path) -> int:
    """What the worker does: one task, told in JSON lines."""
    events = _claim_stdout()
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def tell(event: Event) -> None:
        os.write(events, event.model_dump_json().encode() + b"\n")

    try:
        _TASKS[task](file.read_text(encoding="utf-8"), tell)
    except ModelError as error:
        tell(Failed(error=type(error).__name__, message=str(error)))
        return 1
    return 0


def _train(spec: str, tell: OnEvent) -> None:
    train(TrainingSpec.model_validate_json(spec), tell)


def _check(settings: str, tell: OnEvent) -> None:
    """Whether there is the device that is asked for."""
    activate(AcceleratorSettings.model_validate_json(settings))
    tell(Finished())


def _export(given: str, tell: OnEvent) -> None:
    """The frozen backbone into its cache."""
    wanted = PooledExport.model_validate_json(given)
    activate(AcceleratorSettings(device="cpu", mixed_precision=False))
    export_pooled(wanted)
    tell(Finished())


_TASKS = {"train": _train, "check": _check, "export": _export}


def _claim_stdout() -> int:
    """A descriptor for events alone: what libraries print goes to standard error."""
    events = os.dup(1)
    os.dup2(2, 1)
    return events


def _die_with_parent() -> None:
    """Standard input ends when the parent closes it or dies, however it dies."""
    while os.read(0, 1024):
        pass
    os._exit(1)


def _hide_what_is_not_used() -> None:
    """Keras and TensorFlow import these where they are installed, for what we do not call: a fifth of their time.

    JAX only where another backend is named: ~/.keras/keras.json may choose it, too.
    """
    unused = ["matplotlib", *(["jax"] if os.environ.get("KERAS_BACKEND", "jax") != "jax" else [])]
    sys.modules.update(dict.fromkeys(unused))  # type: ignore[arg-type]  # None: as if it were not installed


def _load_keras() -> None:
    """Keras imports scikit-learn, for wrappers that we do not call, which takes another fifth; folds need it later."""
    sys.modules["sklearn"] = None  # type: ignore[assignment]
    try:
        import_module("keras")
    finally:
        del sys.modules["sklearn"]


if __name__ == "__main__":
    gc.set_threshold(10_000)  # as `cic` does: importing Keras is most of a short training
    _hide_what_is_not_used()
    _load_keras()
    status = _main(sys.argv[1], Path(sys.argv[2]))
    sys.stdout.flush()
    sys.stderr.flush()
    # Not `sys.exit`: everything is written, and TensorFlow takes two seconds to be taken down.
    os._exit(status)
