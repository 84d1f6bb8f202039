"""What nobody hears of by a failed run: on a real instance, sent to a real HTTP server."""

import time
from datetime import UTC, datetime

import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    build_sensor_context,
)
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
    TickData,
    TickStatus,
)
from dagster._utils.error import SerializableErrorInfo

from cic_assets.defs import concerns
from cic_assets.defs.build import build_definitions

SENSOR, SCHEDULE = "alert_on_concerns", "daily_rescrape"
DAY = 86400.0
NOON = datetime(2026, 1, 5, 5, tzinfo=UTC).timestamp()
"""When the schedule was due, at its default."""


_TOLD = {
    TickStatus.SUCCESS: {"run_ids": ["a run"]},
    TickStatus.FAILURE: {"error": SerializableErrorInfo("no such source", [], "ValueError")},
}
"""What comes with a tick."""


class Looks:
    def __init__(self, environment, instance):
        self.instance, self.cursor = instance, None
        self.repository = build_definitions(environment).get_repository_def()

    def look(self):
        """One look, with the cursor of the last."""
        context = build_sensor_context(self.instance, cursor=self.cursor, repository_def=self.repository)
        self.cursor = self.repository.get_sensor_def(SENSOR).evaluate_tick(context).cursor

    def report_check(self, source, *, passed):
        evaluation = AssetCheckEvaluation(
            AssetKey("raw_images"), "most_media_gave_a_picture", passed, {}, severity=AssetCheckSeverity.WARN,
            partition=source,
        )  # fmt: skip
        self.instance.report_runless_asset_event(evaluation)

    def tick(self, *days, status=TickStatus.SUCCESS, begun=None):
        """Ticks of the schedule on these days."""
        origin = RemoteInstigatorOrigin(
            RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("here"), "__repository__"), SCHEDULE
        )
        if not self.instance.get_instigator_state(origin.get_id(), origin.get_selector().get_id()):
            data = ScheduleInstigatorData("0 5 * * *", begun)
            state = InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data)
            self.instance.add_instigator_state(state)
        for day in days:
            self.instance.create_tick(
                TickData(
                    origin.get_id(), SCHEDULE, InstigatorType.SCHEDULE, status, NOON + day * DAY,
                    selector_id=origin.get_selector().get_id(), **_TOLD[status],
                )
            )  # fmt: skip


@pytest.fixture
def looks(world, hook, tmp_path):
    (tmp_path / "home").mkdir()
    environment = world.environment.model_copy(update={"alerts": hook.url})
    with DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        yield Looks(environment, instance)


def test_where_all_is_well_nobody_is_told(looks, hook):
    looks.report_check("cars", passed=True)
    looks.tick(0, 1)
    looks.look()
    looks.look()
    assert hook.received == []


def test_a_failed_check_is_told_once_and_old_ones_are_not(looks, hook):
    looks.report_check("boats", passed=False)
    looks.look()
    assert hook.received == []
    looks.report_check("cars", passed=False)
    looks.report_check("tanks", passed=True)
    looks.look()
    looks.look()
    (alert,) = hook.received
    assert alert["title"] == "cic_assets: three needs a look"
    assert alert["message"] == (
        "The check most_media_gave_a_picture of raw_images, cars failed: see its metadata in the UI"
    )


def test_more_checks_failed_than_fit_a_page(looks, hook, monkeypatch):
    monkeypatch.setattr(concerns, "_PAGE", 2)
    looks.report_check("boats", passed=True)
    looks.look()
    for source in ("cars", "tanks", "planes", "ships", "bikes"):
        looks.report_check(source, passed=False)
    looks.look()
    looks.look()
    (alert,) = hook.received
    assert len(alert["message"].splitlines()) == 5


def test_while_it_was_switched_off_a_schedule_missed_nothing(looks, hook):
    looks.tick(0, 30, begun=NOON + 29.5 * DAY)
    looks.look()
    assert hook.received == []


def test_a_source_that_is_late_is_told_once_until_it_was_scraped(looks, hook, monkeypatch):
    looks.instance.report_runless_asset_event(AssetMaterialization("raw_images", partition="cars"))
    looks.look()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 8 * DAY)
    looks.look()
    looks.look()
    assert [alert["message"] for alert in hook.received] == ["cars was not scraped for 7 days"]


def test_missed_and_failed_ticks_are_told_once(looks, hook):
    looks.tick(0, 4)
    looks.look()
    looks.look()
    looks.tick(5, status=TickStatus.FAILURE)
    looks.look()
    assert [alert["message"] for alert in hook.received] == [
        f"The schedule {SCHEDULE} missed 3 times after 2026-01-05 05:00 UTC",
        f"The schedule {SCHEDULE} failed: no such source",
    ]
