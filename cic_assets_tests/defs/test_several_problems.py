"""Problems that share an instance: the same graph under a name of its own."""

import pytest

from cic_assets.config.environment import Environment
from cic_assets.defs.build import build_definitions

PROBLEM = "name: x\nclasses: {a: [r/aa], b: [r/bb]}\n"


@pytest.fixture
def definitions(tmp_path):
    def build(text=PROBLEM):
        (tmp_path / "p.yaml").write_text(text)
        return build_definitions(Environment(problem=tmp_path / "p.yaml"))

    return build


def test_a_prefix_stands_before_every_key_and_changes_nothing_else(definitions):
    plain, prefixed = definitions(), definitions(PROBLEM + "dagster: {asset_prefix: pets}\n")
    short, long = plain.resolve_asset_graph(), prefixed.resolve_asset_graph()
    assert {("pets", *key.path) for key in short.get_all_asset_keys()} == {
        tuple(key.path) for key in long.get_all_asset_keys()
    }
    for key in short.get_all_asset_keys():
        parents = {tuple(parent.path) for parent in long.get(key.with_prefix("pets")).parent_keys}
        assert parents == {("pets", *parent.path) for parent in short.get(key).parent_keys}
        assert short.get(key).code_version == long.get(key.with_prefix("pets")).code_version
    assert {(*key.asset_key.path, key.name) for key in long.asset_check_keys} == {
        ("pets", *key.asset_key.path, key.name) for key in short.asset_check_keys
    }


def test_jobs_and_steps_keep_their_names(definitions):
    plain, prefixed = definitions(), definitions(PROBLEM + "dagster: {asset_prefix: pets}\n")
    for name in ("rescrape", "find_duplicates", "prepare", "build_dataset", "train_all", "evaluate", "predict"):
        short, long = plain.resolve_job_def(name), prefixed.resolve_job_def(name)
        assert set(short.graph.node_names()) == set(long.graph.node_names())
        assert {key.path[-1] for key in long.asset_layer.executable_asset_keys} == {
            key.path[-1] for key in short.asset_layer.executable_asset_keys
        }


def test_no_condition_waits_for_an_asset_of_another_problem(definitions):
    graph = definitions(PROBLEM + "dagster: {asset_prefix: pets}\n").resolve_asset_graph()
    conditions = [graph.get(key).automation_condition for key in graph.get_all_asset_keys()]
    selections = [
        child.allow_selection
        for condition in conditions
        if condition
        for child in _all_of(condition)
        if getattr(child, "allow_selection", None) is not None
    ]
    assert selections
    assert all(selection.resolve(graph) for selection in selections)


def _all_of(condition):
    yield condition
    for child in condition.children:
        yield from _all_of(child)
