"""Places in Dagster's pools, which limit over all runs of an instance how many steps of a kind are at work.

What waits for a place inside a run is deaf to Ctrl+C; so `wait_for_places` waits before the run starts.
"""

import time
from collections.abc import Callable, Collection

from dagster import DagsterInstance

from cic_assets.orchestration.run_recovery import close_abandoned_runs

_POLL_SECONDS = 1.0


def wait_for_places(
    instance: DagsterInstance,
    pools: Collection[str],
    on_line: Callable[[str], None],
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Return when each pool has a place that is free; say once for whom it is waited.

    Args:
        instance: whose pools they are.
        pools: names.
        on_line: takes a line for each pool that is full.
        sleep: seconds to wait between looks.
    """
    told: set[str] = set()
    while full := {pool: holders for pool in pools if (holders := _holders(instance, pool))}:
        for pool in sorted(full.keys() - told):
            runs = ", ".join(f"{run_id[:8]} ({_job_of(instance, run_id)})" for run_id in full[pool])
            on_line(f"Waiting for a place in the pool {pool}, which run {runs} holds")
        told |= full.keys()
        sleep(_POLL_SECONDS)
        close_abandoned_runs(instance)


def _holders(instance: DagsterInstance, pool: str) -> list[str]:
    """The runs that hold all places of a pool; none where one is free, or the pool has no limit."""
    info = instance.event_log_storage.get_concurrency_info(pool)
    places = info.limit if info.limit is not None else info.slot_count
    return sorted(info.active_run_ids) if info.claimed_slots and len(info.claimed_slots) >= places else []


def _job_of(instance: DagsterInstance, run_id: str) -> str:
    run = instance.get_run_by_id(run_id)
    return run.job_name if run else "unknown"
