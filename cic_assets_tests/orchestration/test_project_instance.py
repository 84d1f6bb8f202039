"""Where Dagster's own commands record when nobody set DAGSTER_HOME."""

import os
from pathlib import Path

import pytest
from dagster import AssetKey, DagsterInstance
from dagster._core.instance.ref import InstanceRef

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def made_by_dagster(tmp_path, monkeypatch):
    """The instance that Dagster's commands make in the project's folder, about a problem elsewhere."""
    problem = tmp_path / "pets" / "problem.yaml"
    problem.parent.mkdir()
    problem.write_text("name: pets\nclasses: {cat: [r/cats], dog: [r/dogs]}\n")
    (tmp_path / "to be deleted").mkdir()
    for name in [name for name in os.environ if name.startswith(("CIC_", "DAGSTER"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CIC_PROBLEM", str(problem))

    def make():
        ref = InstanceRef.from_dir(str(tmp_path / "to be deleted"), config_dir=str(PROJECT))
        return DagsterInstance.from_ref(ref)

    return make


def test_it_is_the_problem_s_own_with_its_settings(made_by_dagster, tmp_path):
    with made_by_dagster() as instance:
        assert instance.root_directory == str(tmp_path / "pets" / "data" / "dagster")
        assert instance.get_concurrency_config().pool_config.default_pool_limit == 1
    # A step in another process gets the same.
    with DagsterInstance.from_ref(instance.get_ref()) as again:
        assert again.root_directory == instance.root_directory


def test_a_problem_that_is_not_usable_is_told_by_what_loads_it(made_by_dagster, tmp_path):
    (tmp_path / "pets" / "problem.yaml").write_text("name: [")
    with made_by_dagster() as instance:
        assert instance.root_directory == str(tmp_path / "to be deleted")
    assert not (tmp_path / "pets" / "data").exists()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_dg_launch_records_where_cic_run_does(own_finished):
    home = own_finished.root / "dagster"
    key = AssetKey("raw_images")
    with DagsterInstance.from_config(str(home)) as instance:
        before = instance.get_latest_materialization_event(key).run_id
    result = own_finished.dg("launch", "--assets", "raw_images", "--partition", "carporn")
    assert result.returncode == 0, result.stderr
    with DagsterInstance.from_config(str(home)) as instance:
        assert instance.get_latest_materialization_event(key).run_id != before
