"""`adhoc_predictions` of many pictures: in parts, and whole or not at all."""

import subprocess
import sys
import time

import pandas as pd
import pytest
from dagster import DagsterInstance, materialize
from pyarrow import parquet

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata as shown
from cic_assets.defs.assets import prediction as assets
from cic_assets.defs.resources import DataRootResource, EngineResource
from cic_assets.domain.prediction import load_predictor, table
from cic_assets_tests.fixtures.commands import PROJECT

pytestmark = pytest.mark.slow

PROBLEM = Problem.model_validate({"name": "x", "classes": {"dark": ["r/aa"], "bright": ["r/bb"]}})

IN_A_PROCESS = """
import sys
from cic_assets.domain.prediction import table
from cic_assets.storage import DataRoot
from cic_assets_tests.defs.assets.test_prediction import asked

table._PART_ROWS = 20
asked(DataRoot(sys.argv[1]), sys.argv[2:])
"""


def asked(root, sources, engine="local"):
    """The materialization, and the lines of its log."""
    (asset,) = assets.build_assets(PROBLEM)
    config = {"ops": {"adhoc_predictions": {"config": {"sources": [str(one) for one in sources]}}}}
    with DagsterInstance.ephemeral() as instance:
        resources = {"data": DataRootResource(url=root.url), "engine": EngineResource(name=engine)}
        result = materialize([asset], resources=resources, run_config=config, instance=instance)
        lines = [event.user_message for event in instance.all_logs(result.run_id)]
    (materialization,) = result.asset_materializations_for_node("adhoc_predictions")
    return materialization.metadata, lines


@pytest.fixture
def root(exported_root):
    exported_root.remove_table("adhoc_predictions")
    yield exported_root
    exported_root.remove_table("adhoc_predictions")


@pytest.fixture
def folder(tmp_path, grey):
    """Pictures of two kinds, and one file that is none."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for level in (5, 250):
        (tmp_path / f"{level}.png").write_bytes(grey(level))
    for number in range(2499):
        (folder / f"{number:04}.png").hardlink_to(tmp_path / f"{(5, 250)[number % 2]}.png")
    (folder / "notes.txt").write_text("no picture")
    return folder


def test_many_pictures_are_written_in_parts_and_shown_in_part(root, folder):
    metadata, lines = asked(root, [folder])
    path = root.table_path("adhoc_predictions")
    groups = parquet.ParquetFile(str(path)).metadata
    assert [groups.row_group(number).num_rows for number in range(groups.num_row_groups)] == [1000, 1000, 500]
    expected = table.as_table(load_predictor(root, many=True).predict([str(folder)]), ["dark", "bright"])
    pd.testing.assert_frame_equal(root.read_table("adhoc_predictions"), expected)
    assert metadata["dagster/row_count"].value == 2500
    assert metadata["without an answer"].value == 1
    assert len(metadata["predictions"].value.records) == shown.SHOWN_ROWS
    assert any(line.startswith("2,500 pictures, ") for line in lines)


@pytest.mark.long
@pytest.mark.xdist_group("ray")
@pytest.mark.timeout(900)
def test_workers_of_a_cluster_answer_the_same(root, folder, ray_cluster, monkeypatch):
    for name, value in ray_cluster.variables.items():
        monkeypatch.setenv(name, value)
    import ray  # which reads some of them at once

    asked(root, [folder])
    here = root.read_table("adhoc_predictions")
    root.remove_table("adhoc_predictions")
    try:
        metadata, _ = asked(root, [folder], engine="ray")
    finally:
        ray.shutdown()
    pd.testing.assert_frame_equal(root.read_table("adhoc_predictions"), here)
    assert (metadata["dagster/row_count"].value, metadata["without an answer"].value) == (2500, 1)


def test_killed_in_the_middle_it_leaves_what_was_there(root, folder):
    asked(root, [folder / "0000.png"])
    path = root.table_path("adhoc_predictions")
    before = path.read_bytes()

    def begun():
        return any(file.stat().st_size for file in path.parent.glob(f".{path.name}.*.part"))

    command = [sys.executable, "-c", IN_A_PROCESS, root.url, *[str(folder)] * 40]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 120
        while not begun():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        process.kill()
    assert path.read_bytes() == before
    asked(root, [folder])
    assert len(root.read_table("adhoc_predictions")) == 2500
    for part in path.parent.glob(".*"):  # `remove_unfinished` of take-downs does so when it is an hour old
        part.unlink()
