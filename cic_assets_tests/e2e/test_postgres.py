"""The whole graph with its runs in PostgreSQL: what comes of it is what comes of it with SQLite."""

import signal
from functools import partial

import pytest

from cic_assets_tests.fixtures.commands import begun_run, run_through_outages, wait_for_line
from cic_assets_tests.fixtures.finished import Finished
from cic_assets_tests.fixtures.postgres import PostgresServer
from cic_assets_tests.fixtures.states import assert_same, materialized_in

# A server, and the graph twice: many minutes.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]


@pytest.fixture
def on_postgres(make_archive, postgres_url, bare_variables, tmp_path):
    """The question and the archive of the other tests' finished data root, and nothing done."""
    world = Finished(tmp_path, {**bare_variables, "CIC_POSTGRES_URL": postgres_url})
    world.lay_out(make_archive)
    return world


def test_a_server_that_is_stopped_and_killed_costs_a_run_nothing(on_postgres, postgres_server, finished_first):
    run_through_outages(
        on_postgres,
        {
            "Resizing tankporn": partial(postgres_server.gone, PostgresServer.stop),
            "training on cpu": partial(postgres_server.gone, PostgresServer.kill),
        },
    )
    made = materialized_in(on_postgres)
    assert len(made) == len(set(made))
    assert not (on_postgres.root / "dagster" / "history").exists()
    assert_same(on_postgres, finished_first)


def test_a_run_that_is_killed_goes_on(on_postgres, finished_first):
    lines = []
    with begun_run(on_postgres) as process:
        wait_for_line(process, "Finding duplicates", lines)
        process.send_signal(signal.SIGKILL)
    result = on_postgres.run("cic", *on_postgres.run_arguments)
    assert result.returncode == 0, result.stderr
    assert_same(on_postgres, finished_first)
