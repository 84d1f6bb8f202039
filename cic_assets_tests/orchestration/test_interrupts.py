"""Ctrl+C ends a command, whatever its steps make of it."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from cic_assets.orchestration.interrupts import interruptible

SWALLOWED = """
import sys, time
from dagster import AssetSpec, DataVersion, Definitions, MaterializeResult, asset, define_asset_job
from cic_assets.config.environment import Environment
from cic_assets.defs.loggers import loggers_of
from cic_assets.orchestration import run_graph
from cic_assets.orchestration.instance import open_instance
from cic_assets.storage import DataRoot

@asset
def takedowns():
    print("at work", flush=True)
    try:
        time.sleep(20)
    except Exception:  # as who asks a host again does
        pass
    return MaterializeResult(data_version=DataVersion("1"))

@asset
def raw_images():
    print("went on", flush=True)

jobs = [define_asset_job(name, [name]) for name in ("takedowns", "raw_images")]
defs = Definitions(assets=[takedowns, raw_images], jobs=jobs, loggers=loggers_of(Environment()))
run_graph.STAGES = [run_graph.Stage(job.name, job.name, partitioned=False) for job in jobs]
ignore = lambda line: None
with open_instance(DataRoot(sys.argv[1])) as instance:
    run_graph.run_graph(defs, instance, [], lambda _asset, _key: False, ignore, ignore)
"""


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_a_step_that_swallows_it_does_not_keep_the_command_going(tmp_path, end):
    environment = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    command = [sys.executable, "-c", SWALLOWED, str(tmp_path / "root")]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout.readline() == "at work\n"
        process.send_signal(end)
        said, errors = process.communicate(timeout=60)
    assert process.returncode != 0
    assert said == ""
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_without_one_nothing_is_raised_and_errors_pass():
    before = signal.set_wakeup_fd(-1)
    with interruptible():
        pass
    with pytest.raises(ZeroDivisionError), interruptible():
        _ = 1 / 0
    assert signal.set_wakeup_fd(before) == -1


def test_another_thread_has_no_signals():
    passed = threading.Event()

    def body():
        with interruptible():
            passed.set()

    thread = threading.Thread(target=body)
    thread.start()
    thread.join()
    assert passed.is_set()
