"""Real processes: killed in the middle of a switch, two at once, and readers that race one."""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from cic_assets.domain.models import admit, change_champion, read_champion, read_record, settle, versions_of
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.versions import decision, lay_out_training, whole

KILLS = short_or_long(12, 200)

SWITCHES = """
import os, sys
from cic_assets.domain.models import change_champion, deciding, settle, versions_of
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.versions import decision

def switch(root, rounds):
    folder = root.model("vgg")
    for _ in range(rounds):
        with deciding(root, "vgg"):
            settle(folder)
            champion, others = None, []
            for one in versions_of(folder):
                if one.is_champion:
                    champion = one.id
                else:
                    others.append(one.id)
            change_champion(folder, decision(others[-1], champion))

for line in sys.stdin:
    if (child := os.fork()) == 0:
        switch(DataRoot(sys.argv[1]), int(line))
        os._exit(0)
    print(child, flush=True)
    print(os.waitpid(child, 0)[1], flush=True)
"""
"""For each number that it is told: a process that switches so often, forked from this one, which has imported all."""


@pytest.fixture
def root(tmp_path):
    """Three versions, the first of which is the champion."""
    root = DataRoot(str(tmp_path / "root"))
    for number in range(3):
        lay_out_training(root.model("vgg"), number)
        version = admit(root.model("vgg")).id
        if not number:
            change_champion(root.model("vgg"), decision(version))
    return root


@contextlib.contextmanager
def switches(root):
    """Gives a function that begins so many of them in a process: its number, and a function that returns its status."""
    command = [sys.executable, "-c", SWITCHES, root.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:

        def begin(rounds):
            print(rounds, file=parent.stdin, flush=True)
            return int(parent.stdout.readline()), lambda: int(parent.stdout.readline())

        yield begin


def test_a_killed_switch_leaves_all_versions_whole(root):
    folder, random_seconds = root.model("vgg"), random.Random(0)
    with switches(root) as begin:
        for _ in range(KILLS):
            process, status = begin(10_000)
            time.sleep(random_seconds.uniform(0, 0.05))
            os.kill(process, signal.SIGKILL)
            assert status() == signal.SIGKILL
            champion = read_record(folder).champion
            assert read_champion(folder, whole).version == champion
            assert len([whole(one.folder) for one in versions_of(folder)]) == 3
            settle(folder)
            assert whole(folder).version == champion
            assert len(versions_of(folder)) == 3


def test_readers_see_one_champion_or_the_other_whole(root):
    folder, seen = root.model("vgg"), set()
    with switches(root) as begin, ThreadPoolExecutor(1) as pool:
        over = pool.submit(begin(short_or_long(150, 3000))[1])
        while not over.done():
            seen.add(read_champion(folder, whole).version)
            assert len(versions_of(folder)) == 3
        assert over.result() == 0
    assert len(seen) > 1


def test_two_at_once_wait_for_each_other(root):
    before = len(read_record(root.model("vgg")).decisions)
    with switches(root) as one, switches(root) as other:
        statuses = [begin(20)[1] for begin in (one, other)]
        assert [status() for status in statuses] == [0, 0]
    record = read_record(root.model("vgg"))
    assert len(record.decisions) - before == 40
    assert all(after.over == earlier.version for earlier, after in pairwise(record.decisions))
    assert whole(root.model("vgg")).version == record.champion
