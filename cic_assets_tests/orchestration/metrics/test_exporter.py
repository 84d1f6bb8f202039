"""What is told of an instance: of real runs, and of all that may be recorded; read by the reader of Prometheus."""

import shutil
import time
from datetime import UTC, datetime
from types import MappingProxyType

import pytest
import yaml
from dagster import AssetCheckSeverity, AssetKey, DagsterEventType, DagsterRunStatus
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationPlanned
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType, TickStatus
from dagster._daemon.types import DaemonHeartbeat

from cic_assets.domain.media import Outcome
from cic_assets.orchestration.instance import open_instance
from cic_assets.orchestration.metrics import METRICS, Exporter
from cic_assets.orchestration.metrics import exporter as exporting
from cic_assets_tests.orchestration.metrics.recording import Recorded, Told

DAY = 86400.0
FIVE = datetime(2026, 1, 5, 5, tzinfo=UTC).timestamp()
"""A time at which the schedule of scrapes is due."""


class TestOfRealRuns:
    """A scrape of two subreddits and a folder, and the search for copies."""

    @pytest.fixture
    def told(self, world, monkeypatch):
        began = time.time()
        world.run(up_to="find_duplicates")
        recorded = Recorded(world.environment)
        told = recorded.told()
        recorded.close()
        assert all(
            began <= value <= time.time() for value in told.of_name("cic_asset_materialized_timestamp_seconds").values()
        )
        return told

    @pytest.mark.slow
    def test_each_metric_is_one_that_is_promised(self, told):
        promised = {metric.name: set(metric.labels) for metric in METRICS}
        for name, labels in told:
            assert {label for label, _ in labels} <= promised[name], name

    @pytest.mark.slow
    def test_what_was_scraped_is_told_by_source(self, told):
        three = {"problem": "three"}
        assert told.at("cic_source_pictures", source="cars", **three) == 42
        assert told.at("cic_source_posts", source="tanks", **three) == 41
        assert told.at("cic_source_media", source="tanks", outcome="http_error", **three) == 1
        assert told.at("cic_source_media", source="tanks", outcome="timeout", **three) == 0
        assert len(told.of_name("cic_source_media", source="boats")) == len(Outcome)
        assert told.at("cic_source_fetched_bytes", source="cars", **three) > 10_000
        assert told.at("cic_source_new_media", source="boats", **three) == 40
        assert told.at("cic_source_posts_asked_about", source="cars", **three) == 0
        assert told.at("cic_sources", state="fresh", **three) == 3
        assert told.of_name("cic_source_stale") == dict.fromkeys(
            [("boats", "three"), ("cars", "three"), ("tanks", "three")], 0
        )

    @pytest.mark.slow
    def test_so_is_what_steps_took(self, told):
        sources = {("boats",), ("cars",), ("tanks",)}
        for asset in ("raw_images", "image_hashes"):
            for name in ("cic_asset_seconds", "cic_asset_cpu_seconds", "cic_asset_rows"):
                values = told.of_name(name, asset=asset, problem="three")
                assert values.keys() == sources
                assert all(value > 0 for value in values.values())
        assert told.at("cic_asset_seconds", asset="duplicates", problem="three") > 0
        assert told.at("cic_asset_pictures_left_out", asset="image_hashes", source="cars", problem="three") == 0
        assert told.at("cic_duplicate_groups", problem="three") == 1
        assert told.at("cic_duplicate_pictures_dropped", problem="three") == 1
        assert told.at("cic_duplicate_groups_in_two_classes", problem="three") == 0

    @pytest.mark.slow
    def test_so_are_the_runs_and_checks(self, told):
        assert told.at("cic_runs_ended_total", job_name="rescrape", status="success") == 6  # two a source
        assert told.at("cic_runs_ended_total", job_name="rescrape", status="failure") == 0
        assert told.at("cic_run_seconds_total", job_name="rescrape", status="success") > 0
        assert told.at("cic_runs_under_way", job_name="rescrape", status="started") == 0
        passed = told.of_name("cic_check_passed", check="most_media_gave_a_picture", asset="raw_images")
        assert set(passed.values()) == {1}
        assert len(passed) == 3

    @pytest.mark.slow
    def test_a_scrape_that_fails_is_one_more(self, world):
        world.run(up_to="rescrape")
        (world.archive.folder / "subreddits" / "cars.jsonl").unlink()
        with pytest.raises(Exception, match="raw_images of cars"):
            world.run(up_to="rescrape")
        recorded = Recorded(world.environment)
        told = recorded.told()
        recorded.close()
        assert told.at("cic_runs_ended_total", job_name="rescrape", status="failure") == 1
        assert told.at("cic_run_last_end_timestamp_seconds", job_name="rescrape", status="failure") > time.time() - 60
        assert told.at("cic_source_pictures", problem="three", source="cars") == 42


