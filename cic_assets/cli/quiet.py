"""TensorFlow's start-up notes, kept from standard error: it writes them before it reads how much it is to say.

Run as a program this is the filter, in a process of its own: what TensorFlow says before it aborts, on a processor that
it is not made for, still comes through.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

_NOTE = re.compile(
    rb"[IW]\d{4} \d\d:|WARNING: All log messages before absl::InitializeLog\(\) is called"
    rb"|INFO: Created TensorFlow Lite |To enable the following instructions: |E\d{4} .*failed call to cuInit"
)
"""How lines of news and warnings begin; those of errors begin with E or F. That there is no GPU is an error to it."""


@contextmanager
def without_startup_notes() -> Iterator[None]:
    """Keep TensorFlow's notes about this machine from this process's standard error; all else goes there at once.

    For the time in which it is imported and first used. Who sets TF_CPP_MIN_LOG_LEVEL to 0 wants to see them.
    """
    if os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3") == "0":
        yield
        return
    sys.stderr.flush()
    command = [sys.executable, "-I", "-S", __file__]
    # Ctrl+C reaches every process of a terminal's group: not the one that is to pass on what we say of it.
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as passing:  # noqa: S603 - our own file
        ours = os.dup(2)
        os.dup2(passing.stdin.fileno(), 2)  # type: ignore[union-attr]  # it is a pipe
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(ours, 2)
            os.close(ours)


@contextmanager
def telling_of_keras() -> Iterator[Callable[[str], None]]:
    """What has to be told before Keras is loaded: it says why, and keeps TensorFlow's notes back from then on."""
    with ExitStack() as stack:

        def tell(why: str) -> None:
            sys.stderr.write(f"{why}\n")
            stack.enter_context(without_startup_notes())

        yield tell


def _pass_on() -> None:
    for line in sys.stdin.buffer:
        if not _NOTE.match(line):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


if __name__ == "__main__":
    _pass_on()
