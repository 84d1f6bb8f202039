"""The whole of it: copies of every kind are found, different pictures are not, and decisions hold."""

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.components import Components
from cic_assets.domain.duplicates import COLUMNS, DuplicateSettings, copy_pairs, find_duplicates, kept_pictures
from cic_assets.domain.duplicates.verify import Verifier
from cic_assets.domain.overrides import Kept, Overrides, OverridesError

from .conftest import crop, encode, gamma, letterbox, other_subject, painted, photo

SETTINGS = DuplicateSettings()


def find_all(gallery, table=None, overrides=None, before=()):
    images = gallery.table if table is None else table
    return find_duplicates(images, gallery.blobs.__getitem__, SETTINGS, overrides or Overrides(), before)


def find(gallery, table=None, overrides=None):
    return find_all(gallery, table, overrides).groups


def grey(rgb):
    return np.repeat((rgb @ [0.299, 0.587, 0.114])[..., np.newaxis], 3, axis=2).astype(np.uint8)


COPIES = {
    "recompressed": lambda rgb: encode(rgb, 30),
    "half size": lambda rgb: rgb[::2, ::2],
    "darker": lambda rgb: gamma(rgb, 1.6),
    "brighter": lambda rgb: gamma(rgb, 0.6),
    "grey": grey,
    "crop 2 %": lambda rgb: crop(rgb, 0.98),
    "crop 5 %": lambda rgb: crop(rgb, 0.95, 0, 1),
    "crop 10 %": lambda rgb: crop(rgb, 0.9, 0.3, 0.9),
    "mirror": lambda rgb: rgb[:, ::-1],
    "turned left": np.rot90,
    "turned round": lambda rgb: rgb[::-1, ::-1],
    "turned right": lambda rgb: np.rot90(rgb, 3),
    "upside down": lambda rgb: rgb[::-1],
    "turned and boxed": lambda rgb: letterbox(np.rot90(rgb)),
    "mirrored crop": lambda rgb: crop(rgb, 0.93, 1, 0.5)[:, ::-1],
    "letterbox": letterbox,
    "white letterbox": lambda rgb: letterbox(rgb, 0.2, 255),
    "caption": lambda rgb: np.concatenate([rgb, np.full_like(rgb[: len(rgb) // 9], 255)]),
}


@pytest.mark.parametrize("kind", COPIES)
def test_copies_are_found(gallery, kind):
    for seed in range(4):
        gallery.add(f"original {seed}", encode(photo(seed), 92))
        gallery.add(f"copy {seed}", COPIES[kind](photo(seed)))
    groups = find(gallery)
    assert {frozenset(names) for names in gallery.named(groups)} == {
        frozenset({f"original {seed}", f"copy {seed}"}) for seed in range(4)
    }
    assert (groups["distance"] < 0.2).all()
    assert groups["keep"].sum() == 4


@pytest.mark.parametrize("seed", range(3))
def test_different_pictures_are_not(gallery, seed):
    rgb = photo(seed)
    gallery.add("original", rgb)
    gallery.add("another", photo(seed + 20))
    gallery.add("other subject", other_subject(rgb, photo(seed + 40)))
    gallery.add("red", painted(rgb, (1.5, 0.6, 0.5)))
    gallery.add("blue", painted(rgb, (0.5, 0.7, 1.5)))
    assert find(gallery).empty


def test_the_table_is_as_described(gallery):
    gallery.add("large", encode(photo(1, 600, 440), 90))
    gallery.add("small", photo(1), subreddit="other")
    gallery.add("alone", photo(2))
    groups = find(gallery)
    assert list(groups.columns) == list(COLUMNS)
    large, small = groups.to_dict("records")
    assert large["sha256"] == large["group_id"] == small["group_id"] == small["verified_against"]
    assert (large["keep"], large["verified_by"], large["distance"]) == (1, "representative", 0)
    assert (small["keep"], small["verified_by"], small["label_conflict"]) == (0, "phash256", False)
    assert 0 <= small["distance"] < 0.1


def test_no_pictures_and_no_duplicates_are_empty_tables(gallery):
    gallery.add("one", photo(1))
    for table in (gallery.table, gallery.table.iloc[:0]):
        groups = find(gallery, table)
        assert groups.empty
        assert list(groups.columns) == list(COLUMNS)


# --- what is kept -----------------------------------------------------------------------------------------------------


def test_most_pixels_then_least_compressed_then_earliest(gallery):
    rgb = photo(1, 600, 440)
    gallery.add("small", rgb[::2, ::2], created=1)
    gallery.add("compressed", encode(rgb, 50), created=2)
    gallery.add("fine", encode(rgb, 95), created=3)
    (names,) = gallery.named(find(gallery))
    assert names[0] == "fine"


def test_borders_are_not_worth_keeping(gallery):
    gallery.add("boxed", encode(letterbox(photo(1), 0.2), 95))
    gallery.add("plain", photo(1))
    assert gallery.named(find(gallery)) == {("plain", "boxed")}


def test_the_same_bytes_in_two_sources_are_a_group_and_the_earliest_post_is_kept(gallery):
    gallery.add("later", encode(photo(1)), subreddit="b", created=20)
    gallery.add("earlier", encode(photo(1)), subreddit="c", created=10)
    gallery.add("latest", encode(photo(1)), subreddit="a", created=30)
    groups = find(gallery)
    assert groups["subreddit"].tolist() == ["c", "b", "a"]
    assert groups["keep"].tolist() == [1, 0, 0]
    assert groups["verified_by"].tolist() == ["representative", "sha256", "sha256"]


def test_a_row_given_twice_is_refused(gallery):
    sha256 = gallery.add("one", photo(1))
    gallery.add("again", photo(1))
    with pytest.raises(ValueError, match=f"picture {sha256} of cars is given twice"):
        find(gallery)


@pytest.mark.parametrize(
    "copy", [encode(photo(1)), letterbox(photo(1)), photo(1)[:, ::-1]], ids=["bytes", "box", "mirror"]
)
def test_one_picture_under_two_classes_is_reported_and_not_decided(gallery, copy):
    gallery.add("car", encode(photo(1)))
    gallery.add("tank", copy, klass="tank", subreddit="tanks")
    groups = find(gallery)
    assert groups["keep"].tolist() == [0, 0]
    assert groups["label_conflict"].all()


# --- flat pictures ----------------------------------------------------------------------------------------------------


def test_flat_pictures_are_alike_only_if_they_are_the_same(gallery):
    def placeholder(x):
        rgb = np.full((120, 160, 3), 230, np.uint8)
        rgb[50:56, x : x + 12] = 30
        return rgb

    gallery.add("one", encode(placeholder(40)))
    gallery.add("other", encode(placeholder(90)))
    gallery.add("again", encode(placeholder(40)) + b"\0")
    assert {frozenset(names) for names in gallery.named(find(gallery))} == {frozenset({"one", "again"})}


def test_pictures_of_which_only_a_smaller_decode_is_the_same_are_not_the_same_by_their_pixels(gallery):
    plain = np.full((800, 800, 3), 128, np.uint8)
    striped = plain + np.where(np.arange(800) % 2, 60, -60).astype(np.int8).view(np.uint8)[:, np.newaxis, np.newaxis]
    gallery.add("plain", encode(plain, 95))
    gallery.add("striped", encode(striped, 95))
    gallery.add("plain with a comment", encode(plain, 95) + b"\0")
    assert gallery.table["pixels_sha256"].nunique() == 1
    assert {frozenset(names) for names in gallery.named(find(gallery))} == {
        frozenset({"plain", "plain with a comment"})
    }


# --- a person's decisions ---------------------------------------------------------------------------------------------


def test_same_joins_what_no_measure_would(gallery):
    one, other = gallery.add("one", photo(1)), gallery.add("other", photo(2))
    groups = find(gallery, overrides=Overrides(same=((one, other),)))
    assert len(gallery.named(groups)) == 1
    assert sorted(groups["verified_by"]) == ["override", "representative"]


def test_different_parts_what_every_measure_joins(gallery):
    one, other = gallery.add("one", encode(photo(1), 90)), gallery.add("other", encode(photo(1), 80))
    assert len(find(gallery)) == 2
    assert find(gallery, overrides=Overrides(different=((one[:10], other),))).empty


def test_pictures_of_a_decided_pair_are_not_read(gallery):
    one, other = gallery.add("one", photo(1)), gallery.add("other", crop(photo(1), 0.9, 0.3, 0.9))
    gallery.blobs.clear()
    with pytest.raises(KeyError):
        find(gallery)
    found = find_all(gallery, overrides=Overrides(different=((one, other),)))
    assert found.groups.empty
    assert found.bridges.empty


@pytest.mark.parametrize("data", [None, b"not a picture"])
def test_a_picture_that_cannot_be_read_is_told_and_compared_by_its_fingerprint_alone(gallery, data):
    gallery.add("one", encode(photo(1), 90))
    gallery.add("recompressed", encode(photo(1), 60))
    cropped = gallery.add("cropped", crop(photo(1), 0.9, 0.3, 0.9))

    def load(sha256):
        if sha256 == cropped and data is None:
            raise FileNotFoundError(sha256)
        return data if sha256 == cropped else gallery.blobs[sha256]

    told = {}
    groups = find_duplicates(gallery.table, load, SETTINGS, Overrides(), on_left_out=told.__setitem__).groups
    assert {frozenset(names) for names in gallery.named(groups)} == {frozenset({"one", "recompressed"})}
    assert list(told) == [cropped]


def test_two_copies_that_a_person_keeps_are_no_group_and_hang_together(gallery):
    one, other = gallery.add("one", photo(1)), gallery.add("other", crop(photo(1), 0.9, 0.3, 0.9))
    found = find_all(gallery, overrides=Overrides(keep=(Kept(one), Kept(other))))
    assert found.groups.empty
    assert set(copy_pairs(found.groups, found.bridges)) & {(one, other), (other, one)}


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_chain_of_crops_hangs_together_whatever_is_kept_of_it(gallery, seed):
    rgb = photo(seed, 600, 440)
    for number in range(4):
        gallery.add(f"chain {number}", crop(rgb, 0.93**number, 1, 1), created=number)
    gallery.add("another", photo(seed + 20))
    found = find_all(gallery)
    components = Components(copy_pairs(found.groups, found.bridges))
    chain = [sha256 for sha256, name in gallery.names.items() if name != "another"]
    assert len(kept_pictures(gallery.table, found.groups)) > 2
    assert len({components.root(sha256) for sha256 in chain}) == 1
    assert len({components.root(sha256) for sha256 in gallery.names}) == 2
    # Bridges join groups, and nothing twice.
    assert len(found.bridges) == len(kept_pictures(gallery.table, found.groups)) - 2
    assert set(found.bridges["verified_by"]) <= {"phash256", "alignment"}


def test_comparing_ahead_changes_nothing_but_the_time(gallery, monkeypatch):
    for seed in range(3):
        for share in (1, 0.97, 0.94, 0.91):
            gallery.add(f"{seed} {share}", crop(photo(seed), share, 0.4, 0.7))
    ahead = find(gallery)
    monkeypatch.setattr(Verifier, "compare_ahead", lambda *_: None)
    pd.testing.assert_frame_equal(find(gallery), ahead)
    assert "alignment" in set(ahead["verified_by"])


def test_keep_wins_over_size(gallery):
    gallery.add("large", photo(1, 600, 440))
    small = gallery.add("small", photo(1))
    groups = find(gallery, overrides=Overrides(keep=(Kept(small[:12]),)))
    assert gallery.named(groups) == {("small", "large")}
    assert groups["verified_by"].tolist()[0] == "override"


def test_keep_settles_a_conflict(gallery):
    gallery.add("car", encode(photo(1), 90))
    tank = gallery.add("tank", encode(photo(1), 80), klass="tank", subreddit="tanks")
    groups = find(gallery, overrides=Overrides(keep=(Kept(tank),)))
    assert groups["keep"].tolist() == [1, 0]
    assert groups["klass"].tolist() == ["tank", "car"]
    assert not groups["label_conflict"].any()


def test_keep_of_the_same_bytes_under_two_classes_has_to_name_the_source(gallery):
    sha256 = gallery.add("car", encode(photo(1)), created=1)
    gallery.add("tank", encode(photo(1)), klass="tank", subreddit="tanks", created=2)
    undecided = find(gallery, overrides=Overrides(keep=(Kept(sha256),)))
    assert undecided["label_conflict"].all()
    assert undecided["keep"].sum() == 0
    decided = find(gallery, overrides=Overrides(keep=(Kept(sha256, "tanks"),)))
    assert decided["keep"].tolist() == [1, 0]
    assert decided["klass"].tolist()[0] == "tank"


def test_decisions_that_contradict_each_other_are_refused(gallery):
    one, other = gallery.add("one", photo(1)), gallery.add("other", photo(2))
    with pytest.raises(OverridesError, match="under different"):
        find(gallery, overrides=Overrides(same=((one, other),), different=((one, other),)))


def test_decisions_about_pictures_that_are_gone_do_no_harm(gallery):
    gallery.add("one", encode(photo(1), 90))
    gallery.add("other", encode(photo(1), 80))
    gone = "f" * 64
    one = gallery.table["sha256"][0]
    overrides = Overrides(same=((gone, one),), different=((gone, one),), keep=(Kept(gone),))
    pd.testing.assert_frame_equal(find(gallery, overrides=overrides), find(gallery))
