"""A data root that an earlier version of the program made is read without complaint; what that version did otherwise is
made anew, once, and no model with it."""

import json
import subprocess
import sys
import tarfile
from pathlib import Path

import pandas as pd
import pytest

from cic_assets.domain.catalog import TABLES, meaning_of
from cic_assets.domain.dataset import SEARCH_COLUMNS, export_dataset
from cic_assets.domain.evaluation import read_report, report_tables
from cic_assets.domain.models import read_card
from cic_assets.domain.takedowns import purge
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.finished_worlds import move_origins

RECORDED = Path(__file__).parents[1] / "recorded" / "before_the_move.tar.xz"
MADE_IN = "/tmp/recorded"
SOURCES = ("cars", "tanks")
NEWER_TABLES = {
    "audit", "bridges", "decided_copies", "folds", "image_features", "inbox_predictions", "nearest_pictures", "posts",
    "reviews", "splits", "verdicts",
}  # fmt: skip
NEWER_COLUMNS = {
    "raw_images": {
        "asks",
        "asked_at",
        "license",
        "license_version",
        "license_url",
        "author_url",
        "attribution",
        "source_page",
        "carried",
    },
    "deduped_images": {"label_conflict"},
    "duplicates": {"kept_by"},
    "resized_images": {"label_conflict", "side"},
    "manifest": {"by_hand", "klass_given", "side", "unit_id"},
    "pictures": {"klass"},
}
OLDER_COLUMNS = {"deduped_images": {*SEARCH_COLUMNS}}
"""What was carried along once, though nobody read it there."""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """The folder of problem, archive and data root; for tests that only read."""
    return unpacked(tmp_path_factory.mktemp("recorded"))


@pytest.fixture
def copy(tmp_path):
    """The same, for tests that write."""
    return unpacked(tmp_path)


def unpacked(folder):
    with tarfile.open(RECORDED) as tar:
        tar.extractall(folder, filter="data")
    move_origins(folder, MADE_IN)
    return folder


def root_of(folder):
    return DataRoot(str(folder / "root"))


def test_the_report_is_shown(recorded):
    shown = report_tables(root_of(recorded))
    assert "r/cars" in shown
    assert "VGG" in shown
    assert read_report(root_of(recorded)).dataset.counts["train"] == {"car": 11, "tank": 10}


def test_the_card_is_read_with_what_was_set(recorded):
    card = read_card(root_of(recorded).model("vgg"))
    assert card.labels == ["car", "tank"]
    settings = list(card.settings.model_dump().values())
    for value in (0.05, 32, 2, 0.5, (0.5, 1.0), 0.25):  # of problem.yaml
        assert value in settings


@pytest.mark.parametrize("name", sorted(TABLES.keys() - NEWER_TABLES - {"takedowns", "adhoc_predictions"}))
def test_tables_have_the_columns_of_the_catalog(recorded, name):
    pattern = TABLES[name].path.replace("SOURCE", "*").replace("MODEL", "*")
    paths = list((recorded / "root").glob(pattern))
    assert paths
    for path in paths:
        columns = list(pd.read_parquet(path).columns)
        assert {column for column in columns if not meaning_of(name, column)} <= OLDER_COLUMNS.get(name, set())
        assert set(TABLES[name].columns) - {"p_CLASS"} - NEWER_COLUMNS.get(name, set()) <= set(columns)


def test_the_data_set_is_exported(recorded, tmp_path):
    counts = export_dataset(root_of(recorded), "manifest", tmp_path / "export")
    assert {split: sum(of_class.values()) for split, of_class in counts.items()} == {
        "train": 21, "validation": 3, "test": 4
    }  # fmt: skip
    assert len(pd.read_csv(tmp_path / "export" / "manifest.csv")) == 28


def test_a_picture_is_purged(copy):
    root = root_of(copy)
    kept = root.read_table("deduped_images", "tanks")
    sha256 = kept["sha256"].iloc[0]
    done = purge(root, [], [sha256])
    assert (done.posts, done.pictures) == (1, 1)
    left = [path for path in (copy / "root").rglob("*") if sha256 in path.name]
    assert left == []
    assert sha256 not in set(root.read_table("raw_images", "tanks")["sha256"])


def cic(folder, variables, *arguments):
    command = [Path(sys.executable).parent / "cic", *arguments]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)


@pytest.mark.slow
def test_the_model_predicts(copy, bare_variables):
    picture = next((copy / "root" / "images").rglob("*.jpg"))
    result = cic(copy, bare_variables, "predict", str(picture), "--data-root", "root", "--json")
    assert result.returncode == 0, result.stderr
    (prediction,) = json.loads(result.stdout)
    assert prediction["label"] in ("car", "tank")


@pytest.mark.long
@pytest.mark.slow
def test_a_run_makes_anew_what_is_done_otherwise_by_now_and_leaves_pictures_on_their_sides(copy, bare_variables):
    """From the fingerprints to the data set, whose version is what it was, the model and the report."""
    model = copy / "root" / "models" / "vgg" / "model.keras"
    splits = splits_of(copy)
    assert run(copy, bare_variables) == 2 * len(SOURCES) + 4 * len(SOURCES) + 5
    made = model.read_bytes()
    assert splits_of(copy) == splits
    # The next finds everything up to date: all but the look at the sources, which each run takes.
    assert run(copy, bare_variables) == 2 * len(SOURCES)
    assert model.read_bytes() == made


def splits_of(folder):
    return pd.read_parquet(folder / "root" / "dataset" / "manifest.parquet").set_index("sha256")["split"].to_dict()


def run(folder, variables):
    """`cic run`; how many assets it materialized."""
    arguments = ("--problem", "problem.yaml", "--archive", "archive", "--data-root", "root")
    result = cic(folder, {**variables, "HOME": str(folder)}, "run", *arguments)
    assert result.returncode == 0, result.stderr
    assert "pictures move from" not in result.stderr
    (line,) = [line for line in result.stdout.splitlines() if "assets materialized" in line]
    return int(line.split()[0])
