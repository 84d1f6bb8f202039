"""Places in pools: a killed run gives its own back, and who waits says so and can be stopped."""

import itertools
import os
import signal
import subprocess
import sys
import time

import pytest
from dagster import DagsterRunStatus
from dagster._core.events import EngineEventData
from dagster._core.test_utils import create_run_for_test

from cic_assets.defs.pools import GPU
from cic_assets.orchestration.instance import open_instance
from cic_assets.orchestration.pools import wait_for_places
from cic_assets.orchestration.run_recovery import close_abandoned_runs, free_places
from cic_assets.storage import DataRoot

TRAINING = """
import sys, time
from dagster import AssetSpec, DataVersion, Definitions, MaterializeResult, asset, define_asset_job
from cic_assets.config.environment import Environment
from cic_assets.defs.loggers import loggers_of
from cic_assets.orchestration import run_graph
from cic_assets.orchestration.instance import open_instance
from cic_assets.storage import DataRoot

@asset(pool="gpu")
def vgg_model():
    print("training", flush=True)
    time.sleep(float(sys.argv[2]))
    return MaterializeResult(data_version=DataVersion("1"))

defs = Definitions(assets=[vgg_model], jobs=[define_asset_job("train_all")], loggers=loggers_of(Environment()))
run_graph.STAGES = (run_graph.Stage("train_all", "Training", partitioned=False),)
say = lambda line: print(line, flush=True)
with open_instance(DataRoot(sys.argv[1])) as instance:
    run_graph.run_graph(defs, instance, [], lambda _asset, _key: False, say, say)
"""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def train(root):
    """Starts a training in a process of its own, as `cic run` does; gives the process."""
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    started = []

    def start(seconds):
        command = [sys.executable, "-c", TRAINING, root.url, str(seconds)]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def wait_for(process, word):
    """Until it says a word."""
    for line in process.stdout:
        if word in line:
            return line
    return pytest.fail("it ended without it")


def holds(instance, run):
    instance.event_log_storage.initialize_concurrency_limit_to_default("gpu")
    instance.event_log_storage.claim_concurrency_slot("gpu", run.run_id, "vgg_model")
    assert instance.event_log_storage.get_concurrency_info("gpu").active_run_ids == {run.run_id}


@pytest.mark.slow
def test_the_training_after_a_killed_one_trains(train):
    first = train(600)
    wait_for(first, "training")
    first.send_signal(signal.SIGKILL)
    first.wait()
    second = train(0)
    assert "Waiting" not in second.communicate(timeout=60)[0]
    assert second.returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_who_waits_for_a_run_that_is_at_work_says_so_and_ends_when_told(root, train, end):
    with open_instance(root) as instance:
        at_work = create_run_for_test(instance, job_name="train_all", status=DagsterRunStatus.STARTED)
        holds(instance, at_work)
    waiting = train(0)
    line = wait_for(waiting, "Waiting")
    assert line == f"Waiting for a place in the pool gpu, which run {at_work.run_id[:8]} (train_all) holds\n"
    waiting.send_signal(end)
    assert waiting.wait(timeout=10) != 0


def test_a_wait_ends_when_the_run_does(root):
    lines, looks = [], []
    with open_instance(root) as instance:
        run = create_run_for_test(instance, status=DagsterRunStatus.STARTED)
        holds(instance, run)

        def sleep(_seconds):
            looks.append(time.time())
            if len(looks) == 3:
                instance.report_run_failed(run, "killed")

        wait_for_places(instance, {"gpu", "unlimited"}, lines.append, sleep)
    assert len(looks) == 3
    assert len(lines) == 1


def test_who_waits_for_a_run_that_dies_waits_no_longer(root):
    """One of `dg launch`, say: where no daemon runs, nobody else looks whether its process is still there."""
    at_work = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    looks = []
    with open_instance(root) as instance:
        run = create_run_for_test(instance, status=DagsterRunStatus.STARTED)
        instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(at_work.pid))
        holds(instance, run)

        def sleep(_seconds):
            looks.append(time.time())
            assert len(looks) < 4, "waits for ever"
            if len(looks) == 2:
                at_work.communicate()

        wait_for_places(instance, {"gpu"}, [].append, sleep)
        assert instance.get_run_by_id(run.run_id).status is DagsterRunStatus.FAILURE
    assert len(looks) == 2


def test_a_command_closes_what_died_without_one_and_leaves_what_is_at_work(root):
    with open_instance(root) as instance, subprocess.Popen([sys.executable, "-c", ""]) as died:
        died.wait()
        runs = [create_run_for_test(instance, status=DagsterRunStatus.STARTED) for _ in range(2)]
        for run, pid in zip(runs, (died.pid, os.getpid()), strict=True):
            instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(pid))
    with open_instance(root) as instance:
        statuses = [instance.get_run_by_id(run.run_id).status for run in runs]
    assert statuses == [DagsterRunStatus.FAILURE, DagsterRunStatus.STARTED]


@pytest.mark.parametrize("look", [free_places, close_abandoned_runs])
def test_a_place_of_a_run_that_ended_is_free_one_of_a_run_at_work_is_not(root, look):
    with open_instance(root) as instance:
        ended = create_run_for_test(instance, status=DagsterRunStatus.FAILURE)
        holds(instance, ended)
        look(instance)
        assert instance.event_log_storage.get_concurrency_info("gpu").active_run_ids == set()
        at_work = create_run_for_test(instance, status=DagsterRunStatus.STARTED)
        holds(instance, at_work)
        look(instance)
        assert instance.event_log_storage.get_concurrency_info("gpu").active_run_ids == {at_work.run_id}


def test_a_pool_that_is_stuck_since_before_is_free_for_the_next_command(root):
    """Homes that an earlier version made have places of runs that it marked failed itself."""
    with open_instance(root) as instance:
        holds(instance, create_run_for_test(instance, status=DagsterRunStatus.FAILURE))
    with open_instance(root) as instance:
        assert instance.event_log_storage.get_concurrency_info("gpu").active_run_ids == set()


STEP = """
import sys, time
from dagster import DagsterInstance, asset, materialize

@asset(pool=sys.argv[2])
def step():
    begin = time.monotonic()
    time.sleep(0.5)
    print(begin, time.monotonic())

with DagsterInstance.from_config(sys.argv[1]) as instance:
    materialize([step], instance=instance)
"""


@pytest.mark.slow
def test_steps_of_all_runs_take_turns_in_a_pool(root):
    with open_instance(root) as instance:
        command = [sys.executable, "-c", STEP, instance.root_directory, GPU]
        runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(3)]
        said = [run.communicate(timeout=120)[0] for run in runs]
    times = sorted(tuple(map(float, one.split())) for one in said)
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times))
