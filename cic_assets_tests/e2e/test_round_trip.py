"""A data set that leaves as class folders and comes back as sources is the same data set."""

import json

import pandas as pd
import pytest

from cic_assets.config.problem_file import load_problem
from cic_assets.defs.build import build_definitions
from cic_assets.domain.dataset import MANIFEST, DatasetInfo, Split, export_dataset, load_info, load_split
from cic_assets.orchestration.instance import open_instance
from cic_assets.orchestration.run_graph import STAGES, run_graph
from cic_assets.storage import DataRoot

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

BACK = """
name: three
classes:
  car: ["folder:export/train/car", "folder:export/test/car"]
  tank: ["folder:export/train/tank", "folder:export/test/tank"]
  boat: ["folder:export/train/boat", "folder:export/test/boat"]
dataset: {side: 72, min_per_class: 3, splits: {given: export/data_card.json}}
download: {limits: {min_side: 50}}
"""


def prepare(environment, monkeypatch) -> DatasetInfo:
    """All of a run up to the data set."""
    monkeypatch.setattr("cic_assets.orchestration.run_graph.STAGES", STAGES[:5])
    problem = load_problem(environment.problem)
    root = DataRoot(environment.data_root)
    with open_instance(root) as instance:
        definitions, keys = build_definitions(environment), list(problem.partitions)
        run_graph(definitions, instance, keys, lambda _asset, _key: False, lambda _: None, lambda _: None)
    return load_info(root.dataset)


def test_class_folders_come_back_to_the_same_data_version(world, tmp_path, monkeypatch):
    first = prepare(world.environment, monkeypatch)
    export_dataset(world.root, "kaggle", tmp_path / "export")
    (tmp_path / "back.yaml").write_text(BACK)
    environment = world.environment.model_copy(
        update={"problem": tmp_path / "back.yaml", "data_root": str(tmp_path / "back"), "archive": ""}
    )
    back = prepare(environment, monkeypatch)
    assert back == first
    root = DataRoot(environment.data_root)
    for split in Split:
        here, there = load_split(world.root.dataset, split), load_split(root.dataset, split)
        assert (here.images == there.images).all()
        assert (here.labels == there.labels).all()
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
