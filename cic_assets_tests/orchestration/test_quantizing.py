"""Models in fewer bits in the graph: made where the problem asks, after their models, and noticed when gone."""

import json
import shutil

import pytest
import yaml
from dagster import AssetKey

from cic_assets.defs.build import build_definitions
from cic_assets.domain.prediction import load_predictor
from cic_assets_tests.fixtures.worlds import picture
from cic_assets_tests.orchestration.test_run_graph import SCRAPES


def ask_for(world, *precisions):
    asked = yaml.safe_load(world.environment.problem.read_text())
    asked["prediction"] = {"precisions": list(precisions)}
    world.environment.problem.write_text(yaml.safe_dump(asked, sort_keys=False))


def graph_of(world):
    graph = build_definitions(world.environment).resolve_asset_graph()
    return {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}


def test_where_nothing_is_asked_for_the_graph_is_what_it_was(world):
    before = graph_of(world)
    assert not [name for name in before if name.endswith("_quantized")]
    ask_for(world)
    after = graph_of(world)
    assert {name: node.code_version for name, node in after.items()} == {
        name: node.code_version for name, node in before.items()
    }


def test_what_is_asked_for_is_an_asset_a_model_between_it_and_the_report(world):
    before = graph_of(world)
    ask_for(world, "int8", "float16")
    after = graph_of(world)
    made = {f"{name}_quantized" for name in ("vgg", "peetz_net", "xception")}
    assert after.keys() - before.keys() == made
    for name in made:
        node = after[name]
        model = name.replace("_quantized", "_model")
        assert node.group_name == "training"
        assert set(node.pools) == {"decoding"}
        assert node.parent_keys == {AssetKey(model), AssetKey("training_dataset")}
        assert "float16, int8" in node.description
    for name in ("evaluation_report", "adhoc_predictions"):
        assert {AssetKey(one) for one in made} <= after[name].parent_keys
    changed = {name for name, node in before.items() if after[name].code_version != node.code_version}
    assert changed == {"evaluation_report"}
    ask_for(world, "int8")
    fewer = graph_of(world)
    assert fewer["vgg_quantized"].code_version != after["vgg_quantized"].code_version


def names(materialized):
    return sorted({name for name, _ in materialized if (name, _) not in SCRAPES})


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(900)
def test_they_are_made_after_their_models_and_again_when_they_are_gone(finished_world):
    world = finished_world
    world.train_only("vgg")
    world.run()
    ask_for(world, "float16", "int8")
    made, lines = world.run()
    assert names(made) == ["evaluation_report", "vgg_quantized"]
    assert "Quantizing" in lines
    (line,) = [line for line in lines if "vgg in int8: " in line]
    assert "test pictures right" in line
    folder = world.root.model("vgg")
    report = json.loads((world.root.report / "report.json").read_text())
    shown = report["models"]["vgg"]["precisions"]
    assert [one["precision"] for one in shown] == ["float32", "float16", "int8"]
    assert (shown[0]["labels_changed"], shown[0]["largest_change"]) == (0, 0)
    assert shown[0]["disk_bytes"] > 1.5 * shown[1]["disk_bytes"]
    assert all(one["n"] == report["models"]["vgg"]["n"] and one["milliseconds"] > 0 for one in shown)
    assert "In fewer bits" in (world.root.report / "report.html").read_text()
    assert load_predictor(world.root, precision="int8").precision == "int8"

    # All is there: nothing is made. One is gone: it is made again, and the report stays as it is.
    assert names(world.run()[0]) == []
    shutil.rmtree(str(folder / "int8"))
    again = names(world.run()[0])
    assert again == ["vgg_quantized"]
    assert (folder / "int8" / "card.json").exists()

    # Another data set: first the model, then what is made of it, then the report.
    world.archive.add("new", picture("tank", 1000), subreddit="tanks")
    _, lines = world.run()
    stages = [line for line in lines if line in ("Training", "Quantizing", "Evaluating")]
    assert stages == ["Training", "Quantizing", "Evaluating"]
    assert load_predictor(world.root, precision="int8").precision == "int8"

    # Nobody asks any more: what was made stays until the next training, and nothing is made.
    ask_for(world)
    assert names(world.run()[0]) == ["evaluation_report"]
