"""The whole of it: copies of every kind are found, different pictures are not, and decisions hold."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cic_assets.domain.components import Components
from cic_assets.domain.duplicates import (
    COLUMNS,
    DuplicateSettings,
    Kept,
    Overrides,
    OverridesError,
    copy_pairs,
    find_duplicates,
    kept_pictures,
)
from cic_assets.domain.duplicates.verify import Verifier
from cic_assets_tests.fixtures.effort import short_or_long

from .conftest import Gallery, crop, encode, gamma, letterbox, other_subject, painted, photo

SETTINGS = DuplicateSettings()


def find_all(gallery, table=None, overrides=None):
    return find_duplicates(
        gallery.table if table is None else table, gallery.blobs.__getitem__, SETTINGS, overrides or Overrides()
    )


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
    groups, _ = find_duplicates(gallery.table, load, SETTINGS, Overrides(), on_left_out=told.__setitem__)
    assert {frozenset(names) for names in gallery.named(groups)} == {frozenset({"one", "recompressed"})}
    assert list(told) == [cropped]


def test_two_copies_that_a_person_keeps_are_no_group_and_hang_together(gallery):
    one, other = gallery.add("one", photo(1)), gallery.add("other", crop(photo(1), 0.9, 0.3, 0.9))
    found = find_all(gallery, overrides=Overrides(keep=(Kept(one), Kept(other))))
    assert found.groups.empty
    assert set(copy_pairs(*found)) & {(one, other), (other, one)}


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_chain_of_crops_hangs_together_whatever_is_kept_of_it(gallery, seed):
    rgb = photo(seed, 600, 440)
    for number in range(4):
        gallery.add(f"chain {number}", crop(rgb, 0.93**number, 1, 1), created=number)
    gallery.add("another", photo(seed + 20))
    found = find_all(gallery)
    components = Components(copy_pairs(*found))
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


# --- what never depends on the rest -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def mixed():
    """Several groups over three sources, with a conflict, a chain of crops and some pictures alone."""
    gallery = Gallery()
    for seed in range(4):
        for number, kind in enumerate(("recompressed", "crop 5 %", "mirror", "letterbox")):
            gallery.add(f"{seed} {kind}", COPIES[kind](photo(seed)), subreddit=f"source {number % 3}", created=number)
    rgb = photo(7)
    for number in range(4):
        gallery.add(f"chain {number}", crop(rgb, 0.93**number, 1, 1), subreddit="source 1", created=number)
    gallery.add("conflict", COPIES["half size"](photo(0)), klass="tank", subreddit="tanks")
    for seed in range(20, 26):
        gallery.add(f"alone {seed}", photo(seed))
    gallery.add("in two", encode(photo(30)), subreddit="source 0")
    gallery.add("in two", encode(photo(30)), subreddit="source 2", created=5)
    return gallery


@pytest.fixture(scope="module")
def mixed_groups(mixed):
    """What is found in all of `mixed`."""
    return find(mixed)


FAST = settings(
    max_examples=short_or_long(5, 50), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@FAST
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_makes_no_difference(mixed, mixed_groups, random):
    rows = list(range(len(mixed.rows)))
    random.shuffle(rows)
    shuffled = mixed.table.iloc[rows]
    pd.testing.assert_frame_equal(find(mixed, shuffled), mixed_groups)


@FAST
@given(st.randoms(use_true_random=False))
def test_how_pictures_are_dealt_to_partitions_makes_no_difference(mixed, mixed_groups, random):
    sources = [f"dealt {random.randrange(4)}" for _ in mixed.rows]
    dealt = mixed.table.assign(subreddit=sources).drop_duplicates(["sha256", "subreddit"])
    columns = ["sha256", "group_id", "distance", "verified_against"]

    def without_sources(groups):
        several = groups[groups.groupby("group_id")["sha256"].transform("nunique") > 1]
        return several[columns].drop_duplicates().sort_values("sha256", ignore_index=True)

    pd.testing.assert_frame_equal(without_sources(find(mixed, dealt)), without_sources(mixed_groups))


@FAST
@given(st.sets(st.integers(0, 27), min_size=1, max_size=12))
def test_additions_leave_alone_the_groups_that_they_do_not_touch(mixed, mixed_groups, added):
    positions = [number % len(mixed.rows) for number in added]
    before = find(mixed, mixed.table.drop(index=positions))
    after = mixed_groups
    new = set(mixed.table.loc[positions, "sha256"])
    groups_after = {group_id: set(group["sha256"]) for group_id, group in after.groupby("group_id")}
    members_before = {group_id: set(group["sha256"]) for group_id, group in before.groupby("group_id")}
    # A group is touched if a new picture is the same as one of its pictures, or as what one of them is the same as.
    for group_id, members in members_before.items():
        if members in groups_after.values():
            # The rows of an untouched group, the keeper among them, are what they were.
            rows = [table[table["group_id"] == group_id].reset_index(drop=True) for table in (before, after)]
            if not new & members:
                pd.testing.assert_frame_equal(*rows)
    untouched = [members for members in members_before.values() if not _touched(members, new, mixed)]
    assert all(members in groups_after.values() for members in untouched)


def _touched(members, new, mixed):
    """Whether a picture of the same scene is among the new ones."""

    def scenes(sha256s):
        return {mixed.names[sha256].split()[0] for sha256 in sha256s}

    of_conflict = {"conflict"} if "0" in scenes(members) else set()
    return bool((scenes(members) | of_conflict) & scenes(new))


@FAST
@given(st.data())
def test_whatever_a_person_says_holds(mixed, data):
    sha256s = sorted(set(mixed.table["sha256"]))
    pick = st.sampled_from(sha256s)
    same = tuple(
        tuple(sorted(pair)) for pair in data.draw(st.sets(st.frozensets(pick, min_size=2, max_size=3), max_size=2))
    )
    different = tuple(
        tuple(sorted(p)) for p in data.draw(st.sets(st.frozensets(pick, min_size=2, max_size=2), max_size=3))
    )
    keep = tuple(Kept(name) for name in data.draw(st.sets(pick, max_size=2)))
    overrides = Overrides(same, different, keep)
    try:
        groups = find(mixed, overrides=overrides)
    except OverridesError:
        return
    group_of = dict(zip(groups["sha256"], groups["group_id"], strict=True))
    assert all(len({group_of.get(name, name) for name in names}) == 1 for names in same)
    assert all(group_of.get(one, one) != group_of.get(other, other) for one, other in different)
    for kept in keep:
        rows = groups[groups["group_id"] == group_of.get(kept.sha256)]
        assert rows.empty or rows["label_conflict"].all() or rows[rows["keep"] == 1]["sha256"].tolist() == [kept.sha256]
    assert (groups.groupby("group_id")["keep"].sum() <= 1).all()


def test_every_dropped_picture_was_verified_against_the_kept_one(mixed, mixed_groups):
    groups = mixed_groups
    assert (groups["verified_against"] == groups["group_id"]).all()
    chain = {name for names in mixed.named(groups) for name in names if "chain" in name}
    # The smallest crop is too little of the whole to be the same picture; it is not chained by those between.
    assert "chain 1" in chain
