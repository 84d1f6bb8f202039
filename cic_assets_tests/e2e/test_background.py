"""Pictures of other things measure reject rules, and have no part in anything else."""

import cv2
import numpy as np
import pandas as pd
import pytest
from dagster import AssetKey

from cic_assets.defs.build import build_definitions
from cic_assets.domain.evaluation import read_report
from cic_assets_tests.fixtures.worlds import picture

OTHERS = 14
CLASSES = {"cars", "tanks", "boats"}


def gradient(seed):
    """Of a kind that no class has."""
    random = np.random.default_rng(seed)
    slope = np.linspace(0, 255, 160)[None] * np.ones((120, 1))
    pixels = np.stack([slope * random.random(), slope[:, ::-1] * random.random(), np.full((120, 160), 128)], axis=-1)
    return cv2.imencode(".jpg", pixels.astype(np.uint8))[1].tobytes()


def name_background(world):
    """From now on there is a folder of other things, among which is a picture of the data set."""
    others = world.environment.problem.parent / "others"
    others.mkdir()
    for number in range(OTHERS):
        (others / f"{number}.jpg").write_bytes(gradient(number))
    (others / "known.jpg").write_bytes(picture("car", 3))
    with world.environment.problem.open("a") as file:
        file.write(f"\nbackground: ['folder:{others}']\n")


def code_versions(world):
    graph = build_definitions(world.environment).resolve_asset_graph()
    return {key.to_user_string(): graph.get(key).code_version for key in graph.get_all_asset_keys()}, graph


def test_to_name_some_makes_nothing_out_of_date_but_the_report(world):
    before, _ = code_versions(world)
    name_background(world)
    after, graph = code_versions(world)
    assert {name for name in after if after[name] != before.get(name)} == {"evaluation_report"}
    assert AssetKey("resized_images") in graph.get(AssetKey("evaluation_report")).parent_keys


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_they_measure_the_rules_and_are_nothing_else(world):
    world.train_only("vgg")
    name_background(world)
    world.run()
    root, report = world.root, read_report(world.root)
    model = report.models["vgg"]
    assert model.reject.background.n == OTHERS
    assert 0 <= model.reject.background.auroc <= 1
    assert set(report.dataset.classes) == {"car", "tank", "boat"}
    assert set(report.dataset.sources) == set(model.per_source) == CLASSES
    assert set(root.read_table("resized_images", "background-others")["subreddit"]) == {"background-others"}
    assert root.read_table("image_features", "background-others").empty
    manifest = pd.read_parquet(str(root.dataset / "manifest.parquet"))
    assert set(manifest["subreddit"]) == CLASSES
    assert set(root.read_table("duplicates")["subreddit"]) <= CLASSES
    assert "no background" not in (root.report / "report.html").read_text()
