"""Pictures of a data set that are read and decoded when they are asked for, where arrays of all would be too large.

Neighbours lie together in shards, so they are read in runs of some, and the bytes of as many runs are kept as an epoch
in runs (`in_runs`) needs at once: memory does not grow with the set, and a run is read once an epoch.

A training goes on where a picture is taken down meanwhile: another one of its class is shown in its place, and who
trained says so.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
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

MOST_GONE = 0.01
"""The share of pictures that may be taken down while they are read; at least one may. More are no take-down, but a
store that is lost, and one that trains on others in their place learns another set than it says."""

_LOOKED_AT = 100
"""Pictures of a class that are looked at for one that is still there."""

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

    def __init__(
        self,
        store: ShardedStore,
        sha256s: Names,
        copies: Names,
        stored_side: int,
        side: int = 0,
        *,
        labels: Rows | None = None,
        gone: set[str] | None = None,
    ) -> None:
        """Take where they are.

        Args:
            store: of the resized copies.
            sha256s: of the pictures, in the order of the rows.
            copies: SHA-256 of the copies' own bytes: of other ones the data set was not made.
            stored_side: of the copies, in pixels.
            side: that they are brought to; as they are unless given.
            labels: (N,) of their classes: where a picture is gone, another one of its class is shown in its place. It
                is an error unless given.
            gone: takes the SHA-256 of those that are not there any more; one for all that are made of this.
        """
        self.store, self.stored_side, self.side = store, stored_side, side or stored_side
        self.sha256s, self.copies = np.asarray(sha256s, "S64"), np.asarray(copies, "S64")
        self.labels, self.gone = labels, set[str]() if gone is None else gone
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
        return self._like(self.sha256s, self.copies, self.labels, side)

    def of_rows(self, rows: "Rows | NDArray[np.bool_]") -> Self:
        """Some of them, still not in memory."""
        labels = None if self.labels is None else self.labels[rows]
        return self._like(self.sha256s[rows], self.copies[rows], labels, self.side)

    def _like(self, sha256s: Names, copies: Names, labels: Rows | None, side: int) -> Self:
        return type(self)(self.store, sha256s, copies, self.stored_side, side, labels=labels, gone=self.gone)

    @classmethod
    def joined(cls, parts: "Sequence[StoredImages]") -> "StoredImages":
        """Those of several, one after another."""
        one = parts[0]
        sha256s, copies = (np.concatenate([getattr(part, name) for part in parts]) for name in ("sha256s", "copies"))
        labels = [part.labels for part in parts if part.labels is not None]
        joined = np.concatenate(labels) if len(labels) == len(parts) else None
        return cls(one.store, sha256s, copies, one.stored_side, one.side, labels=joined, gone=one.gone)

    def _decoded(self, row: int) -> Pixels:
        data = self._runs.get(row // RUN)[row % RUN]
        try:
            picture = decode(data)
        except CANNOT_BE_READ as error:
            raise TrainingDataError(f"the copy of {self.sha256s[row].decode()}: {error}") from None
        return picture if self.side == self.stored_side else resized(picture, self.side)

    def _read_run(self, run: int) -> list[bytes]:
        rows = range(run * RUN, min((run + 1) * RUN, len(self)))
        try:
            return self._read(rows)
        except FileNotFoundError:
            return [self._read_or_other(row) for row in rows]

    def _read(self, rows: Sequence[int]) -> list[bytes]:
        names = [self.sha256s[row].decode() for row in rows]
        found = self.store.get_all(names)
        for row, name, data in zip(rows, names, found, strict=True):
            if sha256_hex(data) != self.copies[row].decode():
                raise TrainingDataError(f"the copy of {name} is another one: materialize training_dataset again")
        return found

    def _read_or_other(self, row: int) -> bytes:
        """A picture, or where it is gone one of its class: of those behind it the first that is there."""
        try:
            return self._read([row])[0]
        except FileNotFoundError as error:
            name = self.sha256s[row].decode()
            if self.labels is not None:
                self.gone.add(name)
                if len(self.gone) <= max(1, MOST_GONE * len(self)):
                    same = np.flatnonzero(self.labels == self.labels[row])
                    for other in np.roll(same, -np.searchsorted(same, row) - 1)[:_LOOKED_AT].tolist():
                        with suppress(FileNotFoundError):
                            return self._read([other])[0]
            raise TrainingDataError(
                f"{error.filename or name} is gone: it was taken down, or resized_images is to be made again"
            ) from None


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
