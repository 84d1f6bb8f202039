"""The whole graph on a data root in a bucket: what comes of it is what comes of it on a disk."""

import signal

import pytest

from cic_assets_tests.fixtures.commands import begun_run, run_through_outages, wait_for_line
from cic_assets_tests.fixtures.finished import Finished
from cic_assets_tests.fixtures.states import assert_same

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture
def in_bucket(make_archive, bare_variables, s3_server, s3_url, tmp_path):
    """The question and the archive of a finished data root, and one in a bucket that nothing was done on."""
    world = Finished(tmp_path, {**bare_variables, **s3_server.environment})
    world.lay_out(make_archive)
    world.variables["CIC_DATA_ROOT"] = s3_url
    return world


@pytest.mark.long
def test_a_server_that_dies_twice_costs_a_run_nothing(in_bucket, s3_server, finished_first):
    run_through_outages(in_bucket, dict.fromkeys(("Resizing tankporn", "training on cpu"), s3_server.gone))
    assert_same(in_bucket, finished_first)


@pytest.mark.long
def test_a_run_that_is_killed_goes_on(in_bucket, finished_first):
    lines = []
    with begun_run(in_bucket) as process:
        wait_for_line(process, "Finding duplicates", lines)
        process.send_signal(signal.SIGKILL)
    result = in_bucket.run("cic", *in_bucket.run_arguments)
    assert result.returncode == 0, result.stderr
    assert "18 of 18 URLs" not in result.stderr
    assert_same(in_bucket, finished_first)
    again = in_bucket.run("cic", *in_bucket.run_arguments)
    assert again.returncode == 0, again.stderr
    assert [
        line for line in again.stderr.splitlines() if "new (" in line or "Finding" in line or "Resizing" in line
    ] == [
        f"         r/{source}: {count} media, 0 new ({count} ok)"
        for source, count in (("carporn", 18), ("tankporn", 12), ("tanks", 6))
    ]
