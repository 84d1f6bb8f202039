import pandas as pd
import pytest

from cic_assets.domain.dataset import DatasetSettings, resize_pictures
from cic_assets.domain.images import encode_jpeg, prepare
from cic_assets.storage import DataRoot, sha256_hex

from .conftest import keep

SETTINGS = DatasetSettings(side=32)


@pytest.fixture
def empty(tmp_path):
    return DataRoot(str(tmp_path / "root"))


def resize(root, pictures, settings=SETTINGS, before=None, **kwargs):
    return resize_pictures(pictures, root.images, root.resized(settings.side), settings, before, **kwargs)


def test_a_copy_is_the_one_preprocessing_at_the_asked_quality(empty):
    table = resize(empty, keep(empty, 3))
    for row in table.itertuples():
        jpeg = empty.resized(32).get(row.sha256, "jpeg")
        assert jpeg == encode_jpeg(prepare(empty.images.get(row.sha256, "jpeg"), 32), 95)
        assert (row.bytes_after, row.resized_sha256) == (len(jpeg), sha256_hex(jpeg))


def test_smaller_pictures_are_marked(empty):
    assert not resize(empty, keep(empty, 2))["upscaled"].any()
    assert resize(empty, keep(empty, 2), DatasetSettings(side=40))["upscaled"].all()


def test_each_copy_is_made_once(empty):
    seen = []
    first = resize(empty, keep(empty, 3), on_progress=seen.append)
    assert list(first["made"]) == [True] * 3
    assert seen[-1] == "3 of 3 pictures resized"
    more = keep(empty, 5)
    for before in (first, None):  # None: killed before its table was written
        again = resize(empty, more, before=before)
        assert list(again["made"]) == [False, False, False, *[before is not None] * 2]
        assert list(again["resized_sha256"][:3]) == list(first["resized_sha256"])
        assert list(again["bytes_after"][:3]) == list(first["bytes_after"])


def test_another_quality_makes_them_again(empty):
    first = resize(empty, keep(empty, 2))
    settings = DatasetSettings(side=32, jpeg_quality=60)
    again = resize(empty, keep(empty, 2), settings, before=first)
    assert again["made"].all()
    assert (again["bytes_after"] < first["bytes_after"]).all()
    assert not resize(empty, keep(empty, 2), settings)["made"].any()


def test_a_side_that_is_changed_and_changed_back_describes_its_own_copies(empty):
    pictures, before = keep(empty, 3), None
    for side in (64, 32, 64):
        before = resize(empty, pictures, DatasetSettings(side=side), before=before)
        copies = [empty.resized(side).get(sha256, "jpeg") for sha256 in before["sha256"]]
        assert list(before["resized_sha256"]) == list(map(sha256_hex, copies))
        assert list(before["bytes_after"]) == list(map(len, copies))


def test_what_cannot_be_read_is_left_out_and_told(empty):
    pictures = keep(empty, 4)
    paths = [empty.images.path(sha256, "jpeg") for sha256 in pictures["sha256"]]
    paths[1].write_bytes(b"not a picture")
    paths[2].unlink()
    told = {}
    table = resize(empty, pictures, on_left_out=told.__setitem__)
    assert list(table["sha256"]) == list(pictures["sha256"][[0, 3]])
    assert told == {
        pictures["sha256"][1]: "unknown: begins with 6e 6f 74 20 61 20 70 69",
        pictures["sha256"][2]: "its file is missing",
    }
    # A copy that is there already is as good as ever.
    paths[0].unlink()
    assert list(resize(empty, pictures, before=table)["sha256"]) == list(table["sha256"])


def test_a_copy_that_comes_back_is_taken_as_it_is(empty, tmp_path):
    first = resize(empty, keep(empty, 3))
    other = DataRoot(str(tmp_path / "other"))
    rows = []
    for sha256 in first["sha256"]:
        jpeg = empty.resized(32).get(sha256, "jpeg")
        rows.append({"sha256": other.images.put(jpeg, "jpeg"), "format": "jpeg", "width": 32, "height": 32})
    back = resize(other, pd.DataFrame(rows))
    assert list(back["resized_sha256"]) == list(first["resized_sha256"]) == list(back["sha256"])


def test_what_only_the_search_needs_is_left_behind(empty):
    table = resize(empty, keep(empty, 2).assign(phash=1, thumbnail=b"x", sharpness=2.0))
    assert {"phash", "thumbnail"}.isdisjoint(table.columns)
    assert "sharpness" in table
