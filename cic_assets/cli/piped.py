"""What another program writes for ours to read, as far as it is there.

It is read from the system itself: Python's own buffer is locked while it waits, and a thread that waits in it when the
process ends makes the interpreter abort.
"""

import os
import stat
from collections.abc import Iterator
from typing import TextIO

_CHUNK = 2**16


def may_wait(file: TextIO) -> bool:
    """Whether what comes next in a file may be long in coming: it is a pipe or a terminal."""
    try:
        return not stat.S_ISREG(os.fstat(file.fileno()).st_mode)
    except OSError:  # nothing of the system's
        return False


def read_piped(file: TextIO, most: int) -> bytes:
    """All bytes until the end of a file, or a few more than `most` where there are more."""
    read = bytearray()
    for chunk in _chunks(file):
        read += chunk
        if len(read) > most:
            break
    return bytes(read)


def lines_of(file: TextIO) -> Iterator[str]:
    """The lines of a file that are not empty, each as soon as it is there; names in them may be of any bytes."""
    rest = b""
    for chunk in _chunks(file):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from (os.fsdecode(line.rstrip(b"\r")) for line in lines if line.strip())
    if rest.strip():
        yield os.fsdecode(rest.rstrip(b"\r"))


def _chunks(file: TextIO) -> Iterator[bytes]:
    source = getattr(file.buffer, "raw", file.buffer)
    while chunk := source.read(_CHUNK):
        yield chunk
