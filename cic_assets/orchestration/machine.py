"""Which process of which machine works on a run: of those of other machines nothing can be said from here."""

import os
import socket
import time
from pathlib import Path


def machine_name() -> str:
    """The name of this machine; of a container, its own."""
    return socket.gethostname()


def was_up(since: float) -> bool:
    """Whether this machine has been up since a time, in seconds since 1970."""
    return since >= _boot_time()


def is_at_work(pid: int, since: float) -> bool:
    """Whether a process of this machine is the one that had a number at a time, and is there.

    Args:
        pid: its number, which another one has after a while; in a container that was started again, at once.
        since: seconds since 1970 at which it was there.
    """
    if not was_up(since):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, but there
    began = _began(pid)
    return began is None or began <= since + _INACCURACY


_INACCURACY = 2.0
"""Seconds by which the clock may have been set since the machine started."""


def _began(pid: int) -> float | None:
    """When a process started, in seconds since 1970; None where the system does not tell."""
    try:
        # Behind its name, which may hold anything, the 20th: clock ticks since the machine started.
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return _boot_time() + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return None


def _boot_time() -> float:
    """When this machine started, in seconds since 1970; 0 where that is not known."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if clock is None else time.time() - time.clock_gettime(clock)
