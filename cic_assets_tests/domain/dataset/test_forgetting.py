import json

import numpy as np
import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.dataset import forget_pictures


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "dataset"
    folder.mkdir()
    manifest = pd.DataFrame(
        {
            "sha256": ["a", "b", "c"],
            "subreddit": "cars",
            "post_id": ["1", "2", "3"],
            "permalink": "link",
            "title": ["one", "two", "three"],
            "author": "somebody",
            "group_id": ["a", "b", "b"],
            "split": ["train", "test", "validation"],
        }
    )
    manifest.attrs["split_seed"] = "x"
    manifest.to_parquet(folder / "manifest.parquet", index=False)
    np.save(folder / "train.npy", np.zeros(3))
    (folder / "dataset.json").write_text(json.dumps({}))
    return folder


def manifest_of(folder):
    return pd.read_parquet(folder / "manifest.parquet").set_index("sha256")


def test_a_picture_goes_and_the_others_keep_their_split(folder):
    assert forget_pictures(UPath(folder), {"b"}, set(), {})
    assert manifest_of(folder)["split"].to_dict() == {"a": "train", "c": "validation"}
    assert [path.name for path in folder.iterdir()] == ["manifest.parquet"]
    assert manifest_of(folder).attrs == {"split_seed": "x"}
    assert not forget_pictures(UPath(folder), {"b"}, set(), {})


def test_an_heir_takes_its_place_without_its_names(folder):
    forget_pictures(UPath(folder), {"b"}, set(), {"b": "heir"})
    row = manifest_of(folder).loc["heir"]
    assert row["split"] == "test"
    assert manifest_of(folder)["group_id"].to_dict() == {"a": "a", "heir": "heir", "c": "heir"}
    assert [row[name] for name in ("post_id", "permalink", "title", "author")] == ["", "", "", ""]


def test_an_heir_that_is_there_has_its_own_place(folder):
    forget_pictures(UPath(folder), {"b"}, set(), {"b": "a"})
    assert manifest_of(folder)["split"].to_dict() == {"a": "train", "c": "validation"}


def test_a_unit_is_not_called_by_a_picture_that_is_gone(folder):
    manifest = pd.read_parquet(folder / "manifest.parquet").assign(unit_id=["dropped", "b", "b"])
    manifest.to_parquet(folder / "manifest.parquet", index=False)
    assert not forget_pictures(UPath(folder), {"dropped"}, set(), {})
    assert manifest_of(folder)["unit_id"].to_dict() == {"a": "a", "b": "b", "c": "b"}
    assert forget_pictures(UPath(folder), {"b"}, set(), {})
    assert manifest_of(folder)["unit_id"].to_dict() == {"a": "a", "c": "c"}


def test_the_memory_of_splits_forgets_it_too_dropped_copies_included(folder):
    splits = pd.DataFrame({"sha256": ["a", "b", "dropped"], "split": ["train", "test", "test"]})
    splits.attrs["split_seed"] = "x"
    splits.to_parquet(folder / "splits.parquet", index=False)
    assert not forget_pictures(UPath(folder), {"dropped"}, set(), {})
    assert forget_pictures(UPath(folder), {"b"}, set(), {})
    left = pd.read_parquet(folder / "splits.parquet")
    assert left["sha256"].tolist() == ["a"]
    assert left.attrs == {"split_seed": "x"}


def test_a_post_is_forgotten_whose_picture_stays(folder):
    assert not forget_pictures(UPath(folder), set(), {("cars", "2"), ("tanks", "1")}, {})
    assert manifest_of(folder)["title"].to_dict() == {"a": "one", "b": "", "c": "three"}
    assert (folder / "train.npy").exists()
    assert (folder / "dataset.json").exists()


def test_without_a_data_set_there_is_nothing_to_do(tmp_path):
    assert not forget_pictures(UPath(tmp_path / "nowhere"), {"a"}, set(), {})
