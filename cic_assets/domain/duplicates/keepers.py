"""Which picture of a group is kept: the one that leads, but where that was enlarged from another of the group.

Who leads, and so who is in the group, is not changed by this. The leader is compared with the next smaller one; where
it proves to be enlarged from that, that one goes on in its place, until one is left that has detail of its own.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from cic_assets.domain.duplicates.groups import BY_A_PERSON, Member
from cic_assets.domain.duplicates.guesses import guesses
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.duplicates.sharpness import Finding
from cic_assets.domain.duplicates.upscaled import Copy, evidence_of, opened
from cic_assets.domain.duplicates.windows import WHOLE, Guess
from cic_assets.domain.images import CANNOT_BE_READ, OnLeftOut, why_left_out
from cic_assets.engine import Threads

_LARGER = 1.3  # times the pixels that are no border: less than the least scale gives, as it may have been cut besides

KnownOf = Callable[[int, int], Finding | None]
"""What an earlier run found of two pictures, the larger first; None where nothing."""


class Looked(NamedTuple):
    """What was found of two pictures, by position."""

    larger: int
    smaller: int
    finding: Finding


class _Unread(NamedTuple):
    """A picture that cannot be read, and why."""

    picture: int
    why: str


class Keepers:
    """Looks for what is kept in the place of a leader."""

    def __init__(
        self,
        pictures: pd.DataFrame,
        looks: Looks,
        load: Callable[[str], bytes],
        radius: int,
        known: KnownOf = lambda _larger, _smaller: None,
        keep: Callable[[Looked], None] = lambda _found: None,
        on_left_out: OnLeftOut = lambda _sha256, _why: None,
    ) -> None:
        """Take what is known of some pictures.

        Args:
            pictures: with the columns `sha256`, `width` and `height`.
            looks: of them.
            load: gives bytes by SHA-256; called from several threads.
            radius: bits in which the hashes of what lies on each other may differ.
            known: what an earlier run found.
            keep: takes what is found now.
            on_left_out: called for a picture that cannot be read: nothing is kept in its place, nor is it in another's.
        """
        self._sha256s = pictures["sha256"].array
        self._sizes = np.sort(pictures[["width", "height"]].to_numpy(np.int64), axis=1)
        self._looks, self._load, self._radius = looks, load, radius
        self._known, self._keep, self._on_left_out = known, keep, on_left_out

    def instead(self, groups: Sequence[Sequence[Member]], *, workers: int | None = None) -> dict[int, int]:
        """Of each group whose leader was enlarged from another of it: by the leader, who is kept in its place.

        Args:
            groups: of `group_pictures`.
            workers: threads; as many as there are processors unless told. OpenCV leaves Python's lock.
        """
        ordered = [some for group in groups if len(some := self._of_other_sizes(group)) > 1]
        kept: dict[int, int] = {}
        for some, (last, found) in zip(ordered, Threads(workers).map(self._walk, ordered), strict=True):
            for one in found:
                if isinstance(one, _Unread):
                    self._on_left_out(self._sha256s[one.picture], one.why)
                else:
                    self._keep(one)
            if last != some[0]:
                kept[some[0]] = last
        return kept

    def _of_other_sizes(self, group: Sequence[Member]) -> list[int]:
        """The leader, then of each smaller size the one that comes first in the order of preference."""
        leader = group[0].picture
        compared = (one.picture for one in group[1:] if one.against == leader and one.verdict != BY_A_PERSON)
        by_size: dict[tuple[int, int], int] = {}
        for picture in (leader, *sorted(compared)):
            short, long = self._sizes[picture].tolist()
            by_size.setdefault((short, long), picture)
        return list(by_size.values())

    def _walk(self, ordered: Sequence[int]) -> tuple[int, list[Looked | _Unread]]:
        """Which of some pictures of a group is kept, and what was found on the way."""
        best, found = ordered[0], list[Looked | _Unread]()
        for other in ordered[1:]:
            if self._pixels(best) < _LARGER * self._pixels(other):
                continue
            finding = self._known(best, other)
            if finding is None:
                found.append(looked := self._look(best, other))
                finding = looked.finding if isinstance(looked, Looked) else Finding.UNSURE
            if finding is Finding.OWN_DETAIL:
                break  # which smaller ones can carry still less
            if finding is Finding.ENLARGED:
                best = other
        return best, found

    def _pixels(self, picture: int) -> float:
        """Those that are no border."""
        return float(self._sizes[picture].prod()) * self._looks.content_box(picture).area

    def _look(self, larger: int, smaller: int) -> Looked | _Unread:
        small = self._opened(smaller)
        if isinstance(small, _Unread):
            return small
        large = self._opened(larger, small)
        if isinstance(large, _Unread):
            return large
        (ways,) = guesses(self._looks, np.array([[larger, smaller]]), self._radius)
        evidence = evidence_of(large, small, [*ways, Guess(WHOLE, WHOLE)])
        return Looked(larger, smaller, Finding.UNSURE if evidence is None else evidence.finding())

    def _opened(self, picture: int, beside: Copy | None = None) -> Copy | _Unread:
        try:
            return opened(self._load(self._sha256s[picture]), self._looks.content_box(picture), beside)
        except CANNOT_BE_READ as error:
            return _Unread(picture, why_left_out(error))
