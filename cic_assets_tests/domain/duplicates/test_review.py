import cv2
import numpy as np
import pytest
from upath import UPath

from cic_assets.domain.duplicates import DuplicateSettings, find_duplicates, review_sheet
from cic_assets.domain.overrides import Overrides
from cic_assets.storage import ContentStore

from .conftest import encode, photo


@pytest.fixture
def store(tmp_path):
    return ContentStore(UPath(tmp_path / "images"))


def test_a_sheet_of_groups(gallery, store):
    for seed in range(3):
        gallery.add(f"original {seed}", encode(photo(seed), 92))
        gallery.add(f"copy {seed}", encode(photo(seed), 40))
    for data in gallery.blobs.values():
        store.put(data, "jpeg")
    images = gallery.table.assign(format="jpeg")
    groups = find_duplicates(images, gallery.blobs.__getitem__, DuplicateSettings(), Overrides()).groups
    sheet = review_sheet(groups, images, store, max_bytes=60_000)
    assert len(sheet) <= 60_000
    pixels = cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_COLOR)
    assert pixels.shape[1] > 6 * 150


def test_no_groups_are_no_sheet(gallery, store):
    gallery.add("one", photo(1))
    groups = find_duplicates(gallery.table, gallery.blobs.__getitem__, DuplicateSettings(), Overrides()).groups
    assert review_sheet(groups, gallery.table.assign(format="jpeg"), store) is None


def test_a_group_is_not_cut_in_two(gallery, store):
    for seed in range(3):
        for quality in (92, 60, 40):
            store.put(gallery.blobs[gallery.add(f"{seed} {quality}", encode(photo(seed), quality))], "jpeg")
    images = gallery.table.assign(format="jpeg")
    groups = find_duplicates(images, gallery.blobs.__getitem__, DuplicateSettings(), Overrides()).groups

    def height(most):
        sheet = review_sheet(groups, images, store, most=most)
        return cv2.imdecode(np.frombuffer(sheet, np.uint8), cv2.IMREAD_COLOR).shape[0]

    assert height(6) == height(8) < height(9)
    assert height(2) == height(6)
