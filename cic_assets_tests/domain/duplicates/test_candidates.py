"""Candidates are those that meet and are alike, each asked about once; leaders come before all of theirs."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.duplicates import DuplicateSettings, candidates
from cic_assets.domain.duplicates.candidates import Candidates, likely_pairs, twins_of
from cic_assets.domain.duplicates.glance import ALIKE, correlations
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.duplicates.meetings import meetings

from .conftest import Gallery, crop, letterbox, other_subject, photo

SETTINGS = DuplicateSettings()
NONE = np.empty((0, 2), np.int64)


@pytest.fixture(scope="module")
def looks():
    """Six photos, with a cut, a boxed one, a turned one and another subject of most of them."""
    gallery = Gallery()
    for seed in range(6):
        rgb = photo(seed)
        views = rgb, rgb[::2, ::2], crop(rgb, 0.9), letterbox(rgb), np.rot90(rgb), other_subject(rgb, photo(seed + 50))
        for number, view in enumerate(views[: seed + 1]):
            gallery.add(f"{seed} {number}", view)
    return Looks.of(gallery.table)


def pairs_of(looks, is_new, is_flat=None):
    is_flat = np.zeros(len(looks), bool) if is_flat is None else is_flat
    found, is_cut = likely_pairs(looks, is_flat, is_new, SETTINGS, NONE)
    assert not is_cut.any()
    assert (found[:, 0] < found[:, 1]).all()
    assert sorted(map(tuple, found.tolist())) == list(map(tuple, found.tolist()))
    return set(map(tuple, found.tolist()))


@pytest.fixture(scope="module")
def every_pair(looks):
    return pairs_of(looks, np.ones(len(looks), bool))


def test_pairs_are_those_with_a_meeting_that_is_alike_or_a_long_hash_that_is_near(looks, every_pair):
    expected = set()
    everyone = np.arange(len(looks))
    for some in meetings(looks, everyone, everyone, SETTINGS.radius):
        alike = correlations(looks, some) >= ALIKE
        ours, theirs = looks.long(some.asked), looks.long(some.known)
        for one, other in ((0, 0), (0, 1), (1, 0)):
            alike |= np.bitwise_count(ours[:, one] ^ theirs[:, other]).sum(axis=1) <= SETTINGS.phash256_distance
        ends = np.sort(np.stack([some.asked, some.known], axis=1)[alike], axis=1)
        expected |= set(map(tuple, ends.tolist()))
    assert every_pair == expected
    assert len(every_pair) >= 20


def test_a_pair_that_was_ruled_out_by_its_nearest_meeting_is_looked_at_by_the_next(looks, every_pair, monkeypatch):
    asked = []

    def first_is_not(looks, some):
        keys = list(zip(np.minimum(some.asked, some.known), np.maximum(some.asked, some.known), strict=True))
        assert len(set(keys)) == len(keys)  # of each pair one at a time
        found = correlations(looks, some)
        found[[key not in asked for key in keys]] = 0
        asked.extend(keys)
        return found

    monkeypatch.setattr(candidates, "correlations", first_is_not)
    found = pairs_of(looks, np.ones(len(looks), bool))
    assert len(found) >= len(every_pair) * 0.8
    assert found <= every_pair


@given(st.lists(st.booleans(), min_size=21, max_size=21))
def test_of_old_and_new_those_are_found_that_are_of_a_new_one(looks, every_pair, new):
    is_new = np.array(new)
    assert pairs_of(looks, is_new) == {pair for pair in every_pair if is_new[list(pair)].any()}


def test_two_old_ones_are_not_even_met(looks, monkeypatch):
    is_new = np.arange(len(looks)) % 3 == 0
    real = candidates.meetings

    def watched(looks, askers, known, radius):
        both_old = ~is_new[askers][:, np.newaxis] & ~is_new[known]
        assert not both_old.any()
        yield from real(looks, askers, known, radius)

    monkeypatch.setattr(candidates, "meetings", watched)
    assert pairs_of(looks, is_new)
    assert pairs_of(looks, np.zeros(len(looks), bool)) == set()


def test_what_is_set_aside_has_no_pairs(looks, every_pair):
    is_flat = np.arange(len(looks)) % 4 == 0
    expected = {pair for pair in every_pair if not is_flat[list(pair)].any()}
    assert pairs_of(looks, np.ones(len(looks), bool), is_flat) == expected


def test_a_crowd_of_pictures_with_one_hash_is_paired_whole(gallery):
    for number in range(60):
        rgb = photo(1).copy()
        rgb[0, number] = 0
        gallery.add(f"picture {number}", rgb)
    looks = Looks.of(gallery.table)
    found, is_cut = likely_pairs(looks, np.zeros(60, bool), np.ones(60, bool), SETTINGS, NONE)
    assert len(found) == 60 * 59 // 2
    assert not is_cut.any()


CROWD = 300


def crowd(bits_off):
    """Pictures of one look, but for bits of their long hashes: (CROWD, 4) words in which they are off."""
    random = np.random.default_rng(0)
    thumbnail = random.permutation(np.repeat(np.arange(256, dtype=np.uint8), 4)).reshape(1, 32, 32)
    long = np.repeat(bits_off[:, np.newaxis], 2, axis=1)
    long[:, 1] ^= np.uint64(2**64 - 1)  # mirrored, it is no copy of any
    return Looks(
        [
            np.repeat(random.integers(0, 2**63, (1, 2)).astype(np.uint64), CROWD, axis=0), long,
            np.repeat(thumbnail, CROWD, axis=0), np.full(CROWD, -1, np.int32), thumbnail[:0],
            np.tile([0.0, 0.0, 1.0, 1.0], (CROWD, 1)), np.zeros((CROWD, 8, 8, 2), np.uint8),
        ]
    )  # fmt: skip


@pytest.mark.parametrize("sifted_at", [1 << 21, 5_000])
def test_a_large_crowd_is_paired_with_its_best_and_each_with_its_nearest(monkeypatch, sifted_at):
    monkeypatch.setattr(candidates, "_SIFTED_AT", sifted_at)
    # In twos one bit apart, each two off by bits of their own.
    random = np.random.default_rng(1)
    own = np.bitwise_or.reduce(np.uint64(1) << random.integers(0, 64, (CROWD // 2, 4, 2)).astype(np.uint64), axis=2)
    bits = np.concatenate([own, own])
    bits[CROWD // 2 :, 0] ^= np.uint64(1)
    found, is_cut = likely_pairs(crowd(bits), np.zeros(CROWD, bool), np.ones(CROWD, bool), SETTINGS, NONE)
    of = Candidates(found, {})
    most = candidates.BEST_OF_CROWD + candidates.NEAREST_OF_CROWD
    assert len(found) <= CROWD * most < CROWD * (CROWD - 1) // 2
    assert is_cut.all()
    for picture in range(CROWD):
        others = set(of.of(picture).tolist())
        assert (picture + CROWD // 2) % CROWD in others
        assert {*range(candidates.BEST_OF_CROWD)} - {picture} <= others


def test_who_joins_a_crowd_is_paired_with_some_of_it_and_leads_it_if_it_is_better():
    looks, none = crowd(np.zeros((CROWD, 4), np.uint64)), np.zeros(CROWD, bool)
    best, last = 0, CROWD - 1
    is_new = np.isin(np.arange(CROWD), [best, last])
    old = np.flatnonzero(~is_new)
    known = old[likely_pairs(looks.at(old), none[old], ~none[old], SETTINGS, NONE).pairs]
    found, is_cut = likely_pairs(looks, none, is_new, SETTINGS, known)
    assert set(map(tuple, known.tolist())) <= set(map(tuple, found.tolist()))
    of = Candidates(found, {})
    assert of.of(best).tolist() == list(range(1, CROWD))
    assert set(range(candidates.BEST_OF_CROWD)) <= set(of.of(last).tolist())
    assert len(of.of(last)) <= candidates.BEST_OF_CROWD + candidates.NEAREST_OF_CROWD
    assert is_cut.all()


PAIRS = st.sets(st.tuples(st.integers(0, 8), st.integers(0, 8)).filter(lambda pair: pair[0] < pair[1]))


@given(PAIRS)
def test_each_picture_has_the_others_of_its_pairs(pairs):
    found = Candidates(np.array(sorted(pairs), np.int64).reshape(-1, 2), {})
    of = {picture: sorted({*(b for a, b in pairs if a == picture), *(a for a, b in pairs if b == picture)})
          for picture in range(10)}  # fmt: skip
    assert {picture: found.of(picture).tolist() for picture in range(10)} == of
    assert found.pictures().tolist() == [picture for picture in range(10) if of[picture]]
    assert list(found.of_leaders()) == [
        (picture, other) for picture in range(10) for other in of[picture] if picture < of[picture][0]
    ]


def test_what_is_set_aside_has_its_exact_twins():
    pictures = pd.DataFrame({"pixels_sha256": list("abaab"), "width": [1, 1, 1, 2, 1], "height": 1})
    twins = twins_of(pictures, np.array([0, 2, 3, 4]))
    assert {picture: others.tolist() for picture, others in twins.items()} == {0: [0, 2], 2: [0, 2]}
    found = Candidates(np.array([[1, 4]]), twins)
    assert [found.of(picture).tolist() for picture in range(5)] == [[2], [4], [0], [], [1]]
    assert found.pictures().tolist() == [0, 1, 2, 4]
