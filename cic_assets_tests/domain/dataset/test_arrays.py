import contextlib
import errno

import cv2
import numpy as np
import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.dataset import (
    COPIES,
    MANIFEST,
    DatasetError,
    DatasetSettings,
    Split,
    SplitSettings,
    build_dataset,
    find_units,
    is_complete,
    load_info,
    load_split,
    resize_pictures,
)
from cic_assets.storage import ContentStore

SETTINGS = DatasetSettings(side=32)


@pytest.fixture
def stores(tmp_path):
    return ContentStore(UPath(tmp_path / "images")), ContentStore(UPath(tmp_path / "resized"))


@pytest.fixture
def target(tmp_path):
    return UPath(tmp_path / "dataset")


def pictures(store, klass, colour, count, size=(48, 64), start=0):
    """Real PNGs of one colour, each a little different."""
    rows = []
    for number in range(start, start + count):
        rgb = np.full((*size, 3), colour, np.uint8)
        rgb[0, number % size[1]] = 255 - number // size[1]
        data = cv2.imencode(".png", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))[1].tobytes()
        sha256 = store.put(data, "png")
        rows.append((sha256, klass, sha256, "png", size[1], size[0], len(data)))
    columns = ["sha256", "klass", "group_id", "format", "width", "height", "bytes"]
    return pd.DataFrame(rows, columns=columns)


RED, BLUE = (200, 20, 30), (10, 30, 220)


@pytest.fixture
def resized(stores):
    images, copies = stores
    both = pd.concat([pictures(images, "car", RED, 40), pictures(images, "tank", BLUE, 60)], ignore_index=True)
    return resize_pictures(both, images, copies, SETTINGS), copies


def build(resized, target, settings=SETTINGS, **kwargs):
    table, copies = resized
    return build_dataset(table, copies, target, settings, name="x", classes=["car", "tank"], **kwargs)


def test_pixels_and_labels_belong_together(resized, target):
    info = build(resized, target)
    for split in Split:
        images, labels = load_split(target, split)
        assert images.shape == (sum(info.counts[split].values()), 32, 32, 3)
        assert images.dtype == np.uint8
        # RGB, not BGR: cars are red.
        means = images.mean(axis=(1, 2))
        assert np.array_equal(means[:, 2] > means[:, 0], labels == 1)


def test_columns_that_are_read_late_are_in_the_manifest_as_if_they_had_been_there(resized, target, tmp_path):
    table, copies = resized
    early, late = ["sha256", "resized_sha256", "klass", "group_id"], table.columns.difference(["resized_sha256"])
    late = ["sha256", *late.difference(early)]
    build(resized, target)
    other = UPath(tmp_path / "other")
    build((table[early], copies), other, carried=lambda: table[late])
    whole, parted = (pd.read_parquet(folder / MANIFEST) for folder in (target, other))
    pd.testing.assert_frame_equal(parted[whole.columns], whole)


@pytest.mark.parametrize(
    "others", [lambda table: table[1:], lambda table: table[::-1]], ids=["gone", "in another order"]
)
def test_pictures_that_became_others_meanwhile_leave_the_data_set_as_it_was(resized, target, others):
    build(resized, target)
    before = {file.name: file.read_bytes() for file in target.iterdir()}
    for settings in (SETTINGS, SETTINGS.model_copy(update={"split_seed": "other"})):
        with pytest.raises(DatasetError, match="became others while they were divided"):
            build(resized, target, settings, carried=lambda: others(resized[0])[["sha256"]])
        assert {file.name: file.read_bytes() for file in target.iterdir()} == before


def test_without_units_each_picture_is_its_own(resized, target):
    build(resized, target, units=find_units([], {COPIES: []}))
    manifest = pd.read_parquet(target / MANIFEST)
    assert manifest["unit_id"].tolist() == manifest["sha256"].tolist()


def test_rows_of_the_manifest_point_at_their_pixels(resized, target):
    build(resized, target)
    manifest = pd.read_parquet(target / MANIFEST)
    assert len(manifest) == 100
    for split in Split:
        _, labels = load_split(target, split)
        rows = manifest[manifest["split"] == split].sort_values("row")
        assert list(rows["row"]) == list(range(len(labels)))
        assert list(rows["label"]) == list(labels)


def test_weights_make_up_for_the_rarer_class(resized, target):
    info = build(resized, target)
    train = info.counts["train"]
    assert train["car"] * info.class_weights["car"] == pytest.approx(train["tank"] * info.class_weights["tank"])