@pytest.mark.slow
def test_data_set_audit_and_models_tell_of_themselves(finished_world):
    recorded = Recorded(finished_world.environment)
    told = recorded.told()
    recorded.close()
    three = {"problem": "three"}
    pictures = told.of_name("cic_dataset_pictures", **three)
    assert pictures.keys() == {
        tuple(sorted((klass, split))) for klass in ("car", "tank", "boat") for split in ("train", "validation", "test")
    }
    assert sum(pictures.values()) == told.at("cic_asset_rows", asset="training_dataset", **three)
    assert told.at("cic_dataset_likely_label_errors", **three) is not None
    assert told.at("cic_dataset_pictures_of_no_class", **three) is not None
    for model in ("vgg", "peetz_net", "xception"):
        of_model = {"model": model, **three}
        assert 0 <= told.at("cic_model_accuracy_ratio", measured_on="test", **of_model) <= 1
        assert told.at("cic_model_train_seconds", **of_model) > 0
        assert told.at("cic_model_train_cpu_seconds", **of_model) > 0
        assert told.at("cic_model_peak_memory_bytes", **of_model) > 1e8
        assert told.at("cic_model_size_bytes", **of_model) > 1000
    assert told.at("cic_model_accuracy_ratio", model="xception", measured_on="out_of_fold", **three) is not None


