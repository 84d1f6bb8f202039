"""Pools of Dagster that count right when several processes ask at once.

Dagster 1.13 asks for a place in several transactions. So two steps may take one place, and a step that begins to wait
while another one ends may be forgotten until somebody else of its pool ends. Here a lock of the instance makes each
such question one.
"""

from contextlib import AbstractContextManager

from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._utils.concurrency import ConcurrencyClaimStatus

WAIT_SECONDS = 1.0
"""Between two looks of a step that waits. Dagster's own are up to 15 s apart, in which a place may stand empty."""


class PoolSafe(SqlEventLogStorage):
    """Takes and gives back places in pools one process at a time; comes before the storage of a database."""

    def _one_at_a_time(self) -> AbstractContextManager[None]:
        """The lock of the instance. Whoever has it may take it again."""
        raise NotImplementedError

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
