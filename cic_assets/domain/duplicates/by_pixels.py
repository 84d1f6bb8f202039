"""Whether the pictures of pairs are one by their pixels, laid on each other: what workers do, wherever they are.

A worker knows nothing of the set. It is given some pairs with what the search knows of the look of their pictures, and
reads these itself; a verdict depends on the two pictures alone, so it is the same on every worker.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from cic_assets.domain.duplicates.alignment import Picture, overlap, picture_of
from cic_assets.domain.duplicates.candidates import Pairs
from cic_assets.domain.duplicates.groups import Pair
from cic_assets.domain.duplicates.guesses import guesses
from cic_assets.domain.duplicates.looks import Looks, Positions
from cic_assets.domain.duplicates.settings import DuplicateSettings
from cic_assets.domain.duplicates.verdicts import Verdict
from cic_assets.domain.duplicates.windows import ORIENTATIONS, Box, Guess
from cic_assets.domain.images import CANNOT_BE_READ, why_left_out

_HELD = {
    held: " turned" if held.turns else " mirrored" if held.is_mirrored else "" for held in ORIENTATIONS
}  # in the words of verdicts: one that is mirrored and turned is turned
_KEPT_PICTURES = 256  # read before the next pair, 200 kB each: a picture's pairs come one after another


@dataclass(frozen=True, slots=True)
class Block:
    """Some pairs to compare, with all that it takes but the bytes of their pictures: 1.4 kB a picture.

    Attributes:
        sha256s: of the pictures.
        pictures: their positions in the set, which are nothing to a worker.
        pairs: (n, 2) positions in this block; the order of two is always the same, so that rounding makes no
            difference.
        looks: of the pictures, and of no others.
    """

    sha256s: tuple[str, ...]
    pictures: Positions = field(repr=False)
    pairs: Pairs = field(repr=False)
    looks: Looks = field(repr=False)

    @classmethod
    def of(cls, pairs: Sequence[Pair], sha256s: Sequence[str], looks: Looks) -> "Block":
        """Of some pairs of a set, by position in it, of which these are the pictures."""
        pictures, at = np.unique(np.array(pairs, np.int64), return_inverse=True)
        names = tuple(sha256s[picture] for picture in pictures.tolist())
        return cls(names, pictures, at.reshape(-1, 2), looks.copied(pictures))

    def pairs_of_set(self) -> list[Pair]:
        """Its pairs, by position in the set."""
        return [(one, other) for one, other in self.pictures[self.pairs].tolist()]


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found out of a block.

    Attributes:
        verdicts: of each pair; None for two pictures.
        unread: why pictures could not be read, by position in the set: their pixels say of no other that it is the
            same.
    """

    verdicts: list[Verdict | None]
    unread: dict[int, str]


class ByPixels:
    """Compares the pairs of blocks; several threads may ask one, and it may be sent to another process."""

    def __init__(self, load: Callable[[str], bytes], settings: DuplicateSettings) -> None:
        """Take where pictures are.

        Args:
            load: gives bytes by SHA-256; to be sent elsewhere, it has to be such that it can be.
            settings: how alike is the same.
        """
        self._load, self._settings = load, settings
        self._picture = lru_cache(_KEPT_PICTURES)(self._read)

    def __reduce__(self) -> "tuple[type[ByPixels], tuple[Callable[[str], bytes], DuplicateSettings]]":
        """In another process, nothing is read yet."""
        return ByPixels, (self._load, self._settings)

    def __call__(self, block: Block) -> Compared:
        """Compare all pairs of a block."""
        unread: dict[int, str] = {}
        guessed = guesses(block.looks, block.pairs, self._settings.radius)
        verdicts = [
            self._verdict(block, one, other, some, unread)
            for (one, other), some in zip(block.pairs.tolist(), guessed, strict=True)
        ]
        return Compared(verdicts, unread)

    def _verdict(
        self, block: Block, one: int, other: int, guessed: Sequence[Guess], unread: dict[int, str]
    ) -> Verdict | None:
        if not guessed:
            return None
        ours, theirs = (self._picture(block.sha256s[at], block.looks.content_box(at)) for at in (one, other))
        unread |= {
            int(block.pictures[at]): found for at, found in ((one, ours), (other, theirs)) if isinstance(found, str)
        }
        if isinstance(ours, str) or isinstance(theirs, str):
            return None
        for guess in guessed:
            found = overlap(ours, theirs, guess)
            if found and found.correlation >= self._settings.correlation and found.same_colours:
                return Verdict(f"alignment{_HELD[guess.orientation]}", 1 - found.correlation)
        return None

    def _read(self, sha256: str, content: Box) -> Picture | str:
        """A picture, or why there is none."""
        try:
            return picture_of(self._load(sha256), content)
        except CANNOT_BE_READ as error:
            return why_left_out(error)
