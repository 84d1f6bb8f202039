"""Posts are removed on the server between two runs: nothing of them is left, and the rest stays as it was."""

import json
from pathlib import Path

import pandas as pd
import pytest

from cic_assets.defs.build import build_definitions
from cic_assets.domain.models import read_card
from cic_assets.domain.takedowns import remove_source
from cic_assets.orchestration.instance import open_instance
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.finished_worlds import REMARKABLE

MODELS = ("vgg", "peetz_net", "xception")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def check(world, key):
    """What the schedule does."""
    with open_instance(world.root) as instance:
        job = build_definitions(world.environment).resolve_job_def("check_takedowns")
        assert job.execute_in_process(instance=instance, partition_key=key).success


def manifest(world):
    return pd.read_parquet(str(world.root.dataset / "manifest.parquet"))


def sheets(world):
    """Each contact sheet with the pictures that it may show; None where that is not known."""
    paths = {str(path.relative_to(world.root.sheets)): path for path in world.root.sheets.rglob("*.jpg")}
    lists = {name: path.with_name(f"{path.name}.txt") for name, path in paths.items()}
    return {name: set(file.read_text().split()) if file.exists() else None for name, file in lists.items()}


def files_with(world, *traces):
    """Each file with what is in it of some traces; each is read once, for models are large."""
    files = (path for path in Path(world.environment.data_root).rglob("*") if path.is_file())
    return [(path, found) for path in files if (found := _found(path.read_bytes(), traces))]


def _found(data, traces):
    return [trace for trace in traces if trace in data]


@pytest.fixture
def taken(finished_world):
    """After a whole run: a car whose poorer copy was dropped, and a tank; both are removed on the server."""
    world = finished_world
    raw = {key: world.root.read_table("raw_images", key).set_index("post_id") for key in ("cars", "tanks")}
    world.gone = {"c1": raw["cars"].loc["c1", "sha256"], "t1": raw["tanks"].loc["t1", "sha256"]}
    world.copy = raw["cars"].loc["copy", "sha256"]
    groups = world.root.read_table("duplicates").set_index("sha256")
    assert groups.loc[world.gone["c1"], "keep"] == 1
    assert groups.loc[world.copy, "keep"] == 0
    for post_id in REMARKABLE:
        assert files_with(world, f"Remarkable {post_id}".encode())
        world.archive.change(post_id, removed_by_category="deleted", author="[deleted]")
    return world


def assert_nothing_left(world):
    traces = []
    for post_id, sha256 in world.gone.items():
        said = (sha256, f"Remarkable {post_id}", f"person_{post_id}", f"/{post_id}.jpg", f"/comments/{post_id}/")
        traces += [(world.archive.folder / "media" / f"{post_id}.jpg").read_bytes(), *map(str.encode, said)]
    assert files_with(world, *traces) == []


def test_a_run_leaves_nothing_of_what_is_gone_and_rebuilds_what_it_was_in(taken):
    before = manifest(taken).set_index("sha256")
    taken.train_only("vgg")
    taken.run()
    assert_nothing_left(taken)
    after = manifest(taken).set_index("sha256")
    assert set(after.index) == set(before.index) - set(taken.gone.values()) | {taken.copy}
    stayed = before.index.intersection(after.index)
    assert after.loc[stayed, "split"].equals(before.loc[stayed, "split"])
    # The copy takes the place of the picture that it had been dropped for.
    assert after.loc[taken.copy, "split"] == before.loc[taken.gone["c1"], "split"]
    report = json.loads((taken.root.report / "report.json").read_text())
    assert report["dataset"]["pictures"] == len(after)
    assert all(notice["kind"] != "taken_down" for notice in report["notices"])
    assert read_card(taken.root.model("vgg")).takedowns is None


def test_between_the_check_and_the_next_run_models_and_report_say_so(taken):
    version = read_card(taken.root.model("vgg")).sha256
    before, gone = sheets(taken), set(taken.gone.values())
    check(taken, "cars")
    check(taken, "tanks")
    assert_nothing_left(taken)
    for name in MODELS:
        card = read_card(taken.root.model(name))
        assert card.takedowns.count == 2
    assert card.takedowns.since[:2] == "20"
    assert read_card(taken.root.model("vgg")).sha256 == version
    page = (taken.root.report / "report.html").read_text()
    assert page.count("Pictures were taken down since.") == 1
    assert not (taken.root.dataset / "train.npy").exists()
    assert not (taken.root.path / "scratch").exists()
    assert before["duplicates.jpg"] & gone
    assert before["vgg_model.jpg"] is None
    assert set(sheets(taken)) == {name for name, shown in before.items() if shown is not None and not shown & gone}
    # The check did it whole: the run that follows only builds anew. What it trains is no longer marked: see below.
    taken.run(up_to="build_dataset")
    assert_nothing_left(taken)
    assert taken.copy in set(manifest(taken)["sha256"])


def test_a_source_that_was_removed_and_comes_back_is_trained_on_again(finished_world):
    world = finished_world
    before = set(manifest(world)["sha256"])
    remove_source(world.root, "boats")
    for name in MODELS:
        assert read_card(world.root.model(name)).takedowns.count
    models = short_or_long(("vgg",), MODELS)
    if models != MODELS:
        world.train_only(*models)
    world.run()
    assert set(manifest(world)["sha256"]) == before
    for name in models:
        assert read_card(world.root.model(name)).takedowns is None
    report = json.loads((world.root.report / "report.json").read_text())
    assert all(notice["kind"] != "taken_down" for notice in report["notices"])
    assert report["models"]["vgg"]["n"] == (manifest(world)["split"] == "test").sum()
