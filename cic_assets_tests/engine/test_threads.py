import itertools
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.engine import Engine, Threads

ENGINE: Engine = Threads(3)


@given(st.lists(st.integers(), max_size=200), st.integers(1, 5))
def test_results_come_in_the_order_of_the_items(items, workers):
    assert list(Threads(workers).map(lambda item: item * 2, items)) == [item * 2 for item in items]


def test_several_are_at_work_at_once():
    together = threading.Barrier(3, timeout=30)
    assert list(ENGINE.map(lambda _item: together.wait() >= 0, range(3))) == [True] * 3


def test_a_slow_item_does_not_keep_later_ones_from_being_worked_on():
    later = threading.Event()

    def task(item):
        return later.wait(30) if item == 0 else later.set() or True

    assert all(ENGINE.map(task, range(10)))


def test_of_endless_items_only_some_are_taken_ahead():
    taken = itertools.count()
    results = ENGINE.map(lambda item: item, taken)
    assert [next(results) for _ in range(100)] == list(range(100))
    results.close()
    assert next(taken) < 200


def test_an_error_comes_in_its_turn_and_ends_the_rest():
    done = []

    def task(item):
        if item == 2:
            raise ValueError("no")
        time.sleep(0.001)
        done.append(item)

    results = ENGINE.map(task, range(10_000))
    assert [next(results), next(results)] == [None, None]
    with pytest.raises(ValueError, match="no"):
        next(results)
    assert len(done) < 100


def test_who_stops_asking_stops_the_work():
    done = []
    results = ENGINE.map(done.append, range(10_000))
    next(results)
    results.close()
    so_far = len(done)
    time.sleep(0.05)
    assert len(done) == so_far < 200
    assert not any(thread.name.startswith("engine") for thread in threading.enumerate() if thread.is_alive())


def test_a_result_does_not_wait_for_the_next_item():
    asked = threading.Event()

    def one_by_one():
        yield "first"
        assert asked.wait(30)
        yield "second"

    results = ENGINE.map(str.upper, one_by_one())
    assert next(results) == "FIRST"
    asked.set()
    assert list(results) == ["SECOND"]


def test_an_error_of_the_items_comes_after_what_was_before_it():
    def broken():
        yield from range(5)
        raise ValueError("no more")

    results = ENGINE.map(lambda item: item, broken())
    assert [next(results) for _ in range(5)] == list(range(5))
    with pytest.raises(ValueError, match="no more"):
        next(results)


def test_who_stops_asking_does_not_wait_for_an_item_that_never_comes():
    never = threading.Event()

    def stuck():
        yield "first"
        never.wait(30)

    results = ENGINE.map(str.upper, stuck())
    assert next(results) == "FIRST"
    began = time.monotonic()
    results.close()
    assert time.monotonic() - began < 5
    never.set()


def test_each_item_comes_with_its_result():
    assert list(ENGINE.each(str, range(100), shard=7)) == [(item, str(item)) for item in range(100)]


def test_what_a_task_raises_names_the_item():
    with pytest.raises(ZeroDivisionError) as raised:
        list(ENGINE.each(lambda item: 1 / item, [2, 1, 0]))
    assert raised.value.__notes__ == ["at 0"]
