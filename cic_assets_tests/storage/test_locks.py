"""One at a time: between processes, between threads, after a kill."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from cic_assets.storage import DataRoot, FolderLock

HOLD = """
import sys, time
from pathlib import Path
from cic_assets.storage import FolderLock
with FolderLock(Path(sys.argv[1])).held():
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def holder(tmp_path):
    """Another process that holds the lock until it is told to let go."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def taken(lock, told):
    """A thread that takes a lock, and the event that says it has it."""
    has_it = threading.Event()

    def take():
        with lock.held(told.append):
            has_it.set()

    thread = threading.Thread(target=take)
    thread.start()
    return thread, has_it


def test_a_process_waits_for_another_and_says_so(tmp_path, holder):
    told = []
    thread, has_it = taken(FolderLock(tmp_path), told)
    assert not has_it.wait(0.3)
    assert told == [f"Waiting for what else writes in {tmp_path}"]
    holder.stdin.write("\n")
    holder.stdin.flush()
    thread.join(10)
    assert has_it.is_set()


def test_what_a_killed_process_held_is_free(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    told = []
    with FolderLock(tmp_path).held(told.append):
        assert told == []


def test_threads_take_turns(tmp_path):
    inside, most = [0], [0]

    def work():
        for _ in range(20):
            with FolderLock(tmp_path).held():
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                time.sleep(0.001)
                inside[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_whoever_holds_it_may_take_it_again(tmp_path):
    lock, told = FolderLock(tmp_path), []
    with lock.held(), FolderLock(tmp_path).held():
        pass
    with lock.held():
        thread, has_it = taken(lock, told)
        assert not has_it.wait(0.2)
    thread.join(10)
    assert has_it.is_set()
    assert len(told) == 1


def test_an_error_lets_go(tmp_path):
    lock = FolderLock(tmp_path)
    with pytest.raises(ZeroDivisionError), lock.held():
        _ = 1 / 0
    thread, has_it = taken(lock, [])
    thread.join(10)
    assert has_it.is_set()


def test_a_remote_root_has_a_lock_on_this_machine(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with DataRoot("memory://somewhere").lock.held():
        pass
    assert DataRoot("memory://somewhere").local_state.is_dir()


def test_a_folder_that_was_removed_while_it_was_waited_for_is_locked_anew(tmp_path):
    """As a take-down removes what a training left, while the next one waits to work with it."""
    folder, told, let_go = tmp_path / "scratch", [], threading.Event()

    def take():
        with FolderLock(folder).held(told.append):
            has_it.set()
            let_go.wait(20)

    has_it, first = threading.Event(), threading.Thread(target=take)
    with FolderLock(folder).held():
        first.start()
        while not told:
            time.sleep(0.01)
        folder.rmdir()
    assert has_it.wait(20)
    second, has_it_too = taken(FolderLock(folder), told)
    assert not has_it_too.wait(0.3)
    let_go.set()
    assert has_it_too.wait(20)
    first.join()
    second.join()
