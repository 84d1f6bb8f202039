"""Dagster's storage in PostgreSQL, with pools that count right, and which waits for a server that is started again.

Dagster 1.13 asks for a place in a pool in several transactions here too, and gives a pool its limit in a way that ends
the transaction where somebody else did so at the same moment.
"""

import functools
import inspect
import logging
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, Self, TypedDict

import sqlalchemy
from dagster import EventLogEntry
from dagster._core.storage.event_log.schema import ConcurrencyLimitsTable, SqlEventLogStorageTable
from dagster._core.storage.runs.schema import KeyValueStoreTable
from dagster._serdes import ConfigurableClassData, serialize_value
from dagster_postgres import (
    DagsterPostgresStorage,
    PostgresEventLogStorage,
    PostgresRunStorage,
    PostgresScheduleStorage,
)
from dagster_postgres.utils import create_pg_engine, get_token_provider_from_config, pg_url_from_config
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, OperationalError, ProgrammingError

from cic_assets.orchestration.errors import InstanceError
from cic_assets.orchestration.pool_safe import PoolSafe

if TYPE_CHECKING:
    from dagster_postgres.auth import PgTokenProvider

OUTAGE_SECONDS = 180.0
"""For which a server is waited for, as one is that holds a data root: a run goes on where it was."""

PAGE_SECONDS = 5.0
"""For which the UI waits: who looks at it sees sooner that something is wrong."""

_LOCK_OF_POOLS, _LOCK_OF_TABLES = 0x636963_01, 0x636963_02
"""Of PostgreSQL's advisory locks, which have numbers and hold within a database."""

_DRIVER = "postgresql+psycopg2"
"""Named, because SQLAlchemy 2.1 takes another one unless told otherwise, which dagster-postgres does not know."""

_FOR_EVER = ("authentication failed", "does not exist", "no pg_hba.conf entry", "permission denied")
"""Words of refusals that waiting does not change."""

LOG = logging.getLogger(__name__)


def with_driver(url: str) -> str:
    """A URL of PostgreSQL, as a person writes it, for SQLAlchemy."""
    scheme, separator, rest = url.partition("://")
    return f"{_DRIVER}{separator}{rest}" if scheme in ("postgres", "postgresql") else url


def check_server(url: str) -> None:
    """Ask whether a database is there and lets us in.

    Raises:
        InstanceError: it is not, or does not.
    """
    try:
        engine = sqlalchemy.create_engine(with_driver(url), poolclass=sqlalchemy.NullPool)
        connect(engine, PAGE_SECONDS).close()
    except OperationalError as error:
        raise InstanceError(refusal(error)) from None
    except (ValueError, ArgumentError, ProgrammingError):  # whose words may be parts of a password
        raise InstanceError(
            "CIC_POSTGRES_URL is no address of a database: expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
        ) from None


def check_schema(runs: PostgresRunStorage) -> None:
    """Look whether the tables of a database are those of the Dagster that is installed.

    Raises:
        InstanceError: they are not.
    """
    found, expected = runs.alembic_version()
    if found != expected:
        raise InstanceError(
            f"Dagster's tables in PostgreSQL are of another version ({found}, expected {expected}): run "
            "cic migrate, or install the Dagster that made them"
        )


def refusal(error: BaseException) -> str:
    """What PostgreSQL says, in a line without a password, and what to do."""
    said = " ".join(str(getattr(error, "orig", None) or error).split())
    advice = (
        "expected postgresql://USER:PASSWORD@HOST:PORT/DATABASE of a database that is there, and its password"
        if any(words in said for words in _FOR_EVER)
        else "start the server, and run the same command again: what is done is kept"
    )
    return f"PostgreSQL, which CIC_POSTGRES_URL or dagster.yaml names: {said}: {advice}"


def connect(engine: Engine, seconds: float) -> Connection:
    """A connection; of a server that is away, once it is back.

    Raises:
        OperationalError: it does not come back in time, or refuses for good.
    """
    end, pause, told = time.monotonic() + seconds, 0.1, False
    while True:
        try:
            return engine.connect()
        except OperationalError as error:
            if any(words in str(error) for words in _FOR_EVER) or time.monotonic() + pause > end:
                raise
            if not told:
                LOG.warning(
                    "PostgreSQL is away, waiting for up to %.0f s: %s", seconds, " ".join(str(error.orig).split())
                )
                told = True
        time.sleep(pause)
        pause = min(2 * pause, 2.0)


