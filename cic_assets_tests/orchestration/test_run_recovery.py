import os
import socket
import subprocess
import sys
import time

import pytest
from dagster import DagsterInstance, DagsterRunStatus
from dagster._core.events import EngineEventData
from dagster._core.test_utils import create_run_for_test

from cic_assets.orchestration import machine
from cic_assets.orchestration.instance import ensure_home, make_instance
from cic_assets.orchestration.run_recovery import close_abandoned_runs
from cic_assets.storage import DataRoot


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
    monkeypatch.setattr(machine, "_boot_time", lambda: 2000.0)
    assert close_abandoned_runs(instance) == [run]


def test_a_number_that_another_process_got_since_is_not_believed(instance):
    """As in a container that was started again, whose processes have the numbers of those before."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        run = begun(instance, process.pid)
        assert close_abandoned_runs(instance) == []
        with instance.run_storage.connect() as connection:
            connection.exec_driver_sql(f"UPDATE runs SET start_time = {time.time() - 60}")
        assert close_abandoned_runs(instance) == [run]
        process.kill()


def test_runs_of_sqlite_are_this_machine_s_whatever_it_was_called_then(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    with DagsterInstance.from_config(str(ensure_home(DataRoot(str(tmp_path))))) as instance:
        run = begun(instance, dead_process())
        monkeypatch.setattr(socket, "gethostname", lambda: "another")
        assert close_abandoned_runs(instance) == [run]


@pytest.mark.slow
def test_runs_of_other_machines_of_a_database_are_left_alone(postgres_url, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    with make_instance(ensure_home(DataRoot(str(tmp_path)))) as instance:
        ours = begun(instance, dead_process())
        with monkeypatch.context() as there:
            there.setattr(socket, "gethostname", lambda: "another")
            theirs = begun(instance, dead_process())
        assert close_abandoned_runs(instance) == [ours]
        assert instance.get_run_by_id(theirs).status is DagsterRunStatus.STARTED
