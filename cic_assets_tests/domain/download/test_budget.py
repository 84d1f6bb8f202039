"""What is held never exceeds the budget, and who waits gets its turn."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.download.budget import ByteBudget, DecodingBudget


def test_never_more_than_the_total():
    budget, chance = ByteBudget(100), random.Random(1)
    held = most = 0

    async def one() -> None:
        nonlocal held, most
        size = chance.choice([0, 1, 30, 60, 100])
        async with budget.claim(size):
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
        async with budget.claim(size):
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
        async with budget.claim(size):
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


def test_more_than_there_is():
    async def run() -> None:
        async with ByteBudget(10).claim(11):
            pass

    with pytest.raises(ValueError, match="claim of 11 bytes from a budget of 10"):
        asyncio.run(run())


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 20), st.integers(1, 5)), min_size=1, max_size=40),
    st.integers(20, 40),
)
def test_bodies_that_grow_never_wait_in_a_circle(bodies, total):
    """Some say their length, the others come in pieces; all get to their end, and never hold more than there is."""
    budget, held = ByteBudget(total, largest=20), 0

    async def one(says_length: bool, size: int, piece: int) -> None:
        nonlocal held
        pieces = [size] if says_length else [piece] * (size // piece) + [size % piece]
        async with budget.claim(size if says_length else 0) as claim:
            for more in pieces:
                if not says_length:
                    await budget.grow(claim, more)
                held += more
                assert held <= total
                await asyncio.sleep(0)
            held -= size

    async def run() -> None:
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            for body in bodies:
                tasks.create_task(one(*body))

    asyncio.run(run())
    assert (held, budget.free) == (0, total)


def test_a_body_that_grows_slowly_holds_up_no_claim():
    async def run() -> None:
        budget = ByteBudget(32, largest=20)
        async with budget.claim(0) as slow, budget.claim(0) as other:
            assert budget.try_grow(slow, 1)
            assert budget.try_grow(other, 12)  # no room among the growing: it goes on alone
            assert not budget.try_grow(slow, 12)
            async with asyncio.timeout(1), budget.claim(19):
                assert not budget.try_grow(other, 1)
            assert budget.try_grow(other, 8)

    asyncio.run(run())


def test_a_cancelled_body_that_grew_leaves_nothing_held():
    async def grow(budget: ByteBudget, *pieces: int) -> None:
        async with budget.claim(0) as claim:
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
        async with budget.claim(0) as claim:
            assert budget.try_grow(claim, 2)
            assert budget.try_grow(claim, 6)

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
