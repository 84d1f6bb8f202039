"""A folder whose pictures are classified as they come, each once, into a table.

A file is told by its path, its size and when it was last written to or moved; its content by its SHA-256. Rows are
added as answers come, so that a run that was killed goes on where it was, and none is there twice.
"""

import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cic_assets.domain.prediction.inputs import NO_PICTURE, Input, files_in, is_picture_by_name, read_file
from cic_assets.domain.prediction.prediction import Prediction
from cic_assets.domain.prediction.predictor import Predictor
from cic_assets.domain.prediction.table import COLUMNS, REJECTED, as_table
from cic_assets.domain.schema import Column
from cic_assets.storage import DataRoot, sha256_hex, storable_text

if TYPE_CHECKING:
    import pandas as pd

INBOX = "inbox_predictions"
"""The table's name."""

STANDS_STILL_SECONDS = 10.0
"""What was written to or moved since may still be copied."""

KEEP_SECONDS = 30.0
"""Of answers that a kill may cost. The table is written whole each time."""

INBOX_COLUMNS: Mapping[str, Column] = {
    "path": Column("str", "below the inbox"),
    "sha256": Column("str", "of its content; empty where that could not be read, or may not be kept"),
    "bytes": Column("int64", "of the file"),
    "changed_at": Column("int64", "when it was last written to or moved, in nanoseconds since 1970"),
    **{name: COLUMNS[name] for name in ("label", "probability", "p_CLASS", "model")},
    "model_sha256": Column("str", "of the model's file; empty where there is no answer"),
    "error": COLUMNS["error"],
    "looked_at": Column("str", "when it was classified, ISO 8601, UTC"),
    **{name: COLUMNS[name] for name in REJECTED},
}
"""What is said of each picture that came."""

