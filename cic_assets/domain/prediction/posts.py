"""From which posts the pictures come that a model learned from, as the manifest of the data set says."""

import time
from collections.abc import Callable
from typing import NamedTuple

from upath import UPath

from cic_assets.domain.hostile import plain_text, safe_link
from cic_assets.storage import DataRoot, FileState

_COLUMNS = ["sha256", "permalink", "title"]


class Post(NamedTuple):
    """Where a picture is from.

    Attributes:
        permalink: http or https; empty where there is none, as of a folder's pictures.
        title: one line of text without markup.
    """

    permalink: str = ""
    title: str = ""


class Posts:
    """The posts of a data set's pictures: read when they are first asked for, and again once they were written anew.

    A take-down empties the titles of posts whose picture stays, so that none is said any longer than the table has it.
    """

    def __init__(self, root: DataRoot, clock: Callable[[], float] = time.monotonic) -> None:
        self._path: UPath = root.dataset / "manifest.parquet"
        self._written = FileState(self._path, clock)
        self._read_at: object = None
        self._posts: dict[str, Post] = {}

    def of(self, sha256: str) -> Post:
        """The post of a picture; an empty one where nothing is known of it."""
        written_at = self._written.now()
        if written_at != self._read_at:
            self._posts, self._read_at = self._read(), written_at
        return self._posts.get(sha256, Post())

    def _read(self) -> dict[str, Post]:
        import pyarrow.parquet as pq  # without pandas, which takes longer to import than an answer

        try:
            with self._path.open("rb") as file:
                # Without threads: they take memory, and a process that ends while some wait is ended by a signal.
                table = pq.ParquetFile(file, pre_buffer=False)
                if not set(_COLUMNS) <= set(table.schema_arrow.names):
                    return {}
                columns = [column.to_pylist() for column in table.read(_COLUMNS, use_threads=False).columns]
        except (OSError, ValueError):  # there is no data set, only models, or it is being written
            return {}
        return {
            sha256: Post(safe_link(permalink or ""), plain_text(title or ""))
            for sha256, permalink, title in zip(*columns, strict=True)
        }
