"""No pair is compared twice, and what was kept says what comparing again would say."""

import itertools
import time

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.duplicates import (
    VERDICT_COLUMNS,
    DuplicateSettings,
    by_pixels,
    candidates,
    count_compared,
    find_duplicates,
    keepers,
    short_ids,
    verdicts,
    verify,
    without_pictures,
)
from cic_assets.domain.duplicates.guesses import _TRIED
from cic_assets.domain.duplicates.sharpness import Finding
from cic_assets.domain.duplicates.verdicts import Verdict, Verdicts
from cic_assets.domain.overrides import Overrides
from cic_assets.storage import sha256_hex

from .conftest import Gallery, crop, encode, letterbox, other_subject, photo

SETTINGS = DuplicateSettings()
NAMES = [sha256_hex(str(number).encode()) for number in range(30)]


@pytest.fixture
def compared(monkeypatch):
    """How many pairs of pictures were laid on each other, by their guesses."""
    calls = []
    overlap = by_pixels.overlap
    monkeypatch.setattr(by_pixels, "overlap", lambda *given: calls.append(1) or overlap(*given))
    return calls


@pytest.fixture
def crops():
    """Three photos with two cuts of each, which only their pixels tell to be the same, and what only looks alike."""
    gallery = Gallery()
    for seed in range(3):
        rgb = photo(seed)
        views = rgb, crop(rgb, 0.9), letterbox(crop(rgb, 0.92, 1, 0)), other_subject(rgb, photo(seed + 50))
        for number, view in enumerate(views):
            gallery.add(f"{seed} {number}", view)
    return gallery


def search(gallery, before=(), settings=SETTINGS, table=None, **options):
    images = gallery.table if table is None else table
    return find_duplicates(images, gallery.blobs.__getitem__, settings, Overrides(), before, **options)


def test_a_crowd_of_copies_is_one_group_and_stays_so_as_it_grows(gallery, monkeypatch):
    monkeypatch.setattr(candidates, "BEST_OF_CROWD", 4)
    monkeypatch.setattr(candidates, "NEAREST_OF_CROWD", 2)
    monkeypatch.setattr(verdicts, "_FEWEST_OF_CROWD", 2)
    rgb = photo(1)
    for number in range(30):
        gallery.add(
            f"picture {number}", crop(rgb, 1 - 0.004 * (number % 15)) if number % 2 else encode(rgb, 60 + number)
        )
    few = search(gallery, table=gallery.table.iloc[:20])
    whole = search(gallery, [few.verdicts])
    at_once = search(gallery)
    for found, of_each in ((few, 6), (whole, 7), (at_once, 6)):
        assert found.groups["group_id"].nunique() == 1
        assert (found.verdicts["verified_by"] == 6).any()
        assert (found.verdicts["verified_by"] < 5).sum() <= len(found.groups) * of_each
    assert len(whole.groups) == len(at_once.groups) == 30
    # Whoever leads goes, and the rest are one still.
    best = whole.groups["group_id"].iloc[0]
    left = gallery.table[gallery.table["sha256"] != best]
    after = search(gallery, [without_pictures(whole.verdicts, [best])], table=left)
    assert len(after.groups) == 29
    assert after.groups["group_id"].nunique() == 1


def test_what_was_compared_is_not_compared_again(crops, compared):
    first = search(crops)
    assert len(compared) > 5
    assert (first.verdicts["verified_by"] > 0).sum() >= 6
    compared.clear()
    again = search(crops, [first.verdicts])
    assert compared == []
    for one, other in zip(first, again, strict=True):
        pd.testing.assert_frame_equal(one, other)


def test_a_new_picture_is_compared_and_no_old_one_with_another(crops, compared):
    few = crops.table[crops.table["post_id"] != "2 1"]
    before = search(crops, table=few).verdicts
    compared.clear()
    whole = search(crops, [before])
    with_new = len(compared)
    compared.clear()
    expected = search(crops)
    assert 0 < with_new < len(compared)
    pd.testing.assert_frame_equal(whole.groups, expected.groups)
    pd.testing.assert_frame_equal(whole.bridges, expected.bridges)


