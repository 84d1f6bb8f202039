"""What is out of date, also where more sources go into one asset than Dagster keeps account of."""

import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    DataVersion,
    Definitions,
    MaterializeResult,
    asset,
    materialize,
)

from cic_assets.config.problem import Problem
from cic_assets.defs.fan_in import made_from
from cic_assets.defs.partitions import all_of, source_partitions
from cic_assets.orchestration.staleness import out_of_date

ALL = AssetKey("duplicates")


@pytest.fixture
def instance():
    with DagsterInstance.ephemeral() as instance:
        yield instance


def problem_of(sources):
    classes = {name: [f"r/{name}{i}" for i in range(sources // 2)] for name in ("car", "tank")}
    return Problem.model_validate({"name": "many", "classes": classes})


def graph_of(problem, *, with_account=True):
    @asset(partitions_def=source_partitions(problem))
    def image_hashes(): ...

    @asset(deps=[all_of("image_hashes")], code_version="1")
    def duplicates(context):
        return MaterializeResult(data_version=DataVersion("same"), tags=made_from(context) if with_account else None)

    return [image_hashes, duplicates]


def make(instance, source, version):
    tags = {"dagster/data_version": version}
    instance.report_runless_asset_event(AssetMaterialization("image_hashes", partition=source, tags=tags))


def is_stale(assets, instance):
    return out_of_date(Definitions(assets), instance, [ALL], None) == [ALL]


@pytest.mark.parametrize("sources", [98, 150])
def test_a_source_that_changed_is_seen(instance, sources):
    problem = problem_of(sources)
    assets, keys = graph_of(problem), list(problem.partitions)
    for key in keys:
        make(instance, key, "1")
    assert materialize(assets, selection=[ALL], instance=instance).success
    assert not is_stale(assets, instance)
    make(instance, keys[70], "1")
    assert not is_stale(assets, instance)
    make(instance, keys[70], "2")
    assert is_stale(assets, instance)
    assert materialize(assets, selection=[ALL], instance=instance).success
    assert not is_stale(assets, instance)


def test_a_source_that_comes_later_is_seen(instance):
    problem = problem_of(150)
    assets, (last, *others) = graph_of(problem), list(problem.partitions)
    for key in others:
        make(instance, key, "1")
    assert materialize(assets, selection=[ALL], instance=instance).success
    make(instance, last, "1")
    assert is_stale(assets, instance)


def test_what_was_made_without_account_is_made_again(instance):
    problem = problem_of(150)
    for key in problem.partitions:
        make(instance, key, "1")
    assert materialize(graph_of(problem, with_account=False), selection=[ALL], instance=instance).success
    assert is_stale(graph_of(problem), instance)
