"""Places in pools where several processes ask for them at the same moment, or are killed while they do."""

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from dagster import DagsterInstance
from dagster._core.storage.event_log import SqlEventLogStorage

from cic_assets.orchestration import sqlite_storage
from cic_assets.orchestration.instance import ensure_home
from cic_assets.orchestration.pool_safe import WAIT_SECONDS, PoolSafe
from cic_assets.storage import DataRoot

ASKS = """
import sys, time
from dagster import DagsterInstance

home, run_id, turns = sys.argv[1], sys.argv[2], int(sys.argv[3])
with DagsterInstance.from_config(home) as instance:
    storage = instance.event_log_storage
    print("ready", flush=True)
    sys.stdin.readline()
    for turn in range(turns):
        step, until = f"step_{turn}", time.monotonic() + 60
        storage.initialize_concurrency_limit_to_default("pool")
        while not storage.claim_concurrency_slot("pool", run_id, step).is_claimed:
            assert time.monotonic() < until, "waits for ever"
            time.sleep(0.005)
        begin = time.monotonic()
        time.sleep(0.001)
        print(begin, time.monotonic(), flush=True)
        storage.free_concurrency_slot_for_step(run_id, step)
"""


BOTH = ["sqlite", pytest.param("postgres", marks=pytest.mark.long)]


@pytest.fixture(params=BOTH)
def home(request, tmp_path, monkeypatch):
    """A home whose tables nobody has made yet."""
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    if request.param == "postgres":
        monkeypatch.setenv("CIC_POSTGRES_URL", request.getfixturevalue("postgres_server").new_database())
    return ensure_home(DataRoot(str(tmp_path / "root")))


@pytest.fixture(scope="module", params=BOTH)
def instance(request, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("DAGSTER_HOME", raising=False)
        if request.param == "postgres":
            patch.setenv("CIC_POSTGRES_URL", request.getfixturevalue("postgres_server").database_with_tables())
        home = ensure_home(DataRoot(str(tmp_path_factory.mktemp("root"))))
        with DagsterInstance.from_config(str(home)) as instance:
            yield instance


@pytest.fixture
def storage(instance):
    """With a pool of one place, which nobody has."""
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("pool")
    yield storage
    for run_id in storage.get_concurrency_run_ids():
        storage.free_concurrency_slots_for_run(run_id)
    storage.delete_concurrency_limit("pool")


def processes(home, count, turns):
    """Start some that ask for places, all at once; gives when each had its own, in order."""
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", ASKS, home, f"run_{number}", str(turns)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    assert [run.stdout.readline() for run in runs] == ["ready\n"] * count
    for run in runs:
        run.stdin.write("go\n")
        run.stdin.flush()
    said = [run.communicate(timeout=240)[0].splitlines() for run in runs]
    assert [run.returncode for run in runs] == [0] * count
    return sorted(tuple(map(float, line.split())) for lines in said for line in lines)


@pytest.mark.long
def test_who_asks_at_the_same_moment_takes_turns(home):
    """A new home, which the processes make at once; with Dagster's own storage two of them may share a place."""
    turns = 4 if "CIC_POSTGRES_URL" in os.environ else 10  # each look of each takes connections
    times = processes(home, count=3, turns=turns)
    assert len(times) == 3 * turns
    assert all(end <= begin for (_, end), (begin, _) in itertools.pairwise(times))


CALLS = [
    ("initialize_concurrency_limit_to_default", "pool"),
    ("set_concurrency_slots", "pool", 2),
    ("delete_concurrency_limit", "pool"),
    ("claim_concurrency_slot", "pool", "run", "step"),
    ("free_concurrency_slots_for_run", "run"),
    ("free_concurrency_slot_for_step", "run", "step"),
]


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call[0])
def test_what_changes_places_waits_for_its_turn(storage, call):
    name, *given = call
    with ThreadPoolExecutor(1) as pool:
        with storage._one_at_a_time():
            turn = pool.submit(getattr(storage, name), *given)
            with pytest.raises(TimeoutError):
                turn.result(timeout=0.2)
        turn.result(timeout=30)


@pytest.mark.parametrize("instance", ["sqlite"], indirect=True)
def test_who_waits_for_one_that_was_stopped_says_so(storage, monkeypatch, caplog):
    monkeypatch.setattr(sqlite_storage, "LONG_SECONDS", 0.1)
    with ThreadPoolExecutor(1) as pool:
        with storage._one_at_a_time():
            turn = pool.submit(storage.claim_concurrency_slot, "pool", "run", "step")
            with pytest.raises(TimeoutError):
                turn.result(timeout=0.5)
        turn.result(timeout=30)
    (said,) = [record.getMessage() for record in caplog.records if "Waiting" in record.getMessage()]
    assert said.endswith("was a command of this home stopped?")


def test_it_is_what_the_home_has(storage):
    assert isinstance(storage, PoolSafe)


def test_a_step_that_was_passed_over_is_next(storage):
    """Whoever gave the place back was killed before it said who is next."""
    assert storage.claim_concurrency_slot("pool", "killed", "step").is_claimed
    waits = storage.claim_concurrency_slot("pool", "waits", "step")
    assert not waits.is_claimed
    assert waits.sleep_interval == WAIT_SECONDS
    storage._free_concurrency_slots("killed")
    storage._remove_pending_steps("killed")
    assert not SqlEventLogStorage.claim_concurrency_slot(storage, "pool", "waits", "step").is_claimed
    assert storage.claim_concurrency_slot("pool", "waits", "step").is_claimed


def test_the_first_to_wait_is_the_first_to_get_a_place(storage):
    names = ["first", "second", "third"]
    claimed = [storage.claim_concurrency_slot("pool", name, "step").is_claimed for name in names]
    assert claimed == [True, False, False]
    storage.free_concurrency_slots_for_run("first")
    claimed = [storage.claim_concurrency_slot("pool", name, "step").is_claimed for name in reversed(names[1:])]
    assert claimed == [False, True]


def test_a_pool_may_have_more_places(storage):
    storage.set_concurrency_slots("pool", 2)
    claimed = [storage.claim_concurrency_slot("pool", "run", f"step_{number}").is_claimed for number in range(3)]
    assert claimed == [True, True, False]
    storage.free_concurrency_slot_for_step("run", "step_0")
    assert storage.claim_concurrency_slot("pool", "run", "step_2").is_claimed


def test_a_pool_is_given_its_limit_twice(storage):
    """By two processes that both saw none, or after dagster.yaml was changed; Dagster's own fails in PostgreSQL."""
    assert storage.initialize_concurrency_limit_to_default("pool")
    assert storage.get_concurrency_info("pool").limit == 1
    storage.set_concurrency_slots("pool", 3)
    assert storage.initialize_concurrency_limit_to_default("pool")
    info = storage.get_concurrency_info("pool")
    assert (info.limit, info.slot_count) == (1, 1)
