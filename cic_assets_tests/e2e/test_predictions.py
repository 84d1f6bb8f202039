"""One picture, asked about through every door: the command line, the page, the graph, the library."""

import json
from functools import partial

import pandas as pd
import pytest
from dagster import materialize

from cic_assets.config.problem import Problem
from cic_assets.defs.assets.prediction import build_assets
from cic_assets.defs.resources import DataRootResource, EngineResource
from cic_assets.domain.prediction import Input, load_predictor
from cic_assets.web.predict import Panel

pytestmark = pytest.mark.slow

PROBLEM = Problem.model_validate({"name": "x", "classes": {"dark": ["r/aa"], "bright": ["r/bb"]}})


@pytest.fixture
def photo(tmp_path, jpeg):
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(seed=3, width=500, height=300))
    return path


def told_in(row):
    return row["probabilities"], row["none_of_these"], row["outlier_score"]


def by_command(commands, root, photo, precision="float32"):
    result = commands.run("cic", "predict", "--json", photo, "--data-root", root.path, "--precision", precision)
    return told_in(json.loads(result.stdout)[0])


def by_page(root, photo, precision="float32"):
    best, _ = Panel.load(root, precision=precision).ask(Input("upload", photo.read_bytes())).row()["predictions"]
    return told_in(best)


def by_graph(root, photo, precision="float32"):
    (asset,) = build_assets(PROBLEM)
    config = {"ops": {"adhoc_predictions": {"config": {"sources": [str(photo)], "precision": precision}}}}
    resources = {"data": DataRootResource(url=str(root.path)), "engine": EngineResource()}
    result = materialize([asset], resources=resources, run_config=config)
    assert result.success
    row = pd.read_parquet(str(root.table_path("adhoc_predictions"))).iloc[0]
    assert row["precision"] == precision
    told = {"true": True, "false": False}[row["none_of_these"]]
    return {label: row[f"p_{label}"] for label in ("dark", "bright")}, told, row["outlier_score"]


def test_every_door_gives_the_same_answer_bit_for_bit(commands, exported_root, keras_root, photo):
    (prediction,) = load_predictor(exported_root).predict([str(photo)])
    expected = told_in(prediction.row())
    assert 0.01 < expected[0]["dark"] < 0.99
    assert expected[1] == (expected[2] > 1)
    assert by_command(commands, exported_root, photo) == expected
    assert by_page(exported_root, photo) == expected
    assert by_graph(exported_root, photo) == expected
    (theirs,) = load_predictor(keras_root).predict([str(photo)])
    assert theirs.probabilities == pytest.approx(expected[0], abs=1e-4)
    assert told_in(theirs.row())[1:] == (None, None)


def test_every_door_gives_the_same_answer_in_8_bits(commands, quantized_root, photo):
    (prediction,) = load_predictor(quantized_root, precision="int8").predict([str(photo)])
    for door in (partial(by_command, commands), by_page, by_graph):
        assert door(quantized_root, photo, "int8") == told_in(prediction.row())
