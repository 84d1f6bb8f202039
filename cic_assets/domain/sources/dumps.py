"""`dump:FILE`: submissions of Reddit, one a line, as text or compressed by zstd, read as a stream.

Dumps of fifteen years hold every kind of damage: a line that is no submission is an outcome and not the end.
"""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import zstandard

from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.reddit import Post, RedditSettings, media_of
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.selections import most_posts, selection_of
from cic_assets.domain.sources.source import Partition

# Dumps of submissions are compressed with a window of 2 GiB, far over zstd's default limit.
_ZSTD_WINDOW = 2**31
_LONGEST_LINE = 16 * 2**20
"""Bytes. Submissions have some thousands; a line without an end would fill the memory."""
_PIECE = 1024
"""Bytes that are decompressed at once: of nothing but zeros zstd makes thirty thousand times as much."""
_BUFFER = 2**18
_SAID_AFTER = 1_000_000
_EXPECTED = "one submission a line, with an id such as 'abc12'"
_MARK = "\ufeff".encode()
"""The mark that Windows' editors put first."""


@dataclass
class _Counts:
    """Lines so far, posts among them, those of these that are of no interest here, and those that are taken."""

    lines: int = 0
    posts: int = 0
    others: int = 0
    taken: int = 0
    first_bad: str = ""

    def __str__(self) -> str:
        return f"{self.posts} posts in {self.lines} lines, {self.others} of them of other subreddits or times"


def dump_media(partition: Partition, settings: RedditSettings, on_progress: Callable[[str], None]) -> Iterator[Medium]:
    """What a dump offers of what its source asks for.

    Posts of other subreddits and times, of which it may hold a billion, are not looked at, and counted; of those whose
    flair is another, and of lines that are no submissions, each has its row.

    Raises:
        SourceError: the file cannot be read, is not what its name says, or no line of it is a submission.
    """
    source, counts = partition.source, _Counts()
    selection, most, subreddit = selection_of(source), most_posts(source), source.option("subreddit").casefold()
    path = Path(source.value)
    with _read_errors(path), _open(path) as file:
        for counts.lines, line in _lines(file):
            if counts.lines % _SAID_AFTER == 0:
                on_progress(f"{source}: {counts}")
            post = _submission(line)
            if isinstance(post, str):
                counts.first_bad = counts.first_bad or f"{source}:{counts.lines}: {post}: expected {_EXPECTED}"
                yield _bad_line(counts.lines, post, partition.key)
                continue
            counts.posts += 1
            is_other = subreddit and str(post.get("subreddit")).casefold() != subreddit
            if is_other or not selection.is_in_time(post):
                counts.others += 1
                continue
            yield from media_of(post, settings, subreddit=partition.key, selection=selection)
            counts.taken += selection.takes(post)
            if most is not None and counts.taken >= most:
                break
    if counts.first_bad and not counts.posts:
        raise SourceError(counts.first_bad)
    on_progress(f"{source}: {counts}")


def _bad_line(number: int, why: str, key: str) -> Medium:
    return Medium(
        post_id=f"line-{number}",
        subreddit=key,
        media_url="",
        known_outcome=Outcome.ERROR,
        reason=f"line {number} {why}",
    )


def _submission(line: bytes) -> Post | str:
    """What one line says, or why it says nothing."""
    if len(line) > _LONGEST_LINE:
        return f"has more than {_LONGEST_LINE >> 20} MiB"
    try:
        post = json.loads(line.decode())
    except UnicodeDecodeError:
        return "is not UTF-8 text"
    except (ValueError, RecursionError):
        return "is not JSON"
    post_id = post.get("id") if isinstance(post, dict) else None
    if not (isinstance(post_id, str) and post_id):
        return "has no id" if post_id is None else f"has the id {str(post_id)[:40]!r}"
    return dict(post)


def _lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Lines that are not blank with their numbers; of one that is too long its beginning."""
    number = 0
    while line := file.readline(_LONGEST_LINE + 1):
        number += 1
        rest = line
        while len(rest) > _LONGEST_LINE and not rest.endswith(b"\n"):
            rest = file.readline(_LONGEST_LINE + 1)
        if number == 1:
            line = line.removeprefix(_MARK)
        if line.strip():
            yield number, line


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SourceError(f"dump:{path}: cannot be read ({error.strerror or error})") from None
    except zstandard.ZstdError:
        raise SourceError(f"dump:{path}: is not zstd-compressed text: expected one submission a line") from None


@contextmanager
def _open(path: Path) -> Iterator[BinaryIO]:
    with path.open("rb") as file:
        yield io.BufferedReader(_Decompressed(file), _BUFFER) if path.suffix == ".zst" else file


class _Decompressed(io.RawIOBase):
    """What zstd compressed, in one frame or several; unlike zstandard's own reader it tells where the file is cut."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._compressed = file, b""
        # A view, for its beginning is taken off often.
        self._ready = memoryview(b"")
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """The next bytes; none at the end.

        Raises:
            ZstdError, OSError: they cannot be had.
        """
        while not self._ready and self._fill():
            pass
        view = memoryview(buffer).cast("B")
        some, self._ready = self._ready[: len(view)], self._ready[len(view) :]
        view[: len(some)] = some
        return len(some)

    def _fill(self) -> bool:
        """Decompress a piece more; whether there was one."""
        piece = self._compressed or self._file.read(_PIECE)
        self._compressed = b""
        if not piece:
            if self._frame is not None:
                raise OSError(None, "it ends amid its compressed text: was its download cut?")
            return False
        self._frame = self._frame or self._decompressor.decompressobj()
        self._ready = memoryview(self._frame.decompress(piece))
        if self._frame.eof:
            self._compressed, self._frame = self._frame.unused_data, None
        return True
