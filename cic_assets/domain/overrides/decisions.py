"""What a person decided about pictures, named by their SHA-256 or its first digits."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from cic_assets.domain.overrides.resolving import Resolver


class OverridesError(ValueError):
    """An overrides file is not usable; the message has one line a mistake: where, what was found, what is expected."""


@dataclass(frozen=True, slots=True)
class Label:
    """A picture is of a class."""

    sha256: str
    klass: str


@dataclass(frozen=True, slots=True)
class LeaveOut:
    """A picture is of no class."""

    sha256: str


@dataclass(frozen=True, slots=True)
class Same:
    """Two pictures are one."""

    one: str
    other: str


@dataclass(frozen=True, slots=True)
class Different:
    """Two pictures are not one."""

    one: str
    other: str


Said = Label | LeaveOut | Same | Different
"""What a person decides at once."""


def in_words(said: Said) -> str:
    """A decision for a person to read."""
    if isinstance(said, Label | LeaveOut):
        return f"{said.sha256[:12]} is of {said.klass if isinstance(said, Label) else 'no class'}"
    what = "are one picture" if isinstance(said, Same) else "are two pictures"
    return f"{said.one[:12]} and {said.other[:12]} {what}"


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture that a person wants kept; `subreddit` where one of its sources is meant and not all."""

    sha256: str
    subreddit: str | None = None


@dataclass(frozen=True, slots=True)
class Overrides:
    """A person's decisions. Pictures are named by their SHA-256 or its first digits.

    Attributes:
        same: sets of two or more pictures that are one.
        different: pairs that are not.
        keep: pictures that are kept, each as its group's keeper.
    """

    same: tuple[tuple[str, ...], ...] = ()
    different: tuple[tuple[str, str], ...] = ()
    keep: tuple[Kept, ...] = ()

    def resolved(self, sha256s: Iterable[str]) -> "Overrides":
        """The same decisions with whole SHA-256, without pictures that are not among `sha256s` (any more).

        Raises:
            OverridesError: digits that begin several pictures, or decisions that contradict each other.
        """
        if not (self.same or self.different or self.keep):
            return self
        whole = Resolver(sha256s)
        resolved = self._by(whole)
        mistakes = [*whole.mistakes, *_contradictions(resolved)]
        if mistakes:
            raise OverridesError("\n".join(f"overrides: {mistake}" for mistake in mistakes))
        return resolved

    def contradictions(self, sha256s: Iterable[str]) -> list[str]:
        """A line for each two decisions about some pictures that cannot both hold."""
        return list(_contradictions(self._by(Resolver(sha256s))))

    def _by(self, whole: Resolver) -> "Overrides":
        return Overrides(
            same=tuple(names for group in self.same if len(names := whole.all_of(group)) > 1),
            different=tuple((names[0], names[1]) for pair in self.different if len(names := whole.all_of(pair)) > 1),
            keep=tuple(Kept(name, kept.subreddit) for kept in self.keep for name in whole.all_of([kept.sha256])),
        )

    def same_groups(self) -> list[frozenset[str]]:
        """`same` with everything joined that shares a picture."""
        groups: list[frozenset[str]] = []
        for names in self.same:
            touching = [group for group in groups if group & set(names)]
            groups = [group for group in groups if group not in touching]
            groups.append(frozenset(names).union(*touching))
        return groups


def _contradictions(overrides: Overrides) -> Iterator[str]:
    groups = overrides.same_groups()
    for one, other in overrides.different:
        if any(one in group and other in group for group in groups):
            yield f"{one[:12]} and {other[:12]} are under different, and by way of same they are one picture"
    for group in groups:
        kept = sorted({kept.sha256 for kept in overrides.keep} & group)
        for one, other in combinations(kept, 2):
            yield f"{one[:12]} and {other[:12]} are both under keep, and by way of same they are one picture"
