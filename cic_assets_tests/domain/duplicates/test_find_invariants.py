"""What never depends on the rest: order of rows, partitions, what is added; and that what a person said holds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cic_assets.domain.duplicates.verdicts import short_ids
from cic_assets.domain.overrides import Kept, Overrides, OverridesError
from cic_assets_tests.fixtures.effort import short_or_long

from .conftest import Gallery, crop, encode, photo
from .test_find import COPIES, find, find_all


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


@FAST
@given(st.data())
def test_what_arrives_bit_by_bit_and_goes_again_is_as_if_it_had_been_searched_at_once(mixed, data):
    everything = mixed.table
    arrival = data.draw(st.lists(st.integers(0, 3), min_size=len(everything), max_size=len(everything)))
    leaves = data.draw(st.lists(st.integers(0, 9), min_size=len(everything), max_size=len(everything)))
    order = data.draw(st.permutations(range(len(everything))))
    verdicts = []
    for run in range(4):
        is_here = (np.array(arrival) <= run) & (np.array(leaves) != run)
        here = everything.iloc[[at for at in order if is_here[at]]]
        known = find_all(mixed, here, before=verdicts)
        verdicts = [known.verdicts]
    expected = find_all(mixed, here)
    pd.testing.assert_frame_equal(known.groups, expected.groups)
    pd.testing.assert_frame_equal(known.bridges, expected.bridges)
    if len(here):
        assert set(known.verdicts["one"]) == set(short_ids(here["sha256"]))  # of what is gone nothing is kept


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
