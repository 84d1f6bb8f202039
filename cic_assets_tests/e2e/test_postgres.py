"""The whole graph with its runs in PostgreSQL: what comes of it is what comes of it with SQLite."""

import signal
import time

import pytest

from cic_assets.orchestration.instance import ensure_home, make_instance
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.commands import begun_run, wait_for_line
from cic_assets_tests.fixtures.finished import Finished
from cic_assets_tests.fixtures.states import data_versions_of, state_of

# A server, and the graph twice: many minutes.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]

OUTAGE = 10.0
"""Seconds for which the server is gone."""


@pytest.fixture
def on_postgres(make_archive, postgres_url, bare_variables, tmp_path, monkeypatch):
    """The question and the archive of the other tests' finished data root, and nothing done."""
    monkeypatch.setenv("DAGSTER_HOME", "")
    world = Finished(tmp_path, {**bare_variables, "CIC_POSTGRES_URL": postgres_url})
    world.lay_out(make_archive)
    return world


def materialized(world):
    """What was made, with its partition, as often as it was recorded."""
    with make_instance(ensure_home(DataRoot(str(world.root)))) as instance:
        events = [
            record.event_log_entry.get_dagster_event()
            for run in instance.get_runs()
            for record in instance.get_records_for_run(run.run_id).records
            if record.event_log_entry.is_dagster_event
        ]
    return [(event.asset_key.to_user_string(), event.partition) for event in events if event.is_step_materialization]


def assert_same(world, other, monkeypatch):
    found, expected = (state_of(DataRoot(str(one.root)), one.models) for one in (world, other))
    assert [place for place in expected if found.get(place) != expected[place]] == []
    assert set(found) == set(expected)
    versions = data_versions_of(DataRoot(str(world.root)))
    monkeypatch.delenv("CIC_POSTGRES_URL")
    others = data_versions_of(DataRoot(str(other.root)))
    of_files = {
        key for key in others if key[0].endswith("_model") or key[0] == "evaluation_report"
    }  # the time is in them
    assert {key: versions[key] for key in versions if key not in of_files} == {
        key: others[key] for key in others if key not in of_files
    }


def test_a_server_that_is_stopped_and_killed_costs_a_run_nothing(
    on_postgres, postgres_server, finished_first, monkeypatch
):
    lines = []
    outages = {"Resizing tankporn": type(postgres_server).stop, "training on cpu": type(postgres_server).kill}
    with begun_run(on_postgres) as process:
        for words, end in outages.items():
            wait_for_line(process, words, lines)
            with postgres_server.gone(end):
                time.sleep(OUTAGE)
        lines += process.stderr.readlines()
    assert process.returncode == 0, "".join(lines)
    made = materialized(on_postgres)
    assert len(made) == len(set(made))
    assert not (on_postgres.root / "dagster" / "history").exists()
    assert_same(on_postgres, finished_first, monkeypatch)


def test_a_run_that_is_killed_goes_on(on_postgres, finished_first, monkeypatch):
    lines = []
    with begun_run(on_postgres) as process:
        wait_for_line(process, "Finding duplicates", lines)
        process.send_signal(signal.SIGKILL)
    result = on_postgres.run("cic", *on_postgres.run_arguments)
    assert result.returncode == 0, result.stderr
    assert_same(on_postgres, finished_first, monkeypatch)
