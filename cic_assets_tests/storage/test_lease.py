"""A lock of several machines: each is a process with a folder of its own for what is local to a machine."""

import signal
import subprocess
import sys
import threading
import time

import pytest

from cic_assets.storage import DataRoot, LeaseLostError, ObjectStoreError, object_store, write_json
from cic_assets.storage.lease import Lease
from cic_assets.storage.object_store import get_tagged

EXPIRY = 3.0

MACHINE = f"""
import sys, time
from pathlib import Path
from cic_assets.storage import DataRoot, write_json
from cic_assets.storage.lease import Lease
root = DataRoot(sys.argv[1])
lease = Lease(root.path / "leases" / "root.json", root.path, Path(sys.argv[2]), expiry={EXPIRY})
with lease.held(print):
    print("held", flush=True)
    sys.stdin.readline()
    write_json(root.path / "late.json", "written")
    print("wrote", flush=True)
print("gave back", flush=True)
"""


@pytest.fixture
def root(s3_url):
    return DataRoot(s3_url)


def lease_of(root, machine):
    return Lease(root.path / "leases" / "root.json", root.path, machine, expiry=EXPIRY)


@pytest.fixture
def holder(root, tmp_path):
    """Another machine that holds the lease until it is told to go on."""
    with subprocess.Popen(
        [sys.executable, "-c", MACHINE, root.url, str(tmp_path / "other")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def taken(lease, told):
    has_it, let_go = threading.Event(), threading.Event()

    def take():
        with lease.held(told.append):
            has_it.set()
            let_go.wait(30)

    thread = threading.Thread(target=take)
    thread.start()
    return thread, has_it, let_go


def test_a_machine_waits_for_another_however_long_it_takes(root, holder, tmp_path):
    told = []
    thread, has_it, let_go = taken(lease_of(root, tmp_path / "own"), told)
    assert not has_it.wait(3 * EXPIRY)
    assert len(told) == 1
    assert told[0].startswith(f"Waiting for what else writes in {root.url} (")
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert has_it.wait(10)
    let_go.set()
    thread.join()
    assert holder.communicate()[0] == "wrote\ngave back\n"


def test_what_a_killed_machine_held_is_free_when_it_has_expired(root, holder, tmp_path):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    asked = time.monotonic()
    with lease_of(root, tmp_path / "own").held():
        assert time.monotonic() - asked > 0.9 * EXPIRY


def test_a_machine_that_stood_still_for_too_long_writes_no_more(root, holder, tmp_path):
    holder.send_signal(signal.SIGSTOP)
    with lease_of(root, tmp_path / "own").held():
        holder.send_signal(signal.SIGCONT)
        time.sleep(EXPIRY)
        output, error = holder.communicate("\n")
        assert output == ""
        assert "LeaseLostError" in error
        assert "another machine took over what this one held" in error
    assert not (root.path / "late.json").exists()


def test_what_was_lost_is_said_at_the_end(root, tmp_path):
    lease = lease_of(root, tmp_path)

    def lose_it():
        with lease.held():
            write_json(lease.place, {"token": "of another", "count": 1})
            time.sleep(EXPIRY / 2)

    with pytest.raises(LeaseLostError, match="run this again"):
        lose_it()


def test_a_machine_that_is_cut_off_alone_asks_before_it_writes_again(root, tmp_path, monkeypatch):
    """What it would write could come after what the next holder writes."""
    lease, is_cut_off = lease_of(root, tmp_path), threading.Event()

    def put_over(*arguments, **options):
        if is_cut_off.is_set():
            raise ObjectStoreError("no way there")
        return object_store.put_over(*arguments, **options)

    monkeypatch.setattr("cic_assets.storage.lease.put_over", put_over)

    def write():
        with lease.held():
            is_cut_off.set()
            time.sleep(1.5 * EXPIRY)
            object_store.put(lease.place, b'{"token": "of another"}')
            is_cut_off.clear()
            write_json(root.path / "late.json", 1)

    with pytest.raises(LeaseLostError):
        write()
    assert not (root.path / "late.json").exists()


def test_who_holds_it_may_take_it_again(root, tmp_path):
    with lease_of(root, tmp_path).held():
        with lease_of(root, tmp_path).held():
            write_json(root.path / "x.json", 1)
        write_json(root.path / "x.json", 2)


def test_machines_take_turns(root, tmp_path):
    """Each reads a number and writes the next one, in two requests that another could come between."""
    place = root.path / "number.json"
    write_json(place, 0)

    def count(machine):
        for _ in range(5):
            with lease_of(root, tmp_path / machine).held():
                number = int(place.read_text())
                time.sleep(0.02)
                write_json(place, number + 1)

    threads = [threading.Thread(target=count, args=(f"machine {i % 4}",)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert int(place.read_text()) == 30


def test_a_server_that_is_gone_for_longer_than_the_expiry_takes_it_from_nobody(s3_server, root, holder, tmp_path):
    told = []
    thread, has_it, let_go = taken(lease_of(root, tmp_path / "own"), told)
    with s3_server.gone():
        time.sleep(2 * EXPIRY)
    assert not has_it.wait(2 * EXPIRY)
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert has_it.wait(20)
    let_go.set()
    thread.join()
    assert holder.communicate()[0] == "wrote\ngave back\n"


def test_a_record_that_nobody_can_read_expires(root, tmp_path):
    lease = lease_of(root, tmp_path)
    write_json(lease.place, ["of some other program"])
    with lease.held():
        assert b"token" in get_tagged(lease.place)[0]


def test_a_root_has_a_lock_of_its_own_for_each_folder(root):
    with root.lock.held(), root.lock_of(root.model("vgg"), "models-vgg").held():
        assert {path.name for path in (root.path / "leases").iterdir()} == {"root.json", "models-vgg.json"}


def test_a_store_that_refuses_is_said(root, tmp_path, monkeypatch):
    from cic_assets.storage import object_store

    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    object_store._store.cache_clear()
    try:
        with pytest.raises(ObjectStoreError), lease_of(root, tmp_path).held():
            pass
    finally:
        object_store._store.cache_clear()