@contextmanager
def _connected(engine: Engine, seconds: float) -> Iterator[Connection]:
    connection = connect(engine, seconds)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _alone(engine: Engine, lock: int, seconds: float) -> Iterator[None]:
    """A block that of all processes of a database one is in, on a connection of its own.

    The lock is that of a transaction, which a pooler in between keeps on one connection, and is free when it ends.
    """
    with _connected(engine, seconds) as plain:
        connection = plain.execution_options(isolation_level="READ COMMITTED")
        transaction = connection.begin()
        try:
            connection.execute(sqlalchemy.text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": lock})
            yield
        finally:
            with suppress(OperationalError):  # of a server that went away: nothing was written here
                transaction.rollback()


def migrating(runs: PostgresRunStorage) -> AbstractContextManager[None]:
    """A block that of all processes of a database one is in, to change its tables."""
    return _alone(runs._engine, _LOCK_OF_TABLES, OUTAGE_SECONDS)  # noqa: SLF001 - of what we extend


def _again(method: Callable[..., Any], undo: Callable[..., None] | None) -> Callable[..., Any]:
    @functools.wraps(method)
    def outlasting(storage: Any, *given: Any, **named: Any) -> Any:
        end = time.monotonic() + storage._patience  # noqa: SLF001 - of the storages below
        while True:
            try:
                return method(storage, *given, **named)
            except OperationalError as error:
                if not error.connection_invalidated or time.monotonic() > end:
                    raise
            time.sleep(_PAUSE)
            if undo:
                undo(storage, *given, **named)

    return outlasting


def _outlast(storage: type, beginnings: tuple[str, ...], alone: Collection[str] = ()) -> None:
    """Let a storage ask again what was on its way while the server ended. Each such method takes a connection anew.

    Args:
        storage: whose methods ask, or write what is the same when it is written twice.
        beginnings: of their names.
        alone: those that are parts of others, which are asked again whole.
    """
    for name in dir(storage):
        method = inspect.getattr_static(storage, name)
        if name.startswith(beginnings) and name not in alone and inspect.isfunction(method):
            setattr(storage, name, _again(method, _UNDO.get(name)))


def _forget(events: "PoolSafePostgresEvents", event: EventLogEntry) -> None:
    """Remove an event that may be stored: the server ended before it said so. Its tags go with it."""
    same = SqlEventLogStorageTable.c.event == serialize_value(event)
    with events.run_connection(event.run_id) as connection:
        connection.execute(
            SqlEventLogStorageTable.delete().where(SqlEventLogStorageTable.c.run_id == event.run_id, same)
        )


def _forget_all(events: "PoolSafePostgresEvents", entries: Sequence[EventLogEntry]) -> None:
    for entry in entries:
        _forget(events, entry)


_UNDO: dict[str, Callable[..., None]] = {"store_event": _forget, "store_event_batch": _forget_all}

_PAUSE = 0.1


class PatientRuns(PostgresRunStorage):
    """Runs, and what daemons remember."""

    _patience = OUTAGE_SECONDS

    def connect(self) -> AbstractContextManager[Connection]:
        """A connection, once there is one."""
        return _connected(self._engine, self._patience)

    def optimize_for_webserver(self, *settings: Any, **named: Any) -> None:
        """Dagster's UI says that it is who asks."""
        super().optimize_for_webserver(*settings, **named)
        self._patience = PAGE_SECONDS


class PatientSchedules(PostgresScheduleStorage):
    """Schedules and sensors."""

    _patience = OUTAGE_SECONDS

    def connect(self, _run_id: str | None = None) -> AbstractContextManager[Connection]:
        """A connection, once there is one."""
        return _connected(self._engine, self._patience)

    def optimize_for_webserver(self, *settings: Any, **named: Any) -> None:
        """Dagster's UI says that it is who asks."""
        super().optimize_for_webserver(*settings, **named)
        self._patience = PAGE_SECONDS


class PoolSafePostgresEvents(PoolSafe, PostgresEventLogStorage):
    """Events, and pools."""

    _patience = OUTAGE_SECONDS

    def __init__(self, *given: Any, **named: Any) -> None:
        self._of_this_thread = threading.local()
        super().__init__(*given, **named)

    def _connect(self) -> AbstractContextManager[Connection]:
        return _connected(self._engine, self._patience)

    def optimize_for_webserver(self, *settings: Any, **named: Any) -> None:
        """Dagster's UI says that it is who asks."""
        super().optimize_for_webserver(*settings, **named)
        self._patience = PAGE_SECONDS

    def initialize_concurrency_limit_to_default(self, concurrency_key: str) -> bool:
        """Give a pool the limit of dagster.yaml; also one that has another."""
        limit = self._instance.global_op_concurrency_default_limit if self.has_instance else None
        with self._one_at_a_time():
            if limit is None or concurrency_key not in {pool.name for pool in self.get_pool_limits()}:
                return super().initialize_concurrency_limit_to_default(concurrency_key)
            # Dagster tries to insert first, in one transaction with what follows when that fails.
            of_pool = ConcurrencyLimitsTable.c.concurrency_key == concurrency_key
            with self.index_transaction() as connection:
                connection.execute(ConcurrencyLimitsTable.update().values(limit=limit).where(of_pool))
                self._allocate_concurrency_slots(connection, concurrency_key, limit)
            return True

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        if getattr(self._of_this_thread, "has_lock", False):
            yield
            return
        with _alone(self._engine, _LOCK_OF_POOLS, self._patience):
            self._of_this_thread.has_lock = True
            try:
                yield
            finally:
                self._of_this_thread.has_lock = False


_outlast(PatientRuns, ("get_", "has_", "handle_run_event", "add_run_tags", "add_daemon_heartbeat", "set_cursor_values"))
_outlast(PatientSchedules, ("get_", "all_", "update_"))
_outlast(
    PoolSafePostgresEvents,
    (
        "get_", "fetch_", "all_", "has_asset", "store_event", "initialize_", "set_concurrency_", "delete_concurrency_",
        "claim_", "free_",
    ),
    alone={"get_pool_limits"},
)  # fmt: skip


class _Parts(TypedDict):
    run_storage: PatientRuns
    event_storage: PoolSafePostgresEvents
    schedule_storage: PatientSchedules


def _parts(url: str, inst_data: ConfigurableClassData | None, token_provider: "PgTokenProvider | None") -> _Parts:
    given = (url, False, inst_data, token_provider)
    return {
        "run_storage": PatientRuns(*given),
        "event_storage": PoolSafePostgresEvents(*given),
        "schedule_storage": PatientSchedules(*given),
    }


def pool_safe(events: PostgresEventLogStorage) -> _Parts:
    """The storages of the same database as Dagster's own, whose pools count wrongly."""
    return _parts(events.postgres_url, events.inst_data, events._token_provider)  # noqa: SLF001 - of what we extend


def claim_database(runs: PostgresRunStorage, root: str, prefix: str) -> str:
    """Make a database that of a data root, of several that ask at once of one; returns whose it is.

    Args:
        runs: of the database.
        root: what stands for the data root.
        prefix: of the problem's assets; problems that share a database have different ones.
    """
    key = f"cic/data_root/{prefix}"
    new = postgresql.insert(KeyValueStoreTable).values(key=key, value=root).on_conflict_do_nothing()
    with runs.connect() as connection:
        connection.execute(new)
    return runs.get_cursor_values({key})[key]


class PoolSafePostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in a database."""

    def __init__(
        self,
        postgres_url: str,
        should_autocreate_tables: bool = True,
        inst_data: ConfigurableClassData | None = None,
        token_provider: "PgTokenProvider | None" = None,
    ) -> None:
        url = with_driver(postgres_url)
        engine = create_pg_engine(url, token_provider, poolclass=sqlalchemy.NullPool)
        # Two processes that made the tables of a new database at once would be in each other's way.
        with _alone(engine, _LOCK_OF_TABLES, OUTAGE_SECONDS) if should_autocreate_tables else nullcontext():
            super().__init__(url, should_autocreate_tables, inst_data, token_provider)
        parts = _parts(url, inst_data, token_provider)
        self._run_storage = parts["run_storage"]
        self._event_log_storage = parts["event_storage"]
        self._schedule_storage = parts["schedule_storage"]

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Dagster makes it of what `HomeInstance` says, or dagster.yaml."""
        return cls(
            pg_url_from_config(config_value),
            config_value.get("should_autocreate_tables", True),
            inst_data,
            get_token_provider_from_config(config_value),
        )