class TestRuns:
    def test_are_counted_by_how_they_ended(self, recorded):
        recorded.run("rescrape", end=DagsterRunStatus.SUCCESS, seconds=10)
        recorded.run("rescrape", end=DagsterRunStatus.SUCCESS, seconds=20)
        recorded.run("rescrape", end=DagsterRunStatus.FAILURE, seconds=5)
        told = recorded.told()
        assert told.at("cic_runs_ended_total", job_name="rescrape", status="success") == 2
        assert told.at("cic_run_seconds_total", job_name="rescrape", status="success") == pytest.approx(30, abs=0.1)
        assert told.at("cic_runs_ended_total", job_name="rescrape", status="failure") == 1
        assert told.at("cic_runs_ended_total", job_name="train_all", status="failure") == 0

    def test_that_are_canceled_are_so_once_they_have_ended(self, recorded):
        run = recorded.run("train_all")
        assert recorded.told().at("cic_runs_under_way", job_name="train_all", status="started") == 1
        recorded.instance.report_run_canceling(run)
        assert recorded.told().at("cic_runs_under_way", job_name="train_all", status="canceling") == 1
        recorded.instance.report_run_canceled(run)
        told = recorded.told()
        assert told.at("cic_runs_under_way", job_name="train_all", status="canceling") == 0
        assert told.at("cic_runs_ended_total", job_name="train_all", status="canceled") == 1

    def test_that_failed_before_they_began_take_no_time(self, recorded):
        run = recorded.queue("rescrape")
        recorded.report(run, DagsterEventType.RUN_FAILURE, time.time())
        told = recorded.told()
        assert told.at("cic_runs_ended_total", job_name="rescrape", status="failure") == 1
        assert told.at("cic_run_seconds_total", job_name="rescrape", status="failure") == 0

    def test_that_wait_tell_since_when(self, recorded):
        before = time.time()
        recorded.queue("rescrape")
        recorded.queue("rescrape")
        told = recorded.told()
        assert told.at("cic_runs_under_way", job_name="rescrape", status="queued") == 2
        since = told.at("cic_run_oldest_under_way_timestamp_seconds", job_name="rescrape", status="queued")
        assert before - 1.5 <= since <= time.time() + 1.5  # SQLite keeps whole seconds
        assert told.of_name("cic_run_oldest_under_way_timestamp_seconds", status="started") == {}

    def test_of_long_ago_are_counted_once_and_all_that_may_change_each_time(self, recorded, monkeypatch):
        monkeypatch.setattr("cic_assets.orchestration.metrics.recorded._NEWEST", 2)

        def told(status):
            return recorded.told().at("cic_runs_ended_total", job_name="rescrape", status=status)

        first = recorded.run("rescrape", end=DagsterRunStatus.SUCCESS, seconds=10)
        late = recorded.run("rescrape")
        for number in range(1, 6):
            recorded.run("rescrape", end=DagsterRunStatus.SUCCESS, seconds=10)
            assert told("success") == number + 1
        recorded.report(late, DagsterEventType.RUN_FAILURE, time.time())
        for number in range(6, 12):
            recorded.run("rescrape", end=DagsterRunStatus.SUCCESS, seconds=10)
            assert (told("success"), told("failure")) == (number + 1, 1)
        seconds = recorded.told().at("cic_run_seconds_total", job_name="rescrape", status="success")
        assert seconds == pytest.approx(120, abs=1)
        recorded.instance.delete_run(first.run_id)
        assert told("success") == 12  # a counter does not fall for as long as the server is up

    def test_that_are_deleted_are_no_reason_for_a_counter_to_fall(self, recorded):
        """Prometheus would take it for a server that was started anew, and the failures that are left for new ones."""
        runs = [recorded.run("rescrape", end=DagsterRunStatus.FAILURE, seconds=10) for _ in range(3)]
        which = {"job_name": "rescrape", "status": "failure"}
        assert recorded.told().at("cic_runs_ended_total", **which) == 3
        for run in runs[:2]:
            recorded.instance.delete_run(run.run_id)
            told = recorded.told()
            assert told.at("cic_runs_ended_total", **which) == 3
            assert told.at("cic_run_seconds_total", **which) == pytest.approx(30, abs=0.1)
        recorded.run("rescrape", end=DagsterRunStatus.FAILURE, seconds=10)
        told = recorded.told()
        assert told.at("cic_runs_ended_total", **which) == 4
        assert told.at("cic_run_seconds_total", **which) == pytest.approx(40, abs=0.1)

    def test_that_come_after_all_were_wiped_are_counted(self, recorded, monkeypatch):
        """SQLite gives them the numbers of those that were there."""
        monkeypatch.setattr("cic_assets.orchestration.metrics.recorded._NEWEST", 2)

        def told():
            return recorded.told().at("cic_runs_ended_total", job_name="rescrape", status="success")

        for _ in range(6):
            recorded.run("rescrape", end=DagsterRunStatus.SUCCESS)
        assert told() == 6
        recorded.instance.wipe()
        assert told() == 6
        for number in range(7, 12):
            recorded.run("rescrape", end=DagsterRunStatus.SUCCESS)
            assert told() == number

    def test_that_ended_before_they_began_by_a_clock_that_was_set_back_take_no_time(self, recorded):
        recorded.run("rescrape", end=DagsterRunStatus.SUCCESS, seconds=50)
        run = recorded.run("rescrape")
        recorded.report(run, DagsterEventType.RUN_SUCCESS, time.time() - 3600)
        seconds = recorded.told().at("cic_run_seconds_total", job_name="rescrape", status="success")
        assert seconds == pytest.approx(50, abs=0.1)

    def test_of_jobs_that_nobody_knows_are_told_together(self, recorded):
        for job in ('a"} 1\ncic_evil', "of_before"):
            recorded.run(job, end=DagsterRunStatus.SUCCESS)
        recorded.run("__ASSET_JOB", end=DagsterRunStatus.SUCCESS)
        told = recorded.told()
        assert told.at("cic_runs_ended_total", job_name="other", status="success") == 2
        assert told.at("cic_runs_ended_total", job_name="__ASSET_JOB", status="success") == 1

    def test_of_these_too_the_one_that_waits_longest_counts(self, recorded):
        recorded.queue("of_before")
        time.sleep(2.1)  # SQLite keeps whole seconds
        between = time.time() - 1
        recorded.queue("of_long_before")
        told = recorded.told()
        assert told.at("cic_runs_under_way", job_name="other", status="queued") == 2
        since = told.at("cic_run_oldest_under_way_timestamp_seconds", job_name="other", status="queued")
        assert since < between

    def test_steps_hold_places_in_pools_and_wait_for_them(self, recorded):
        storage = recorded.instance.event_log_storage
        storage.set_concurrency_slots("gpu", 1)
        for number in range(3):
            storage.claim_concurrency_slot("gpu", f"run{number}", "vgg_model")
        told = recorded.told()
        assert told.at("cic_pool_limit", pool="gpu") == 1
        assert told.at("cic_pool_limit", pool="hosts") == 1
        assert told.at("cic_pool_steps", pool="gpu", state="running") == 1
        assert told.at("cic_pool_steps", pool="gpu", state="waiting") == 2
        assert told.at("cic_pool_steps", pool="decoding", state="waiting") == 0

    def test_the_daemon_tells_that_it_is_there(self, recorded):
        recorded.instance.add_daemon_heartbeat(DaemonHeartbeat(FIVE, "SCHEDULER", "one", []))
        assert recorded.told().at("cic_daemon_heartbeat_timestamp_seconds", daemon="scheduler") == FIVE


