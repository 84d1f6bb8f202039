"""Runs whose process went down with the machine, or with the UI that started it: nobody else would ever end them.

Dagster's code server notices a worker that dies, but not after it died itself. Such a run is called running for ever,
holds its place in the pool, and keeps what comes after it from being made.
"""

import os
import time

from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, RunRecord, RunsFilter
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.tags import MAX_RETRIES_TAG

NO_RETRIES = {MAX_RETRIES_TAG: "0"}
"""Tags of a run that Dagster is not to start again by itself."""

_BEGUN = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
"""What has not begun yet ends by the start timeout of run monitoring."""


def close_abandoned_runs(instance: DagsterInstance) -> list[str]:
    """Mark runs failed whose process is gone, so that Dagster starts them again; returns their ids.

    Their places in pools are free then, and so are those of runs that ended without giving theirs back.

    Only of an instance on this machine's disk: of another one the processes may be elsewhere.
    """
    if not isinstance(instance.run_storage, SqliteRunStorage):
        free_places(instance)
        return []
    records = instance.get_run_records(RunsFilter(statuses=_BEGUN))
    gone = [record.dagster_run for record in records if _is_gone(instance, record)]
    for run in gone:
        instance.report_run_failed(run, "The process of this run is gone, with the UI or the machine.")
    free_places(instance)
    return [run.run_id for run in gone]


def free_places(instance: DagsterInstance) -> list[str]:
    """Take back places in pools of runs that have ended, or that nobody knows any more; returns the ids of these runs.

    A step that is killed does not give its place back, and Dagster takes it back only where its daemon runs.
    """
    storage = instance.event_log_storage
    ended = [run_id for run_id in storage.get_concurrency_run_ids() if _has_ended(instance, run_id)]
    for run_id in ended:
        storage.free_concurrency_slots_for_run(run_id)
    return ended


def _has_ended(instance: DagsterInstance, run_id: str) -> bool:
    run = instance.get_run_by_id(run_id)
    return run is None or run.is_finished


def _is_gone(instance: DagsterInstance, record: RunRecord) -> bool:
    if (record.start_time or time.time()) < _boot_time():
        return True
    events = instance.all_logs(record.dagster_run.run_id, of_type=DagsterEventType.ENGINE_EVENT)
    told = [entry.get_dagster_event().engine_event_data.metadata.get("pid") for entry in events]
    # The first that tells its number is the run's own; steps come later.
    pid = next((str(value.value) for value in told if value is not None), "")
    return pid.isdecimal() and not _is_alive(int(pid))


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's, but there
    return True


def _boot_time() -> float:
    """When this machine started, in seconds since 1970; 0 where that is not known."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return 0.0 if clock is None else time.time() - time.clock_gettime(clock)
