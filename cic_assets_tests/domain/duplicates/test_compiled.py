import sys
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.duplicates import crossing
from cic_assets.domain.duplicates.crossing import joined, near_pairs

# Near and equal ones, runs of one key of every length, and the largest of all, behind which nothing is to be found.
TOP = 2**64 - 1
CLUMPED = st.lists(
    st.integers(0, TOP) | st.integers(0, 255) | st.integers(0, 255).map(lambda n: n << 40) | st.integers(TOP - 40, TOP)
)


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    """However few hashes there are."""
    assert crossing._compiled() is not None, "the development group brings Numba"
    monkeypatch.setattr(crossing, "_COMPILED_FROM", 0)


@pytest.fixture
def by_numpy(monkeypatch):
    def pairs(left, right, radius):
        with monkeypatch.context() as patch:
            patch.setattr(crossing, "_compiled", lambda: None)
            return found(near_pairs(left, right, radius))

    return pairs


def found(parts):
    pairs = list(zip(*(side.tolist() for side in joined(parts)), strict=True))
    assert len(set(pairs)) == len(pairs)
    return set(pairs)


def brute_force(left, right, radius):
    distance = np.bitwise_count(left[:, np.newaxis] ^ right)
    return {(int(left[i]), int(right[j])) for i, j in np.argwhere(distance <= radius).tolist()}


@given(CLUMPED, CLUMPED, st.integers(0, 10))
def test_it_finds_what_brute_force_finds(left, right, radius):
    left, right = (np.unique(np.array(values, np.uint64)) for values in (left, right))
    assert found(near_pairs(left, right, radius)) == brute_force(left, right, radius)


@pytest.mark.parametrize("key_bits", [1, 4, 22])
@pytest.mark.parametrize("radius", [0, 3, 8, 10])
def test_it_finds_what_numpy_finds_whatever_runs_there_are(radius, key_bits, by_numpy, monkeypatch):
    monkeypatch.setattr(crossing, "KEY_BITS", key_bits)
    rng = np.random.default_rng(radius)
    hashes = rng.integers(0, 2**64, 2000, dtype=np.uint64)
    near = hashes ^ (np.uint64(1) << rng.integers(0, 64, (5, 2000)).astype(np.uint64))
    left, right = np.unique(near[:2]), np.unique(near[1:])
    assert found(near_pairs(left, right, radius)) == by_numpy(left, right, radius)


@pytest.mark.parametrize("room", [1, 7, 1 << 16])
def test_more_pairs_than_there_is_room_for(room, monkeypatch):
    monkeypatch.setattr(crossing, "_ROOM", room)
    crowd = np.arange(300, dtype=np.uint64)
    assert found(near_pairs(crowd, crowd, 4)) == brute_force(crowd, crowd, 4)


def test_it_stops_where_there_are_too_many():
    crowd, none = np.arange(64, dtype=np.uint64), np.empty(0, np.uint64)
    beyond = np.zeros(64 + crossing._compiled().WIDTH, np.uint64)
    beyond[:64] = crowd
    limits = np.zeros(1, np.uint64), np.uint64(63), np.uint64(64), np.zeros(1, np.uint64), np.zeros(1, np.uint64)
    starts = np.array([0, 64, 64], np.int32)
    counts = [crossing._compiled().look_up(crowd, beyond, starts, *limits, none, none, most) for most in (9, 10_000)]
    assert counts == [10, 64 * 64]


@pytest.mark.parametrize("workers", [1, 4])
def test_several_threads_at_once(workers, monkeypatch):
    monkeypatch.setattr(crossing, "_AT_ONCE", 64)
    hashes = np.unique(np.random.default_rng(0).integers(0, 2**20, 900).astype(np.uint64))
    assert found(near_pairs(hashes, hashes, 3, workers=workers)) == brute_force(hashes, hashes, 3)


def test_few_hashes_are_not_worth_it(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(crossing, "_compiled", lambda: pytest.fail("compiled"))
    few = np.arange(100, dtype=np.uint64)
    assert found(near_pairs(few, few, 0)) == {(i, i) for i in range(100)}


@pytest.fixture
def forgotten():
    """What is known of Numba is found out again, before and after."""
    crossing._compiled.cache_clear()
    yield
    crossing._compiled.cache_clear()


def test_without_numba_numpy_does_it(forgotten, monkeypatch):
    monkeypatch.setattr(crossing, "find_spec", lambda _: None)
    assert crossing._compiled() is None
    some = np.arange(100, dtype=np.uint64)
    assert found(near_pairs(some, some, 1)) == brute_force(some, some, 1)


def test_a_numba_that_does_not_know_this_numpy_is_told_of(forgotten, monkeypatch, caplog):
    monkeypatch.delitem(sys.modules, "cic_assets.domain.duplicates.compiled", raising=False)
    monkeypatch.delattr("cic_assets.domain.duplicates.compiled", raising=False)
    monkeypatch.setattr(crossing, "find_spec", bool)  # it is there,
    monkeypatch.setitem(sys.modules, "numba", None)  # and its import fails
    assert crossing._compiled() is None
    assert "copies are looked for by numpy, which takes longer" in caplog.text


def test_it_takes_no_more_memory_than_its_pairs_need():
    rng = np.random.default_rng(2)
    hashes = np.unique(rng.integers(0, 2**64, 200_000, dtype=np.uint64))
    list(near_pairs(hashes[:10], hashes, 8))  # compiled, and tables made
    tracemalloc.start()
    list(near_pairs(hashes[:50_000], hashes, 8, workers=1))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6
