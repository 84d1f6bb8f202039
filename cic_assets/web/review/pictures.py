"""Pictures for the page: copies that were encoded again, made by a few threads and kept for a while."""

import asyncio
import os
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor

from cic_assets.domain.images import CANNOT_BE_READ
from cic_assets.domain.review import ReviewBook, shown_copy
from cic_assets.storage import EXTENSIONS

MOST_KEPT = 64 * 2**20
"""Bytes of copies: of some hundred pictures."""


class Pictures:
    """By SHA-256, of what the tables name; no path comes into it."""

    def __init__(self, book: ReviewBook) -> None:
        self._book = book
        self._threads = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="pictures")
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    async def get(self, sha256: str) -> bytes | None:
        """A JPEG; None where no entry shows it, it was taken down, or it cannot be read."""
        copy = await asyncio.wrap_future(self._threads.submit(self._copy, sha256))
        if copy is not None:
            self._keep(sha256, copy)
        return copy

    def _copy(self, sha256: str) -> bytes | None:
        seen = self._book.seen(sha256)
        if not seen or seen[0].format not in EXTENSIONS:
            return None
        store = self._book.root.images
        if not store.has(sha256, seen[0].format):  # also of a copy that is kept here: it goes with the picture
            self._book.miss(sha256)
            return None
        try:
            return self._kept.get(sha256) or shown_copy(store.get(sha256, seen[0].format))
        except CANNOT_BE_READ:
            return None

    def _keep(self, sha256: str, copy: bytes) -> None:
        self._size += len(copy) - len(self._kept.pop(sha256, b""))
        self._kept[sha256] = copy
        while self._size > MOST_KEPT:
            self._size -= len(self._kept.popitem(last=False)[1])