_SAMPLE = 100
_KEY = ["path", "sha256", "model_sha256"]
_TAKEN_DOWN = "this picture was taken down: it is not looked at"


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file of the inbox.

    Attributes:
        path: of the file.
        name: its path below the inbox, as text that a table can hold.
        bytes: its size.
        changed_at: when it was last written to or moved, in nanoseconds since 1970.
    """

    path: Path
    name: str
    bytes: int
    changed_at: int

    @property
    def stamp(self) -> tuple[str, int, int]:
        """What tells it from any other file, and from itself after a change."""
        return self.name, self.bytes, self.changed_at


@dataclass
class Answered:
    """What a look at the inbox came to.

    Attributes:
        rows: new rows of the table.
        failed: files without an answer.
        moved: files that changed or went while they were looked at; the next look has them.
        total: rows of the table; 0 where nothing was written.
        sample: some of the new rows.
    """

    rows: int = 0
    failed: int = 0
    moved: int = 0
    total: int = 0
    sample: "pd.DataFrame | None" = None


def waiting_in(root: DataRoot, inbox: Path) -> list[Arrival]:
    """The files that stand still and were not looked at as they are, in order of their names."""
    table = root.read_table(INBOX, columns=["path", "bytes", "changed_at"]) if root.has_table(INBOX) else None
    known = set() if table is None else set(table.itertuples(index=False, name=None))
    return [one for one in _standing_in(inbox) if one.stamp not in known]


def classify_inbox(
    root: DataRoot,
    inbox: Path,
    predictor: Predictor,
    *,
    publishing: Callable[[], AbstractContextManager[None]],
    refused: Collection[str] = frozenset(),
    again: bool = False,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> Answered:
    """Classify what is new in a folder.

    Args:
        root: the data root, in which the table lies.
        inbox: the folder.
        predictor: whom to ask.
        publishing: around each moment in which the table is read and written anew.
        refused: SHA-256 of pictures that were taken down.
        again: also what another model was asked about.
        on_progress: called with a line after each file.
    """
    answered, began, kept_at = Answered(), time.monotonic(), time.monotonic()
    seen = _seen(root, predictor.card.sha256 if again else None)
    arrivals = list(_standing_in(inbox)) if again else waiting_in(root, inbox)
    batch = _Batch(predictor)
    looks = [_Look(inbox, one, refused, seen) for one in arrivals]
    for done, (look, prediction) in enumerate(_answers(predictor, looks), 1):
        batch.add(look, prediction)
        rate = done / max(time.monotonic() - began, 1e-3)
        on_progress(f"{done:,} of {len(looks):,} files, {rate:,.1f} a second")
        if time.monotonic() - kept_at > KEEP_SECONDS or done == len(looks):
            batch.keep(root, publishing, answered)
            batch, kept_at = _Batch(predictor), time.monotonic()
    return answered


class _Look:
    """One look at a file, on whatever thread: it is called for the picture, and knows afterwards what it was."""

    def __init__(
        self, inbox: Path, arrival: Arrival, refused: Collection[str], seen: Collection[tuple[str, str]]
    ) -> None:
        self.arrival = arrival
        self.sha256, self.has_moved, self.was_seen = "", False, False
        self._inbox, self._refused, self._seen = inbox, refused, seen

    def __call__(self) -> Input:
        name, path = self.arrival.name, self.arrival.path
        if not is_picture_by_name(path):
            return Input(name, error=NO_PICTURE)
        data, error = read_file(path)[1:3]
        if _arrival(self._inbox, path) != self.arrival:
            self.has_moved = True
        elif data is not None:
            sha256 = sha256_hex(data)
            if sha256 in self._refused:
                return Input(name, error=_TAKEN_DOWN)
            self.sha256, self.was_seen = sha256, (name, sha256) in self._seen
        return Input(name, error=error) if self.has_moved or self.was_seen else Input(name, data, error)


def _answers(predictor: Predictor, looks: Iterable[_Look]) -> Iterator[tuple[_Look, Prediction]]:
    asked: deque[_Look] = deque()

    def ask() -> Iterator[_Look]:
        for look in looks:
            asked.append(look)
            yield look

    for prediction in predictor.classify(ask()):
        yield asked.popleft(), prediction


class _Batch:
    """Answers on their way into the table."""

    def __init__(self, predictor: Predictor) -> None:
        self._card = predictor.card
        self._looks: list[_Look] = []
        self._predictions: list[Prediction] = []
        self._touched: list[_Look] = []
        self._moved = 0

    def add(self, look: _Look, prediction: Prediction) -> None:
        if look.has_moved:
            self._moved += 1
        elif look.was_seen:
            self._touched.append(look)
        else:
            self._looks.append(look)
            self._predictions.append(prediction)

    def keep(self, root: DataRoot, publishing: Callable[[], AbstractContextManager[None]], answered: Answered) -> None:
        """Add what is new to the table, whoever else has written it meanwhile."""
        import pandas as pd

        answered.moved += self._moved
        if not self._looks and not self._touched:
            return
        new = self._as_rows()
        with publishing():
            before = root.read_table_or_none(INBOX)
            # A table without rows would blur the types.
            table = pd.concat([one for one in (before, new) if one is not None and len(one)], ignore_index=True)
            table = table.drop_duplicates(_KEY, keep="last", ignore_index=True).fillna({"none_of_these": ""})
            root.write_table(INBOX, self._with_touched(table))
        answered.total = len(table)
        answered.rows += len(table) - (0 if before is None else len(before))
        answered.failed += sum(one.label is None for one in self._predictions)
        if answered.sample is None and len(new):
            answered.sample = new.head(_SAMPLE)

    def _as_rows(self) -> "pd.DataFrame":
        now = datetime.now(UTC).isoformat(timespec="seconds")
        rows = as_table(self._predictions, self._card.labels)
        rows["sha256"] = [look.sha256 for look in self._looks]
        rows["bytes"] = [look.arrival.bytes for look in self._looks]
        rows["changed_at"] = [look.arrival.changed_at for look in self._looks]
        rows["model_sha256"] = ["" if one.label is None else self._card.sha256 for one in self._predictions]
        rows["looked_at"] = now
        by_class = [f"p_{label}" for label in self._card.labels]
        names = [name for column in INBOX_COLUMNS for name in (by_class if column == "p_CLASS" else [column])]
        return rows[names].astype({"bytes": "int64", "changed_at": "int64"})

    def _with_touched(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """The same content has another time: its rows have the new one from now on, and it is not looked at again."""
        times = {(look.arrival.name, look.sha256): look.arrival.changed_at for look in self._touched}
        rows = zip(table["path"], table["sha256"], table["changed_at"], strict=True)
        return table.assign(changed_at=[times.get((name, sha256), before) for name, sha256, before in rows])


def _standing_in(inbox: Path) -> Iterator[Arrival]:
    now = time.time_ns()
    for path in files_in(inbox):
        arrival = _arrival(inbox, path)
        # A time that is to come is no reason to wait: another machine's clock wrote it.
        if arrival and abs(now - arrival.changed_at) >= STANDS_STILL_SECONDS * 1e9:
            yield arrival


def _arrival(inbox: Path, path: Path) -> Arrival | None:
    """A file as it is; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    name = storable_text(path.relative_to(inbox).as_posix())
    # Copies may have the time of what they are copies of; when the file itself changed, nobody can set.
    return Arrival(path, name, found.st_size, max(found.st_mtime_ns, found.st_ctime_ns))


def _seen(root: DataRoot, model_sha256: str | None) -> frozenset[tuple[str, str]]:
    """Paths and contents that a model was asked about; any model unless one is given."""
    if not root.has_table(INBOX):
        return frozenset()
    table = root.read_table(INBOX, columns=_KEY)
    if model_sha256 is not None:
        table = table[table["model_sha256"] == model_sha256]
    return frozenset(table[["path", "sha256"]].itertuples(index=False, name=None))
