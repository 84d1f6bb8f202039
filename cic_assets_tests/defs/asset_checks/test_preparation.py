"""Asset checks of the data set, on a data root that the real steps made."""

import cv2
import numpy as np
import pandas as pd
import pytest
from dagster import AssetCheckSeverity

from cic_assets.config.problem import Problem
from cic_assets.defs.asset_checks import build_checks
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.dataset import MANIFEST, DatasetSettings, build_dataset, resize_pictures
from cic_assets.storage import DataRoot


@pytest.fixture
def made(tmp_path):
    """Cars of many sizes and tanks, two thirds of them of 96 x 96: what a data set is, and its checks by name."""
    root, rows = DataRoot(str(tmp_path / "root")), []
    random = np.random.default_rng(0)
    for number in range(120):
        klass = "tank" if number % 2 else "car"
        width, height = (96, 96) if number % 6 in (1, 3) else random.integers(80, 140, 2)
        body = cv2.resize(random.integers(0, 255, (6, 8, 3), np.uint8), (int(width), int(height)))
        data = cv2.imencode(".jpg", body)[1].tobytes()
        sha256 = root.images.put(data, "jpeg")
        rows.append({
            "sha256": sha256, "klass": klass, "group_id": sha256, "format": "jpeg", "width": int(width),
            "height": int(height), "bytes": len(data), "brightness": 0.01 if number < 10 else 0.5,
        })  # fmt: skip
    settings = DatasetSettings(side=32)
    table = resize_pictures(pd.DataFrame(rows), root.images, root.resized(32), settings)
    build_dataset(table, root.resized(32), root.dataset, settings, name="x", classes=["car", "tank"])
    problem = Problem.model_validate({"name": "x", "classes": {"car": ["r/cars"], "tank": ["r/tanks"]}})
    checks = {check.check_key.name: check for check in build_checks(problem)}
    return root, lambda name: checks[name](data=DataRootResource(url=root.url))


def edit(root, **columns):
    path = root.dataset / MANIFEST
    pd.read_parquet(path).assign(**columns).to_parquet(path, index=False)


def test_a_data_set_without_leaks_passes(made):
    _, check = made
    assert check("no_group_across_splits").passed
    assert check("no_class_is_rare").passed


def test_pictures_of_one_post_in_two_splits_are_shown_and_those_of_no_post_are_not(made):
    root, check = made
    splits = pd.read_parquet(root.dataset / MANIFEST)["split"]
    edit(root, subreddit="cars", post_id="")
    assert check("no_group_across_splits").passed
    first = splits[splits == "train"].index[0], splits[splits == "test"].index[0]
    edit(root, post_id=["gallery" if row in first else str(row) for row in splits.index])
    result = check("no_group_across_splits")
    assert not result.passed
    assert result.metadata["pictures with a copy, or one of the same post, in another split"].value == 2


@pytest.mark.parametrize("column", ["group_id", "unit_id", "pixels_sha256", "resized_sha256"])
def test_a_copy_in_another_split_is_shown(made, column):
    root, check = made
    manifest = pd.read_parquet(root.dataset / MANIFEST)
    places = [manifest.index[manifest["split"] == split][0] for split in ("train", "test")]
    values = manifest["sha256"].mask(manifest.index.isin(places), "the same")
    edit(root, **{column: values})
    result = check("no_group_across_splits")
    assert not result.passed
    assert result.severity is AssetCheckSeverity.ERROR
    assert result.metadata["pictures with a copy, or one of the same post, in another split"].value == 2
    assert result.metadata["pictures"].value == str(root.sheet_path("no_group_across_splits"))
    assert root.sheet_path("no_group_across_splits").read_bytes()[:2] == b"\xff\xd8"


def test_the_planted_shortcut_is_named_with_what_to_do(made):
    _, check = made
    result = check("no_shortcut")
    assert not result.passed
    assert result.severity is AssetCheckSeverity.WARN
    assert "leave out the source" in result.description
    size = next(row.data for row in result.metadata["shortcuts"].records if row.data["shortcut"] == "size")
    assert (size["class"], size["most telling"], size["of the class"]) == ("tank", "96 x 96", 40)
    assert size["shortcut"]


def test_a_set_without_quality_issues_passes(made):
    root, check = made
    edit(root, brightness=0.5, width=100, height=100)
    result = check("few_pictures_have_quality_issues")
    assert result.passed
    assert result.metadata["pictures"].value == "no pictures"


def test_pictures_with_quality_issues_are_counted_and_shown(made):
    root, check = made
    result = check("few_pictures_have_quality_issues")
    assert not result.passed
    assert result.metadata["with quality issues"].value == "10 of 120"
    assert result.metadata["pictures"].value == str(root.sheet_path("few_pictures_have_quality_issues"))
