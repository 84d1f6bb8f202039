"""What the next run will do of what was decided since the last one: told before it is run."""

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from cic_assets.domain.dataset import DECIDED, DECIDED_COLUMNS, MANIFEST, load_manifest
from cic_assets.domain.overrides import Decisions, Overrides
from cic_assets.domain.review.entries import Queue
from cic_assets.domain.review.tables import Snapshot
from cic_assets.storage import DataRoot, FileState

_MANIFEST_COLUMNS = ["sha256", "group_id", "klass", "by_hand"]


@dataclass(frozen=True, slots=True)
class Changes:
    """How many of each there are.

    Attributes:
        relabelled: pictures of the data set that get another class.
        confirmed: that keep theirs, by a person's word from now on.
        added: that come into the data set.
        left_out: that leave it.
        unknown: decisions about pictures that no source has.
        taken_back: decisions that the data set was built by and that hold no more.
        joined: pairs that become one picture.
        together: that stay one, by a person's word from now on.
        parted: that become two.
    """

    relabelled: int = 0
    confirmed: int = 0
    added: int = 0
    left_out: int = 0
    unknown: int = 0
    taken_back: int = 0
    joined: int = 0
    together: int = 0
    parted: int = 0

    @property
    def lines(self) -> list[str]:
        """For a person; none where nothing changes."""
        told = [
            (self.relabelled, "picture gets another class", "pictures get another class"),
            (self.confirmed, "picture keeps its class by your word", "pictures keep their class by your word"),
            (self.added, "picture comes into the data set", "pictures come into the data set"),
            (self.left_out, "picture leaves the data set", "pictures leave the data set"),
            (self.joined, "pair becomes one picture", "pairs become one picture each"),
            (self.together, "pair stays one picture by your word", "pairs stay one picture each by your word"),
            (self.parted, "pair becomes two pictures", "pairs become two pictures each"),
            (self.taken_back, "earlier decision holds no more", "earlier decisions hold no more"),
            (self.unknown, "decision waits for its picture", "decisions wait for their pictures"),
        ]
        return [f"{count:,} {one if count == 1 else more}" for count, one, more in told if count]

    @property
    def follows(self) -> str:
        """What is done again for it, in a sentence; empty where nothing is."""
        if self.joined or self.together or self.parted:
            return "The next cic run looks for copies again, builds the data set, and trains where that is due."
        if self.relabelled or self.added or self.left_out or self.taken_back:
            return "The next cic run builds the data set with it, and trains where that is due."
        return "The next cic run looks for suspicious pictures again, and trains nothing." if self.confirmed else ""


class ChangeTeller:
    """Compares decisions with what the last run made of them."""

    def __init__(self, root: DataRoot) -> None:
        self._root = root
        self._states = [FileState(path) for path in (root.dataset / MANIFEST, root.table_path(DECIDED))]
        self._read_at: object = None
        self._manifest, self._decided = _empty(_MANIFEST_COLUMNS), _empty(DECIDED_COLUMNS)

    def tell(self, decisions: Decisions, snapshot: Snapshot) -> Changes:
        """What they change.

        Args:
            decisions: as they stand in the file.
            snapshot: of the tables.

        Raises:
            OverridesError: they contradict each other, or do not tell which picture is meant.
        """
        self._refresh()
        scraped = {name: name for name, seen in snapshot.pictures.items() if any(one.source for one in seen)}
        manifest = dict(zip(self._manifest["sha256"], self._manifest["group_id"], strict=True))
        group_of = {**scraped, **manifest, **snapshot.group_of}
        of_group = {
            group_of[sha256]: (klass, bool(by_hand))
            for sha256, _, klass, by_hand in self._manifest.itertuples(index=False, name=None)
        }
        decided = decisions.labels.of_groups(group_of)
        counts = dict.fromkeys(("relabelled", "confirmed", "added", "left_out"), 0)
        for group, klass in decided.classes.items():
            if what := _what_happens(klass, of_group.get(group)):
                counts[what] += 1
        gone = set(self._decided["decision"]) - decided.groups.keys() - decided.orphans
        return Changes(**counts, **_pairs(decisions.copies, snapshot), unknown=decided.unknown, taken_back=len(gone))

    def _refresh(self) -> None:
        state = tuple(one.now() for one in self._states)
        if state != self._read_at:
            is_there = (self._root.dataset / MANIFEST).exists()
            self._manifest = _in_short(load_manifest(self._root.dataset)) if is_there else self._manifest[:0]
            table = self._root.read_table_or_none(DECIDED)
            self._decided = _empty(DECIDED_COLUMNS) if table is None else table
            self._read_at = state


def _what_happens(klass: str | None, now: tuple[str, bool] | None) -> str | None:
    """To a picture of which a class is decided, or that it has none; `now` is that of the data set."""
    if klass is None:
        return "left_out" if now else None
    if now is None:
        return "added"
    if now[0] != klass:
        return "relabelled"
    return None if now[1] else "confirmed"


def _pairs(copies: Overrides, snapshot: Snapshot) -> dict[str, int]:
    asked = {frozenset(entry.pictures) for entry in snapshot.entries[Queue.COPIES]}

    def are_one(one: str, other: str) -> bool:
        group = snapshot.group_of.get(one)
        return group is not None and group == snapshot.group_of.get(other)

    same = [names[:2] for names in copies.same]
    return {
        "joined": sum(not are_one(*pair) and frozenset(pair) not in asked for pair in same),
        "together": sum(frozenset(pair) in asked for pair in same),
        "parted": sum(are_one(*pair) or frozenset(pair) in asked for pair in copies.different),
    }


def _in_short(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that count; of a manifest of before anybody could decide, none are by hand."""
    complete = table if "by_hand" in table else table.assign(by_hand=False)
    return complete[_MANIFEST_COLUMNS]


def _empty(columns: Iterable[str]) -> pd.DataFrame:
    return pd.DataFrame(columns=list(columns), dtype="str")
