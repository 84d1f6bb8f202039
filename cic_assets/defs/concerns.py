"""What is wrong although no run failed: a failed check, a source that nobody scrapes, a schedule that fell behind."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from dagster import (
    AssetCheckKey,
    AssetKey,
    DagsterInstance,
    DefaultSensorStatus,
    RepositoryDefinition,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    sensor,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    TickStatus,
)
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._utils.schedules import cron_string_iterator

from cic_assets.config.problem import Problem
from cic_assets.defs.alerts import send
from cic_assets.defs.asset_checks.scraping import not_scraped_within
from cic_assets.defs.failure_messages import innermost

_LOOKS = 10
"""So many times as long as other sensors wait: of what lasts for days nobody has to hear within seconds."""

_PAGE = 100
"""Records of a check that are asked for at once."""

_ENDED = (AssetCheckExecutionRecordStatus.FAILED, AssetCheckExecutionRecordStatus.SUCCEEDED)

Concern = tuple[str, str]
"""What tells it from others, and the line to tell."""


def build_concerns(problem: Problem, target: str, interval_seconds: int) -> SensorDefinition:
    """`alert_on_concerns`: on from the start where there is somebody to tell.

    Args:
        problem: whose sources are looked at.
        target: whom to tell, as `alerts.send` takes it; empty for the log alone.
        interval_seconds: a tenth of the time between two looks, at least.
    """

    @sensor(
        default_status=DefaultSensorStatus.RUNNING if target else DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=_LOOKS * interval_seconds,
        description="Says which checks failed, which sources are stale and which schedules missed their time: in the "
        "log, and to whomever CIC_ALERTS names.",
    )
    def alert_on_concerns(context: SensorEvaluationContext) -> SensorResult:
        """One alert for all that is new since the last look."""
        known = json.loads(context.cursor) if context.cursor else {}
        latest, failed = _failed_checks(context.instance, context.repository_def, known.get("checks"))
        lasting = dict(
            [*_stale_sources(context.instance, problem), *_late_schedules(context.instance, context.repository_def)]
        )
        lines = failed + [line for name, line in lasting.items() if name not in known.get("lasting", ())]
        if lines:
            text = "\n".join(lines)
            context.log.warning(text)
            if target:
                send(target, f"{problem.name} needs a look", text)
        return SensorResult(cursor=json.dumps({"checks": latest, "lasting": list(lasting)}))

    return alert_on_concerns


def _failed_checks(
    instance: DagsterInstance, repository: RepositoryDefinition | None, after: float | None
) -> tuple[float, list[str]]:
    """When the latest check ended, and a line for each that failed since a time; at the first look for none."""
    keys = repository.asset_graph.asset_check_keys if repository else ()
    records = [record for key in keys for record in _history(instance, key, after) if record.status in _ENDED]
    latest = max([after or 0.0, *map(_ended_at, records)])
    if after is None:
        return latest, []
    failed = [record for record in records if record.status is _ENDED[0] and _ended_at(record) > after]
    return latest, [_of_check(record) for record in sorted(failed, key=_ended_at)]


def _history(instance: DagsterInstance, key: AssetCheckKey, after: float | None) -> Iterator[AssetCheckExecutionRecord]:
    """The newest records of a check, back to a time: of a hundred sources there are more than one page in a look."""
    cursor = None
    while True:
        page = instance.event_log_storage.get_asset_check_execution_history(key, limit=_PAGE, cursor=cursor)
        yield from page
        if after is None or len(page) < _PAGE or _ended_at(page[-1]) <= after:
            return
        cursor = page[-1].id


def _ended_at(record: AssetCheckExecutionRecord) -> float:
    return record.event.timestamp if record.event else record.create_timestamp


def _of_check(record: AssetCheckExecutionRecord) -> str:
    of = record.key.asset_key.to_user_string() + (f", {record.partition}" if record.partition else "")
    evaluation = record.event.get_dagster_event().asset_check_evaluation_data if record.event else None
    why = evaluation.description if evaluation and evaluation.description else "see its metadata in the UI"
    return f"The check {record.key.name} of {of} failed: {why}"


def _stale_sources(instance: DagsterInstance, problem: Problem) -> Iterator[Concern]:
    days, asset = problem.routine.stale_after_days, AssetKey(problem.dagster.key("raw_images"))
    made = instance.get_materialized_partitions(asset)
    for key in not_scraped_within(instance, asset, problem, days):
        if key in made:  # of one that nobody has begun with, nothing is late
            yield f"stale {key}", f"{key} was not scraped for {days:g} days"


def _late_schedules(instance: DagsterInstance, repository: RepositoryDefinition | None) -> Iterator[Concern]:
    schedules = {schedule.name: schedule for schedule in repository.schedule_defs} if repository else {}
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE):
        schedule = schedules.get(state.instigator_name)
        if schedule and state.status is not InstigatorStatus.STOPPED:
            zone = schedule.execution_timezone or "UTC"
            yield from _late(instance, state, str(schedule.cron_schedule), zone)


def _late(instance: DagsterInstance, state: InstigatorState, cron: str, zone: str) -> Iterator[Concern]:
    """What is wrong with the last two ticks of a schedule."""
    name = state.instigator_name
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=2)
    if ticks and ticks[0].status is TickStatus.FAILURE:
        yield f"tick {ticks[0].tick_id}", f"The schedule {name} failed: {innermost(ticks[0].error)}"
    if len(ticks) > 1:
        data = state.instigator_data
        begun = (data.start_timestamp if isinstance(data, ScheduleInstigatorData) else None) or 0.0
        # While it was switched off, it missed nothing.
        last, before = ticks[0].timestamp, max(ticks[1].timestamp, begun)
        due = (time.timestamp() for time in cron_string_iterator(before + 1, cron, zone))
        missed = sum(1 for _ in _until(due, last - 1))
        if missed:
            when = datetime.fromtimestamp(before, UTC).strftime("%Y-%m-%d %H:%M")
            yield f"missed {ticks[0].tick_id}", f"The schedule {name} missed {missed} times after {when} UTC"


def _until(times: Iterator[float], end: float) -> Iterator[float]:
    for time in times:
        if time >= end:
            return
        yield time
