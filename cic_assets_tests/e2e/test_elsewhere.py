"""The whole graph with nothing on this machine that others could not reach: a bucket, PostgreSQL, several machines."""

import signal
from functools import partial
from pathlib import PurePosixPath

import pytest

from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.commands import begun_run, run_through_outages, wait_for_line
from cic_assets_tests.fixtures.postgres import PostgresServer
from cic_assets_tests.fixtures.states import assert_same, materialized_in

# Two servers, and the graph again and again: many minutes.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(1800)]

WAITS = "Waiting for what else writes in"


def places_in(world):
    """Where something lies in a data root, of what every run names alike."""
    root = DataRoot(world.url)
    own = {"dagster", "leases", "models", "cic.lock"}  # of one machine, of several, and with the time in the names
    files = (PurePosixPath(str(path)).relative_to(str(root.path)) for path in root.path.rglob("*") if path.is_file())
    return {str(path) for path in files if path.parts[0] not in own}


def test_both_servers_go_away_in_the_middle(elsewhere, s3_server, postgres_server, finished_first):
    world = elsewhere("here")
    run_through_outages(
        world,
        {
            "Fingerprinting tanks": partial(postgres_server.gone, PostgresServer.stop),
            "Resizing tankporn": s3_server.gone,
            "Building the data set": partial(postgres_server.gone, PostgresServer.kill),
            "training on cpu": s3_server.gone,
        },
    )
    made = materialized_in(world)
    assert len(made) == len(set(made))
    assert_same(world, finished_first)
    assert places_in(world) == places_in(finished_first)


def test_of_two_machines_one_waits_and_has_nothing_left_to_do(elsewhere, finished_first):
    one, other = elsewhere("one"), elsewhere("other")
    lines, of_other = [], []
    with begun_run(one, "one") as first:
        wait_for_line(first, "Fingerprinting carporn", lines)
        with begun_run(other, "other") as second:
            wait_for_line(second, WAITS, of_other)
            assert "(one, process " in of_other[-1]
            lines += first.stderr.readlines()
            assert first.wait() == 0, "".join(lines)
            of_other += second.stderr.readlines()
    assert second.returncode == 0, "".join(of_other)
    made = materialized_in(one)
    again = {"takedowns", "raw_images"}
    assert {place for place in set(made) if made.count(place) > 1} == {place for place in made if place[0] in again}
    assert_same(other, finished_first)


def test_where_one_machine_dies_the_other_goes_on(elsewhere, finished_first):
    one, other = elsewhere("one"), elsewhere("other")
    lines, of_other = [], []
    with begun_run(one, "one") as first:
        wait_for_line(first, "Fingerprinting tankporn", lines)
        first.send_signal(signal.SIGKILL)
    with begun_run(other, "other") as second:
        of_other = second.stderr.readlines()
    assert second.returncode == 0, "".join(of_other)
    assert any(WAITS in line for line in of_other)
    assert not any("Fingerprinting carporn" in line for line in of_other)
    assert_same(other, finished_first)
