from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.duplicates.descriptors import COLOUR_SIDE, SIDE
from cic_assets.domain.duplicates.looks import LOOK_COLUMNS, Looks, gather
from cic_assets.domain.duplicates.windows import Box

from .conftest import Gallery, letterbox, photo


@pytest.fixture(scope="module")
def table():
    """Five pictures, of which every other has a border."""
    gallery = Gallery()
    for seed in range(5):
        gallery.add(f"picture {seed}", letterbox(photo(seed), 0.2) if seed % 2 else photo(seed))
    return gallery.table


def assert_are_of(looks, table):
    everyone = np.arange(len(table))
    assert len(looks) == len(table)
    assert [one.tobytes() for one in looks.thumbnails(everyone)] == table["thumbnail"].tolist()
    assert [one.tobytes() for one in looks.thumbnails(everyone, content=True)] == table["content_thumbnail"].tolist()
    assert looks.plain(everyone).tolist() == table[["phash", "phash_mirrored"]].to_numpy(np.uint64).tolist()
    words = [one.astype(">u8").tobytes() for one in looks.long(everyone)]
    assert words == (table["phash256"] + table["phash256_mirrored"]).tolist()
    assert looks.colours(everyone).shape == (len(table), COLOUR_SIDE, COLOUR_SIDE, 2)
    assert [(one + 128).astype(np.uint8).tobytes() for one in looks.colours(everyone)] == table["colours"].tolist()
    edges = table[["content_left", "content_top", "content_right", "content_bottom"]].to_numpy().tolist()
    assert [looks.content_box(picture) for picture in everyone.tolist()] == [Box(*row) for row in edges]


def test_looks_are_those_of_the_table_in_any_order(table):
    assert_are_of(Looks.of(table), table)
    order = np.array([3, 0, 4, 1])
    looks = Looks.of(table).at(order)
    assert_are_of(looks, table.iloc[order].reset_index(drop=True))
    assert_are_of(looks.at(np.array([2, 1])), table.iloc[[4, 0]].reset_index(drop=True))
    assert Looks.of(table).bordered_of(np.arange(5)).tolist() == [1, 3]
    content = np.array([True, False, False, False])
    assert looks.thumbnails(np.arange(4), content=content)[0].tobytes() == table["content_thumbnail"][3]


@pytest.mark.parametrize("rows", [[], [0, 2], [4, 3, 1, 0], [1]])
def test_a_copy_of_some_has_arrays_of_its_own(table, rows):
    order = np.array([3, 0, 4, 1, 2])
    copied = Looks.of(table).at(order).copied(np.array(rows, np.int64))
    assert_are_of(copied, table.iloc[order[rows]].reset_index(drop=True))
    assert all(len(array) <= len(rows) for array in copied._arrays)


@pytest.mark.parametrize("cuts", [[], [2], [0, 0, 1, 4], [5]])
def test_tables_are_gathered_in_their_order(table, cuts):
    edges = [0, *cuts, len(table)]
    parts = (table.iloc[start:end] for start, end in pairwise(edges))
    light, looks = gather(parts)
    assert_are_of(looks, table)
    pd.testing.assert_frame_equal(light, table.drop(columns=LOOK_COLUMNS))


def test_no_pictures_have_no_looks(table):
    light, looks = gather([table.iloc[:0], table.iloc[:0]])
    assert len(light) == len(looks) == 0
    assert list(light.columns) == [name for name in table.columns if name not in LOOK_COLUMNS]
    assert looks.thumbnails(np.arange(0)).shape == (0, SIDE, SIDE)


def test_a_source_without_pictures_may_have_no_columns(table):
    none = pd.DataFrame({"sha256": []})
    assert_are_of(gather([none, table, none])[1], table)
    light, looks = gather([none, none])
    assert list(light.columns) == ["sha256"]
    assert len(looks) == 0


def test_a_picture_takes_little_room(table):
    _, looks = gather([table] * 20)
    assert sum(part.nbytes for part in looks._arrays) / 100 < 2_000  # bytes, where every other has a border
