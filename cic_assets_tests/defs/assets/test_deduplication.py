"""The step of fingerprints, broken off and started again."""

import pandas as pd
import pytest
from dagster import DagsterInstance, materialize

from cic_assets.config.problem import Problem
from cic_assets.defs.assets import deduplication
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.duplicates import UNFINISHED, fingerprints
from cic_assets.domain.sources import complete_row, empty_table
from cic_assets.domain.takedowns import purge
from cic_assets.storage import DataRoot

PROBLEM = Problem.model_validate({"name": "x", "classes": {"car": ["r/cars"], "tank": ["r/tanks"]}})


@pytest.fixture
def root(tmp_path, jpeg):
    root = DataRoot(str(tmp_path))
    rows = [
        {"post_id": f"p{number}", "subreddit": "cars", "outcome": "ok", "origin": "reddit", "format": "jpeg"}
        | {"sha256": root.images.put(jpeg(number), "jpeg"), "created_utc": 1.6e9 + number}
        for number in range(6)
    ]
    root.write_table("raw_images", pd.DataFrame([complete_row(row) for row in rows])[list(empty_table())], "cars")
    return root


def run(root):
    return materialize(
        deduplication.build_assets(PROBLEM),
        selection=["image_hashes"],
        partition_key="cars",
        instance=DagsterInstance.ephemeral(),
        resources={"data": DataRootResource(url=root.url)},
        raise_on_error=False,
    ).success


def test_a_step_that_broke_off_goes_on_and_keeps_nothing_that_is_taken_down(root, monkeypatch):
    decoded, examine = [], fingerprints.examine

    def breaks(data):
        if len(decoded) == 4:
            raise RuntimeError("the machine went down")
        decoded.append(data)
        return examine(data)

    monkeypatch.setattr(fingerprints, "KEEP_SECONDS", -1)
    monkeypatch.setattr(fingerprints, "examine", breaks)
    assert not run(root)
    unfinished = root.read_table(UNFINISHED, "cars")
    assert len(unfinished) == len(decoded) == 4
    assert not root.has_table("image_hashes", "cars")

    purge(root, [unfinished["post_id"][0]])
    assert list(root.read_table(UNFINISHED, "cars")["sha256"]) == list(unfinished["sha256"][1:])

    del decoded[:]
    assert run(root)
    assert len(decoded) == 2
    assert len(root.read_table("image_hashes", "cars")) == 5
    assert not root.has_table(UNFINISHED, "cars")
