"""The UI and its daemon with their runs in PostgreSQL: what goes wrong there, and on whose machine."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests
from dagster import DagsterEventType, DagsterRunStatus
from dagster._core.events import EngineEventData
from dagster._core.test_utils import create_run_for_test

from cic_assets.orchestration.run_recovery import NO_RETRIES
from cic_assets_tests.fixtures.lives import begun_life
from cic_assets_tests.fixtures.worlds import picture

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1200)]


def run_of_a_dead_process(instance):
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    run = create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags=NO_RETRIES)
    instance.report_engine_event("Started process for run.", run, EngineEventData.in_process(process.pid))
    return run.run_id


def test_it_opens_ticks_and_ends_what_died_on_this_machine_alone(
    tmp_path, make_archive, serving, bare_variables, postgres_server, postgres_url, monkeypatch
):
    died = {}

    def leave_runs(instance):
        died["here"] = run_of_a_dead_process(instance)
        with monkeypatch.context() as there:
            there.setattr(socket, "gethostname", lambda: "another")
            died["there"] = run_of_a_dead_process(instance)

    variables = {**bare_variables, "CIC_POSTGRES_URL": postgres_url}
    with begun_life(tmp_path, make_archive, serving, variables, before=leave_runs) as life:
        assert not (life.folder / "root" / "dagster" / "history").exists()
        page = requests.get(life.server.url, timeout=60)
        assert page.headers["Content-Type"].startswith("text/html")
        shown = life.server.ask(
            "{runsOrError {... on Runs {results {runId status}}} "
            "workspaceOrError {... on Workspace {locationEntries {name loadStatus}}}}"
        )
        assert shown["workspaceOrError"]["locationEntries"] == [{"name": "cic_assets", "loadStatus": "LOADED"}]
        statuses = {run["runId"]: run["status"] for run in shown["runsOrError"]["results"]}
        assert (statuses[died["here"]], statuses[died["there"]]) == ("FAILURE", "STARTED")

        for number in range(100, 103):
            life.archive.add(f"c{number}", picture("car", number), delay=5)
        start = time.time()
        with life.schedule_on():
            runs = life.runs_of_a_tick_since(start)
        assert sorted(runs) == ["boats", "cars"]
        life.wait(lambda: life.events(runs["cars"], DagsterEventType.STEP_START), 90, "scrape")
        os.kill(life.worker_of(runs["cars"]), signal.SIGKILL)
        assert life.end_of(runs["cars"]) is DagsterRunStatus.FAILURE
        with postgres_server.gone():
            time.sleep(10)
        assert life.end_of(life.retry_of(runs["cars"])) is DagsterRunStatus.SUCCESS
        assert life.end_of(runs["boats"]) is DagsterRunStatus.SUCCESS
        assert len(life.root.read_table("raw_images", "cars")) == 23
        assert life.instance.get_run_by_id(died["there"]).status is DagsterRunStatus.STARTED
