"""Pixels compared elsewhere: as here, and what kills who compares it is found among the pairs of its block."""

import pickle

import numpy as np
import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.duplicates import DuplicateSettings, StoredPictures, find_duplicates, verify, without_pictures
from cic_assets.domain.duplicates.by_pixels import Block
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.overrides import Overrides
from cic_assets.engine import Threads
from cic_assets.storage import ContentStore

from .conftest import Gallery, crop, letterbox, photo


class Elsewhere:
    """An engine to which all that is sent is pickled, whose last item is done first, and which dies of a picture."""

    def __init__(self, deadly=""):
        self.deadly = deadly
        self.done = []

    def each(self, task, items, *, shard=64, instead=None):
        for item in reversed(list(items)):
            sent_task, sent = pickle.loads(pickle.dumps((task, item)))
            if self.deadly in sent.sha256s:
                yield item, instead(item, "it died")
            else:
                self.done.append(sent)
                yield item, sent_task(sent)


@pytest.fixture
def crops():
    """Three photos with cuts of each, which only their pixels tell to be the same."""
    gallery = Gallery()
    for seed in range(3):
        rgb = photo(seed)
        for number, view in enumerate((rgb, crop(rgb, 0.9), letterbox(crop(rgb, 0.92, 1, 0)), crop(rgb, 0.94, 0, 1))):
            gallery.add(f"{seed} {number}", view)
    return gallery


def search(gallery, before=(), **options):
    return find_duplicates(
        gallery.table, gallery.blobs.__getitem__, DuplicateSettings(), Overrides(), before, **options
    )


def assert_same(found, expected):
    for one, other in zip(found, expected, strict=True):
        pd.testing.assert_frame_equal(one, other, check_exact=True)


def test_what_is_compared_elsewhere_is_as_here(crops, monkeypatch):
    here = search(crops)
    monkeypatch.setattr(verify, "BLOCK", 3)
    elsewhere = Elsewhere()
    assert_same(search(crops, engine=elsewhere), here)
    assert len(elsewhere.done) > 2
    assert (here.verdicts["verified_by"] == 1).sum() > 5


def test_what_kills_who_compares_it_is_left_out_and_no_other_pair_is(crops):
    here = search(crops)
    deadly = next(sha256 for sha256, name in crops.names.items() if name == "1 2")
    told = {}
    found = search(crops, engine=Elsewhere(deadly), on_left_out=told.__setitem__)
    assert set(told.values()) == {"it died"}
    assert deadly in told
    without = without_pictures(here.verdicts, told)
    compared = found.verdicts[~found.verdicts["one"].isin(without["one"])]
    pd.testing.assert_frame_equal(without_pictures(found.verdicts, told), without, check_exact=True)
    assert (compared["verified_by"] >= 4).all()  # nothing is kept of it: the next run tries again
    assert_same(search(crops, [found.verdicts]), here)


def test_a_block_has_of_its_pictures_all_and_of_others_nothing(crops):
    table = crops.table
    names, looks = table["sha256"].tolist(), Looks.of(table)
    pairs = [(7, 2), (2, 10), (7, 10)]
    block = Block.of(pairs, names, looks)
    assert block.pairs_of_set() == pairs
    assert block.sha256s == (names[2], names[7], names[10])
    at = np.array([2, 7, 10])
    for content in (False, True):
        whole = looks.thumbnails(at, content=content)
        np.testing.assert_array_equal(block.looks.thumbnails(np.arange(3), content=content), whole)
    assert len(pickle.dumps(block)) < len(pickle.dumps(looks)) / 2


def test_the_format_of_a_stored_picture_is_known_by_its_name_in_any_process(tmp_path):
    store = ContentStore(UPath(tmp_path))
    bodies = {name: f"of {name}".encode() for name in ("jpeg", "png", "webp", "avif")}
    rows = [{"sha256": store.put(body, name), "format": name} for name, body in bodies.items()]
    images = pd.DataFrame([*rows, rows[1]])  # of two sources
    load = pickle.loads(pickle.dumps(StoredPictures.of(store, images)))
    assert [load(row["sha256"]) for row in rows] == list(bodies.values())
    of_jpegs = StoredPictures.of(store, images[images["format"] == "jpeg"])
    assert of_jpegs(rows[0]["sha256"]) == bodies["jpeg"]
    with pytest.raises(FileNotFoundError):
        of_jpegs(rows[1]["sha256"])


def test_threads_share_what_was_read(crops):
    read = []

    def load(sha256):
        read.append(sha256)
        return crops.blobs[sha256]

    find_duplicates(crops.table, load, DuplicateSettings(), Overrides(), engine=Threads(1))
    assert len(read) == len(set(read))
