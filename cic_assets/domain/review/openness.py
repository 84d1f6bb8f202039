"""Which entries are open: those about which nobody has decided anything, as overrides.yaml says it now."""

from collections.abc import Collection, Iterable

from cic_assets.domain.overrides import Decisions
from cic_assets.domain.review.entries import Entry, Queue

DIGITS = 8
"""By which every decision names a picture at least."""


class Named:
    """Entries by the pictures in them: a decision is about few of ten thousand."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._entries: dict[str, list[Entry]] = {}
        for entry in entries:
            for digits in {sha256[:DIGITS] for sha256 in (*entry.copies, *entry.pictures)}:
                self._entries.setdefault(digits, []).append(entry)

    def closed(self, decisions: Decisions) -> set[str]:
        """Ids of those of which something is decided."""
        decided = Decided(decisions)
        asked = {one.id: one for name in decided.names for one in self._of(name)}
        for names in (*decisions.copies.same, *decisions.copies.different):
            seen: set[str] = set()
            for found in map(self._of, names):
                asked.update((one.id, one) for one in found if one.id in seen)
                seen.update(one.id for one in found)
        return {name for name, entry in asked.items() if not decided.leaves_open(entry)}

    def _of(self, name: str) -> list[Entry]:
        return self._entries.get(name[:DIGITS], [])


class _Names:
    """Pictures that are named, some by their first digits."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        self._lengths = sorted({len(name) for name in self._names})

    def of(self, sha256: str) -> list[str]:
        """By which names a picture is meant."""
        return [sha256[:length] for length in self._lengths if sha256[:length] in self._names]

    def name_any(self, sha256s: Iterable[str]) -> bool:
        """Whether one of some pictures is meant."""
        return any(self.of(sha256) for sha256 in sha256s)


class Decided:
    """What is decided.

    Attributes:
        names: of pictures about which something is, pairs apart.
    """

    def __init__(self, decisions: Decisions) -> None:
        labels = decisions.labels
        self.names = {*labels.leave_out, *(name for name, _ in labels.labels)}
        self.names.update(kept.sha256 for kept in decisions.copies.keep)
        self._left_out = _Names(decisions.labels.leave_out)
        self._classes = _Names([*(name for name, _ in decisions.labels.labels), *decisions.labels.leave_out])
        self._kept = _Names(kept.sha256 for kept in decisions.copies.keep)
        self._same = _Pairs(decisions.copies.same)
        self._different = _Pairs(decisions.copies.different)

    def leaves_open(self, entry: Entry) -> bool:
        """Whether nothing is decided of an entry."""
        if entry.queue is Queue.COPIES:  # of whatever class they are, they may be two
            settled = self._left_out.name_any(entry.copies) or self._same.hold(*entry.pictures)
        else:
            settled = self._classes.name_any(entry.copies)
        if entry.queue is Queue.CONFLICTS:
            settled |= self._kept.name_any(entry.copies)
        return not (settled or (entry.pair and self._different.hold(*entry.pictures)))


def count_open(entries: Iterable[Entry], decisions: Decisions) -> int:
    """How many entries nothing is decided of."""
    decided = Decided(decisions)
    return sum(map(decided.leaves_open, entries))


class _Pairs:
    """Sets of pictures that are named together."""

    def __init__(self, sets: Collection[tuple[str, ...]]) -> None:
        self._names = _Names(name for names in sets for name in names)
        self._sets: dict[str, set[int]] = {}
        for number, names in enumerate(sets):
            for name in names:
                self._sets.setdefault(name, set()).add(number)

    def hold(self, one: str, other: str) -> bool:
        """Whether both are in one of them."""
        numbers = self._numbers(one)
        return bool(numbers) and not numbers.isdisjoint(self._numbers(other))

    def _numbers(self, sha256: str) -> set[int]:
        names = self._names.of(sha256)
        return self._sets[names[0]] if len(names) == 1 else set[int]().union(*(self._sets[name] for name in names))
