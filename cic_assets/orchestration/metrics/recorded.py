"""What metrics are made of, out of the database of an instance: one query for all of a kind, however much there is.

Dagster's own calls would ask for each job, asset and source anew. What an event said does not change, so it is read
once, and its number stands for it from then on.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import sqlalchemy as sql
from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterEventType,
    DagsterInstance,
    DagsterRunStatus,
    EventLogEntry,
    FloatMetadataValue,
    IntMetadataValue,
    TableMetadataValue,
)
from dagster._core.scheduler.instigation import TickStatus
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable, SqlEventLogStorageTable
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._serdes import deserialize_value
from sqlalchemy.engine import Connection

_AT_ONCE = 500
"""Events that are asked for in one query: databases bound how long one may be."""

_UNDER_WAY = [status.value for status in DagsterRunStatus if status not in FINISHED_STATUSES]

_NEWEST = 1000
"""Runs that are counted each time, though they have ended: an end may be told late, and a run that is recorded at the
same time as others may be seen after those."""

EVALUATED = ("SUCCEEDED", "FAILED")
"""Of checks whose run began and did not come to them, nothing is known that is new."""


class RunCount(NamedTuple):
    """Runs of a job that have a status.

    Attributes:
        job: its name.
        status: as Dagster has it.
        number: how many.
        seconds: that all took together which began and ended.
        last_end: when the last ended, in seconds since 1970; None where none did.
        oldest: when the first was asked for.
    """

    job: str
    status: str
    number: int
    seconds: float
    last_end: float | None
    oldest: float


class Runs:
    """Counts runs. Those of long ago have ended for good: they are counted once, and the newest each time.

    Runs that ended and were deleted since count as before: Prometheus takes a counter that falls for one that began
    again at nothing, and all that is left for new.
    """

    def __init__(self) -> None:
        self._until = 0
        self._before: list[RunCount] = []
        self._ended: dict[tuple[str, str], _Ended] = {}
        self._deleted: defaultdict[tuple[str, str], _Ended] = defaultdict(lambda: _Ended(0, 0.0))

    def count(self, instance: DagsterInstance) -> list[RunCount]:
        """All runs of an instance, by job and status; more than one count of a pair are parts of it."""
        run = RunsTable.c
        with cast("SqlRunStorage", instance.run_storage).connect() as connection:
            under_way = connection.scalar(sql.select(sql.func.min(run.id)).where(run.status.in_(_UNDER_WAY)))
            newest = connection.scalar(sql.select(sql.func.max(run.id))) or 0
            if newest < self._until:  # the newest were deleted, and SQLite gives their numbers to those that come
                self._until, self._before = 0, []
            until = min(under_way or newest, newest - _NEWEST)
            if until > self._until:
                self._before += _count_runs(connection, run.id >= self._until, run.id < until)
                self._until = until
            there = [*self._before, *_count_runs(connection, run.id >= self._until)]
        return [*there, *self._missing(there)]

    def _missing(self, there: Collection[RunCount]) -> list[RunCount]:
        """Of those that ended, what was there at an earlier count and is not any more."""
        ended: dict[tuple[str, str], _Ended] = {}
        for one in there:
            if one.status not in _UNDER_WAY:
                number, seconds = ended.get((one.job, one.status), (0, 0.0))
                ended[one.job, one.status] = _Ended(number + one.number, seconds + one.seconds)
        for which, (number, seconds) in self._ended.items():
            now, gone = ended.get(which, _Ended(0, 0.0)), self._deleted[which]
            self._deleted[which] = _Ended(
                gone.number + max(0, number - now.number), gone.seconds + max(0.0, seconds - now.seconds)
            )
        self._ended = ended
        return [RunCount(*which, *gone, None, 0.0) for which, gone in self._deleted.items() if any(gone)]


class _Ended(NamedTuple):
    number: int
    seconds: float


def _count_runs(connection: Connection, *where: sql.ColumnElement[bool]) -> list[RunCount]:
    run = RunsTable.c
    query = (
        sql.select(
            run.pipeline_name,
            run.status,
            sql.func.count(),
            # A clock that was set back meanwhile makes none take less than no time.
            sql.func.sum(sql.case((run.end_time > run.start_time, run.end_time - run.start_time), else_=0.0)),
            sql.func.max(run.end_time),
            sql.func.min(run.create_timestamp),
        )
        .where(*where)
        .group_by(run.pipeline_name, run.status)
    )
    return [
        RunCount(job, status, number, seconds or 0.0, last_end, _seconds(oldest))
        for job, status, number, seconds, last_end, oldest in connection.execute(query)
    ]


class Tick(NamedTuple):
    """What became of a schedule or sensor at a time, in seconds since 1970."""

    at: float
    failed: bool


def last_ticks(instance: DagsterInstance, selectors: Collection[str]) -> dict[str, Tick]:
    """The last tick of each schedule and sensor that had one, by what tells it from others."""
    tick, found = JobTickTable.c, {}
    with cast("SqlScheduleStorage", instance.schedule_storage).connect() as connection:
        for selector in selectors:  # by an index each; Dagster's own question reads all ticks
            query = sql.select(tick.timestamp, tick.status).where(tick.selector_id == selector)
            last = connection.execute(query.order_by(tick.timestamp.desc(), tick.id.desc()).limit(1)).first()
            if last:
                found[selector] = Tick(_seconds(last[0]), last[1] == TickStatus.FAILURE.value)
    return found


class Made(NamedTuple):
    """What a materialization told of itself.

    Attributes:
        at: when, in seconds since 1970.
        numbers: of its metadata.
        tables: of its metadata, row by row.
    """

    at: float
    numbers: Mapping[str, float]
    tables: Mapping[str, Sequence[Mapping[str, Any]]]


Part = tuple[AssetKey, str]
"""An asset, and which source of it; empty for one of all sources."""

_Event = tuple[int, datetime]
"""Its number, and when it was: SQLite gives the numbers of what was wiped to what comes next."""


class Materializations:
    """The latest ones; what was read of them stays known."""

    def __init__(self) -> None:
        self._known: dict[_Event, Made] = {}

    def latest(self, instance: DagsterInstance, keys: Collection[AssetKey]) -> dict[Part, Made]:
        """Of some assets, the latest of each part that was ever made and not wiped since."""
        event, names = SqlEventLogStorageTable.c, {key.to_string(): key for key in keys}
        newest = (
            sql.select(event.asset_key, event.partition, sql.func.max(event.id))
            .where(event.asset_key.in_(names), event.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION.value)
            .group_by(event.asset_key, event.partition)
        )
        with _events(instance) as connection:
            numbers = {(names[name], part or ""): number for name, part, number in connection.execute(newest)}
            wiped = _wiped(connection, names)
            events: dict[int, _Event] = {}
            for rows in _rows(connection, event.id, numbers.values(), event.id, event.timestamp):
                events |= {number: (number, when) for number, when in rows}
            new = [one for one, _ in set(events.values()) - self._known.keys()]
            for rows in _rows(connection, event.id, new, event.id, event.event):
                self._known |= {events[number]: _made(body) for number, body in rows}
        # What is wiped between two of these questions is not there.
        found = {part: one for part, number in numbers.items() if (one := events.get(number)) in self._known}
        self._known = {one: self._known[one] for one in found.values()}
        made = {part: self._known[one] for part, one in found.items()}
        return {part: one for part, one in made.items() if one.at > wiped.get(part[0], 0.0)}


class Evaluation(NamedTuple):
    """What a check said.

    Attributes:
        at: when, in seconds since 1970.
        passed: whether it did.
        severity: `warn` or `error`, of a failure.
    """

    at: float
    passed: bool
    severity: str


_Row = tuple[int, int | None, datetime | None]
"""Its number, that of its event and when that was: a check that a run comes to once more writes over what it said, and
numbers of what was wiped are given again."""


class Evaluations:
    """The latest ones of checks; what was read of them stays known."""

    def __init__(self) -> None:
        self._known: dict[_Row, Evaluation] = {}

    def latest(
        self, instance: DagsterInstance, keys: Collection[AssetCheckKey]
    ) -> dict[tuple[AssetCheckKey, str], Evaluation]:
        """Of some checks, the latest of each source; of an empty one where it is of all."""
        row = AssetCheckExecutionsTable.c
        names = {(key.asset_key.to_string(), key.name): key for key in keys}
        newest = (
            sql.select(
                row.asset_key,
                row.check_name,
                row.partition,
                sql.func.max(row.id),
                sql.func.max(row.evaluation_event_storage_id),
                sql.func.max(row.evaluation_event_timestamp),
            )
            .where(row.asset_key.in_({asset for asset, _ in names}), row.execution_status.in_(EVALUATED))
            .group_by(row.asset_key, row.check_name, row.partition)
        )
        with _events(instance) as connection:
            found = {
                (names[asset, name], part or ""): (number, event, when)
                for asset, name, part, number, event, when in connection.execute(newest)
                if (asset, name) in names
            }
            new = {one[0]: one for one in set(found.values()) - self._known.keys()}
            for rows in _rows(connection, row.id, new, row.id, row.execution_status, row.evaluation_event):
                self._known |= {new[number]: _evaluation(status, body) for number, status, body in rows}
        # What is wiped between these two questions is not there.
        found = {part: one for part, one in found.items() if one in self._known}
        self._known = {one: self._known[one] for one in found.values()}
        return {part: self._known[one] for part, one in found.items()}


@contextmanager
def _events(instance: DagsterInstance) -> Iterator[Connection]:
    with cast("SqlEventLogStorage", instance.event_log_storage).index_connection() as connection:
        yield connection


def _rows(
    connection: Connection, key: sql.Column[Any], wanted: Collection[int], *columns: sql.Column[Any]
) -> Iterator[Sequence[Any]]:
    numbers = sorted(wanted)
    for first in range(0, len(numbers), _AT_ONCE):
        chosen = numbers[first : first + _AT_ONCE]
        yield connection.execute(sql.select(*columns).where(key.in_(chosen))).all()


def _wiped(connection: Connection, names: Mapping[str, AssetKey]) -> dict[AssetKey, float]:
    """When somebody said that an asset is not there any more."""
    asset = AssetKeyTable.c
    query = sql.select(asset.asset_key, asset.wipe_timestamp).where(
        asset.asset_key.in_(names), asset.wipe_timestamp.is_not(None)
    )
    return {names[name]: _seconds(when) for name, when in connection.execute(query)}


def _made(body: str) -> Made:
    entry = deserialize_value(body, EventLogEntry)
    materialization = entry.asset_materialization
    metadata = materialization.metadata if materialization else {}
    return Made(
        entry.timestamp,
        {
            name: float(value.value)
            for name, value in metadata.items()
            if isinstance(value, IntMetadataValue | FloatMetadataValue) and value.value is not None
        },
        {
            name: [record.data for record in value.records]
            for name, value in metadata.items()
            if isinstance(value, TableMetadataValue)
        },
    )


def _evaluation(status: str, body: str) -> Evaluation:
    entry = deserialize_value(body, EventLogEntry)
    event = entry.dagster_event
    severity = event.asset_check_evaluation_data.severity.value.lower() if event else ""
    return Evaluation(entry.timestamp, status == EVALUATED[0], severity)


def _seconds(when: datetime) -> float:
    """Since 1970; databases give times in UTC, without saying so."""
    return when.replace(tzinfo=UTC).timestamp()
