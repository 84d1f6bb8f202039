"""Schedules and sensors of a problem: whether they are on, and what became of their last tick."""

from collections.abc import Iterator

from dagster import DagsterInstance
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from dagster._utils.schedules import cron_string_iterator

from cic_assets.orchestration.metrics.contract import AUTOMATION_ON, DUE_AT, TICK_FAILED, TICKED_AT, Sample
from cic_assets.orchestration.metrics.recorded import Tick, last_ticks
from cic_assets.orchestration.metrics.watched import Schedule, Watched


def samples_of_automation(watched: Watched, instance: DagsterInstance) -> Iterator[Sample]:
    """Of each schedule and sensor; of those that nobody switched, that they are as the graph has them."""
    states = {
        (state.instigator_type, state.instigator_name): state
        for state in instance.all_instigator_state()
        if state.origin.location_name == watched.problem.dagster.location
    }
    ticks = last_ticks(instance, [state.selector_id for state in states.values()])
    for name, schedule in watched.schedules.items():
        state = states.get((InstigatorType.SCHEDULE, name))
        tick = ticks.get(state.selector_id) if state else None
        yield from _samples(watched, ("schedule", name), state, tick, is_on=schedule.is_on)
        if state and (due := _due(schedule, state, tick)):
            yield Sample(DUE_AT, due, (watched.problem.name, name))
    for name, is_on in watched.sensors.items():
        state = states.get((InstigatorType.SENSOR, name))
        tick = ticks.get(state.selector_id) if state else None
        yield from _samples(watched, ("sensor", name), state, tick, is_on=is_on)


def _samples(
    watched: Watched, which: tuple[str, str], state: InstigatorState | None, tick: Tick | None, *, is_on: bool
) -> Iterator[Sample]:
    labels = (watched.problem.name, *which)
    yield Sample(AUTOMATION_ON, is_on if state is None else _is_on(state), labels)
    if tick:
        yield Sample(TICKED_AT, tick.at, labels)
        yield Sample(TICK_FAILED, tick.failed, labels)


def _is_on(state: InstigatorState) -> bool:
    return state.status is not InstigatorStatus.STOPPED


def _due(schedule: Schedule, state: InstigatorState, tick: Tick | None) -> float | None:
    """When the tick after the last is due; None where it is off. While it was off, it missed nothing."""
    data = state.instigator_data
    begun = data.start_timestamp if isinstance(data, ScheduleInstigatorData) else None
    since = max(begun or 0.0, tick.at if tick else 0.0)
    if not (_is_on(state) and since):
        return None
    return next(cron_string_iterator(since + 1, schedule.cron, schedule.timezone)).timestamp()
