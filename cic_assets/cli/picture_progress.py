"""How far `cic predict` is, in the last line of a terminal.

Whoever asks about a few pictures has the answers before there would be anything to see: nothing is counted, imported or
shown until a second has passed.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.console import Console

FROM_SECONDS = 1.0
_FEW = 10
"""So many pictures are no reason for it, however long they take."""
_EVERY_SECONDS = 0.1
_CLEAR = "\r\x1b[2K"
_BAR_WIDTH = 30


def can_show(stream: TextIO) -> bool:
    """Whether a stream is a terminal on which a line can be replaced."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class PictureProgress:
    """Pictures done, of how many, how many a second, and the time left; nothing where nobody watches."""

    def __init__(self, stream: TextIO, count: Callable[[], Iterator[int]] | None, *, is_watched: bool) -> None:
        """Take where to show it.

        Args:
            stream: a terminal, or else it stays as it is.
            count: counts the pictures that there are, the last number being all; None where nobody can know.
            is_watched: False for nothing to be shown.
        """
        self._stream, self._count, self._is_watched = stream, count, is_watched
        self._began, self._done = time.monotonic(), 0
        self._found, self._is_counted, self._is_over = 0, False, False
        self._console: Console | None = None
        self._line, self._is_shown, self._rendered = "", False, 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._is_over = True
        self.clear()

    def clear(self) -> None:
        """Take it off the terminal, before something else is written there; `advance` shows it again."""
        if self._is_shown:
            self._write(_CLEAR)
            self._is_shown = False

    def advance(self) -> None:
        """One more picture is done."""
        self._done += 1
        if not self._is_watched or (seconds := time.monotonic() - self._began) < FROM_SECONDS:
            return
        if self._console is None:
            self._begin()
        if max(self._done, self._found) <= _FEW:
            return
        if is_due := seconds - self._rendered >= _EVERY_SECONDS:
            self._line, self._rendered = self._render(seconds), seconds
        if is_due or not self._is_shown:
            self._write(_CLEAR + self._line)
            self._is_shown = True

    def _begin(self) -> None:
        from rich.console import Console

        self._console = Console(file=self._stream)
        if self._count is not None:
            threading.Thread(target=self._look_ahead, args=(self._count,), name="count", daemon=True).start()

    def _look_ahead(self, count: Callable[[], Iterator[int]]) -> None:
        for self._found in count():
            if self._is_over:
                return
        self._is_counted = True

    def _render(self, seconds: float) -> str:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        assert self._console is not None  # `_begin` was called
        row = Table.grid(padding=(0, 1))
        parts = [words_of(self._done, self._found, seconds, is_counted=self._is_counted)]
        if self._is_counted:
            bar = ProgressBar(max(self._found, self._done), self._done, _BAR_WIDTH)
            row.add_row(bar, *parts)
        else:
            row.add_row(*parts)
        with self._console.capture() as captured:
            # One column less than there are: a full line would begin another.
            self._console.print(row, no_wrap=True, overflow="crop", crop=True, width=self._console.width - 1, end="")
        return captured.get().rstrip("\n").partition("\n")[0]

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


def words_of(done: int, found: int, seconds: float, *, is_counted: bool) -> str:
    """What it says.

    Args:
        done: pictures so far.
        found: pictures that there are, as far as they were counted.
        seconds: since it began.
        is_counted: `found` are all.
    """
    rate = done / seconds
    total = max(found, done)
    of = f"{done:,} of {total:,}" if is_counted else f"{done:,} of {total:,} so far" if found else f"{done:,} so far"
    left = f", {timedelta(seconds=round((total - done) / rate))} left" if is_counted else ""
    return f"{of}, {rate:,.1f} a second{left}"
