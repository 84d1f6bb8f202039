"""Killed at any moment, a run leaves whole pictures only, and the next one ends as if nothing had happened."""

import hashlib
import json
import subprocess
import sys

import pytest

from cic_assets_tests.fixtures.effort import short_or_long

COUNT = 120
KILLS = short_or_long(3, 20)

RUNS = """
import json, os, random, signal, sys, time
from pathlib import Path
from upath import UPath
from cic_assets.domain.download import FetchRequest, Network, download
from cic_assets.storage import ContentStore, sha256_hex

port, folder, count, kills = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

def run(name):
    requests = [FetchRequest(url=f"http://a.example/{number}") for number in range(count)]
    return download(requests, store=ContentStore(UPath(folder / name)), network=Network.replay("127.0.0.1", port))

def in_a_process(name):
    # Forked, so that each of them starts at once and not with seconds of imports.
    pid = os.fork()
    if pid == 0:
        results = run(name)
        rows = sorted((url, one.outcome, one.sha256) for url, one in results.items())
        (folder / f"{name}.json").write_text(json.dumps(rows))
        os._exit(0)
    return pid

def partial_files():
    files = [file for file in folder.glob("disturbed/*/[!.]*")]
    return [file.name for file in files if file.stem != sha256_hex(file.read_bytes())]

started = time.monotonic()
assert os.waitpid(in_a_process("undisturbed"), 0)[1] == 0
seconds = time.monotonic() - started
chance, said = random.Random(20), {"partial": [], "killed": 0, "kept": []}
for _ in range(kills):
    pid = in_a_process("disturbed")
    time.sleep(chance.uniform(0.01, seconds * 0.9))
    os.kill(pid, signal.SIGKILL)
    said["killed"] += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    said["partial"] += partial_files()
    said["kept"].append(len(list(folder.glob("disturbed/*/[!.]*"))))
assert os.waitpid(in_a_process("disturbed"), 0)[1] == 0
print(json.dumps(said))
"""


def pictures(folder):
    """Whole files by name; what a kill left behind has a name that begins with a dot and is never taken for one."""
    return {file.name: file.read_bytes() for file in folder.rglob("[!.]*") if file.is_file()}


@pytest.mark.slow
def test_killed_at_any_moment(host, tmp_path, picture):
    for number in range(COUNT):
        host.serve(f"a.example/{number}", host.answer(200, picture(number), after=0.01 * (number % 7)))
    arguments = [sys.executable, "-c", RUNS, str(host.port), str(tmp_path), str(COUNT), str(KILLS)]
    said = json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=200).stdout)
    assert said["partial"] == []
    assert said["killed"] >= KILLS // 2  # the later ones have less to do, and may be done before they are killed
    assert said["kept"] == sorted(said["kept"])
    undisturbed, disturbed = (pictures(tmp_path / name) for name in ("undisturbed", "disturbed"))
    assert disturbed == undisturbed
    assert len(undisturbed) == COUNT
    assert all(name == hashlib.sha256(data).hexdigest() + ".jpg" for name, data in undisturbed.items())
    rows = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("undisturbed", "disturbed")]
    assert rows[0] == rows[1]
    assert {outcome for _, outcome, _ in rows[0]} == {"ok"}