class TestAssets:
    def test_the_latest_counts(self, recorded):
        recorded.scraped("cars", ok=3, http_error=1)
        assert recorded.told().at("cic_source_pictures", problem="three", source="cars") == 3
        recorded.scraped("cars", ok=5)
        told = recorded.told()
        assert told.at("cic_source_pictures", problem="three", source="cars") == 5
        assert told.at("cic_source_media", problem="three", source="cars", outcome="http_error") == 0

    def test_each_number_is_told_under_its_own_name(self, recorded):
        everywhere = {"step seconds": 1, "step CPU seconds": 2, "left out": 4}
        recorded.made("raw_images", "cars", **everywhere, images=5, posts=6, **{"new rows": 7, "fetched bytes": 8})
        recorded.made("takedowns", "cars", **{"posts asked about": 9})
        recorded.made("duplicates", groups=10, dropped=11, **{"label conflicts": 12})
        recorded.made("dataset_audit", **{"likely label errors": 13, "pictures of no class": 14})
        of_model = {
            "validation accuracy": 0.15, "test accuracy": 0.16, "out-of-fold accuracy": 0.17, "train seconds": 18,
            "CPU seconds": 19, "peak memory, bytes": 20, "peak GPU memory, bytes": 21, "size on disk, bytes": 22,
        }  # fmt: skip
        recorded.made("vgg_model", **of_model)
        told = recorded.told()
        expected = {
            "cic_asset_seconds": 1, "cic_asset_cpu_seconds": 2, "cic_asset_pictures_left_out": 4,
            "cic_source_pictures": 5, "cic_source_posts": 6, "cic_source_new_media": 7, "cic_source_fetched_bytes": 8,
            "cic_source_posts_asked_about": 9, "cic_duplicate_groups": 10, "cic_duplicate_pictures_dropped": 11,
            "cic_duplicate_groups_in_two_classes": 12, "cic_dataset_likely_label_errors": 13,
            "cic_dataset_pictures_of_no_class": 14, "cic_model_train_seconds": 18, "cic_model_train_cpu_seconds": 19,
            "cic_model_peak_memory_bytes": 20, "cic_model_peak_gpu_memory_bytes": 21, "cic_model_size_bytes": 22,
        }  # fmt: skip
        assert {name: list(told.of_name(name).values()) for name in expected} == {
            name: [value] for name, value in expected.items()
        }
        assert told.of_name("cic_model_accuracy_ratio", problem="three", model="vgg") == {
            ("validation",): 0.15,
            ("test",): 0.16,
            ("out_of_fold",): 0.17,
        }

    def test_what_was_read_is_not_read_again(self, recorded, monkeypatch):
        recorded.scraped("cars", ok=3)
        recorded.checked("most_media_gave_a_picture", "raw_images", "cars", passed=True)
        first = recorded.told()
        monkeypatch.setattr("cic_assets.orchestration.metrics.recorded.deserialize_value", None)
        assert recorded.told().at("cic_source_pictures", problem="three", source="cars") == 3
        assert first.keys() == recorded.told().keys()

    def test_more_sources_than_fit_a_question(self, recorded, monkeypatch):
        monkeypatch.setattr("cic_assets.orchestration.metrics.recorded._AT_ONCE", 2)
        for number, source in enumerate(("cars", "tanks", "boats")):
            recorded.scraped(source, ok=number)
            recorded.made("image_hashes", source)
        told = recorded.told()
        assert told.of_name("cic_source_pictures") == {
            ("cars", "three"): 0,
            ("tanks", "three"): 1,
            ("boats", "three"): 2,
        }
        assert len(told.of_name("cic_asset_materialized_timestamp_seconds", asset="image_hashes")) == 3

    def test_what_was_wiped_is_not_there(self, recorded):
        recorded.scraped("cars", ok=3)
        time.sleep(0.01)
        recorded.instance.wipe_assets([AssetKey("raw_images")])
        assert recorded.told().at("cic_source_pictures", problem="three", source="cars") is None
        time.sleep(0.01)
        recorded.scraped("cars", ok=4)
        assert recorded.told().at("cic_source_pictures", problem="three", source="cars") == 4

    def test_what_comes_under_the_number_of_what_was_wiped_is_read(self, recorded):
        """SQLite gives numbers again; nobody asked in between."""
        recorded.scraped("cars", ok=3)
        recorded.checked("most_media_gave_a_picture", "raw_images", "cars", passed=True)
        recorded.told()
        recorded.instance.wipe_assets([AssetKey("raw_images")])
        time.sleep(0.01)
        recorded.scraped("cars", ok=4)
        recorded.checked("most_media_gave_a_picture", "raw_images", "cars", passed=False)
        told = recorded.told()
        assert told.at("cic_source_pictures", problem="three", source="cars") == 4
        assert list(told.of_name("cic_check_passed").values()) == [0]

    def test_what_is_no_part_of_the_problem_is_not_told(self, recorded):
        """Sources of before, and whatever else stands in a database."""
        recorded.scraped('x"} 1\ncic_evil{', ok=1)
        recorded.scraped("of_before", ok=1)
        recorded.scraped(None, ok=1)
        recorded.made("duplicates", "cars", groups=7)
        recorded.made("of_before", images=1)
        recorded.scraped("cars", ok=1, **{'evil"}\n': 2})
        told = recorded.told()
        assert told.of_name("cic_source_pictures") == {("cars", "three"): 1}
        assert told.of_name("cic_duplicate_groups") == {}
        assert told.of_name("cic_source_media").keys() == {
            tuple(sorted(("cars", outcome, "three"))) for outcome in map(str, Outcome)
        }
        assert told.of_name("cic_asset_materialized_timestamp_seconds").keys() == {("cars", "raw_images", "three")}

    def test_of_what_an_earlier_version_made_less_is_told(self, recorded):
        recorded.made("raw_images", "cars")
        told = recorded.told()
        assert told.of_name("cic_asset_materialized_timestamp_seconds")
        assert told.of_name("cic_asset_seconds") == told.of_name("cic_source_media") == {}

    def test_sources_are_stale_after_some_days(self, recorded, monkeypatch):
        recorded.scraped("cars", ok=1)
        three = {"problem": "three"}
        told = recorded.told()
        assert told.at("cic_source_stale_after_seconds", **three) == 7 * DAY
        assert told.at("cic_source_stale", source="cars", **three) == 0
        assert told.at("cic_sources", state="never_scraped", **three) == 2
        now = time.time()
        monkeypatch.setattr(time, "time", lambda: now + 8 * DAY)
        told = recorded.told()
        assert told.at("cic_source_stale", source="cars", **three) == 1
        assert told.of_name("cic_source_stale", source="tanks") == {}
        assert told.at("cic_sources", state="stale", **three) == 1


