"""The whole graph on a data root in a bucket: what comes of it is what comes of it on a disk."""

import signal
import time

import pytest

from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.commands import begun_run, wait_for_line
from cic_assets_tests.fixtures.finished import Finished
from cic_assets_tests.fixtures.states import data_versions_of, state_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

OUTAGE = 10.0
"""Seconds for which the server is gone."""


@pytest.fixture
def in_bucket(finished_first, make_archive, s3_server, s3_url, tmp_path, monkeypatch):
    """The question and the archive of a finished data root, and one in a bucket that nothing was done on."""
    world = Finished(tmp_path, {**finished_first.variables, **s3_server.environment})
    world.lay_out(make_archive)
    world.variables["CIC_DATA_ROOT"] = s3_url
    monkeypatch.setenv("HOME", str(tmp_path))  # where this machine keeps what belongs to the bucket
    return world


def assert_same(world, url, other):
    """What lies in the bucket, against what lies on a disk."""
    bucket, disk = DataRoot(url), DataRoot(str(other.root))
    found, expected = state_of(bucket, world.models), state_of(disk, world.models)
    assert [place for place in expected if found.get(place) != expected[place]] == []
    assert set(found) == set(expected)
    of_graph = ("raw_images", "image_hashes", "duplicates", "deduped_images", "resized_images", "training_dataset")
    versions, others = data_versions_of(bucket), data_versions_of(disk)
    assert {key: versions[key] for key in versions if key[0] in of_graph} == {
        key: others[key] for key in others if key[0] in of_graph
    }


def test_a_server_that_dies_twice_costs_a_run_nothing(in_bucket, s3_server, s3_url, finished_first):
    lines = []
    with begun_run(in_bucket) as process:
        for words in ("Resizing tankporn", "training on cpu"):
            wait_for_line(process, words, lines)
            with s3_server.gone():
                time.sleep(OUTAGE)
        lines += process.stderr.readlines()
    assert process.returncode == 0, "".join(lines)
    assert_same(in_bucket, s3_url, finished_first)


@pytest.mark.long
def test_a_run_that_is_killed_goes_on(in_bucket, s3_url, finished_first):
    lines = []
    with begun_run(in_bucket) as process:
        wait_for_line(process, "Finding duplicates", lines)
        process.send_signal(signal.SIGKILL)
    result = in_bucket.run("cic", *in_bucket.run_arguments)
    assert result.returncode == 0, result.stderr
    assert "18 of 18 URLs" not in result.stderr
    assert_same(in_bucket, s3_url, finished_first)
    again = in_bucket.run("cic", *in_bucket.run_arguments)
    assert again.returncode == 0, again.stderr
    assert [
        line for line in again.stderr.splitlines() if "new (" in line or "Finding" in line or "Resizing" in line
    ] == [
        f"         r/{source}: {count} media, 0 new ({count} ok)"
        for source, count in (("carporn", 18), ("tankporn", 12), ("tanks", 6))
    ]
