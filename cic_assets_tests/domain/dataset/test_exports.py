import json
import zipfile

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.dataset import LAYOUTS, MANIFEST, DatasetError, Split, export_dataset, load_info, load_split
from cic_assets.domain.dataset.exports import shards
from cic_assets.storage import DataRoot


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def decoded(jpeg):
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def as_trained(root, split):
    """The pixels of a split with their labels, in no order: what every reader must find again."""
    images, labels = load_split(root.dataset, split)
    return sorted((int(label), image.tobytes()) for image, label in zip(images, labels, strict=True))


def test_kaggle_has_folders_of_classes_with_running_numbers(root, tmp_path):
    told, counts = export_dataset(root, "kaggle", tmp_path / "out"), load_info(root.dataset).counts
    both = {klass: count + counts["validation"][klass] for klass, count in counts["train"].items()}
    assert told == {"train": both, "test": counts["test"]}
    for folder, splits in {"train": ["train", "validation"], "test": ["test"]}.items():
        for klass in ("car", "tank"):
            names = {path.name for path in (tmp_path / "out" / folder / klass).iterdir()}
            assert names == {f"{number}.jpg" for number in range(sum(counts[split][klass] for split in splits))}


def test_every_kaggle_file_is_its_picture_and_leads_back_to_its_post(root, tmp_path):
    export_dataset(root, "kaggle", tmp_path / "out")
    card = json.loads((tmp_path / "out" / "data_card.json").read_text())
    manifest = pd.read_parquet(root.dataset / MANIFEST).set_index("sha256")
    assert len(card["files"]) == 60
    for row in card["files"]:
        assert (tmp_path / "out" / row["file"]).read_bytes() == root.resized(32).get(row["sha256"], "jpeg")
        assert row["permalink"] == manifest.loc[row["sha256"], "permalink"]


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "tfrecord"])
def test_the_same_data_set_is_exported_to_the_same_files(root, tmp_path, layout):
    for name in ("one", "two"):
        export_dataset(root, layout, tmp_path / name)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_a_zip_holds_the_same_files(root, tmp_path):
    export_dataset(root, "kaggle", tmp_path / "out")
    export_dataset(root, "kaggle", tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == contents(tmp_path / "out")


def test_every_layout_has_a_card_that_tells_counts_and_terms(root, tmp_path):
    for layout in LAYOUTS:
        if layout != "tfrecord":
            export_dataset(root, layout, tmp_path / layout)
            card = (tmp_path / layout / "README.md").read_text()
            assert card.startswith("---\npretty_name: x\n")
            counts = load_info(root.dataset).counts
            assert f"| tank | 1 | {counts['train']['tank']} | {counts['validation']['tank']} |" in card
            assert "grants no right" in card


def test_the_manifest_names_pictures_and_republishes_nothing(root, tmp_path):
    export_dataset(root, "manifest", tmp_path / "out")
    assert set(contents(tmp_path / "out")) == {"manifest.csv", "README.md"}
    text = (tmp_path / "out" / "manifest.csv").read_text()
    assert not any(word in text for word in ("a title", "somebody", "https:"))
    manifest = pd.read_parquet(root.dataset / MANIFEST).set_index("sha256")
    table = pd.read_csv(tmp_path / "out" / "manifest.csv").set_index("sha256")
    assert table["split"].equals(manifest["split"].reindex(table.index))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("layout", ["imagefolder", "parquet"])
def test_hugging_face_reads_pictures_and_classes(root, tmp_path, layout, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    export_dataset(root, layout, tmp_path / "out")
    # As it would be on the hub: the folder alone, without a word about what is in it.
    read = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(read) == set(Split)
    for split in Split:
        assert isinstance(read[split].features["image"], datasets.Image)
        assert read[split].features["label"] == datasets.ClassLabel(names=["car", "tank"])
        found = sorted((row["label"], np.asarray(row["image"]).tobytes()) for row in read[split])
        assert found == as_trained(root, split)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_parquet_tells_its_features_without_the_card(root, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    export_dataset(root, "parquet", tmp_path / "out")
    files = {"train": str(tmp_path / "out" / "data" / "train-*")}
    read = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))["train"]
    assert read.features["label"].int2str(1) == "tank"
    assert read[0]["image"].size == (32, 32)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:shardshuffle", "ignore::ResourceWarning")
def test_webdataset_reads_pictures_and_labels(root, tmp_path):
    webdataset = pytest.importorskip("webdataset")
    export_dataset(root, "webdataset", tmp_path / "out")
    for split in Split:
        tar = tmp_path / "out" / f"{split}-000000.tar"
        read = webdataset.WebDataset(str(tar), shardshuffle=False).decode("rgb8").to_tuple("jpg", "cls", "json")
        samples = list(read)
        assert sorted((label, image.tobytes()) for image, label, _ in samples) == as_trained(root, split)
        assert all(about["klass"] == ["car", "tank"][label] for _, label, about in samples)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_tensorflow_reads_records(root, tmp_path):
    import tensorflow as tf

    for name in ("out", "again"):
        export_dataset(root, "tfrecord", tmp_path / name)
    assert contents(tmp_path / "out") == contents(tmp_path / "again")
    keys = {
        "image/encoded": tf.io.FixedLenFeature([], tf.string),
        "image/class/label": tf.io.FixedLenFeature([], tf.int64),
        "image/class/text": tf.io.FixedLenFeature([], tf.string),
    }
    for split in Split:
        files = tf.io.gfile.glob(str(tmp_path / "out" / f"{split}-*"))
        samples = [tf.io.parse_single_example(one, keys) for one in tf.data.TFRecordDataset(files)]
        found = sorted(
            (int(one["image/class/label"]), decoded(one["image/encoded"].numpy()).tobytes()) for one in samples
        )
        assert found == as_trained(root, split)
        names = (tmp_path / "out" / "classes.txt").read_text().split()
        assert all(names[int(one["image/class/label"])].encode() == one["image/class/text"] for one in samples)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
def test_keras_reads_class_folders(root, tmp_path):
    import keras

    export_dataset(root, "kaggle", tmp_path / "out")
    read = keras.utils.image_dataset_from_directory(tmp_path / "out" / "test", image_size=(32, 32), verbose=False)
    assert read.class_names == ["car", "tank"]
    labels = np.concatenate([labels for _, labels in read.as_numpy_iterator()])
    assert sorted(labels) == sorted(label for label, _ in as_trained(root, Split.TEST))


def test_many_pictures_are_several_shards(monkeypatch):
    monkeypatch.setattr(shards, "PICTURES", 4)
    rows = [{"n": number} for number in range(9)]
    found = dict(shards.shards(rows, "train", "x"))
    assert list(found) == ["train-00000-of-00003.x", "train-00001-of-00003.x", "train-00002-of-00003.x"]
    assert [row for part in found.values() for row in part] == rows
    assert dict(shards.shards([], "test", "x")) == {"test-00000-of-00001.x": []}


def test_what_is_in_use_is_left_alone(root, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    (tmp_path / "mine.zip").write_text("mine")
    with pytest.raises(DatasetError, match="is in use: expected a folder that does not exist yet"):
        export_dataset(root, "kaggle", tmp_path / "out")
    with pytest.raises(DatasetError, match="is in use: expected the name of a zip file"):
        export_dataset(root, "kaggle", tmp_path / "mine.zip")
    assert contents(tmp_path / "out") == {"mine.txt": b"mine"}
    assert (tmp_path / "mine.zip").read_text() == "mine"


@pytest.mark.parametrize("name", ["out", "out.zip"])
def test_an_export_that_fails_leaves_nothing(root, tmp_path, name):
    last = pd.read_parquet(root.dataset / MANIFEST).sort_values("resized_sha256")["sha256"].iloc[-1]
    root.resized(32).path(last, "jpeg").unlink()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DatasetError, match=r"\.jpg is missing: materialize resized_images again"):
        export_dataset(root, "kaggle", tmp_path / name)
    assert sorted(tmp_path.iterdir()) == before


def test_what_is_not_there_says_what_to_do(root, tmp_path):
    with pytest.raises(DatasetError, match="materialize training_dataset first"):
        export_dataset(DataRoot(str(tmp_path / "none")), "kaggle", tmp_path / "out")
    with pytest.raises(DatasetError, match="floppy is not a layout: expected one of kaggle, imagefolder, parquet"):
        export_dataset(root, "floppy", tmp_path / "out")
