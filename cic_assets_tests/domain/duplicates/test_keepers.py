"""Which picture of a group is kept where its largest was enlarged: whatever the order, and looked at once."""

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.duplicates import COLUMNS, DuplicateSettings, find_duplicates, keepers, kept_pictures
from cic_assets.domain.overrides import Kept, Overrides

from .conftest import Gallery, letterbox
from .enlarged import resized, shipped, stored

SETTINGS = DuplicateSettings()


@pytest.fixture(scope="module")
def chain():
    """A photo, enlarged twice as large and four times, and shrunk; an original with a smaller copy; and one alone."""
    gallery, rgb, other = Gallery(), shipped(0), shipped(1)
    twice = resized(rgb, 2, "cubic")
    gallery.add("photo", stored(rgb, 90), created=9)
    gallery.add("twice", stored(twice, 80), created=1)
    gallery.add("compressed", stored(twice, 40), created=2)
    gallery.add("mirrored", stored(resized(rgb, 3, "linear")[:, ::-1], 85), created=3)
    gallery.add("small", stored(resized(rgb, 0.5), 90), created=4)
    gallery.add("other", stored(other, 90))
    gallery.add("half of the other", stored(resized(other, 0.5), 90))
    gallery.add("alone", stored(shipped(2), 90))
    return gallery


@pytest.fixture
def looked(monkeypatch):
    """How many pairs were looked at."""
    calls, look = [], keepers.evidence_of
    monkeypatch.setattr(keepers, "evidence_of", lambda *given: calls.append(1) or look(*given))
    return calls


def find(gallery, table=None, overrides=None, before=(), **options):
    images = gallery.table if table is None else table
    return find_duplicates(images, gallery.blobs.__getitem__, SETTINGS, overrides or Overrides(), before, **options)


def kept_of(gallery, groups):
    return {gallery.names[sha256] for sha256 in groups.loc[groups["keep"] == 1, "sha256"]}


def test_the_sharp_one_is_kept_and_the_group_is_as_before(chain, looked):
    groups = find(chain).groups
    assert kept_of(chain, groups) == {"photo", "other"}
    assert list(groups.columns) == list(COLUMNS)
    of = {chain.names[row["sha256"]]: row for row in groups.to_dict("records")}
    assert chain.names[of["photo"]["group_id"]] == "mirrored"
    assert (groups["verified_against"] == groups["group_id"]).all()
    assert of["mirrored"]["verified_by"] == "representative"
    assert {name: row["kept_by"] for name, row in of.items() if row["kept_by"]} == {
        "photo": "sharpness",
        "other": "largest",
    }
    assert groups.groupby("group_id", sort=False)["keep"].first().tolist() == [1, 1]
    # Of one size one alone is looked at; and what is smaller than an original is not, once one of them was.
    assert len(looked) == 4


def test_the_order_of_rows_makes_no_difference_and_nothing_is_looked_at_twice(chain, looked):
    first = find(chain)
    looked.clear()
    again = find(chain, chain.table.iloc[::-1], before=[first.verdicts])
    assert not looked
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_what_comes_bit_by_bit_is_as_if_it_had_been_there(chain):
    table, verdicts = chain.table, []
    for names in (["twice", "small"], ["twice", "small", "photo", "other"], list(table["post_id"])):
        found = find(chain, table[table["post_id"].isin(names)], before=verdicts)
        verdicts = [found.verdicts]
    whole = find(chain)
    pd.testing.assert_frame_equal(found.groups, whole.groups)
    assert kept_of(chain, found.groups) == {"photo", "other"}


def test_a_person_is_right(chain, looked):
    (mirrored,) = (sha256 for sha256, name in chain.names.items() if name == "mirrored")
    groups = find(chain, overrides=Overrides(keep=(Kept(mirrored),))).groups
    assert kept_of(chain, groups) == {"mirrored", "other"}
    assert set(groups["kept_by"]) == {"override", "largest", ""}
    assert len(looked) == 1  # of the other group


def test_what_a_person_says_is_the_same_is_kept_by_its_size(gallery, looked):
    one, other = gallery.add("one", stored(shipped(0), 90)), gallery.add("twice", stored(resized(shipped(1), 2), 90))
    groups = find(gallery, overrides=Overrides(same=((one, other),))).groups
    assert kept_of(gallery, groups) == {"twice"}
    assert not looked


def test_of_two_classes_the_sharp_one_waits_for_a_label(gallery):
    gallery.add("photo", stored(shipped(0), 90))
    gallery.add("twice", stored(resized(shipped(0), 2, "cubic"), 80), klass="tank", subreddit="tanks")
    groups = find(gallery).groups
    assert groups["keep"].sum() == 0
    waiting = pd.concat([kept_pictures(some, groups) for _, some in gallery.table.groupby("subreddit")])
    assert waiting["sha256"].map(gallery.names).tolist() == ["photo"]
    assert waiting["label_conflict"].all()


def test_one_with_a_border_does_not_take_the_place(gallery):
    rgb = shipped(0)
    gallery.add("boxed", stored(letterbox(rgb), 90))
    gallery.add("twice", stored(resized(rgb, 2, "cubic"), 80))
    assert kept_of(gallery, find(gallery).groups) == {"twice"}


@pytest.mark.parametrize("name", ["photo", "twice"])
@pytest.mark.parametrize("data", [None, b"not a picture"])
def test_one_that_cannot_be_read_is_told_and_changes_nothing(gallery, name, data):
    gallery.add("photo", stored(shipped(0), 90))
    gallery.add("twice", stored(resized(shipped(0), 2, "cubic"), 80))
    (broken,) = (sha256 for sha256, called in gallery.names.items() if called == name)

    def load(sha256):
        if sha256 == broken and data is None:
            raise FileNotFoundError(sha256)
        return data if sha256 == broken else gallery.blobs[sha256]

    told = {}
    found = find_duplicates(gallery.table, load, SETTINGS, Overrides(), on_left_out=told.__setitem__)
    assert list(told) == [broken]
    assert kept_of(gallery, found.groups) == {"twice"}
    assert not (found.verdicts["verified_by"] >= 7).any()  # the next run tries again
    assert kept_of(gallery, find(gallery, before=[found.verdicts]).groups) == {"photo"}


def test_pictures_of_one_size_are_not_even_read(gallery):
    rgb = shipped(0)
    gallery.add("one", stored(rgb, 90))
    gallery.add("other", stored(rgb, 40))
    gallery.add("nearly", stored(resized(rgb, 0.95), 90))
    gallery.blobs.clear()
    assert np.array_equal(find(gallery).groups["keep"], [1, 0, 0])