def test_the_same_again_writes_nothing(resized, target):
    first = build(resized, target)
    before = {path.name: path.stat().st_mtime_ns for path in target.iterdir()}
    assert build(resized, target) == first == load_info(target)
    assert {path.name: path.stat().st_mtime_ns for path in target.iterdir()} == before


def test_more_pictures_leave_the_others_in_their_splits(stores, resized, target):
    images, copies = stores
    build(resized, target)
    before = pd.read_parquet(target / MANIFEST).set_index("sha256")["split"]
    more = resize_pictures(pictures(images, "car", RED, 5, start=100), images, copies, SETTINGS)
    info = build((pd.concat([resized[0], more], ignore_index=True), copies), target)
    after = pd.read_parquet(target / MANIFEST).set_index("sha256")["split"]
    assert len(after) == 105
    assert after[before.index].equals(before)
    assert info.version != build(resized, target).version


def test_a_changed_rule_divides_anew(resized, target):
    build(resized, target)
    half = DatasetSettings(side=32, splits=SplitSettings(train=0.5, validation=0.25, test=0.25))
    counts = build(resized, target, half).counts
    assert sum(counts["train"].values()) < 65


def test_copies_are_in_the_same_split_even_when_their_group_is_renamed(resized, target):
    build(resized, target)
    manifest = pd.read_parquet(target / MANIFEST).set_index("sha256")
    member = manifest.index[manifest["split"] == "test"][0]
    table = resized[0].copy()
    table.loc[table["sha256"] == member, "group_id"] = "renamed"
    build((table, resized[1]), target, units=find_units([*table["sha256"], "0"], {COPIES: [(member, "0")]}))
    assert pd.read_parquet(target / MANIFEST).set_index("sha256").loc[member, "split"] == "test"


def test_too_few_pictures_say_what_to_do(stores, target):
    images, copies = stores
    few = pd.concat([pictures(images, "car", RED, 40), pictures(images, "tank", BLUE, 3)], ignore_index=True)
    resized = resize_pictures(few, images, copies, SETTINGS), copies
    with pytest.raises(DatasetError, match="class tank has 3 pictures, at least 10 are needed: give it more sources"):
        build(resized, target)
    assert not (target / "dataset.json").exists()


def test_a_failed_build_keeps_the_earlier_one(resized, stores, target):
    info = build(resized, target)
    with pytest.raises(DatasetError):
        build((resized[0][resized[0]["klass"] == "car"], stores[1]), target)
    assert load_info(target) == info


def test_no_data_set_says_what_to_do(target):
    with pytest.raises(DatasetError, match="materialize training_dataset first"):
        load_info(target)


def test_the_version_is_of_what_is_trained_on_and_not_of_where_it_is_from(resized, target):
    table, copies = resized
    first = build(resized, target)
    renamed = table.assign(group_id="g" + table["group_id"], title="another")
    assert build((renamed, copies), target) == first
    # What the manifest tells of a picture is told anew all the same.
    assert set(pd.read_parquet(target / MANIFEST)["title"]) == {"another"}
    other = table.assign(resized_sha256=[sha[::-1] for sha in table["resized_sha256"]])
    assert build((other, copies), target).version != first.version


def test_pictures_that_are_given_a_split_get_it(resized, target, tmp_path):
    card = tmp_path / "manifest.csv"
    resized[0].assign(split=["test", "train", "validation", "train"] * 25)[["sha256", "split"]].to_csv(
        card, index=False
    )
    build(resized, target, DatasetSettings(side=32, splits=SplitSettings(given=card)))
    splits = pd.read_parquet(target / MANIFEST).set_index("sha256")["split"]
    assert list(splits[resized[0]["sha256"]]) == ["test", "train", "validation", "train"] * 25


def test_a_data_set_that_cannot_be_written_leaves_the_one_before(resized, target):
    before = build(resized, target)
    table, copies = resized
    fewer = table.drop(index=table.index[:5])

    @contextlib.contextmanager
    def refusing():
        raise OSError(errno.ENOSPC, "No space left on device")
        yield

    with pytest.raises(OSError, match="No space"):
        build((fewer, copies), target, publishing=refusing)
    copies.remove(fewer["sha256"].iloc[-1])
    with pytest.raises(FileNotFoundError):
        build((fewer, copies), target)
    assert is_complete(target)
    assert load_info(target) == before
