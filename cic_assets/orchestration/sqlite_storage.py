"""Dagster's storage in SQLite, with pools that count right when several processes ask at once."""

import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from cic_assets.orchestration.home_instance import HomeInstance
from cic_assets.orchestration.pool_safe import PoolSafe
from cic_assets.storage import FolderLock

# Files that earlier versions wrote name the first one here.
__all__ = ["HomeInstance", "PoolSafeEventLogStorage", "PoolSafeStorage"]

LONG_SECONDS = 10.0
"""Others have the lock for moments: whoever has it for so long was stopped, by Ctrl+Z say."""

LOG = logging.getLogger(__name__)


@contextmanager
def _in_turn(folder: Path) -> Iterator[None]:
    """The lock of a home; says so where it does not come."""
    told: list[threading.Timer] = []

    def wait(line: str) -> None:
        words = f"{line}, for {LONG_SECONDS:.0f} s now: was a command of this home stopped?"
        told.append(threading.Timer(LONG_SECONDS, LOG.warning, [words]))
        told[-1].daemon = True
        told[-1].start()

    try:
        with FolderLock(folder).held(wait):
            for timer in told:
                timer.cancel()
            yield
    finally:
        for timer in told:
            timer.cancel()


class PoolSafeEventLogStorage(PoolSafe, SqliteEventLogStorage):
    """Events of a home, and its pools; SQLite locks no row that is read.

    Each run has a database. To make it, and to look at it for the first time, Dagster 1.13 has all ninety migrations of
    its tables loaded; and for each event a new engine compiles what it says: together half of what a short run costs.
    """

    def _one_at_a_time(self) -> AbstractContextManager[None]:
        return _in_turn(Path(self._base_dir))

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = _engine(self.conn_string_for_shard(shard))
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _initdb(self, engine: Engine, for_index_shard: bool = False) -> None:
        """Have the tables made where there are none; older ones are left for `dagster instance migrate`."""
        path = Path(str(engine.url.database))
        if not path.exists() and not for_index_shard:
            _put(path, self._empty_database)
        if not _has_revision(engine):
            super()._initdb(engine, for_index_shard)

    @cached_property
    def _empty_database(self) -> bytes:
        """Of a run."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "empty.db"
            super()._initdb(create_engine(f"sqlite:///{path}", poolclass=NullPool))
            return path.read_bytes()


@lru_cache(64)
def _engine(database: str) -> Engine:
    """It keeps no connection, so it may be taken along into a fork, and a file that nobody asks is closed."""
    return create_engine(database, poolclass=NullPool, connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS})


def _has_revision(engine: Engine) -> bool:
    """Whether it is written in a database how its tables were made, which is what Dagster writes last."""
    with engine.connect() as connection:
        try:
            return connection.execute(text("SELECT version_num FROM alembic_version")).first() is not None
        except OperationalError:
            return False


def _put(path: Path, content: bytes) -> None:
    """Make a file, whole at once and with the rights that any new one has, unless another process was quicker.

    Nothing is made where the disk knows no hard links: Dagster makes its tables there, as it would without us.
    """
    part = path.with_name(f"{path.name}-{uuid4().hex}.part")
    try:
        part.write_bytes(content)
        with suppress(OSError):
            path.hardlink_to(part)
    finally:
        part.unlink(missing_ok=True)


class PoolSafeStorage(DagsterSqliteStorage):
    """Runs, events and schedules under a home, as Dagster keeps them unless told otherwise."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        # Two processes that made the tables of a new home at once would be in each other's way.
        with _in_turn(Path(base_dir)):
            super().__init__(base_dir, inst_data)
        events = InstanceRef.config_defaults(base_dir)["event_log_storage"]
        self._event_log_storage = PoolSafeEventLogStorage(**(events.config_dict if events else {}))

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:
        """Dagster makes it of what `HomeInstance` says."""
        return cls.from_local(inst_data=inst_data, **config_value)
