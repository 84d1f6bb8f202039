"""Which class a picture is of, by a person's word: whatever its source says, and for its copies too."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from cic_assets.domain.overrides.decisions import OverridesError
from cic_assets.domain.overrides.resolving import Resolver
from cic_assets.storage import content_version

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class DecidedGroups:
    """What is decided of groups of copies.

    Attributes:
        classes: by the name of a group, its class; None where it is of no class, and left out.
        groups: by a decision, as `decision_id` calls it, the group of its picture.
        orphans: decisions whose picture is not there (any more, or yet), in the same words.
        unknown: how many of these are about no copy either that is.
    """

    classes: Mapping[str, str | None]
    groups: Mapping[str, str]
    orphans: frozenset[str]
    unknown: int


@dataclass(frozen=True, slots=True)
class LabelDecisions:
    """A person's decisions about classes. Pictures are named by their SHA-256 or its first digits.

    Attributes:
        labels: pictures, each with its class.
        leave_out: pictures of no class.
    """

    labels: tuple[tuple[str, str], ...] = ()
    leave_out: tuple[str, ...] = ()

    def of_groups(
        self, group_of: Mapping[str, str], copies: Mapping[str, Collection[str]] = MappingProxyType({})
    ) -> DecidedGroups:
        """What they say of pictures and their copies.

        Args:
            group_of: of every picture that there is, by its SHA-256, the name of its group.
            copies: by `decision_id`, the copies that the picture had when it was there last. What was decided holds for
                them unless something is decided about themselves.

        Raises:
            OverridesError: digits that begin several pictures, or decisions that contradict each other.
        """
        whole = Resolver(group_of)
        found = [(name, klass, sha256) for name, klass in self._all() for sha256 in whole.all_of([name])]
        classes: dict[str, str | None] = {}
        first: dict[str, str] = {}
        mistakes = whole.mistakes
        for _, klass, sha256 in found:
            one, before = first.setdefault(group_of[sha256], sha256), classes.setdefault(group_of[sha256], klass)
            if before != klass:
                mistakes.append(_contradiction(one, before, sha256, klass))
        if mistakes:
            raise OverridesError("\n".join(f"overrides: {mistake}" for mistake in mistakes))
        there = {name for name, _, _ in found}
        orphans = {decision_id(name): klass for name, klass in self._all() if name not in there}
        unknown = 0
        for decision, klass in orphans.items():
            left = {group_of[sha256] for sha256 in copies.get(decision, ()) if sha256 in group_of}
            classes |= dict.fromkeys(left - classes.keys(), klass)
            unknown += not left
        groups = {decision_id(name): group_of[sha256] for name, _, sha256 in found}
        return DecidedGroups(classes, groups, frozenset(orphans), unknown)

    def may_be_about(self, sha256s: "pd.Series[str]") -> "pd.Series[bool]":
        """Which of many pictures begin as one that is named does: the others need no look."""
        names = [name for name, _ in self._all()]
        digits = min(map(len, names), default=0)
        return sha256s.str[:digits].isin({name[:digits] for name in names})

    def _all(self) -> Iterator[tuple[str, str | None]]:
        yield from self.labels
        yield from ((name, None) for name in self.leave_out)


def decision_id(name: str) -> str:
    """What a decision about a picture is called where the picture's own name must not stay when it is taken down."""
    return content_version("decision", name)


def _contradiction(one: str, before: str | None, other: str, klass: str | None) -> str:
    said = [f"{sha256[:12]} is {_said(what)}" for sha256, what in ((one, before), (other, klass))]
    return f"{' and '.join(said)}, and they are {'one picture' if one == other else 'copies of one picture'}"


def _said(klass: str | None) -> str:
    return "under leave_out" if klass is None else f"{klass} by labels"
