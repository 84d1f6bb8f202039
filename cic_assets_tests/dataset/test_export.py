import json

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.dataset import MANIFEST, DatasetError, DatasetSettings, build_dataset, export_class_folders
from cic_assets.storage import DataRoot, write_atomically

SETTINGS = DatasetSettings(side=32)


@pytest.fixture
def root(tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    rows = []
    for number in range(60):
        klass = "car" if number % 2 else "tank"
        jpeg = cv2.imencode(".jpg", np.full((32, 32, 3), number * 4, np.uint8))[1].tobytes()
        sha256 = f"{number:064x}"
        write_atomically(root.resized(32).path(sha256, "jpeg"), jpeg)
        rows.append((sha256, klass, sha256, "tanks", f"https://www.reddit.com/{number}"))
    pictures = pd.DataFrame(rows, columns=["sha256", "klass", "group_id", "subreddit", "permalink"])
    build_dataset(pictures, root.resized(32), root.dataset, SETTINGS, name="x", classes=["car", "tank"])
    return root


def test_folders_of_classes_with_running_numbers(root, tmp_path):
    out = tmp_path / "out"
    counts = export_class_folders(root, out)
    assert set(counts) == {"train", "test"}
    assert sum(sum(of_class.values()) for of_class in counts.values()) == 60
    for split, of_class in counts.items():
        for klass, count in of_class.items():
            names = sorted(path.name for path in (out / split / klass).iterdir())
            assert names == sorted(f"{number}.jpg" for number in range(count))


def test_every_file_is_its_picture_and_leads_back_to_its_post(root, tmp_path):
    out = tmp_path / "out"
    export_class_folders(root, out)
    card = json.loads((out / "data_card.json").read_text())
    manifest = pd.read_parquet(root.dataset / MANIFEST).set_index("sha256")
    assert len(card["files"]) == 60
    for row in card["files"]:
        assert (out / row["file"]).read_bytes() == root.resized(32).get(row["sha256"], "jpeg")
        assert row["permalink"] == manifest.loc[row["sha256"], "permalink"]


def test_the_same_data_set_is_exported_to_the_same_files(root, tmp_path):
    for name in ("one", "two"):
        export_class_folders(root, tmp_path / name)
    assert (tmp_path / "one" / "data_card.json").read_bytes() == (tmp_path / "two" / "data_card.json").read_bytes()


def test_a_folder_in_use_is_left_alone(root, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(DatasetError, match="is in use: expected a folder that does not exist yet"):
        export_class_folders(root, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine.txt"]


def test_no_data_set_says_what_to_do(tmp_path):
    with pytest.raises(DatasetError, match="materialize training_dataset first"):
        export_class_folders(DataRoot(str(tmp_path)), tmp_path / "out")
