"""Keeping to so many requests a minute, and reading how long to wait."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from cic_assets.domain.pacing import Allowance, Pace, ledger_of


class _Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        assert seconds > 0
        self.now += seconds


def _most_in_a_window(times, window):
    return max(sum(start <= other < start + window for other in times) for start in times)


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "cache" / "reddit.sqlite3"


def test_a_burst_is_let_through_and_then_the_minute_is_waited_for(ledger):
    clock = _Clock()
    pace = Pace(100, ledger, clock=clock, sleep=clock.sleep)
    times = []
    for _ in range(250):
        pace.wait()
        times.append(clock.now)
    assert times[99] == times[0]
    assert times[100] == pytest.approx(times[0] + 60)
    assert times[249] == pytest.approx(times[0] + 120)


def test_never_more_than_allowed_in_any_minute_however_requests_come(ledger):
    clock = _Clock()
    pace = Pace(10, ledger, clock=clock, sleep=clock.sleep)
    times = []
    for number in range(100):
        clock.now += number % 7
        pace.wait()
        times.append(clock.now)
    assert _most_in_a_window(times, 60) == 10


def test_a_clock_set_back_does_not_stop_everything(ledger):
    clock = _Clock()
    pace = Pace(2, ledger, clock=clock, sleep=clock.sleep)
    pace.wait()
    pace.wait()
    clock.now = 10.0
    pace.wait()
    assert clock.now == 10.0


def test_threads_share_the_pace(ledger):
    times = []

    def ask(_):
        pace.wait()
        times.append(time.time())

    pace = Pace(5, ledger, window=0.5)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(20)))
    assert max(times) - min(times) >= 1.5


_PROCESS = """
import sys, time
from pathlib import Path
from cic_assets.domain.pacing import Pace
pace = Pace(5, Path(sys.argv[1]), window=1.0)
for _ in range(5):
    pace.wait()
    print(time.time())
"""


@pytest.mark.slow
def test_processes_share_the_pace(ledger):
    processes = [
        subprocess.Popen([sys.executable, "-c", _PROCESS, str(ledger)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    times = [float(line) for process in processes for line in process.communicate(timeout=60)[0].splitlines()]
    assert len(times) == 15
    # A place is taken a moment before the time is read.
    assert _most_in_a_window(times, 0.9) <= 5


def test_where_nothing_can_be_written_requests_keep_an_even_distance(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    clock = _Clock()
    Pace(100, tmp_path / "file" / "ledger", clock=clock, sleep=clock.sleep).wait()
    (tmp_path / "broken").write_text("not a database, and long enough to be told from one" * 20)
    Pace(100, tmp_path / "broken", clock=clock, sleep=clock.sleep).wait()
    assert clock.now == pytest.approx(1001.2)


def test_the_ledger_is_of_the_app_and_does_not_tell_its_id(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ledger_of("reddit", "app").parent == tmp_path / "cic_assets"
    assert ledger_of("reddit", "app") != ledger_of("reddit", "another")
    assert "myclient" not in str(ledger_of("reddit", "myclient"))


def test_a_day_s_allowance_is_kept_over_processes_and_comes_back(ledger):
    clock = _Clock()
    first, second = (Allowance(10, ledger, clock=clock) for _ in range(2))
    assert [first.take(6), second.take(5), second.take(4), first.left] == [True, False, True, 0]
    clock.now += 86_399
    assert not first.take()
    clock.now += 1
    assert second.take(10)
    second.spend(5)  # bytes that were more than was thought
    assert (first.left, first.take()) == (0, False)


@pytest.mark.parametrize("name", ["file/ledger", "broken"])
def test_where_nothing_can_be_written_a_day_s_allowance_is_kept_in_this_process(tmp_path, caplog, name):
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "broken").write_text("not a database, and long enough to be told from one" * 20)
    clock = _Clock()
    first, second = (Allowance(10, tmp_path / name, clock=clock) for _ in range(2))
    assert [first.take(6), second.take(5), second.take(4), first.left] == [True, False, True, 0]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "counted for this process alone" in caplog.text
    clock.now += 86_400
    second.spend(12)
    assert (first.left, first.take()) == (0, False)
    assert len(caplog.records) == 1
