"""What runs in a training's own process: `python -m cic_assets.models.worker SPEC.json`.

It writes one JSON event a line to standard output, and ends when its standard input does: it never outlives the process
that started it. Started by `process.train_in_process`, imported by nobody.
"""

import os
import sys
import threading
from pathlib import Path

from cic_assets.models.errors import ModelError
from cic_assets.models.events import Event, Failed
from cic_assets.models.training import TrainingSpec, train


def _main(spec_file: Path) -> int:
    """What the worker does: one training, told in JSON lines."""
    events = _claim_stdout()
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def tell(event: Event) -> None:
        os.write(events, event.model_dump_json().encode() + b"\n")

    try:
        train(TrainingSpec.model_validate_json(spec_file.read_text(encoding="utf-8")), tell)
    except ModelError as error:
        tell(Failed(error=type(error).__name__, message=str(error)))
        return 1
    return 0


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


if __name__ == "__main__":
    status = _main(Path(sys.argv[1]))
    sys.stderr.flush()
    # Not `sys.exit`: everything is written, and TensorFlow takes two seconds to be taken down.
    os._exit(status)
