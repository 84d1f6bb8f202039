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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cic_assets.domain.prediction.elsewhere import SHARD, ModelElsewhere, in_order
from cic_assets.domain.prediction.inputs import NO_PICTURE, Input, Unread, files_in, is_picture_by_name, read_file
from cic_assets.domain.prediction.prediction import Prediction
from cic_assets.domain.prediction.predictor import Predictor
from cic_assets.domain.prediction.table import COLUMNS, REJECTED, as_table
from cic_assets.domain.schema import Column
from cic_assets.engine import Engine
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
    engine: Engine | None = None,
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
        engine: whose workers read the files, and ask the same model; this process does both unless one is given.
        on_progress: called with a line after each file.

    Raises:
        PredictionError: a worker has no such model.
        EngineError: the engine cannot work at all.
    """
    answered, began, kept_at = Answered(), time.monotonic(), time.monotonic()
    arrivals = list(_standing_in(inbox)) if again else waiting_in(root, inbox)
    seen = _seen(root, {one.name for one in arrivals}, predictor.card.sha256 if again else None)
    asked = [(one, seen.get(one.name, frozenset())) for one in arrivals]
    batch, look = _Batch(predictor), _Look(inbox, refused)
    results = _answers(predictor, look, asked) if engine is None else _answers_of(engine, root, predictor, look, asked)
    for done, ((arrival, _), (found, prediction)) in enumerate(zip(asked, results, strict=True), 1):
        batch.add(arrival, found, prediction)
        rate = done / max(time.monotonic() - began, 1e-3)
        on_progress(f"{done:,} of {len(asked):,} files, {rate:,.1f} a second")
        if time.monotonic() - kept_at > KEEP_SECONDS or done == len(asked):
            batch.keep(root, publishing, answered)
            batch, kept_at = _Batch(predictor), time.monotonic()
    return answered


_Asked = tuple[Arrival, frozenset[str]]
"""A file, and the SHA-256 of what the model was asked about under its name before."""


@dataclass(slots=True)
class _Found:
    """What a look at a file told.

    Attributes:
        sha256: of its content; empty where that could not be read, or may not be kept.
        has_moved: it changed, or went, while it was looked at.
        was_seen: the same content was asked about before, under this name.
    """

    sha256: str = ""
    has_moved: bool = False
    was_seen: bool = False


@dataclass(frozen=True, slots=True)
class _Look:
    """Looks at files, on whatever thread or machine."""

    inbox: Path
    refused: Collection[str]

    def __call__(self, asked: _Asked, found: _Found) -> Input:
        """The picture; what else there is to know is `found`."""
        arrival, seen = asked
        if not is_picture_by_name(arrival.path):
            return Input(arrival.name, error=NO_PICTURE)
        data, error = read_file(arrival.path)[1:3]
        if _arrival(self.inbox, arrival.path) != arrival:
            found.has_moved = True
        elif data is not None:
            sha256 = sha256_hex(data)
            if sha256 in self.refused:
                return Input(arrival.name, error=_TAKEN_DOWN)
            found.sha256, found.was_seen = sha256, sha256 in seen
        return (
            Input(arrival.name, error=error) if found.has_moved or found.was_seen else Input(arrival.name, data, error)
        )


def _answers(predictor: Predictor, look: _Look, asked: Iterable[_Asked]) -> Iterator[tuple[_Found, Prediction]]:
    """In the order of the files."""
    founds: deque[_Found] = deque()

    def reads() -> Iterator[Unread]:
        for one in asked:
            founds.append(found := _Found())
            yield partial(look, one, found)

    for prediction in predictor.classify(reads()):
        yield founds.popleft(), prediction


def _answers_of(
    engine: Engine, root: DataRoot, predictor: Predictor, look: _Look, asked: Iterable[_Asked]
) -> Iterator[tuple[_Found, Prediction]]:
    """The same by the workers of an engine."""
    model = ModelElsewhere(root.url, predictor.card.name, predictor.precision, sha256=predictor.card.sha256)
    results = engine.each(
        _LookElsewhere(model, look),
        enumerate(asked),
        shard=SHARD,
        instead=lambda one, why: (_Found(), model.nothing(one[1][0].name, why)),
    )
    return in_order((number, answer) for (number, _), answer in results)


@dataclass(frozen=True, slots=True)
class _LookElsewhere:
    """In a worker: a look at a file, and the prediction of it."""

    model: ModelElsewhere
    look: _Look

    def __call__(self, numbered: tuple[int, _Asked]) -> tuple[_Found, Prediction]:
        found = _Found()
        prediction = self.model.answer(partial(self.look, numbered[1], found))
        return found, prediction


class _Batch:
    """Answers on their way into the table."""

    def __init__(self, predictor: Predictor) -> None:
        self._card = predictor.card
        self._looks: list[tuple[Arrival, str]] = []
        self._predictions: list[Prediction] = []
        self._touched: list[tuple[Arrival, str]] = []
        self._moved = 0

    def add(self, arrival: Arrival, found: _Found, prediction: Prediction) -> None:
        if found.has_moved:
            self._moved += 1
        elif found.was_seen:
            self._touched.append((arrival, found.sha256))
        else:
            self._looks.append((arrival, found.sha256))
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
        rows["sha256"] = [sha256 for _, sha256 in self._looks]
        rows["bytes"] = [arrival.bytes for arrival, _ in self._looks]
        rows["changed_at"] = [arrival.changed_at for arrival, _ in self._looks]
        rows["model_sha256"] = ["" if one.label is None else self._card.sha256 for one in self._predictions]
        rows["looked_at"] = now
        by_class = [f"p_{label}" for label in self._card.labels]
        names = [name for column in INBOX_COLUMNS for name in (by_class if column == "p_CLASS" else [column])]
        return rows[names].astype({"bytes": "int64", "changed_at": "int64"})

    def _with_touched(self, table: "pd.DataFrame") -> "pd.DataFrame":
        """The same content has another time: its rows have the new one from now on, and it is not looked at again."""
        times = {(arrival.name, sha256): arrival.changed_at for arrival, sha256 in self._touched}
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


def _seen(root: DataRoot, names: Collection[str], model_sha256: str | None) -> dict[str, frozenset[str]]:
    """The contents that a model was asked about under each of some names; any model unless one is given."""
    if not root.has_table(INBOX):
        return {}
    table = root.read_table(INBOX, columns=_KEY)
    table = table[table["path"].isin(names)]
    if model_sha256 is not None:
        table = table[table["model_sha256"] == model_sha256]
    return {str(name): frozenset(sha256s) for name, sha256s in table.groupby("path")["sha256"]}
