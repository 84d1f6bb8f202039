"""The whole graph on a cluster two of whose nodes are killed: as on one machine, without a restart by hand."""

import pytest
from dagster import DagsterEventType

from cic_assets.domain.duplicates import VERDICTS, count_compared
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.large import Large, losing_nodes
from cic_assets_tests.fixtures.ray_cluster import running_cluster
from cic_assets_tests.fixtures.states import assert_same, data_versions_of, events_of

# A cluster of three nodes on two cores, and pictures of 27 megapixels: many minutes.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3600), pytest.mark.xdist_group("ray")]

ON_RAY = {"CIC_ENGINE": "ray", "CIC_EXECUTOR": "ray"}


def assert_ended_as(here, there, said):
    """As on one machine, and of all steps only the training was tried again."""
    assert "16 of 16 fingerprints" in said
    retried = [event.step_key for event in events_of(there) if event.event_type is DagsterEventType.STEP_UP_FOR_RETRY]
    assert retried == ["vgg_model"]
    assert count_compared(DataRoot(there.url).read_table(VERDICTS)) == 2
    assert len(data_versions_of(there)) == 17
    assert_same(there, here)


def test_a_run_whose_nodes_are_killed_ends_as_one_on_one_machine(ray_cluster, large_here, tmp_path, bare_variables):
    there = Large(tmp_path / "there", large_here.archive, {**bare_variables, **ray_cluster.variables, **ON_RAY})
    with losing_nodes(ray_cluster, there):
        result = there.bring_up_to_date()
    assert_ended_as(large_here, there, result.stderr)


def test_nodes_share_nothing_but_a_bucket_and_a_database(
    large_here, s3_server, s3_url, postgres_url, tmp_path, bare_variables
):
    """The question and the archive lie where all see them, as an image and the internet would."""
    home = tmp_path / "home"
    home.mkdir()
    keys = {**s3_server.environment, "CIC_POSTGRES_URL": postgres_url}
    with running_cluster(keys=keys, hidden=[home]) as cluster:
        there = Large(tmp_path / "there", large_here.archive, {**bare_variables, **cluster.variables, **keys, **ON_RAY})
        there.variables |= {"CIC_DATA_ROOT": s3_url, "HOME": str(home)}
        cluster.restore()
        with losing_nodes(cluster, there):
            result = there.bring_up_to_date()
        assert_ended_as(large_here, there, result.stderr)
