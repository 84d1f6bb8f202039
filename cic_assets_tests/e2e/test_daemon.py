"""What happens by itself, as it happens: real UI server, daemon and run workers, with a day that lasts a minute."""

import contextlib
import os
import re
import signal
import sqlite3
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml
from dagster import AssetKey, AssetRecordsFilter, DagsterEventType, DagsterInstance, DagsterRunStatus, RunsFilter
from dagster._core.execution.backfill import BulkActionsFilter, BulkActionStatus
from dagster._core.scheduler.instigation import TickStatus

from cic_assets.config.environment import Environment
from cic_assets.config.problem_file import load_problem
from cic_assets.defs.build import build_definitions
from cic_assets.orchestration.instance import open_instance
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.worlds import picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

PROBLEM = """
name: two
classes:
  car: [r/cars]
  boat: ["folder:boats"]
dataset: {side: 72, min_per_class: 5}
features: {enabled: false}
reddit: {attempts: 1}
routine: {rescrape: "* * * * *"}
"""

SETTINGS = Path(__file__).parents[2] / "deploy" / "dagster.yaml"

ASSETS = (
    "takedowns", "raw_images", "image_hashes", "duplicates", "deduped_images", "resized_images", "image_features",
    "training_dataset", "dataset_audit",
    "vgg_model", "peetz_net_model", "xception_model", "evaluation_report",
)  # fmt: skip
SCRAPED = {("takedowns", "boats"): 1, ("takedowns", "cars"): 1, ("raw_images", "boats"): 1, ("raw_images", "cars"): 1}
LOCATION = {"repositoryName": "__repository__", "repositoryLocationName": "cic_assets"}
UNFINISHED = [
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
NO_TOKENS = {"host": "www.reddit.com", "path": "/api/v1/access_token", "status": 503, "body": "busy"}


@pytest.fixture(scope="module")
def life(tmp_path_factory, make_archive, serving, bare_variables):
    """`cic dev` over a data set that is up to date, with the sensor that follows new data turned on."""
    folder = tmp_path_factory.mktemp("life")
    archive = make_archive(folder / "archive")
    (folder / "boats").mkdir()
    for number in range(20):
        archive.add(f"c{number}", picture("car", number))
        (folder / "boats" / f"{number}.jpg").write_bytes(picture("boat", number))
    (folder / "problem.yaml").write_text(PROBLEM)
    environment = Environment(
        problem=folder / "problem.yaml",
        archive=str(archive.folder),
        data_root=str(folder / "root"),
        sensor_seconds=1,
    )
    look_often(folder / "root" / "dagster")
    build_data_set(environment)
    variables = {**bare_variables, **environment.variables(), "HOME": str(folder)}
    with (
        serving("dev", folder=folder, variables=variables) as server,
        DagsterInstance.from_config(str(folder / "root" / "dagster")) as instance,
    ):
        server.wait("/server_info")
        life = Life(archive, DataRoot(environment.data_root), instance, server)
        life.turn_on("Sensor", "follow_new_data")
        life.rest()
        yield life


def look_often(home):
    """Our settings, but the daemon looks for queued runs and at running ones every second or two."""
    settings = yaml.safe_load(SETTINGS.read_text())
    settings["run_monitoring"]["poll_interval_seconds"] = 2
    settings["run_monitoring"]["free_slots_after_run_end_seconds"] = 2
    settings["run_queue"] = {"dequeue_interval_seconds": 1}
    home.mkdir(parents=True)
    (home / "dagster.yaml").write_text(yaml.safe_dump(settings))


def build_data_set(environment):
    definitions, problem = build_definitions(environment), load_problem(environment.problem)
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        with open_instance(DataRoot(environment.data_root)) as instance:
            for job in ("rescrape", "find_duplicates", "prepare", "build_dataset"):
                for key in problem.partitions if job in ("rescrape", "prepare") else [None]:
                    assert (
                        definitions.resolve_job_def(job)
                        .execute_in_process(instance=instance, partition_key=key)
                        .success
                    )


class Life:
    """A UI server with its daemon, and what its instance knows."""

    def __init__(self, archive, root, instance, server):
        self.archive, self.root, self.instance, self.server = archive, root, instance, server
        self.folder = archive.folder.parent
        self._idle_since = None

    def turn_on(self, kind, name):
        answer = self.server.ask(
            f"mutation($it: {kind}Selector!) {{start{kind}({kind.lower()}Selector: $it) {{__typename}}}}",
            it={f"{kind.lower()}Name": name, **LOCATION},
        )
        assert not answer[f"start{kind}"]["__typename"].endswith("Error"), self.server.said

    @contextlib.contextmanager
    def schedule_on(self):
        """Scrapes are scheduled, a minute a day, until the block ends."""
        self.turn_on("Schedule", "daily_rescrape")
        yield
        state = self._state("daily_rescrape")
        self.instance.stop_schedule(state.instigator_origin_id, state.selector_id, None)

    def scrape(self):
        """What a tick of the schedule would ask for, started now: the ids of its runs by their partitions."""
        tick = self.server.ask(
            "mutation($it: ScheduleSelector!, $now: Float) {scheduleDryRun(selectorData: $it, timestamp: $now) {"
            "... on DryRunInstigationTick {evaluationResult {runRequests {tags {key value} assetSelection {path}}}}}}",
            it={"scheduleName": "daily_rescrape", **LOCATION},
            now=time.time(),
        )["scheduleDryRun"]
        return dict(self._launch(request) for request in tick["evaluationResult"]["runRequests"])

    def _launch(self, request):
        parameters = {
            "selector": {"jobName": "rescrape", "assetSelection": request["assetSelection"], **LOCATION},
            "executionMetadata": {"tags": request["tags"]},
        }
        answer = self.server.ask(
            "mutation($it: ExecutionParams!) {launchRun(executionParams: $it) {"
            "__typename ... on LaunchRunSuccess {run {runId}}}}",
            it=parameters,
        )["launchRun"]
        assert answer["__typename"] == "LaunchRunSuccess", answer
        partition = {tag["key"]: tag["value"] for tag in request["tags"]}["dagster/partition"]
        return partition, answer["run"]["runId"]

    def runs_of_a_tick_since(self, start):
        def asked():
            ticks = [tick for tick in self._ticks("daily_rescrape", start) if tick.status == TickStatus.SUCCESS]
            return ticks[-1].run_ids if ticks else None

        runs = [self.instance.get_run_by_id(run_id) for run_id in self.wait(asked, 100, "tick of the schedule")]
        return {run.tags["dagster/partition"]: run.run_id for run in runs}

    def end_of(self, run_id):
        """The status in which a run ends."""
        return self.wait(lambda: self._status_if_finished(run_id), 180, "end of a run")

    def retry_of(self, run_id):
        """The run that is started in another's place."""
        children = RunsFilter(tags={"dagster/parent_run_id": run_id})
        return self.wait(lambda: self.instance.get_runs(children), 90, "retry")[0].run_id

    def rest(self):
        """Return when nothing is at work, and the sensor has looked twice since that was seen and asked for nothing."""
        self._idle_since = None
        self.wait(self._rests, 400, "rest")

    def made(self):
        """How often each partition of each asset was made."""
        return Counter(
            (name, record.partition_key)
            for name in ASSETS
            for record in self.instance.fetch_materializations(AssetRecordsFilter(AssetKey(name)), limit=1000).records
        )

    def events(self, run_id, kind):
        return list(self.instance.all_logs(run_id, of_type=kind))

    def wait(self, question, seconds, what):
        """The first answer that is not nothing."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if answer := question():
                return answer
            time.sleep(0.5)
        return pytest.fail(f"no {what} within {seconds} s: {self.server.said}")

    def _rests(self):
        # Several partitions at once are a backfill, whose runs are made later.
        backfills = self.instance.get_backfills_count(BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED]))
        if backfills or self.instance.get_runs_count(RunsFilter(statuses=UNFINISHED)):
            self._idle_since = None
            return False
        self._idle_since = self._idle_since or time.time()
        looks = [tick.status for tick in self._ticks("follow_new_data", self._idle_since)]
        return looks[:2] == [TickStatus.SKIPPED] * 2

    def _status_if_finished(self, run_id):
        run = self.instance.get_run_by_id(run_id)
        return run.status if run.is_finished else None

    def _ticks(self, name, since):
        """Newest first."""
        state = self._state(name)
        return self.instance.get_ticks(state.instigator_origin_id, state.selector_id, after=since) if state else []

    def _state(self, name):
        return next((state for state in self.instance.all_instigator_state() if state.instigator_name == name), None)


@contextlib.contextmanager
def locked(*databases):
    """Nobody else can write to them until the block ends."""
    with contextlib.ExitStack() as stack:
        for database in databases:
            connection = stack.enter_context(contextlib.closing(sqlite3.connect(database, isolation_level=None)))
            connection.execute("BEGIN EXCLUSIVE")
        yield


def test_an_unchanged_archive_starts_nothing_though_databases_are_locked_at_the_tick(life):
    home = life.folder / "root" / "dagster"
    made = life.made()
    time.sleep((52 - time.time()) % 60)
    start = time.time()
    due = start // 60 * 60 + 60
    with life.schedule_on():
        # Dagster waits for 5 seconds, and looks for due ticks every 5.
        with locked(home / "schedules" / "schedules.db", home / "history" / "runs.db"):
            time.sleep(due + 10 - time.time())
        runs = life.runs_of_a_tick_since(start)
    assert sorted(runs) == ["boats", "cars"]
    assert {life.end_of(run) for run in runs.values()} == {DagsterRunStatus.SUCCESS}
    life.rest()
    assert life.made() - made == SCRAPED
    assert "database is locked" in life.server.said


def test_what_fails_is_tried_again_or_says_why_and_the_next_scrape_is_right(life):
    life.archive.routes.append(NO_TOKENS)
    life.archive.write()
    boats = life.folder / "boats"
    boats.rename(life.folder / "away")
    made, runs = life.made(), life.scrape()

    # Reddit is back before the second attempt.
    life.wait(lambda: life.events(runs["cars"], DagsterEventType.STEP_UP_FOR_RETRY), 90, "second attempt")
    life.archive.routes.remove(NO_TOKENS)
    life.archive.write()
    assert life.end_of(runs["cars"]) == DagsterRunStatus.SUCCESS

    # Trying again would not bring a folder back.
    assert life.end_of(runs["boats"]) == DagsterRunStatus.FAILURE
    (failure,) = life.events(runs["boats"], DagsterEventType.STEP_FAILURE)
    reason = failure.dagster_event.step_failure_data.user_failure_data.description
    assert re.fullmatch(r"folder:.*boats: there is no such folder.*", reason)

    boats.parent.joinpath("away").rename(boats)
    runs = life.scrape()
    assert {life.end_of(run) for run in runs.values()} == {DagsterRunStatus.SUCCESS}
    life.rest()
    assert life.made() - made == {**dict.fromkeys(SCRAPED, 2), ("raw_images", "boats"): 1}


def test_new_posts_reach_the_data_set_once_though_a_worker_is_killed(life):
    made = life.made()
    for number in range(100, 103):
        life.archive.add(f"c{number}", picture("car", number), delay=5)
    runs = life.scrape()
    life.wait(lambda: raw_images_began(life, runs["cars"]), 90, "scrape")
    os.kill(worker_of(life, runs["cars"]), signal.SIGKILL)
    assert life.end_of(runs["cars"]) == DagsterRunStatus.FAILURE
    assert life.end_of(life.retry_of(runs["cars"])) == DagsterRunStatus.SUCCESS
    life.rest()
    # Dagster leaves a step waiting for ever to tell its killed worker what it did.
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_of_step(life, runs["cars"], "raw_images"), signal.SIGKILL)

    flowed = life.made() - made
    assert flowed.pop(("raw_images", "cars")) in (1, 2)  # a step may outlive its killed worker, and say the same
    assert flowed == {
        ("takedowns", "cars"): 1,
        ("takedowns", "boats"): 1,
        ("raw_images", "boats"): 1,
        ("image_hashes", "cars"): 1,
        ("duplicates", None): 1,
        ("deduped_images", "boats"): 1,
        ("deduped_images", "cars"): 1,
        ("resized_images", "cars"): 1,
        ("image_features", "cars"): 1,
        ("training_dataset", None): 1,
        ("dataset_audit", None): 1,
    }
    manifest = pd.read_parquet(str(life.root.dataset / "manifest.parquet"))
    assert Counter(manifest["subreddit"]) == {"cars": 23, "boats": 20}


def raw_images_began(life, run_id):
    return "raw_images" in {entry.step_key for entry in life.events(run_id, DagsterEventType.STEP_START)}


def worker_of(life, run_id):
    """The process of a run, over those of its steps."""
    said = " ".join(entry.message for entry in life.events(run_id, DagsterEventType.ENGINE_EVENT))
    return int(re.search(r"parent process \(pid: (\d+)\)", said)[1])


def process_of_step(life, run_id, step):
    entries = life.events(run_id, DagsterEventType.STEP_WORKER_STARTED)
    (entry,) = (entry for entry in entries if entry.step_key == step)
    return int(entry.dagster_event.engine_event_data.metadata["pid"].value)