def test_other_rules_compare_again(crops, compared):
    before = search(crops).verdicts
    compared.clear()
    search(crops, [before], DuplicateSettings(correlation=0.85))
    assert compared


def test_what_a_killed_run_compared_is_taken_over(crops, compared, monkeypatch):
    monkeypatch.setattr(verify, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(verify, "_REST", 0)
    crops.add("0 half", photo(0)[::2, ::2])
    kept = []
    whole = search(crops, keep=kept.append)
    pairs, findings = count_compared(whole.verdicts), (whole.verdicts["verified_by"] >= 7).sum()
    assert findings
    assert len(kept) == 1 + pairs + findings  # the search, each pair, and each of which one may have been enlarged
    compared.clear()
    again = search(crops, [kept[pairs - 1]])
    assert 0 < len(compared) <= _TRIED
    pd.testing.assert_frame_equal(again.verdicts, whole.verdicts)


def test_what_two_runs_searched_apart_is_searched_together(crops):
    of = {name: crops.table[crops.table["post_id"].isin(["0 0", name])] for name in ("1 0", "1 1")}
    before = [search(crops, table=table).verdicts for table in of.values()]  # the second was killed after it kept
    both = crops.table[crops.table["post_id"].isin(["1 0", "1 1"])]
    expected = search(crops, table=both).groups
    assert len(expected) == 2
    for tables in (before, before[::-1]):
        pd.testing.assert_frame_equal(search(crops, tables, table=both).groups, expected)


def test_keeping_takes_a_small_share_of_the_time(crops, monkeypatch):
    monkeypatch.setattr(verify, "KEEP_SECONDS", 0.0)
    moments = []

    def keep(_table):
        began = time.monotonic()
        time.sleep(0.05)
        moments.append((began, time.monotonic()))

    compared = count_compared(search(crops, keep=keep).verdicts)
    assert 0 < len(moments) < compared
    for (began, ended), (next_began, _) in itertools.pairwise(moments):
        assert next_began - ended >= 10 * (ended - began)


def test_nothing_is_kept_of_what_could_not_be_read(crops):
    names = crops.table["sha256"].tolist()

    def load(sha256):
        if sha256 == names[0]:
            raise FileNotFoundError(sha256)
        return crops.blobs[sha256]

    verdicts = find_duplicates(crops.table, load, SETTINGS, Overrides()).verdicts
    compared = verdicts[verdicts["verified_by"] < 4]
    pd.testing.assert_frame_equal(compared.reset_index(drop=True), without_pictures(compared, [names[0]]))
    again = search(crops, [verdicts])
    assert count_compared(again.verdicts) > len(compared)
    pd.testing.assert_frame_equal(again.groups, search(crops).groups)


PAIRS = st.lists(
    st.tuples(st.integers(0, 29), st.integers(0, 29), st.sampled_from(["", "alignment", "alignment mirrored"])),
    unique_by=lambda pair: frozenset(pair[:2]),
).map(lambda pairs: [pair for pair in pairs if pair[0] != pair[1]])


@given(pairs=PAIRS, order=st.permutations(range(30)), some=st.integers(0, 30))
def test_verdicts_are_found_again_whatever_the_order_and_whoever_is_gone(pairs, order, some):
    first = Verdicts(NAMES, SETTINGS)
    for one, other, measure in pairs:
        first.add(one, other, Verdict(measure, (one + other) / 97) if measure else None)
    names = [NAMES[place] for place in order[:some]]
    again = Verdicts(names, SETTINGS, [first.table()])
    at = {name: place for place, name in enumerate(names)}
    expected = {
        (at[NAMES[one]], at[NAMES[other]]): Verdict(measure, (one + other) / 97) if measure else None
        for one, other, measure in pairs
        if {NAMES[one], NAMES[other]} <= set(names)
    }
    asked = [(one, other) for one in range(some) for other in range(some) if one != other]
    assert again.known(asked) == {pair: expected.get(pair, expected.get(pair[::-1])) for pair in asked
                                  if pair in expected or pair[::-1] in expected}  # fmt: skip
    gone = [NAMES[place] for place in order[some:]]
    pd.testing.assert_frame_equal(again.table(), without_pictures(first.table(), gone))
    assert list(again.table().columns) == list(VERDICT_COLUMNS)


@pytest.mark.parametrize(("left", "is_searched"), [(40, True), (35, True), (32, False), (2, False)])
def test_one_of_a_crowd_that_lost_those_it_was_paired_with_is_searched_for_again(left, is_searched):
    names = [f"{number:064x}"[::-1] for number in range(1, 41)]
    pairs = np.array([(0, other) for other in range(1, 40)])
    first = Verdicts(names, SETTINGS)
    first.add_search(pairs, np.arange(40) == 0)
    again = Verdicts(names[:left], SETTINGS, [without_pictures(first.table(), names[left:])])
    # Those that are like no more than this one are searched for whatever went.
    assert again.is_searched.tolist() == [is_searched] + [True] * (left - 1)
    pd.testing.assert_frame_equal(Verdicts(names, SETTINGS, [first.table()]).table(), first.table())


def test_a_million_verdicts_take_little_room_and_time():
    random = np.random.default_rng(0)
    names = [f"{number:016x}{'0' * 48}" for number in random.integers(0, 2**62, 50_000)]
    verdicts = Verdicts(names, SETTINGS)
    for one, other in random.integers(0, 50_000, (100_000, 2)).tolist():
        verdicts.add(one, other, None)
    table = verdicts.table()
    assert table.memory_usage().sum() <= 32 * len(table) + 1000
    assert len(Verdicts(names, SETTINGS, [table]).table()) == len(table)


def test_what_was_found_of_sharpness_is_known_again_and_goes_with_its_pictures():
    first = Verdicts(NAMES[:6], SETTINGS)
    first.add_search(np.array([[0, 1], [2, 3]]), np.zeros(6, bool))
    first.add(0, 1, Verdict("alignment", 0.01))
    for pair, finding in (((0, 1), Finding.ENLARGED), ((3, 2), Finding.OWN_DETAIL), ((4, 5), Finding.UNSURE)):
        first.add_finding(*pair, finding)
    table = first.table()
    again = Verdicts(NAMES[5::-1], SETTINGS, [table])
    assert [again.finding(*pair) for pair in ((5, 4), (2, 3), (0, 1), (0, 2))] == [*Finding, None]
    assert again.finding(4, 5) is Finding.ENLARGED  # a pair has no order
    assert again.known([(4, 5)]) == {(4, 5): Verdict("alignment", 0.01)}
    assert again.is_searched.all()
    pd.testing.assert_frame_equal(again.table(), table)
    assert count_compared(table) == 1
    left = without_pictures(table, [NAMES[1]])
    assert Verdicts(NAMES[:6], SETTINGS, [left]).finding(0, 1) is None
    assert short_ids([NAMES[1]])[0] not in {*left["one"], *left["other"]}


def test_another_way_to_tell_looks_at_sharpness_again_and_compares_nothing(crops, compared, monkeypatch):
    crops.add("0 half", photo(0)[::2, ::2])
    before = search(crops).verdicts
    compared.clear()
    monkeypatch.setattr(verdicts, "SHARPNESS_VERSION", 0)
    looked = []
    look = keepers.evidence_of
    monkeypatch.setattr(keepers, "evidence_of", lambda *given: looked.append(1) or look(*given))
    search(crops, [before])
    assert looked
    assert not compared
