"""Dagster's storage in SQLite, with pools that count right when several processes ask at once."""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self

from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

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
    """Events of a home, and its pools; SQLite locks no row that is read."""

    def _one_at_a_time(self) -> AbstractContextManager[None]:
        return _in_turn(Path(self._base_dir))


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
