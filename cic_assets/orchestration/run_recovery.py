"""Runs whose process went down with the machine, or with the UI that started it: nobody else would ever end them.

Dagster's code server notices a worker that dies, but not after it died itself. Such a run is called running for ever,
holds its place in the pool, and keeps what comes after it from being made.
"""

import time
from collections.abc import Mapping
from typing import Any

from dagster import DagsterEventType, DagsterInstance, DagsterRunStatus, MetadataValue, RunRecord, RunsFilter
from dagster._core.storage.runs import SqliteRunStorage
from dagster._core.storage.tags import MAX_RETRIES_TAG

from cic_assets.orchestration.home_instance import MACHINE
from cic_assets.orchestration.machine import is_at_work, machine_name, was_up

NO_RETRIES = {MAX_RETRIES_TAG: "0"}
"""Tags of a run that Dagster is not to start again by itself."""

_BEGUN = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
"""What has not begun yet ends by the start timeout of run monitoring."""


def close_abandoned_runs(instance: DagsterInstance) -> list[str]:
    """Mark runs failed whose process is gone, so that Dagster starts them again; returns their ids.

    Their places in pools are free then, and so are those of runs that ended without giving theirs back. Runs of other
    machines are left alone: nobody knows here what became of their processes.
    """
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
    since = record.start_time or time.time()
    told = _told_first(instance, record.dagster_run.run_id)
    machine = told.get(MACHINE)
    # SQLite is of one machine, whatever that is called today: a laptop, or the next container of a volume.
    ours = isinstance(instance.run_storage, SqliteRunStorage) or (machine and machine.value == machine_name())
    pid = str(told["pid"].value) if "pid" in told else ""
    return bool(ours) and (not was_up(since) or (pid.isdecimal() and not is_at_work(int(pid), since)))


def _told_first(instance: DagsterInstance, run_id: str) -> Mapping[str, MetadataValue[Any]]:
    """What the process of a run told of itself; nothing where it did not. Steps come later."""
    events = instance.all_logs(run_id, of_type=DagsterEventType.ENGINE_EVENT)
    metadata = (entry.get_dagster_event().engine_event_data.metadata for entry in events)
    return next((told for told in metadata if "pid" in told), {})
