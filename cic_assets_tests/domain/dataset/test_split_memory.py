"""What is on which side stays there, and what has to move says why."""

import pandas as pd
import pytest

from cic_assets.domain.dataset import (
    COPIES,
    MANIFEST,
    DatasetSettings,
    SplitSettings,
    build_dataset,
    find_leaks,
    find_units,
    load_manifest,
    relations_of_posts,
    resize_pictures,
)
from cic_assets.storage import DataRoot

from .conftest import keep


@pytest.fixture
def place(tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    pictures = keep(root, 120)
    resized = resize_pictures(pictures, root.images, root.resized(32), DatasetSettings(side=32)).drop(columns="made")
    return root, resized


def build(root, resized, raw=None, copies=(), settings=None, lines=None):
    raw = resized if raw is None else raw
    raw = raw.assign(crosspost_of=raw.get("crosspost_of", ""))
    copies = [*copies, *((sha256, sha256) for sha256 in resized["sha256"])]
    build_dataset(
        resized,
        root.resized(32),
        root.dataset,
        settings or DatasetSettings(side=32),
        name="x",
        classes=["car", "tank"],
        units=find_units(
            {*raw["sha256"], *(one for pair in copies for one in pair)}, {COPIES: copies, **relations_of_posts(raw)}
        ),
        on_moved=(lines if lines is not None else []).append,
    )
    return load_manifest(root.dataset).set_index("sha256")["split"]


@pytest.mark.parametrize("by", ["hash", "class", "time"])
def test_pictures_of_one_post_are_in_one_split(place, by):
    root, resized = place
    galleries = resized.assign(post_id=[f"p{number // 8}" for number in range(120)])
    build(root, galleries, settings=DatasetSettings(side=32, splits=SplitSettings(by=by)))
    manifest = load_manifest(root.dataset)
    assert (manifest.groupby("post_id")["split"].nunique() == 1).all()
    assert find_leaks(manifest).empty
    shares = manifest["split"].value_counts(normalize=True)
    assert by == "hash" or shares["test"] == pytest.approx(0.15, abs=0.05)


def test_a_root_of_an_earlier_version_says_what_moves_and_why(place):
    root, resized = place
    before = build(root, resized)
    manifest = pd.read_parquet(root.dataset / MANIFEST).drop(columns="unit_id")
    manifest.to_parquet(root.dataset / MANIFEST, index=False)
    (root.dataset / "splits.parquet").unlink()
    one = {split: list(before.index[before == split]) for split in ("train", "validation", "test")}
    raw = resized.set_index("sha256").assign(crosspost_of="").reset_index()
    raw.loc[raw["sha256"].isin([one["test"][0], *one["train"][:3]]), "post_id"] = "gallery"
    original = raw.loc[raw["sha256"] == one["test"][1], "post_id"].iloc[0]
    raw.loc[raw["sha256"] == one["validation"][0], "crosspost_of"] = original
    lines = []
    after = build(root, resized, raw, copies=[(one["train"][5], one["validation"][2])], lines=lines)
    assert sorted(lines) == [
        "1 pictures move from train to validation: copies of pictures there",
        "1 pictures move from validation to test: of crossposts of pictures there",
        "3 pictures move from train to test: of one post with pictures there",
    ]
    moved = {*one["train"][:3], one["train"][5], one["validation"][0]}
    assert set(after.index[after != before[after.index]]) == moved
    lines = []
    assert build(root, resized, raw, copies=[(one["train"][5], one["validation"][2])], lines=lines).equals(after)
    assert lines == []


def test_splits_outlive_the_copy_that_was_kept(place):
    root, resized = place
    twins = resized["sha256"].tolist()
    pairs = list(zip(twins[:60], twins[60:], strict=True))
    larger, smaller = resized.iloc[:60], resized.iloc[60:]
    before = build(root, larger, copies=pairs)
    after = build(root, smaller)
    assert [after[small] for _, small in pairs] == [before[large] for large, _ in pairs]
    again = build(root, larger)
    assert again.equals(before)


def given(folder, sha256):
    folder.mkdir()
    (folder / "given.csv").write_text(f"sha256,split\n{sha256},test\n")
    splits = SplitSettings(by="class", given=folder / "given.csv")
    return DatasetSettings(side=32, splits=splits)


def test_splits_outlive_the_place_of_the_file_that_gave_some(place, tmp_path):
    root, resized = place
    one = resized["sha256"][0]
    build(root, resized[:60], settings=given(tmp_path / "here", one))
    before = build(root, resized, settings=given(tmp_path / "there", one))
    lines = []
    assert build(root, resized, settings=given(tmp_path / "elsewhere", one), lines=lines).equals(before)
    without = DatasetSettings(side=32, splits=SplitSettings(by="class"))
    assert build(root, resized, settings=without, lines=lines).equals(before)
    assert lines == []


def test_splits_of_a_version_that_remembered_the_file_are_read(place):
    root, resized = place
    settings = DatasetSettings(side=32, splits=SplitSettings(by="class"))
    build(root, resized[:60], settings=settings)
    before = build(root, resized, settings=settings)
    for name in (MANIFEST, "splits.parquet"):
        table = pd.read_parquet(root.dataset / name)
        table.attrs["splits"]["given"] = "/somewhere/given.csv"
        table.to_parquet(root.dataset / name, index=False)
    assert build(root, resized, settings=settings).equals(before)


def test_a_changed_rule_says_that_it_divides_anew(place):
    root, resized = place
    build(root, resized)
    lines = []
    build(root, resized, settings=DatasetSettings(side=32, split_seed="another"), lines=lines)
    assert lines == ["120 pictures are divided anew: dataset.splits or dataset.split_seed changed"]


def test_nothing_is_written_when_nothing_changed(place):
    root, resized = place
    build(root, resized)
    times = {path.name: path.stat().st_mtime_ns for path in root.dataset.iterdir()}
    assert "splits.parquet" in times
    build(root, resized)
    assert {path.name: path.stat().st_mtime_ns for path in root.dataset.iterdir()} == times
