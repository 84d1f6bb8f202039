"""The whole graph on a real Dagster instance, over a real HTTP archive and a folder of real JPEGs."""

import json
import shutil
from datetime import UTC, datetime

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from dagster import AssetKey

from cic_assets.domain.catalog import TABLES
from cic_assets.domain.dataset import MANIFEST, load_info
from cic_assets.domain.overrides import Label, Undo, decide
from cic_assets.orchestration.instance import open_instance
from cic_assets.orchestration.run_graph import RunFailedError
from cic_assets_tests.fixtures.worlds import picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def columns_found(root):
    """The columns of each table that there is, with their types in Parquet; the same in all of its partitions."""
    kinds = {"large_string": "str", "double": "float64", "binary": "bytes"}
    found = {}
    for name, table in TABLES.items():
        for path in root.path.glob(table.path.replace("SOURCE", "*").replace("MODEL", "*")):
            fields = pq.read_schema(path)
            columns = {
                "p_CLASS" if f.name.startswith("p_") else f.name: kinds.get(str(f.type), str(f.type)) for f in fields
            }
            assert found.setdefault(name, columns) == columns, path
    return found


SCRAPES = [(name, key) for name in ("raw_images", "takedowns") for key in ("boats", "cars", "tanks")]


def test_everything_once_then_only_what_changed(finished_world):
    world = finished_world
    assert len(world.materialized) == 3 * 6 + 7
    assert any("epoch 2 of 2" in line for line in world.lines)
    report = json.loads((world.root.report / "report.json").read_text())
    assert set(report["models"]) == {"vgg", "peetz_net", "xception"}
    groups = world.root.read_table("duplicates")
    assert list(groups["subreddit"]) == ["cars", "cars"]
    assert list(groups["keep"]) == [1, 0]
    assert len(world.root.read_table("deduped_images", "cars")) == 40
    assert len(world.root.read_table("deduped_images", "boats")) == 40
    with open_instance(world.root) as instance:
        assert set(instance.get_materialized_partitions(AssetKey("raw_images"))) == {"boats", "cars", "tanks"}
        event = instance.get_latest_materialization_event(AssetKey("vgg_model"))
        sheet = event.asset_materialization.metadata["augmented samples"].value
        assert sheet.removeprefix(str(world.made_in)) == "/root/sheets/vgg_model.jpg"
        logged = [str(entry) for run in instance.get_runs() for entry in instance.all_logs(run.run_id)]
        assert not any("base64" in entry for entry in logged)  # no take-down reaches there
        event = instance.get_latest_materialization_event(AssetKey("evaluation_report"))
        page = world.made_in / "root" / "report" / "report.html"
        assert str(page) in str(event.asset_materialization.metadata["report"].value)
        event = instance.get_latest_materialization_event(AssetKey("duplicates"))
        schema = event.asset_materialization.metadata["dagster/column_schema"].schema
        assert {column.name: column.description for column in schema.columns}["keep"].startswith("1 for the one row")
    sheets = {str(path.relative_to(world.root.sheets)) for path in world.root.sheets.rglob("*.jpg")}
    assert sheets >= {"raw_images/cars.jpg", "resized_images/boats.jpg", "duplicates.jpg", "training_dataset.jpg"}
    assert columns_found(world.root) == {
        name: {column: kind for column, (kind, _) in table.columns.items()}
        for name, table in TABLES.items()
        # Nothing was taken down, nobody named pictures or called an answer wrong, and there is no inbox; nor are there
        # features, by which scenes are found.
        if name not in ("takedowns", "adhoc_predictions", "inbox_predictions", "nearest_pictures", "reviews")
    }

    # Nothing changed: sources are asked again, nothing else happens.
    again, _ = world.run()
    assert again == SCRAPES

    # One new picture: its own branch, the data set, the models and the report.
    world.train_only("vgg")
    world.archive.add("new", picture("tank", 1000), subreddit="tanks")
    changed, _ = world.run()
    assert ("resized_images", "tanks") in changed
    assert ("resized_images", "cars") not in changed
    assert {name for name, _ in changed} >= {"training_dataset", "vgg_model", "evaluation_report"}


def test_what_a_person_changes_by_hand_is_followed(finished_world):
    world = finished_world

    # Files that are gone are made again, and nothing else is.
    shutil.rmtree(str(world.root.resized(72).root))
    shutil.rmtree(str(world.root.report))
    (world.root.dataset / "train.npy").unlink()
    changed, _ = world.run()
    made_again = [
        ("evaluation_report", None),
        *(("resized_images", key) for key in ("boats", "cars", "tanks")),
        ("training_dataset", None),
    ]
    assert changed == sorted([*SCRAPES, *made_again], key=str)

    # A word about a pair goes before every measure.
    world.train_only("vgg")
    pair = list(world.root.read_table("duplicates")["sha256"])
    overrides = world.environment.problem.parent / "overrides.yaml"
    overrides.write_text(f"different: [[{pair[0]}, {pair[1]}]]")
    world.run(up_to="build_dataset")
    assert world.root.read_table("duplicates").empty
    assert set(pair) <= set(manifest(world)["sha256"])

    # One about a class changes the data set, and nothing before it.
    klass = manifest(world).set_index("sha256")["klass"][pair[0]]
    other = "car" if klass == "tank" else "tank"
    decide(overrides, Label(pair[0], other), by="anna", at=datetime(2026, 11, 29, tzinfo=UTC))
    changed, _ = world.run(up_to="build_dataset")
    assert changed == sorted([*SCRAPES, ("dataset_audit", None), ("training_dataset", None)], key=str)
    assert manifest(world).set_index("sha256")["klass"][pair[0]] == other
    decide(overrides, Undo(), by="anna", at=datetime(2026, 11, 30, tzinfo=UTC))

    # A source that moves to another class takes its pictures along; no class of that name is left.
    asked = yaml.safe_load(world.environment.problem.read_text())
    asked["classes"]["tank"] += asked["classes"].pop("boat")
    world.environment.problem.write_text(yaml.safe_dump(asked))
    world.run()
    pictures = manifest(world)
    assert set(pictures.loc[pictures["subreddit"] == "boats", "klass"]) == {"tank"}
    assert load_info(world.root.dataset).classes == ["car", "tank"]


def manifest(world):
    with (world.root.dataset / MANIFEST).open("rb") as file:
        return pd.read_parquet(file)


def test_a_source_that_fails_is_named_and_the_others_are_scraped(world):
    shutil.rmtree(world.environment.problem.parent / "boats")
    with pytest.raises(RunFailedError, match=r"raw_images of boats: folder:.*boats: there is no such folder"):
        world.run()
    assert world.root.has_table("raw_images", "cars")
    assert world.root.has_table("raw_images", "tanks")
    assert not world.root.has_table("duplicates")
