"""Real processes: killed in the middle of a switch, two at once, and readers that race one."""

import random
import signal
import subprocess
import sys
import time
from itertools import pairwise

import pytest

from cic_assets.domain.models import admit, change_champion, read_champion, read_record, settle, versions_of
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.versions import decision, lay_out_training, whole

KILLS = short_or_long(12, 200)

SWITCH = """
import sys
from cic_assets.domain.models import change_champion, deciding, settle, versions_of
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.versions import decision

root, rounds = DataRoot(sys.argv[1]), int(sys.argv[2])
folder = root.model("vgg")
print("ready", flush=True)
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
"""


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


def start(root, rounds):
    process = subprocess.Popen([sys.executable, "-c", SWITCH, root.url, str(rounds)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_killed_switch_leaves_all_versions_whole(root):
    folder, random_seconds = root.model("vgg"), random.Random(0)
    for _ in range(KILLS):
        with start(root, 10_000) as process:
            time.sleep(random_seconds.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            process.wait()
        champion = read_record(folder).champion
        assert read_champion(folder, whole).version == champion
        assert len([whole(one.folder) for one in versions_of(folder)]) == 3
        settle(folder)
        assert whole(folder).version == champion
        assert len(versions_of(folder)) == 3


def test_readers_see_one_champion_or_the_other_whole(root):
    folder, seen = root.model("vgg"), set()
    with start(root, short_or_long(150, 3000)) as process:
        while process.poll() is None:
            seen.add(read_champion(folder, whole).version)
            assert len(versions_of(folder)) == 3
        assert process.returncode == 0
    assert len(seen) > 1


def test_two_at_once_wait_for_each_other(root):
    before = len(read_record(root.model("vgg")).decisions)
    with start(root, 20) as one, start(root, 20) as other:
        assert (one.wait(), other.wait()) == (0, 0)
    record = read_record(root.model("vgg"))
    assert len(record.decisions) - before == 40
    assert all(after.over == earlier.version for earlier, after in pairwise(record.decisions))
    assert whole(root.model("vgg")).version == record.champion
