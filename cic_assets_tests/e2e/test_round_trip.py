"""A data set that leaves as class folders and comes back as sources is the same data set."""

import json

import pandas as pd
import pytest

from cic_assets.domain.dataset import MANIFEST, Split, export_dataset, load_info, load_split
from cic_assets_tests.fixtures.worlds import World

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BACK = """
name: three
classes:
  car: ["folder:export/train/car", "folder:export/test/car"]
  tank: ["folder:export/train/tank", "folder:export/test/tank"]
  boat: ["folder:export/train/boat", "folder:export/test/boat"]
dataset: {side: 72, min_per_class: 3, splits: {given: export/data_card.json}}
features: {enabled: false}
download: {limits: {min_side: 50}}
"""


def test_class_folders_come_back_to_the_same_data_version(finished_world, tmp_path):
    there = finished_world.root
    export_dataset(there, "kaggle", tmp_path / "export")
    back = World(tmp_path, finished_world.archive)
    back.environment = back.environment.model_copy(update={"archive": ""})  # folders are all that it needs
    back.environment.problem.write_text(BACK)
    back.run(up_to="build_dataset")
    root = back.root
    assert load_info(root.dataset) == load_info(there.dataset)
    for split in Split:
        returned, first = load_split(root.dataset, split), load_split(there.dataset, split)
        assert (returned.images == first.images).all()
        assert (returned.labels == first.labels).all()
    # And out again, to the same files.
    export_dataset(root, "kaggle", tmp_path / "again")
    names = [path.relative_to(tmp_path / "export") for path in (tmp_path / "export").rglob("*.jpg")]
    assert len(names) == len(pd.read_parquet(root.dataset / MANIFEST))
    assert all((tmp_path / "again" / name).read_bytes() == (tmp_path / "export" / name).read_bytes() for name in names)
    exported, again = (
        [row["split"] for row in json.loads((tmp_path / name / "data_card.json").read_text())["files"]]
        for name in ("export", "again")
    )
    assert exported == again
