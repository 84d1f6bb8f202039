"""What is held never exceeds the budget, and who waits gets its turn."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.download.budget import ByteBudget, DecodingBudget


@contextmanager
def held(budget, *sizes):
    """Bodies of these sizes that are here whole; for tests that have room for them."""
    with ExitStack() as stack:
        for size in sizes:
            claim = stack.enter_context(budget.claim(size))
            assert budget.try_grow(claim, size)
        yield


def test_never_more_than_the_total():
    budget, chance = ByteBudget(100), random.Random(1)
    held = most = 0

    async def one() -> None:
        nonlocal held, most
        size = chance.choice([0, 1, 30, 60, 100])
        with budget.claim(size) as claim:
            await budget.grow(claim, size)
            held += size
            most = max(most, held)
            assert held <= 100
            await asyncio.sleep(chance.random() / 1000)
            held -= size

    async def run() -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for _ in range(300):
                tasks.create_task(one())

    asyncio.run(run())
    assert (held, most, budget.free) == (0, 100, 100)


def test_first_come_first_served():
    """A large claim is not passed over for ever by small ones."""
    order = []

    async def one(budget: ByteBudget, name: str, size: int) -> None:
        with budget.claim(size) as claim:
            await budget.grow(claim, size)
            order.append(name)
            await asyncio.sleep(0)

    async def run() -> None:
        budget = ByteBudget(10)
        async with asyncio.TaskGroup() as tasks:
            for name, size in [("small", 6), ("large", 10), ("tiny", 1)]:
                tasks.create_task(one(budget, name, size))

    asyncio.run(run())
    assert order == ["small", "large", "tiny"]


@pytest.mark.parametrize("granted_first", [False, True])
def test_a_cancelled_claim_leaves_nothing_held(granted_first):
    async def hold(budget: ByteBudget, size: int) -> None:
        with budget.claim(size) as claim:
            await budget.grow(claim, size)
            await asyncio.sleep(60)

    async def run() -> None:
        budget = ByteBudget(10)
        first = asyncio.create_task(hold(budget, 10))
        second = asyncio.create_task(hold(budget, 10))
        third = asyncio.create_task(hold(budget, 3))
        await asyncio.sleep(0)
        if granted_first:
            # The first ends, the second is granted, and is cancelled before it knows.
            first.cancel()
            await asyncio.sleep(0)
        second.cancel()
        first.cancel()
        await asyncio.wait([first, second])
        await asyncio.sleep(0)
        assert budget.free == 7
        third.cancel()
        await asyncio.wait([third])
        assert budget.free == 10

    asyncio.run(run())


@pytest.mark.parametrize(("total", "largest"), [(10, None), (20, 10)])
def test_more_than_there_is(total, largest):
    budget = ByteBudget(total, largest)
    with pytest.raises(ValueError, match=f"claim of 11 bytes from a budget of {total}"), budget.claim(11):
        pass


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 20), st.integers(1, 5)), min_size=1, max_size=40),
    st.integers(20, 40),
)
def test_bodies_never_wait_in_a_circle(bodies, total):
    """Some say their length, the others do not; all get to their end, and never hold more than there is."""
    budget, held = ByteBudget(total, largest=20), 0

    async def one(says_length: bool, size: int, piece: int) -> None:
        nonlocal held
        with budget.claim(size if says_length else 20) as claim:
            for more in [piece] * (size // piece) + [size % piece]:
                await budget.grow(claim, more)
                held += more
                assert held <= total
                await asyncio.sleep(0)
            budget.end(claim)
            await asyncio.sleep(0)
            held -= size

    async def run() -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for body in bodies:
                tasks.create_task(one(*body))

    asyncio.run(run())
    assert (held, budget.free) == (0, total)


def test_what_is_announced_holds_up_nobody():
    budget = ByteBudget(32, largest=20)
    with ExitStack() as stack:
        slow = [stack.enter_context(budget.claim(20)) for _ in range(8)]
        assert all(budget.try_grow(one, 1) for one in slow)
        with held(budget, 12, 6):
            assert not budget.try_grow(slow[0], 7)  # there is no room
        assert budget.try_grow(slow[0], 12)
        assert not budget.try_grow(slow[1], 6)  # there is, but none of them could come to its end then
        assert budget.try_grow(slow[0], 7)
        budget.end(slow[0])
        assert budget.free == 5


def test_who_holds_nothing_yet_waits_behind_those_that_wait():
    async def run() -> None:
        budget = ByteBudget(10)
        with budget.claim(10) as large, budget.claim(1) as small:
            with held(budget, 6):
                waiting = asyncio.create_task(budget.grow(large, 8))
                await asyncio.sleep(0)
                assert not budget.try_grow(small, 1)
            await waiting
            assert budget.try_grow(small, 1)

    asyncio.run(run())


def test_a_cancelled_body_that_grew_leaves_nothing_held():
    async def grow(budget: ByteBudget, *pieces: int) -> None:
        with budget.claim(8) as claim:
            for piece in pieces:
                await budget.grow(claim, piece)
            await asyncio.sleep(60)

    async def run() -> None:
        budget = ByteBudget(10, largest=8)
        tasks = [asyncio.create_task(grow(budget, 2, 2)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in (tasks[1], tasks[0], tasks[2]):
            task.cancel()
            await asyncio.wait([task])
        assert budget.free == 10
        with held(budget, 8):
            assert budget.free == 2

    asyncio.run(run())


def test_decoding_among_threads():
    budget, lock = DecodingBudget(100), threading.Lock()
    held = most = 0

    def decode(size: int) -> None:
        nonlocal held, most
        with budget.claim(size):
            with lock:
                held += size
                most = max(most, held)
            threading.Event().wait(0.001)
            with lock:
                held -= size

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decode, [30, 60, 20, 10, 90] * 20))
    assert held == 0
    assert 60 <= most <= 100


def test_a_picture_that_takes_more_than_the_budget_is_alone():
    with DecodingBudget(10).claim(1000):
        pass
