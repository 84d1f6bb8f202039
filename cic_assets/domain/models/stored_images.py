"""Pictures of a data set that are read and decoded when they are asked for, where arrays of all would be too large.

Neighbours lie together in shards, so they are read in runs of some, and the bytes of as many runs are kept as an epoch
in runs (`in_runs`) needs at once: memory does not grow with the set, and a run is read once an epoch.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.images import CANNOT_BE_READ, decode
from cic_assets.domain.models.errors import TrainingDataError
from cic_assets.storage import ShardedStore, sha256_hex

RUN = 32
"""Pictures that are read together: with 25 kB each, less than a megabyte."""

WINDOW = 128
"""Runs that are mixed with one another: batches are as various as if drawn from 4,096 pictures at random."""

_KEPT = 2 * WINDOW
"""Runs whose bytes are in memory, 200 MB: threads ask for batches of the next window when the last of one are made."""

Pixels = NDArray[np.uint8]
"""(…, side, side, 3), RGB, 0 to 255."""
Rows = NDArray[np.int64]
Names = Sequence[str] | NDArray[np.bytes_]


def in_runs(count: int, random: np.random.Generator) -> Rows:
    """All rows in random order, but such that neighbours are not far apart: runs shuffled, and each window of them."""
    runs = random.permutation(-(-count // RUN))
    windows = [runs[start : start + WINDOW] for start in range(0, len(runs), WINDOW)]
    rows = [(RUN * window[:, None] + np.arange(RUN)).ravel() for window in windows]
    return np.concatenate([random.permutation(some[some < count]) for some in rows])


class StoredImages:
    """Pictures (N, side, side, 3), RGB bytes, as an array of them would be; to be indexed by rows alone."""

    def __init__(self, store: ShardedStore, sha256s: Names, copies: Names, stored_side: int, side: int = 0) -> None:
        """Take where they are.

        Args:
            store: of the resized copies.
            sha256s: of the pictures, in the order of the rows.
            copies: SHA-256 of the copies' own bytes: of other ones the data set was not made.
            stored_side: of the copies, in pixels.
            side: that they are brought to; as they are unless given.
        """
        self.store, self.stored_side, self.side = store, stored_side, side or stored_side
        self.sha256s, self.copies = np.asarray(sha256s, "S64"), np.asarray(copies, "S64")
        self._runs = _Runs(self._read_run)

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """As of an array."""
        return len(self), self.side, self.side, 3

    def __len__(self) -> int:
        return len(self.sha256s)

    def __getitem__(self, rows: "int | np.integer | slice | Rows | NDArray[np.bool_]") -> Pixels:
        """The pictures of some rows, (B, side, side, 3); of a number the picture, (side, side, 3)."""
        chosen = np.arange(len(self))[rows]
        if chosen.ndim == 0:
            return self._decoded(int(chosen))
        found: Pixels = np.empty((len(chosen), self.side, self.side, 3), np.uint8)
        for place, row in enumerate(chosen.tolist()):
            found[place] = self._decoded(row)
        return found

    def __iter__(self) -> Iterator[Pixels]:
        return (self._decoded(row) for row in range(len(self)))

    def at_side(self, side: int) -> Self:
        """The same at another side, in pixels."""
        return type(self)(self.store, self.sha256s, self.copies, self.stored_side, side)

    def of_rows(self, rows: "Rows | NDArray[np.bool_]") -> Self:
        """Some of them, still not in memory."""
        return type(self)(self.store, self.sha256s[rows], self.copies[rows], self.stored_side, self.side)

    @classmethod
    def joined(cls, parts: "Sequence[StoredImages]") -> "StoredImages":
        """Those of several, one after another."""
        one = parts[0]
        sha256s, copies = (np.concatenate([getattr(part, name) for part in parts]) for name in ("sha256s", "copies"))
        return cls(one.store, sha256s, copies, one.stored_side, one.side)

    def _decoded(self, row: int) -> Pixels:
        data = self._runs.get(row // RUN)[row % RUN]
        try:
            picture = decode(data)
        except CANNOT_BE_READ as error:
            raise TrainingDataError(f"the copy of {self.sha256s[row].decode()}: {error}") from None
        return picture if self.side == self.stored_side else resized(picture, self.side)

    def _read_run(self, run: int) -> list[bytes]:
        rows = slice(run * RUN, (run + 1) * RUN)
        names = [name.decode() for name in self.sha256s[rows]]
        try:
            found = self.store.get_all(names)
        except FileNotFoundError as error:
            raise TrainingDataError(
                f"{error.filename or names[0]} is gone: it was taken down, or resized_images is to be made again"
            ) from None
        for name, data, copy in zip(names, found, self.copies[rows], strict=True):
            if sha256_hex(data) != copy.decode():
                raise TrainingDataError(f"the copy of {name} is another one: materialize training_dataset again")
        return found


def resized(picture: Pixels, side: int, target: Pixels | None = None) -> Pixels:
    """One picture (S, S, 3) at another side: area averages when shrinking (no aliasing), cubic when enlarging."""
    method = cv2.INTER_AREA if side < len(picture) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (side, side), dst=target, interpolation=method), np.uint8)


class _Runs:
    """The bytes of runs, those asked for last; each is read by one thread, for which others wait."""

    def __init__(self, read: Callable[[int], list[bytes]]) -> None:
        self._read = read
        self._turn = Lock()
        self._kept: OrderedDict[int, Future[list[bytes]]] = OrderedDict()

    def get(self, run: int) -> list[bytes]:
        with self._turn:
            future = self._kept.get(run)
            if is_new := future is None:
                future = self._kept[run] = Future()
                while len(self._kept) > _KEPT:
                    self._kept.popitem(last=False)
            self._kept.move_to_end(run)
        if is_new:
            try:
                future.set_result(self._read(run))
            except BaseException as error:  # noqa: BLE001 - raised by all who wait for it, and here
                with self._turn:
                    self._kept.pop(run, None)  # who asks again, tries again
                future.set_exception(error)
        return future.result()
