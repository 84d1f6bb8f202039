"""From pairs that are the same picture to groups, without chains.

Pictures come in the order of preference, the largest first. The first that is in no group yet leads one, and takes in
those that are verified against itself; so every picture of a group was compared with the one that leads it, and A like
B like C does not make A and C one. Who is kept in the place of a leader is the business of `keepers`. What a person
decided goes before every measure.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.components import Components
from cic_assets.domain.duplicates.verdicts import Verdict

CandidatesOf = Callable[[int], NDArray[np.int64]]
Compare = Callable[[int, NDArray[np.int64]], Iterable[Verdict | None]]

Pair = tuple[int, int]
"""Positions of two pictures."""

BLOCK = 100_000
"""Open pairs that are in memory at once, some 20 MB with their verdicts."""

BY_A_PERSON = Verdict("override", 0.0)
ITSELF = Verdict("representative", 0.0)


@dataclass(frozen=True, slots=True)
class Member:
    """One picture of a group, and what it was verified against: a position, its own for the leader."""

    picture: int
    against: int
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Links:
    """A person's decisions by position.

    Attributes:
        together: disjoint sets of pictures that are one.
        apart: pairs that are not.
        leaders: pictures that are kept.
    """

    together: tuple[frozenset[int], ...] = ()
    apart: frozenset[frozenset[int]] = frozenset()
    leaders: frozenset[int] = frozenset()

    def pictures(self) -> set[int]:
        """Those about which something was decided."""
        return set(self.leaders.union(*self.together, *self.apart))

    def leave_open(self, leader: int, other: int) -> bool:
        """Whether no decision about these two keeps the second from a group of the first."""
        return other not in self.leaders and frozenset((leader, other)) not in self.apart


def group_pictures(
    pictures: Iterable[int],
    candidates_of: CandidatesOf,
    compare: Compare,
    links: Links,
) -> list[list[Member]]:
    """Groups of two or more, each with its leader first.

    Args:
        pictures: positions in the order of preference, the largest first, ascending: of those that may be the same
            as another. The linked ones come by themselves.
        candidates_of: for a picture, the positions of those that may be the same.
        compare: for a picture and some others, the verdict on each.
        links: what a person decided.
    """
    grouping = _Grouping(links)
    for leader in sorted({*pictures, *links.pictures()}):
        if grouping.is_free(leader):
            grouping.lead(leader)
            for one in grouping.clique(leader):
                others = np.array([p for p in candidates_of(one) if grouping.may_join(int(p), leader)], np.int64)
                for other, verdict in zip(others.tolist(), compare(one, others), strict=True):
                    if verdict is not None and grouping.may_join(other, leader):
                        grouping.take_in(leader, Member(other, one, verdict))
    return grouping.groups()


def open_pairs(
    pictures: Iterable[int], groups: Sequence[Sequence[Member]], candidates_of: CandidatesOf, links: Links
) -> Iterator[Pair]:
    """Pairs of pictures that may be the same and are not in one group, the first of a pair before the second.

    Without those that grouping compared, and so knows to differ: of a leader, and a picture that was free at its turn.
    They are nearly all where thousands are alike by their hashes alone.

    Args:
        pictures: as of `group_pictures`.
        groups: of `group_pictures`.
        candidates_of: see there.
        links: what a person decided: pairs that are not one are left out.
    """
    leader_of = {member.picture: group[0].picture for group in groups for member in group}
    decided = links.pictures()
    for picture in pictures:
        leader = leader_of.get(picture, picture)
        leads = leader == picture and picture not in decided
        for other in candidates_of(picture).tolist():
            other_leader = leader_of.get(other, other)
            if other <= picture or other_leader == leader:
                continue
            was_compared = leads and other_leader >= picture and other not in decided
            if not was_compared and frozenset((picture, other)) not in links.apart:
                yield picture, other


def find_bridges(
    pairs: Iterable[Pair],
    groups: Sequence[Sequence[Member]],
    compare: Compare,
    compare_ahead: Callable[[Sequence[Pair]], None] = lambda _pairs: None,
) -> list[Member]:
    """Pictures of two groups that are the same all the same: A like B like C, where B was dropped in favour of A.

    They stay two groups, but what one net learned of one of them is no surprise to it in the other.

    Args:
        pairs: of `open_pairs`; taken up in blocks, as they may be many millions.
        groups: of `group_pictures`.
        compare: see there.
        compare_ahead: called with the pairs that `compare` may be asked for next.

    Returns:
        As few as make, with the groups, one component of all that are verified to be the same.
    """
    joined = Components((group[0].picture, member.picture) for group in groups for member in group)
    bridges = []
    left = iter(pairs)
    while block := list(islice(left, BLOCK)):
        compare_ahead([pair for pair in block if not joined.are_joined(*pair)])
        for picture, other in block:
            if not joined.are_joined(picture, other):
                (verdict,) = compare(picture, np.array([other], np.int64))
                if verdict is not None:
                    joined.join(picture, other)
                    bridges.append(Member(other, picture, verdict))
    return bridges


class _Grouping:
    """Who leads, who follows, and who must or must not be together."""

    def __init__(self, links: Links) -> None:
        self._leaders = links.leaders
        self._cliques = {picture: sorted(clique) for clique in links.together for picture in clique}
        self._apart: dict[int, set[int]] = {}
        for one, other in (sorted(pair) for pair in links.apart):
            self._apart.setdefault(one, set()).add(other)
            self._apart.setdefault(other, set()).add(one)
        self._taken: set[int] = set()
        self._members: dict[int, list[Member]] = {}

    def is_free(self, picture: int) -> bool:
        return picture not in self._taken

    def clique(self, picture: int) -> list[int]:
        """The picture, then those that a person says are the same."""
        return [picture, *(other for other in self._cliques.get(picture, []) if other != picture)]

    def lead(self, picture: int) -> None:
        self._members[picture] = []
        self.take_in(picture, Member(picture, picture, ITSELF))

    def may_join(self, picture: int, leader: int) -> bool:
        """Whether a picture is free, and nobody said that it is not one with a member."""
        clique = self.clique(picture)
        if not self.is_free(picture) or any(one in self._leaders for one in clique):
            return False
        apart = set[int]().union(*(self._apart.get(one, set()) for one in clique))
        return not apart or apart.isdisjoint(member.picture for member in self._members[leader])

    def take_in(self, leader: int, member: Member) -> None:
        """Add a picture to a group, and with it all that a person says are the same."""
        for picture in self.clique(member.picture):
            entry = member if picture == member.picture else Member(picture, member.picture, BY_A_PERSON)
            self._members[leader].append(entry)
            self._taken.add(picture)

    def groups(self) -> list[list[Member]]:
        return [members for members in self._members.values() if len(members) > 1]
