"""Ctrl+C, which is to end a command and not a step of it."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_ENDING = frozenset({signal.SIGINT, signal.SIGTERM})


@contextmanager
def interruptible() -> Iterator[None]:
    """A block in which Dagster takes Ctrl+C for a step's failure, which may even be tried again.

    Raises:
        KeyboardInterrupt: when the block is over, where somebody wanted an end meanwhile.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # where no signals come
        return
    told, tell = os.pipe()
    os.set_blocking(told, False)
    os.set_blocking(tell, False)
    # Python writes the number of each signal there, whoever handles it.
    before = signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
    numbers = b""
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        with suppress(BlockingIOError):
            numbers = os.read(told, 1024)
        os.close(told)
        os.close(tell)
        if _ENDING.intersection(numbers):
            raise KeyboardInterrupt
