import os
import subprocess
import sys

import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.events import EngineEventData
from dagster._core.test_utils import create_run_for_test

from cic_assets.orchestration import run_recovery as abandoned
from cic_assets.orchestration.run_recovery import close_abandoned_runs


@pytest.fixture
def instance(tmp_path):
    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        yield instance


def begun(instance, pid):
    """A run that has begun, in a process of that number; gives its id."""
    run = create_run_for_test(instance, status=DagsterRunStatus.STARTED)
    if pid:
        instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(pid))
    return run.run_id


def dead_process():
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_a_run_without_its_process_is_marked_failed(instance):
    gone, here, not_told = begun(instance, dead_process()), begun(instance, os.getpid()), begun(instance, None)
    assert close_abandoned_runs(instance) == [gone]
    statuses = {run.run_id: run.status for run in instance.get_runs()}
    assert statuses == {
        gone: DagsterRunStatus.FAILURE,
        here: DagsterRunStatus.STARTED,
        not_told: DagsterRunStatus.STARTED,
    }
    assert close_abandoned_runs(instance) == []


def test_a_number_that_is_another_s_since_the_machine_started_again_is_not_believed(instance, monkeypatch):
    run = begun(instance, os.getpid())
    with instance.run_storage.connect() as connection:
        connection.exec_driver_sql("UPDATE runs SET start_time = 1000")
    monkeypatch.setattr(abandoned, "_boot_time", lambda: 2000.0)
    assert close_abandoned_runs(instance) == [run]