class TestChecks:
    NAME, ASSET = "most_media_gave_a_picture", "raw_images"

    def passed(self, recorded, source, severity="warn"):
        labels = {"problem": "three", "asset": self.ASSET, "check": self.NAME, "source": source, "severity": severity}
        return recorded.told().at("cic_check_passed", **labels)

    def test_the_latest_of_each_source_counts(self, recorded):
        recorded.checked(self.NAME, self.ASSET, "cars", passed=False)
        recorded.checked(self.NAME, self.ASSET, "tanks", passed=True)
        assert (self.passed(recorded, "cars"), self.passed(recorded, "tanks")) == (0, 1)
        recorded.checked(self.NAME, self.ASSET, "cars", passed=True)
        assert self.passed(recorded, "cars") == 1
        when = recorded.told().at(
            "cic_check_timestamp_seconds", problem="three", asset=self.ASSET, check=self.NAME, source="cars"
        )
        assert when == pytest.approx(time.time(), abs=60)

    def test_what_a_run_says_once_more_counts(self, recorded):
        run = recorded.checked(self.NAME, self.ASSET, "cars", passed=False)
        assert self.passed(recorded, "cars") == 0
        recorded.checked(self.NAME, self.ASSET, "cars", passed=True, run=run)
        assert self.passed(recorded, "cars") == 1

    def test_what_a_run_was_to_say_and_did_not_hides_nothing(self, recorded):
        recorded.checked(self.NAME, self.ASSET, passed=False)
        run = recorded.run("rescrape")
        planned = AssetCheckEvaluationPlanned(asset_key=AssetKey(self.ASSET), check_name=self.NAME)
        recorded.report(run, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, time.time(), planned)
        assert list(recorded.told().of_name("cic_check_passed").values()) == [0]

    def test_how_bad_a_failure_is_is_told(self, recorded):
        recorded.checked("no_group_across_splits", "training_dataset", passed=False, severity=AssetCheckSeverity.ERROR)
        assert recorded.told().of_name("cic_check_passed", check="no_group_across_splits") == {
            ("error", "three", "training_dataset"): 0
        }

    def test_those_that_there_are_not_any_more_are_not_told(self, recorded):
        recorded.checked("of_before", self.ASSET, "cars", passed=False)
        recorded.checked(self.NAME, self.ASSET, "of_before", passed=False)
        assert recorded.told().of_name("cic_check_passed") == {}


