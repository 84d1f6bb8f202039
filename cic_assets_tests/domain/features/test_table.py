"""Each picture goes through the backbone once: across runs, across a kill, until picture or backbone is another."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_array_equal
from upath import UPath

from cic_assets.domain.features import FEATURE_COLUMNS, compute_features, feature_matrix, table
from cic_assets.domain.images import encode_jpeg
from cic_assets.engine import Threads
from cic_assets.storage import ContentStore, sha256_hex


class Corners:
    """A backbone whose features are a few of a picture's pixels; it counts what goes through it."""

    def __init__(self, version: str = "1") -> None:
        self.version = version
        self.seen = 0

    def features(self, pictures: np.ndarray) -> np.ndarray:
        self.seen += len(pictures)
        return np.stack([cv2.resize(one, (4, 4)).ravel() for one in pictures]).astype(np.float16)


@pytest.fixture
def store(tmp_path: Path) -> ContentStore:
    return ContentStore(UPath(tmp_path / "resized"))


def put(store: ContentStore, count: int, first: int = 0) -> pd.DataFrame:
    """Copies of drawn pictures, under the names of the pictures that they are of."""
    rows = []
    for seed in range(first, first + count):
        pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), np.uint8).repeat(8, 0).repeat(8, 1)
        jpeg = encode_jpeg(pixels)
        path = store.path(f"{seed:064x}", "jpeg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
        rows.append({"sha256": f"{seed:064x}", "resized_sha256": sha256_hex(jpeg)})
    return pd.DataFrame(rows)


def test_what_is_known_is_not_computed_again(store: ContentStore) -> None:
    backbone, pictures = Corners(), put(store, 5)
    first = compute_features(pictures, store, backbone)
    assert list(first) == list(FEATURE_COLUMNS)
    assert feature_matrix(first).shape == (5, 48)
    assert backbone.seen == 5
    more = pd.concat([pictures, put(store, 2, first=5)])
    second = compute_features(more, store, backbone, [first])
    assert backbone.seen == 7
    assert_array_equal(feature_matrix(second)[:5], feature_matrix(first))
    assert len(compute_features(pictures.tail(2), store, backbone, [second])) == 2  # what is gone has no row
    assert backbone.seen == 7


@pytest.mark.parametrize("other", ["backbone", "copy"])
def test_another_backbone_or_copy_is_computed_again(store: ContentStore, other: str) -> None:
    pictures = put(store, 3)
    first = compute_features(pictures, store, Corners())
    backbone = Corners("2" if other == "backbone" else "1")
    if other == "copy":
        pictures.loc[1, "resized_sha256"] = "f" * 64
    again = compute_features(pictures, store, backbone, [first])
    assert backbone.seen == (3 if other == "backbone" else 1)
    assert set(again["features_version"]) == {backbone.version}


def test_a_kill_costs_what_was_computed_since_it_was_last_kept(
    store: ContentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "KEEP_SECONDS", -1)
    kept: list[pd.DataFrame] = []

    def keep_and_die(unfinished: pd.DataFrame) -> None:
        kept.append(unfinished)
        if len(unfinished) == 3:
            raise KeyboardInterrupt

    pictures = put(store, 6)
    with pytest.raises(KeyboardInterrupt):
        compute_features(pictures, store, Corners(), engine=Threads(1), keep=keep_and_die)
    backbone = Corners()
    whole = compute_features(pictures, store, backbone, [kept[-1]])
    assert backbone.seen == 3
    assert len(whole) == 6


def test_without_a_backbone_or_pictures_there_are_none(store: ContentStore) -> None:
    pictures = put(store, 2)
    for empty in (compute_features(pictures, store, None), compute_features(pictures.head(0), store, Corners())):
        assert list(empty) == list(FEATURE_COLUMNS)
        assert feature_matrix(empty).size == 0


def test_where_there_is_no_backbone_for_once_what_was_computed_stays(store: ContentStore) -> None:
    pictures = put(store, 3)
    before = compute_features(pictures, store, Corners())
    changed = pictures.assign(resized_sha256=["another", *pictures["resized_sha256"][1:]])
    kept = compute_features(changed, store, None, [before])
    pd.testing.assert_frame_equal(kept, before[before["sha256"] != pictures.loc[0, "sha256"]].reset_index(drop=True))


def test_a_picture_that_is_gone_is_left_out_and_told(store: ContentStore) -> None:
    pictures, left_out = put(store, 3), {}
    store.remove(pictures.loc[1, "sha256"])
    found = compute_features(pictures, store, Corners(), on_left_out=left_out.__setitem__)
    assert list(found["sha256"]) == [pictures.loc[0, "sha256"], pictures.loc[2, "sha256"]]
    assert left_out == {pictures.loc[1, "sha256"]: "its file is missing"}
