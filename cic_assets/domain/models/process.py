"""Each training in a process of its own: its memory is given back, its peaks are its own, its crash is not ours.

A new interpreter, never a fork: TensorFlow does not survive one.
"""

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from pydantic import BaseModel

from cic_assets.domain.models import errors
from cic_assets.domain.models.accelerator import environment_of
from cic_assets.domain.models.card import Card, read_card
from cic_assets.domain.models.errors import ModelError, WorkerError
from cic_assets.domain.models.events import Event, Failed, Finished, OnEvent, parse_event
from cic_assets.domain.models.requirements import require_keras
from cic_assets.domain.models.settings import AcceleratorSettings
from cic_assets.domain.models.spec import TrainingSpec
from cic_assets.storage import path_of

STDERR_LINES = 15
"""Of a crashed worker, in the error: enough for the end of a traceback."""
GRACE_SECONDS = 5.0
"""Between asking a worker to end and ending it."""


def train_in_process(spec: TrainingSpec, on_event: OnEvent = lambda _: None) -> Card:
    """`training.train` in a process of its own.

    Args:
        spec: what to train on what.
        on_event: takes events as they come, in this thread; an exception in it ends the worker.

    Raises:
        TrainingUnavailableError: Keras is not installed.
        ModelError: the error of the training, as `train` raises it.
        WorkerError: the process died; the message has the end of what it wrote to standard error.
    """
    require_keras()
    in_worker("train", spec, spec.accelerator, f"trained {spec.name}", on_event)
    return read_card(path_of(spec.output))


def check_training(settings: AcceleratorSettings) -> None:
    """See that there is what training needs: Keras, and the GPU that is required.

    For a GPU it takes a process that is over then: seconds, and none of the GPU.

    Raises:
        TrainingUnavailableError: Keras is not installed.
        AcceleratorUnavailableError: it is not.
        WorkerError: the process died, for instance of a broken driver.
    """
    require_keras()
    if settings.needs_gpu:
        in_worker("check", settings, settings, "looked for a GPU", lambda _event: None)


def in_worker(task: str, given: BaseModel, accelerator: AcceleratorSettings, did: str, on_event: OnEvent) -> None:
    """Do one of the worker's tasks; its errors are raised here."""
    with tempfile.TemporaryDirectory(prefix="cic-worker-") as name:
        folder = Path(name)
        (folder / "given.json").write_text(given.model_dump_json(), encoding="utf-8")
        arguments = [task, str(folder / "given.json")]
        with (folder / "stderr").open("wb") as stderr:
            last = _run(arguments, environment_of(accelerator), stderr.fileno(), on_event)
        if isinstance(last, Failed):
            raise _error(last)
        if not isinstance(last, Finished):
            raise WorkerError(_crash(did, last, folder / "stderr"))


def _run(arguments: list[str], environment: dict[str, str], stderr: int, on_event: OnEvent) -> Event | int:
    """Run a worker to its end; its last event, or its exit status where that is all there is."""
    command = [sys.executable, "-m", "cic_assets.domain.models.worker", *arguments]
    process = subprocess.Popen(  # noqa: S603 - our own program
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr, env=environment
    )
    last: Event | None = None
    try:
        assert process.stdout is not None
        for line in process.stdout:
            last = parse_event(line)
            if not isinstance(last, Failed):
                on_event(last)
        process.wait()
    finally:
        _end(process)
    return last if isinstance(last, Failed | Finished) else process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a worker that may still run, for instance because its caller was interrupted."""
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _error(event: Failed) -> ModelError:
    kind = getattr(errors, event.error, None)
    if isinstance(kind, type) and issubclass(kind, ModelError):
        return kind(event.message)
    return WorkerError(f"{event.error}: {event.message}")


def _crash(did: str, status: Event | int, stderr: Path) -> str:
    lines = stderr.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-STDERR_LINES:]
    how = f"exit status {status}"
    if isinstance(status, int) and status < 0:
        how = f"signal {signal.Signals(-status).name}"
        how += " (out of memory?)" if -status == signal.SIGKILL else ""
    return "\n".join([f"the process that {did} died: {how}", *lines])