class TestAutomation:
    WHICH = MappingProxyType({"problem": "three", "kind": "schedule", "name": "daily_rescrape"})

    def test_nobody_has_switched_anything(self, recorded):
        told = recorded.told()
        assert told.at("cic_automation_on", **self.WHICH) == 0
        assert told.at("cic_automation_on", problem="three", kind="sensor", name="follow_new_data") == 0
        assert (
            told.of_name("cic_automation_last_tick_failed") == told.of_name("cic_schedule_due_timestamp_seconds") == {}
        )

    def test_what_is_on_from_the_start_is_told_so(self, world):
        recorded = Recorded(world.environment.model_copy(update={"alerts": "json://127.0.0.1"}))
        told = recorded.told()
        recorded.close()
        assert told.at("cic_automation_on", problem="three", kind="sensor", name="alert_on_failure") == 1

    def test_the_last_tick_counts(self, recorded):
        state = recorded.switch("daily_rescrape")
        recorded.tick(state, FIVE, TickStatus.FAILURE)
        told = recorded.told()
        assert told.at("cic_automation_on", **self.WHICH) == 1
        assert told.at("cic_automation_last_tick_failed", **self.WHICH) == 1
        assert told.at("cic_automation_last_tick_timestamp_seconds", **self.WHICH) == FIVE
        recorded.tick(state, FIVE + DAY)
        assert recorded.told().at("cic_automation_last_tick_failed", **self.WHICH) == 0

    def test_the_next_one_is_due_at_its_time(self, recorded):
        state = recorded.switch("daily_rescrape", since=FIVE - 30 * DAY)
        recorded.tick(state, FIVE)
        due = {"problem": "three", "name": "daily_rescrape"}
        assert recorded.told().at("cic_schedule_due_timestamp_seconds", **due) == FIVE + DAY

    def test_which_is_that_of_the_problems_time_zone(self, recorded):
        file = recorded.environments[0].problem
        file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"routine": {"timezone": "Asia/Tokyo"}}))
        recorded.tick(recorded.switch("daily_rescrape", since=FIVE - 30 * DAY), FIVE)
        due = {"problem": "three", "name": "daily_rescrape"}
        assert recorded.told().at("cic_schedule_due_timestamp_seconds", **due) == FIVE + 15 * 3600

    def test_what_was_missed_while_it_was_off_was_not_due(self, recorded):
        state = recorded.switch("daily_rescrape", since=FIVE + 9.5 * DAY)
        recorded.tick(state, FIVE)
        due = {"problem": "three", "name": "daily_rescrape"}
        assert recorded.told().at("cic_schedule_due_timestamp_seconds", **due) == FIVE + 10 * DAY
        recorded.switch("daily_rescrape", status=InstigatorStatus.STOPPED, since=FIVE)
        told = recorded.told()
        assert told.of_name("cic_schedule_due_timestamp_seconds") == {}
        assert told.at("cic_automation_on", **self.WHICH) == 0

    def test_sensors_too(self, recorded):
        state = recorded.switch("follow_new_data", InstigatorType.SENSOR)
        recorded.tick(state, FIVE, TickStatus.FAILURE)
        which = {"problem": "three", "kind": "sensor", "name": "follow_new_data"}
        assert recorded.told().at("cic_automation_last_tick_failed", **which) == 1

    def test_those_of_another_problem_are_not_its_own(self, recorded):
        recorded.tick(recorded.switch("daily_rescrape", location="another"), FIVE)
        told = recorded.told()
        assert told.at("cic_automation_on", **self.WHICH) == 0
        assert told.of_name("cic_automation_last_tick_timestamp_seconds") == {}


