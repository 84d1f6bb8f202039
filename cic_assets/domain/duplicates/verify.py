"""Whether two pictures are one: by measures that are strict enough to decide.

In this order: the same pixels; 256 bits of pHash, and the colours; the pixels of both, laid on each other. Each verdict
depends on the two pictures alone and is the same in either order. What is proposed is not this module's business.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.alignment import Picture, other_colours, overlap, picture_of
from cic_assets.domain.duplicates.crops import Crops
from cic_assets.domain.duplicates.descriptors import COLOUR_SIDE
from cic_assets.domain.duplicates.settings import DuplicateSettings
from cic_assets.domain.images import CANNOT_BE_READ, OnLeftOut, decode, hash_pixels, why_left_out
from cic_assets.engine import Threads

T = TypeVar("T")

BITS = 256

_GUESSES = 4  # tried for a pair, the likeliest first: neighbouring windows lead to the same alignment
_KEPT_PICTURES = 256  # read ahead of the next comparison, 200 kB each


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two pictures are the same.

    Attributes:
        verified_by: the measure that says so.
        distance: by that measure, from 0 (identical) to 1: the share of the 256 bits, or 1 less the correlation.
    """

    verified_by: str
    distance: float


class Verifier:
    """Compares pictures of a table by position."""

    def __init__(
        self,
        pictures: pd.DataFrame,
        crops: Crops,
        is_flat: NDArray[np.bool_],
        load: Callable[[str], bytes],
        settings: DuplicateSettings,
        on_left_out: OnLeftOut = lambda _sha256, _why: None,
    ) -> None:
        """Take what is known of some pictures.

        Args:
            pictures: `sha256` and the columns of `Fingerprint` and `Descriptors`.
            crops: of them.
            is_flat: which are set aside.
            load: gives bytes by SHA-256.
            settings: how alike is the same.
            on_left_out: called for a picture that cannot be read: its pixels say of no other that it is the same.
        """
        self._settings = settings
        self._crops = crops
        self._is_flat = is_flat
        self._sha256s = pictures["sha256"].tolist()
        self._pixels = pictures["pixels_sha256"].tolist()
        self._direct = _words(pictures["phash256"])
        self._mirrored = _words(pictures["phash256_mirrored"])
        self._colours = _cells(pictures["colours"])
        self._load = load
        self._on_left_out = on_left_out
        self._picture = lru_cache(_KEPT_PICTURES)(lambda picture: self._read(picture, self._as_picture))
        self._digest = lru_cache(None)(lambda picture: self._read(picture, _digest_of))
        self._verdicts: dict[tuple[int, int], Verdict | None] = {}

    def compare_ahead(self, pairs: Iterable[tuple[int, int]], *, workers: int | None = None) -> None:
        """Compare the pixels of pairs that `compare` may be asked for, several at a time: it then knows the verdicts.

        Args:
            pairs: positions.
            workers: threads; as many as there are processors unless told. OpenCV leaves Python's lock.
        """
        ordered = (self._in_order(*pair) for pair in pairs)
        hard = [pair for pair in ordered if pair not in self._verdicts and self._by_numbers(*pair) is None]
        verdicts = Threads(workers).map(lambda pair: self._by_alignment(*pair), hard)
        self._verdicts.update(zip(hard, verdicts, strict=True))

    def compare(self, picture: int, others: NDArray[np.int64]) -> Iterator[Verdict | None]:
        """For each of `others` the verdict, or None if it is another picture.

        What was compared ahead is forgotten with the answer: hardly a pair is asked for twice, and there may be many
        millions.
        """
        for other in others.tolist():
            pair = self._in_order(picture, other)
            yield self._verdicts.pop(pair) if pair in self._verdicts else self._verdict(*pair)

    def _in_order(self, one: int, other: int) -> tuple[int, int]:
        """Always the same, so that rounding cannot make a difference."""
        return (one, other) if self._sha256s[one] < self._sha256s[other] else (other, one)

    def _verdict(self, one: int, other: int) -> Verdict | None:
        return self._by_numbers(one, other) or self._by_alignment(one, other)

    def _by_numbers(self, one: int, other: int) -> Verdict | None:
        """By what is known of both; at their pixels only where those of a smaller decode are the same."""
        if self._pixels[one] == self._pixels[other] and self._are_same_in_full(one, other):
            return Verdict("pixels", 0.0)
        return None if self._is_set_aside(one, other) else self._by_hash(one, other)

    def _are_same_in_full(self, one: int, other: int) -> bool:
        digest = self._digest(one)
        return digest is not None and digest == self._digest(other)

    def _is_set_aside(self, one: int, other: int) -> bool:
        return bool(self._is_flat[one] or self._is_flat[other])

    def _by_hash(self, one: int, other: int) -> Verdict | None:
        straight = _bits_apart(self._direct[one], self._direct[other])
        turned = min(
            _bits_apart(self._mirrored[one], self._direct[other]), _bits_apart(self._direct[one], self._mirrored[other])
        )
        if min(straight, turned) > self._settings.phash256_distance:
            return None
        is_mirrored = turned < straight
        colours = self._colours[one][:, ::-1] if is_mirrored else self._colours[one]
        if other_colours(colours.reshape(-1, 2), self._colours[other].reshape(-1, 2)):
            return None
        return Verdict("phash256 mirrored" if is_mirrored else "phash256", min(straight, turned) / BITS)

    def _by_alignment(self, one: int, other: int) -> Verdict | None:
        if self._is_set_aside(one, other):
            return None
        for guess in self._crops.guesses(one, other, self._settings.radius)[:_GUESSES]:
            ours, theirs = self._picture(one), self._picture(other)
            found = overlap(ours, theirs, guess) if ours and theirs else None
            if found and found.correlation >= self._settings.correlation and found.same_colours:
                return Verdict("alignment mirrored" if guess.is_mirrored else "alignment", 1 - found.correlation)
        return None

    def _as_picture(self, data: bytes, picture: int) -> Picture:
        return picture_of(data, self._crops.contents[picture])

    def _read(self, picture: int, use: Callable[[bytes, int], T]) -> T | None:
        try:
            return use(self._load(self._sha256s[picture]), picture)
        except CANNOT_BE_READ as error:
            self._on_left_out(self._sha256s[picture], why_left_out(error))
            return None


def _digest_of(data: bytes, _picture: int) -> str:
    return hash_pixels(decode(data))


def _bits_apart(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    return int(np.bitwise_count(one ^ other).sum())


def _words(hashes: pd.Series) -> NDArray[np.uint64]:
    """256-bit hashes as (n, 4) words."""
    return np.frombuffer(b"".join(hashes), ">u8").reshape(-1, 4).astype(np.uint64)


def _cells(colours: pd.Series) -> NDArray[np.float32]:
    """Colour grids as (n, rows, columns, 2) around 0."""
    cells = np.frombuffer(b"".join(colours), np.uint8).reshape(-1, COLOUR_SIDE, COLOUR_SIDE, 2)
    return cells.astype(np.float32) - 128
