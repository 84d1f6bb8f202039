"""What is held never exceeds the budget, and who waits gets its turn."""

import asyncio
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

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