class TestOfProblems:
    def test_a_file_that_is_written_anew_is_read(self, recorded, caplog):
        file = recorded.environments[0].problem
        asked = yaml.safe_load(file.read_text())
        asked["classes"]["boat"].append("r/ships")
        file.write_text(yaml.safe_dump(asked))
        assert recorded.told().at("cic_sources", problem="three", state="never_scraped") == 4
        file.write_text("name: [")
        assert recorded.told().at("cic_sources", problem="three", state="never_scraped") == 4
        assert "metrics stay those of the problem as it was" in caplog.text

    def test_two_in_one_home_are_told_apart(self, world, tmp_path):
        environments = []
        for name in ("one", "two"):
            asked = yaml.safe_load(world.environment.problem.read_text())
            asked |= {"name": name, "dagster": {"asset_prefix": name, "home": str(tmp_path / "home")}}
            (tmp_path / name).mkdir()
            (tmp_path / name / "problem.yaml").write_text(yaml.safe_dump(asked))
            environments.append(world.environment.of_problem(tmp_path / name / "problem.yaml"))
        recorded = Recorded(*environments)
        recorded.made(["one", "raw_images"], "cars", images=1)
        recorded.made(["two", "raw_images"], "cars", images=2)
        recorded.tick(recorded.switch("daily_rescrape", location="two"), FIVE)
        told = recorded.told()
        recorded.close()
        assert told.of_name("cic_source_pictures") == {("cars", "one"): 1, ("cars", "two"): 2}
        assert told.of_name("cic_automation_last_tick_timestamp_seconds").keys() == {
            ("daily_rescrape", "schedule", "two")
        }


def test_room_on_disks_is_told(recorded):
    told = recorded.told()
    recorded.root.path.mkdir(parents=True, exist_ok=True)
    for labels in ({"place": "home"}, {"place": "data_root", "problem": "three"}):
        usage = shutil.disk_usage(recorded.home)
        assert told.at("cic_disk_size_bytes", **labels) == usage.total
        # Others write to it meanwhile.
        assert told.at("cic_disk_free_bytes", **labels) == pytest.approx(usage.free, abs=usage.total / 100)


