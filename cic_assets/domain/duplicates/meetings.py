"""Which crops of pictures come near each other by their hashes of 64 bits.

A picture is looked for by its whole and its content, each as it is and mirrored, and is found by every window of its
whole and of its content; turned, it is looked for among wholes and contents alone; by its plain pHash among those.
Whether two pictures meet depends on these two alone. No pixels and no decisions here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.duplicates.blocks import Hashes
from cic_assets.domain.duplicates.crops import oriented_hashes, window_hashes
from cic_assets.domain.duplicates.descriptors import Grey
from cic_assets.domain.duplicates.looks import Looks, Positions
from cic_assets.domain.duplicates.search import HashPairs, pairs_between_in_parts
from cic_assets.domain.duplicates.windows import ORIENTATIONS, UPRIGHT, WINDOWS

LEAST_BLOCK = 1 << 17
"""Pictures among which is searched at once, at least: of the windows of each some 2 kB are in memory."""
BLOCKS = 4
"""Larger sets are searched in so many. Each block is looked up by everything that is asked, which costs nearly the same
however large it is, so that many of them would cost the square; and what is known of looks takes four times as much
memory as a block."""
WHOLES = 1 << 20
"""The same of wholes alone, of which some 20 bytes are."""
_MET_AT_ONCE = 1 << 20
_READ_AT_ONCE = 1 << 14


@dataclass(frozen=True, slots=True)
class Meetings:
    """Crops of two pictures whose hashes are near each other: arrays of one length.

    Attributes:
        asked: positions of pictures.
        asked_content: whether by their content, without border.
        orientation: how they are held, by number in `ORIENTATIONS`.
        known: positions of others.
        known_content: whether by a part of their content.
        window: which part, by number in `WINDOWS`.
        distance: bits in which the hashes differ.
    """

    asked: Positions
    asked_content: NDArray[np.bool_]
    orientation: NDArray[np.uint8]
    known: Positions
    known_content: NDArray[np.bool_]
    window: NDArray[np.uint8]
    distance: NDArray[np.uint8]

    def __len__(self) -> int:
        """How many."""
        return len(self.asked)

    def at(self, places: Positions | slice) -> "Meetings":
        """Some of them."""
        return Meetings(*(getattr(self, field.name)[places] for field in fields(self)))


def meetings(looks: Looks, askers: Positions, known: Positions, radius: int) -> Iterator[Meetings]:
    """All meetings of two pictures, some at a time.

    Args:
        looks: of pictures.
        askers: of them those that are looked for.
        known: those among which they are looked for, ascending; taken up in blocks.
        radius: bits in which two hashes may differ.
    """
    plain = _of_plain(looks.plain(askers), askers)
    held = _of_whole_and_content(looks, askers, oriented_hashes)
    is_turned = held.crops % len(ORIENTATIONS) >= UPRIGHT
    upright, turned = held.at(~is_turned), held.at(is_turned)
    del held, is_turned  # 120 bytes a picture
    # Wholes take little room: among many at once, what is asked is laid out once.
    for start in range(0, len(known), WHOLES):
        some = known[start : start + WHOLES]
        yield from _met(plain, _of_plain(looks.plain(some)[:, :1], some), radius)
        yield from _met(turned, _of_whole_and_content(looks, some, _whole_hashes), radius)
    del plain, turned
    block = max(LEAST_BLOCK, -(-len(known) // BLOCKS))
    for start in range(0, len(known), block):
        yield from _met(upright, _of_whole_and_content(looks, known[start : start + block], window_hashes), radius)


def _whole_hashes(thumbnails: Grey) -> Hashes:
    """(n, 1): those of `window_hashes` that are of the whole."""
    return oriented_hashes(thumbnails)[:, :1]


@dataclass(frozen=True, slots=True)
class _Crops:
    """Hashes in ascending order, each with the picture and the number of the crop that it is of."""

    hashes: Hashes
    owners: NDArray[np.int32]
    crops: NDArray[np.uint8]

    @classmethod
    def of(cls, hashes: Hashes, owners: Positions, firsts: NDArray[np.uint8]) -> "_Crops":
        """Of pictures.

        Args:
            hashes: (n, crops) of each.
            owners: (n,) which pictures.
            firsts: (n,) the number of the first crop of each.
        """
        rows = np.argsort(hashes, axis=None)
        found = hashes.ravel()[rows]
        crops = (rows % hashes.shape[1]).astype(np.uint8)
        rows //= hashes.shape[1]  # in place, for there are millions
        crops += firsts[rows]
        return cls(found, owners.astype(np.int32)[rows], crops)

    def at(self, places: NDArray[np.bool_]) -> "_Crops":
        """Some of them."""
        return _Crops(self.hashes[places], self.owners[places], self.crops[places])

    def runs(self) -> tuple[Hashes, NDArray[np.int32]]:
        """Equal hashes as one, so that thousands of pictures with one hash are searched as one; and where each begins.

        One more beginning, past the last, ends the list.
        """
        is_first = np.append(True, self.hashes[1:] != self.hashes[:-1]) if len(self.hashes) else np.empty(0, bool)
        starts = np.flatnonzero(np.append(is_first, True)).astype(np.int32)
        return self.hashes[starts[:-1]], starts


def _of_plain(hashes: Hashes, pictures: Positions) -> _Crops:
    return _Crops.of(hashes, pictures, np.zeros(len(pictures), np.uint8))


def _of_whole_and_content(looks: Looks, pictures: Positions, hashed: Callable[[Grey], Hashes]) -> _Crops:
    """Hashes of pictures, and of the content of those that have a border, whose numbers come after those of all."""
    owners = np.concatenate([pictures, looks.bordered_of(pictures)])
    is_content = np.arange(len(owners)) >= len(pictures)
    hashes = np.empty((len(owners), hashed(looks.thumbnails(owners[:0])).shape[1]), np.uint64)
    for start in range(0, len(owners), _READ_AT_ONCE):
        some = slice(start, start + _READ_AT_ONCE)
        hashes[some] = hashed(looks.thumbnails(owners[some], content=is_content[some]))
    after = len(ORIENTATIONS) if hashed is oriented_hashes else len(WINDOWS)
    return _Crops.of(hashes, owners, is_content * np.uint8(after))


def _met(asked: _Crops, known: _Crops, radius: int) -> Iterator[Meetings]:
    ours, our_starts = asked.runs()
    theirs, their_starts = known.runs()
    their_owners, their_crops = known.owners, known.crops
    del known  # and the hashes with it, of which there are millions: as runs they are there once more
    for pairs in pairs_between_in_parts(ours, theirs, radius):
        for one, other, distance in _each(pairs, our_starts, their_starts):
            is_two = asked.owners[one] != their_owners[other]
            at, by = one[is_two], other[is_two]
            asked_content, orientation = np.divmod(asked.crops[at], np.uint8(len(ORIENTATIONS)))
            known_content, window = np.divmod(their_crops[by], np.uint8(len(WINDOWS)))
            yield Meetings(
                asked.owners[at].astype(np.int64), asked_content > 0, orientation,
                their_owners[by].astype(np.int64), known_content > 0, window, distance[is_two],
            )  # fmt: skip


def _each(
    pairs: HashPairs, our_starts: NDArray[np.int32], their_starts: NDArray[np.int32]
) -> Iterator[tuple[NDArray[np.integer], NDArray[np.integer], NDArray[np.uint8]]]:
    """Of pairs of runs of equal hashes all pairs of two rows, and in how many bits they differ; some at a time."""
    width = np.diff(their_starts)[pairs.right].astype(np.int64)
    ends = np.cumsum(np.diff(our_starts)[pairs.left] * width)
    for start in range(0, int(ends[-1]) if len(ends) else 0, _MET_AT_ONCE):
        numbers = np.arange(start, min(start + _MET_AT_ONCE, int(ends[-1])))
        pair = np.searchsorted(ends, numbers, side="right")
        row, column = np.divmod(numbers - np.append(0, ends)[pair], width[pair])
        yield our_starts[pairs.left[pair]] + row, their_starts[pairs.right[pair]] + column, pairs.distance[pair]
