import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.duplicates import pairs_between, pairs_within
from cic_assets.domain.duplicates.blocks import Scheme
from cic_assets.domain.duplicates.crossing import parts_of
from cic_assets.domain.duplicates.search import pairs_between_in_parts


def brute_force(left, right, radius):
    distance = np.bitwise_count(left[:, np.newaxis] ^ right)
    return {(i, j): int(distance[i, j]) for i, j in np.argwhere(distance <= radius).tolist()}


def found(pairs):
    result = {(i, j): d for i, j, d in zip(pairs.left, pairs.right, pairs.distance, strict=True)}
    assert len(result) == len(pairs)
    assert list(result) == sorted(result)
    return result


def with_neighbours(rng, n, flips=12):
    hashes = rng.integers(0, 2**64, n, dtype=np.uint64)
    masks = [
        np.bitwise_or.reduce(np.uint64(1) << rng.choice(64, k).astype(np.uint64)) for k in rng.integers(1, flips, n)
    ]
    return np.unique(np.concatenate([hashes, hashes ^ np.array(masks, np.uint64)]))


# Few values, so that near ones and equal ones are common.
CLUMPED = st.lists(st.integers(0, 2**64 - 1) | st.integers(0, 255) | st.integers(0, 255).map(lambda n: n << 40))


@given(CLUMPED, CLUMPED, st.integers(0, 10))
def test_both_searches_equal_brute_force(left, right, radius):
    left, right = (np.unique(np.array(values, np.uint64)) for values in (left, right))
    assert found(pairs_between(left, right, radius)) == brute_force(left, right, radius)
    within = {(i, j): d for (i, j), d in brute_force(left, left, radius).items() if i < j}
    assert found(pairs_within(left, radius)) == within


