"""Runs, the pools in which their steps wait, and the daemon that starts them: of an instance, whatever its problems."""

from collections import defaultdict
from collections.abc import Collection, Iterator

from dagster import DagsterInstance

from cic_assets.defs.pools import DECODING, GPU, HOSTS
from cic_assets.orchestration.metrics.contract import (
    HEARTBEAT,
    POOL_LIMIT,
    POOL_STEPS,
    RUN_ENDED_AT,
    RUN_SECONDS,
    RUN_WAITING_SINCE,
    RUNS_ENDED,
    RUNS_UNDER_WAY,
    Sample,
)
from cic_assets.orchestration.metrics.recorded import RunCount

ENDED = ("success", "failure", "canceled")
UNDER_WAY = ("not_started", "queued", "starting", "started", "canceling")
_POOLS = (HOSTS, DECODING, GPU)

ASSETS = "__ASSET_JOB"
"""What Dagster calls runs of assets that somebody chose in the UI, or that follow from others."""

OTHER = "other"
"""Runs of jobs that there are no longer, or that are of somebody else's code."""


def samples_of_runs(runs: Collection[RunCount], jobs: Collection[str]) -> Iterator[Sample]:
    """Runs by job; of a known one all words, so that a first failure is seen as one more than none.

    Args:
        runs: as they were counted.
        jobs: that are known; those of others are told together.
    """
    known = {*jobs, ASSETS}
    found: defaultdict[tuple[str, str], list[RunCount]] = defaultdict(list)
    for one in runs:
        found[one.job if one.job in known else OTHER, one.status.lower()].append(one)
    empty: dict[tuple[str, str], list[RunCount]] = {
        (job, status): [] for job in known for status in (*ENDED, *UNDER_WAY)
    }
    for labels, counts in sorted({**empty, **found}.items()):
        yield from _ended(labels, counts) if labels[1] in ENDED else _under_way(labels, counts)


def _ended(labels: tuple[str, str], counts: Collection[RunCount]) -> Iterator[Sample]:
    yield Sample(RUNS_ENDED, sum(one.number for one in counts), labels)
    yield Sample(RUN_SECONDS, sum(one.seconds for one in counts), labels)
    if ends := [one.last_end for one in counts if one.last_end is not None]:
        yield Sample(RUN_ENDED_AT, max(ends), labels)


def _under_way(labels: tuple[str, str], counts: Collection[RunCount]) -> Iterator[Sample]:
    yield Sample(RUNS_UNDER_WAY, sum(one.number for one in counts), labels)
    if counts:
        yield Sample(RUN_WAITING_SINCE, min(one.oldest for one in counts), labels)


def samples_of_pools(instance: DagsterInstance) -> Iterator[Sample]:
    """How many steps of our pools are at work, and how many wait."""
    for pool, info in instance.event_log_storage.get_concurrency_infos(_POOLS).items():
        if info.limit is not None:
            yield Sample(POOL_LIMIT, info.limit, (pool,))
        yield Sample(POOL_STEPS, info.active_slot_count, (pool, "running"))
        yield Sample(POOL_STEPS, info.pending_step_count, (pool, "waiting"))


def samples_of_daemons(instance: DagsterInstance) -> Iterator[Sample]:
    """When each part of the daemon last said that it is there."""
    for daemon, heartbeat in instance.get_daemon_heartbeats().items():
        yield Sample(HEARTBEAT, heartbeat.timestamp, (daemon.lower(),))
