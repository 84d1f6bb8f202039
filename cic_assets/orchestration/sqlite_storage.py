"""Dagster's storage in SQLite, with pools that count right when several processes ask at once.

Dagster 1.13 asks for a place in several transactions, and SQLite locks no row that is read. So two steps may take one
place, and a step that begins to wait while another one ends may be forgotten until somebody else of its pool ends.
Here a lock of the home makes each such question one.
"""

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Self

import yaml
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.event_log import SqliteEventLogStorage
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData
from dagster._utils.concurrency import ConcurrencyClaimStatus

from cic_assets.storage import FolderLock

WAIT_SECONDS = 1.0
"""Between two looks of a step that waits. Dagster's own are up to 15 s apart, in which a place may stand empty."""


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


class PoolSafeEventLogStorage(SqliteEventLogStorage):
    """Takes and gives back places in pools one process at a time."""

    def initialize_concurrency_limit_to_default(self, concurrency_key: str) -> bool:
        """Give a pool the limit of dagster.yaml."""
        with self._one_at_a_time():
            return super().initialize_concurrency_limit_to_default(concurrency_key)

    def set_concurrency_slots(self, concurrency_key: str, num: int) -> None:
        """Give a pool another limit."""
        with self._one_at_a_time():
            super().set_concurrency_slots(concurrency_key, num)

    def delete_concurrency_limit(self, concurrency_key: str) -> None:
        """Take its limit from a pool."""
        with self._one_at_a_time():
            super().delete_concurrency_limit(concurrency_key)

    def claim_concurrency_slot(
        self, concurrency_key: str, run_id: str, step_key: str, priority: int | None = None
    ) -> ConcurrencyClaimStatus:
        """Take a place, or a number in the queue for one."""
        with self._one_at_a_time():
            self._assign_free_places(concurrency_key)
            status = super().claim_concurrency_slot(concurrency_key, run_id, step_key, priority)
        return status if status.is_claimed else status.with_sleep_interval(WAIT_SECONDS)

    def free_concurrency_slots_for_run(self, run_id: str) -> None:
        """Give back all places of a run, and its numbers in queues."""
        with self._one_at_a_time():
            super().free_concurrency_slots_for_run(run_id)

    def free_concurrency_slot_for_step(self, run_id: str, step_key: str) -> None:
        """Give back the place of a step, or its number in the queue."""
        with self._one_at_a_time():
            super().free_concurrency_slot_for_step(run_id, step_key)

    def _assign_free_places(self, concurrency_key: str) -> None:
        """To who waits longest: a process that was killed between giving back and this has left it undone."""
        if self.has_unassigned_slots(concurrency_key):
            self.assign_pending_steps([concurrency_key])

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


class HomeInstance(DagsterInstance):
    """The instance of a home whose dagster.yaml names this class: in SQLite, it has the storage above."""

    @staticmethod
    def config_schema() -> Mapping[str, Any]:
        """Dagster asks which settings the class has: none."""
        return {}

    @staticmethod
    def config_defaults(base_dir: str) -> Mapping[str, Any]:
        """Dagster asks where things lie unless set otherwise."""
        settings = yaml.safe_dump({"base_dir": base_dir})
        return {
            **InstanceRef.config_defaults(base_dir),
            "storage": ConfigurableClassData(__name__, PoolSafeStorage.__name__, settings),
        }