@pytest.mark.parametrize("radius", range(11))
def test_the_buckets_of_large_sets_equal_brute_force(radius, monkeypatch):
    rng = np.random.default_rng(radius)
    hashes = with_neighbours(rng, 700)
    expected = {(i, j): d for (i, j), d in brute_force(hashes, hashes, radius).items() if i < j}
    assert len(expected) >= radius * 20
    shares = tuple((radius + 1 + part) // 2 - 1 for part in range(2)) if radius else (0,)
    for matching in (0, 1, 3):  # every set would be small enough for matching=0
        scheme = Scheme(shares if matching else (radius,), matching)
        monkeypatch.setattr("cic_assets.domain.duplicates.search.best_scheme", lambda *_, scheme=scheme: scheme)
        assert found(pairs_within(hashes, radius)) == expected


@pytest.mark.parametrize("radius", range(11))
@pytest.mark.parametrize(("key_bits", "at_once"), [(4, 1 << 10), (22, 1 << 17)])
def test_looking_up_among_many_equals_brute_force(radius, key_bits, at_once, monkeypatch):
    monkeypatch.setattr("cic_assets.domain.duplicates.crossing.KEY_BITS", key_bits)
    monkeypatch.setattr("cic_assets.domain.duplicates.crossing._AT_ONCE", at_once)
    hashes = with_neighbours(np.random.default_rng(radius), 700)
    expected = brute_force(hashes[::3], hashes[1::2], radius)
    assert len(expected) >= radius * 10
    assert found(pairs_between(hashes[::3], hashes[1::2], radius)) == expected


@pytest.mark.parametrize("radius", range(11))
def test_the_shares_of_parts_miss_no_pair(radius):
    parts = parts_of(radius)
    assert [part.low for part in parts[1:]] == [part.high for part in parts[:-1]]
    assert (parts[0].low, parts[-1].high) == (0, 64)
    assert sum(part.share + 1 for part in parts) == radius + 1


def test_more_of_one_key_than_are_compared_at_once_equal_brute_force(monkeypatch):
    monkeypatch.setattr("cic_assets.domain.duplicates.crossing._MOST", 1 << 8)
    rng = np.random.default_rng(5)
    left, right = (np.unique(rng.integers(0, 2**14, n).astype(np.uint64)) for n in (300, 900))
    assert found(pairs_between(left, right, 3)) == brute_force(left, right, 3)


def a_crowd(count):
    """Hashes that differ from each other in a few of 24 bits: all pairs of them are near."""
    return np.unique(np.random.default_rng(0).integers(0, 2**24, count).astype(np.uint64) & np.uint64(0x0F0F0F))


@pytest.mark.parametrize("compiled_from", [0, 1 << 17])
@pytest.mark.parametrize("most", [9, 200, 1 << 20])
def test_crowds_are_looked_up_in_parts(most, compiled_from, monkeypatch):
    monkeypatch.setattr("cic_assets.domain.duplicates.crossing._PAIRS", most)
    monkeypatch.setattr("cic_assets.domain.duplicates.crossing._COMPILED_FROM", compiled_from)
    monkeypatch.setattr("cic_assets.domain.duplicates.search._TOGETHER", 2 * most)
    left, right = a_crowd(120), a_crowd(150)
    parts = list(pairs_between_in_parts(left, right, 5))
    pairs = [pair for part in parts for pair in found(part).items()]
    assert len(dict(pairs)) == len(pairs)  # each once
    assert dict(pairs) == brute_force(left, right, 5)
    assert max(map(len, parts)) < 2 * most + max(most, len(right)) + 1


@pytest.mark.slow
def test_a_crowd_of_thousands_takes_little_memory():
    crowd = a_crowd(2_800)
    tracemalloc.start()
    count = sum(map(len, pairs_between_in_parts(crowd, crowd, 8)))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count > 3e6
    assert peak < 150e6  # all pairs together take 65 bytes each


def test_hashes_that_are_all_alike():
    clump = np.unique(
        np.bitwise_or.outer(np.uint64(1) << np.arange(64, dtype=np.uint64), np.arange(6, dtype=np.uint64) << 20)
    )
    expected = {(i, j): d for (i, j), d in brute_force(clump, clump, 6).items() if i < j}
    assert found(pairs_within(clump, 6)) == expected


def test_one_worker_finds_what_many_find():
    hashes = with_neighbours(np.random.default_rng(1), 3000)
    assert found(pairs_within(hashes, 8, workers=1)) == found(pairs_within(hashes, 8, workers=4))


def test_nothing_to_search():
    none, one = np.empty(0, np.uint64), np.array([7], np.uint64)
    assert len(pairs_within(none, 8)) == len(pairs_within(one, 8)) == len(pairs_between(none, one, 8)) == 0
    assert found(pairs_between(one, one, 0)) == {(0, 0): 0}


@pytest.mark.parametrize(
    ("hashes", "radius", "message"),
    [
        (np.array([3, 3], np.uint64), 8, "not distinct and ascending"),
        (np.array([4, 3], np.uint64), 8, "not distinct and ascending"),
        (np.array([3, 4]), 8, "found hashes of int64 in 1 dimensions, expected uint64"),
        (np.array([[3, 4]], np.uint64), 8, "in 2 dimensions"),
        (np.array([3, 4], np.uint64), 11, "radius: found 11, expected 0 to 10"),
        (np.array([3, 4], np.uint64), -1, "radius: found -1"),
    ],
)
def test_what_cannot_be_searched_is_refused(hashes, radius, message):
    with pytest.raises(ValueError, match=message):
        pairs_within(hashes, radius)
    with pytest.raises(ValueError, match=message):
        pairs_between(hashes, hashes, radius)


@pytest.mark.slow
def test_a_hundred_thousand_hashes_with_planted_neighbours():
    rng = np.random.default_rng(0)
    hashes = np.unique(rng.integers(0, 2**64, 100_000, dtype=np.uint64))
    masks = np.array(
        [np.bitwise_or.reduce(np.uint64(1) << rng.choice(64, 8, replace=False).astype(np.uint64)) for _ in range(500)]
    )
    everything = np.unique(np.concatenate([hashes, hashes[:500] ^ masks]))
    start = time.process_time()
    pairs = found(pairs_within(everything, 8))
    assert time.process_time() - start < 10  # seconds of processor time; takes half of one
    planted = zip(
        np.searchsorted(everything, hashes[:500]), np.searchsorted(everything, hashes[:500] ^ masks), strict=True
    )
    assert all((min(pair), max(pair)) in pairs for pair in planted)
