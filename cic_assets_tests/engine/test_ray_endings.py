"""How work on a cluster ends that somebody ends, or whose cluster goes away: each time that of another process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cic_assets_tests.fixtures.ray_cluster import running_cluster, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(900), pytest.mark.xdist_group("ray")]

PROGRAM = """
import os, signal, sys, time
from pathlib import Path

from cic_assets.engine import EngineError, open_engine

signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Dagster has it
folder, count = Path(sys.argv[1]), int(sys.argv[2])

def task(item):
    (folder / f"begun {item}").touch()
    time.sleep(0.3)
    return os.getpid()

try:
    for item, process in open_engine("ray").each(task, range(count), shard=1):
        (folder / f"done {item}").write_text(str(process))
except EngineError as error:
    sys.exit(f"error: {error}")
finally:
    (folder / "tidied").touch()
"""


class Work:
    """A process that has many items worked on."""

    def __init__(self, folder, cluster, count):
        folder.mkdir()
        self._folder = folder
        command = [sys.executable, "-c", PROGRAM, str(folder), str(count)]
        environment = {**os.environ, **cluster.variables}
        self.process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)

    def count(self, what):
        return len(list(self._folder.glob(f"{what} *")))

    def wait_until_done(self, count):
        wait_for(lambda: self.count("done") >= count or self.process.poll() is not None, f"{count} items")
        assert self.process.poll() is None

    def workers(self):
        return {path.read_text() for path in self._folder.glob("done *")}

    def ended(self, seconds):
        """What it said, once it has ended by itself and done what was to be done in the end."""
        try:
            _, said = self.process.communicate(timeout=seconds)
        finally:
            self.process.kill()
        assert (self._folder / "tidied").exists(), said
        return said


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_who_is_interrupted_tidies_up_and_stops_what_is_at_work(ray_cluster, tmp_path, how):
    work = Work(tmp_path / "work", ray_cluster, 1000)
    work.wait_until_done(3)
    work.process.send_signal(how)
    assert "KeyboardInterrupt" in work.ended(60)
    begun = work.count("begun")
    time.sleep(3)
    assert work.count("begun") == begun < 20


@pytest.mark.parametrize("end", ["killed", "frozen"])
def test_a_cluster_whose_head_is_lost_is_told_of_in_time(ray_cluster, tmp_path, end):
    work = Work(tmp_path / "work", ray_cluster, 1000)
    work.wait_until_done(3)
    {"killed": ray_cluster.kill, "frozen": ray_cluster.freeze}[end](ray_cluster.head)
    try:
        assert "error: the head of the Ray cluster has not answered for 40 seconds" in work.ended(180)
    finally:
        ray_cluster.kill(ray_cluster.head)


def test_two_at_once_both_get_their_turn_and_keep_their_workers(ray_cluster, tmp_path):
    both = [Work(tmp_path / name, ray_cluster, 60) for name in ("one", "other")]
    for work in both:
        work.ended(300)
        assert work.process.returncode == 0
        assert work.count("done") == 60
        # To begin one takes longer than many items: where the other's was ended for it, there would be tens.
        assert len(work.workers()) <= 6


GREEDY = """
import sys, time
from cic_assets.engine import open_engine

least = float(sys.argv[1])

def available():
    with open("/proc/meminfo") as told:
        return next(int(line.split()[1]) * 1024 for line in told if line.startswith("MemAvailable"))

def task(item):
    held = []
    while item == 3:
        if available() > least:
            held.append(b"x" * 50_000_000)
        time.sleep(0.01)
    return item

for item, result in open_engine("ray").each(task, range(8), shard=4, instead=lambda _item, why: why):
    print("found", item, result)
"""


def test_an_item_that_takes_all_memory_is_found_among_those_of_its_shard():
    """Of a node that has 5 GB more than what is in use now: that is where Ray begins to end processes."""
    told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(told[name].split()[0]) * 1024 for name in ("MemTotal", "MemAvailable"))
    if available < 8e9:
        pytest.skip("this machine has less than 8 GB to give")
    share = 1 - (available - 5e9) / total
    keys = {"RAY_memory_usage_threshold": f"{share:.3f}", "RAY_memory_monitor_refresh_ms": "250"}
    with running_cluster(keys=keys) as cluster:
        cluster.restore()
        result = subprocess.run(
            [sys.executable, "-c", GREEDY, str(available - 5.5e9)],
            env={**os.environ, **cluster.variables}, stdout=subprocess.PIPE, text=True, timeout=500,
        )  # fmt: skip
    # Beside what Ray has to say of it.
    found = dict(line.split(" ", 2)[1:] for line in result.stdout.splitlines() if line.startswith("found "))
    assert found.pop("3") == "what worked on it died of it: OutOfMemoryError 4 times"
    assert found == {str(item): str(item) for item in range(8) if item != 3}