def test_it_says_when_and_by_what_it_was_read(recorded):
    told = recorded.told()
    assert told.at("cic_metrics_read_timestamp_seconds") == pytest.approx(time.time(), abs=60)
    assert 0 < told.at("cic_metrics_read_seconds") < 60
    assert list(told.of_name("cic_build_info").values()) == [1]


def test_an_instance_that_cannot_be_read_is_read_again_once_it_can(recorded):
    database = recorded.home / "history" / "runs.db"
    recorded.told()
    kept = database.read_bytes()
    database.write_bytes(b"no database" * 1000)
    for _ in range(2):
        with pytest.raises(Exception, match="file is not a database"):
            recorded.told()
    database.write_bytes(kept)
    assert recorded.told()


@pytest.mark.long
class TestInPostgres:
    """The same questions to a real server."""

    @pytest.fixture
    def recorded(self, postgres_url, world):
        recorded = Recorded(world.environment)
        yield recorded
        recorded.close()

    def test_it_is_the_same(self, recorded):
        recorded.run("rescrape", end=DagsterRunStatus.SUCCESS, seconds=10)
        recorded.queue("rescrape")
        recorded.scraped("cars", ok=3)
        recorded.checked("most_media_gave_a_picture", "raw_images", "cars", passed=False)
        recorded.tick(recorded.switch("daily_rescrape"), FIVE)
        told = recorded.told()
        assert told.at("cic_runs_ended_total", job_name="rescrape", status="success") == 1
        assert told.at("cic_run_seconds_total", job_name="rescrape", status="success") == pytest.approx(10, abs=0.1)
        since = told.at("cic_run_oldest_under_way_timestamp_seconds", job_name="rescrape", status="queued")
        assert since == pytest.approx(time.time(), abs=60)
        assert told.at("cic_source_pictures", problem="three", source="cars") == 3
        assert list(told.of_name("cic_check_passed").values()) == [0]
        assert told.at("cic_automation_last_tick_timestamp_seconds", **TestAutomation.WHICH) == FIVE
        time.sleep(0.01)
        recorded.instance.wipe_assets([AssetKey("raw_images")])
        assert recorded.told().of_name("cic_source_pictures") == {}

    def test_a_server_that_is_gone_is_told_within_seconds_and_read_once_it_is_back(
        self, recorded, postgres_server, monkeypatch
    ):
        monkeypatch.setattr("cic_assets.orchestration.postgres_storage.PAGE_SECONDS", 1.0)
        recorded.told()
        with postgres_server.gone():
            for _ in range(2):
                began = time.monotonic()
                with pytest.raises(Exception, match=r"PostgreSQL|server closed|connection"):
                    recorded.exporter.text()
                assert time.monotonic() - began < 20
        assert recorded.told()

    def test_a_server_that_was_started_again_meanwhile_is_not_noticed(self, recorded, postgres_server):
        recorded.told()
        with postgres_server.gone():
            pass
        assert recorded.told()


def test_the_exporter_opens_nothing_before_it_is_asked(world, monkeypatch):
    """A database that is away when the server starts may be there when somebody asks."""
    monkeypatch.setattr(exporting, "make_instance", None)
    Exporter([world.environment], world.environment.problem.parent)


def test_names_follow_the_conventions_of_prometheus():
    for metric in METRICS:
        assert metric.name.startswith("cic_")
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert not set(metric.labels) & {"job", "instance", "le", "quantile"}  # Prometheus' own
    assert len({metric.name for metric in METRICS}) == len(METRICS)


def test_labels_with_anything_in_them_are_read_back():
    from cic_assets.orchestration.metrics.contract import STALE, Sample
    from cic_assets.orchestration.metrics.text import text_of

    hostile = 'a\\"}\n# TYPE x counter\n\u202e'
    told = Told.of(text_of([Sample(STALE, 1, ("p", hostile))]).decode())
    assert told.at("cic_source_stale", problem="p", source=hostile) == 1
    assert len(told) == 1


def test_the_home_is_only_read(recorded, world):
    """Who watches takes no lock: a command may be at work all the while."""
    with open_instance(recorded.root):
        assert recorded.told()
