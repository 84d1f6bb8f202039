"""Whether two pictures are one: by measures that are strict enough to decide.

Each verdict depends on the two pictures alone and is the same in either order. What is proposed is not its business.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.duplicates.settings import DuplicateSettings

BITS = 256


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two pictures are the same.

    Attributes:
        verified_by: the measure that says so.
        distance: by that measure, from 0 (identical) to 1.
    """

    verified_by: str
    distance: float


class Verifier:
    """Compares pictures of a table by position."""

    def __init__(self, pictures: pd.DataFrame, load: Callable[[str], bytes], settings: DuplicateSettings) -> None:
        """`pictures` has a column `sha256` and those of `Fingerprint`; `load` gives the bytes of a SHA-256."""
        self._settings = settings
        self._load = load
        self._pixels = pictures["pixels_sha256"].to_numpy()
        self._flat = pictures["flatness"].to_numpy() >= settings.flat_share
        self._direct = _words(pictures["phash256"])
        self._mirrored = _words(pictures["phash256_mirrored"])

    def compare(self, picture: int, others: NDArray[np.int64]) -> Iterator[Verdict | None]:
        """For each of `others` the verdict, or None if it is another picture."""
        direct = np.bitwise_count(self._direct[others] ^ self._direct[picture]).sum(axis=1)
        mirrored = np.minimum(
            np.bitwise_count(self._mirrored[others] ^ self._direct[picture]).sum(axis=1),
            np.bitwise_count(self._direct[others] ^ self._mirrored[picture]).sum(axis=1),
        )
        for other, straight, turned in zip(others, direct, mirrored, strict=True):
            yield self._verdict(picture, int(other), int(straight), int(turned))

    def _verdict(self, one: int, other: int, straight: int, turned: int) -> Verdict | None:
        if self._pixels[one] == self._pixels[other]:
            return Verdict("pixels", 0.0)
        if self._flat[one] or self._flat[other]:
            return None
        if straight <= self._settings.phash256_distance:
            return Verdict("phash256", straight / BITS)
        if turned <= self._settings.phash256_distance:
            return Verdict("phash256 mirrored", turned / BITS)
        return None


def _words(hashes: pd.Series) -> NDArray[np.uint64]:
    """256-bit hashes as (n, 4) words."""
    return np.frombuffer(b"".join(hashes), ">u8").reshape(-1, 4).astype(np.uint64)
