"""The step of fingerprints, broken off or killed, and started again: what it kept is kept, whatever comes between."""

import subprocess
import sys
import time

import pandas as pd
import pytest
from dagster import DagsterInstance, materialize

from cic_assets.config.problem import Problem
from cic_assets.defs.assets import deduplication
from cic_assets.defs.resources import DataRootResource, EngineResource
from cic_assets.domain.duplicates import UNFINISHED, fingerprints
from cic_assets.domain.sources import complete_row, empty_table
from cic_assets.domain.takedowns import purge
from cic_assets.storage import DataRoot, sha256_hex
from cic_assets_tests.domain.duplicates.conftest import crop, encode, photo
from cic_assets_tests.fixtures.commands import PROJECT

PROBLEM = Problem.model_validate({"name": "x", "classes": {"car": ["r/cars"], "tank": ["r/tanks"]}})
COUNT = 240

IN_A_PROCESS = """
import sys
from cic_assets.domain.duplicates import fingerprints
from cic_assets.storage import DataRoot
from cic_assets_tests.defs.assets.test_deduplication import run

fingerprints.KEEP_SECONDS = 0.05
sys.exit(not run(DataRoot(sys.argv[1])))
"""


def run(root):
    with DagsterInstance.ephemeral() as instance:
        return materialize(
            deduplication.build_assets(PROBLEM),
            selection=["image_hashes"],
            partition_key="cars",
            instance=instance,
            resources={"data": DataRootResource(url=root.url), "engine": EngineResource()},
            raise_on_error=False,
        ).success


def started(root):
    """The step in a process of its own, which keeps what it has all the time."""
    command = [sys.executable, "-c", IN_A_PROCESS, root.url]
    return subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def wait_until(condition, *processes):
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        assert [process.poll() for process in processes] == [None] * len(processes), "it ended by itself"
        time.sleep(0.005)


def kept_by(root):
    kept = root.read_table_if_whole(UNFINISHED, "cars")
    return [] if kept is None else list(kept["sha256"])


def leftovers(root):
    return [*(root.path / "tables" / UNFINISHED).glob("*"), *(root.path / "tables").rglob(".*")]


@pytest.fixture
def make_root(tmp_path, jpeg):
    def make(name, count, width=160, height=120):
        root = DataRoot(str(tmp_path / name))
        rows = [
            {"post_id": f"p{number}", "subreddit": "cars", "outcome": "ok", "origin": "reddit", "format": "jpeg"}
            | {"sha256": root.images.put(jpeg(number, width, height), "jpeg"), "created_utc": 1.6e9 + number}
            for number in range(count)
        ]
        root.write_table("raw_images", pd.DataFrame([complete_row(row) for row in rows])[list(empty_table())], "cars")
        return root

    return make


@pytest.fixture
def decoded(monkeypatch):
    """SHA-256 of what this process decodes."""
    names, examine = [], fingerprints.examine

    def noted(data):
        names.append(sha256_hex(data))
        return examine(data)

    monkeypatch.setattr(fingerprints, "examine", noted)
    return names


@pytest.mark.slow
def test_killed_by_a_signal_and_started_again_after_a_purge(make_root, decoded):
    root, undisturbed = (make_root(name, COUNT, 800, 600) for name in ("root", "undisturbed"))
    with started(root) as process:
        wait_until(lambda: len(kept_by(root)) > COUNT // 4, process)
        process.kill()
    kept = kept_by(root)
    assert COUNT // 4 < len(kept) < COUNT
    assert not root.has_table("image_hashes", "cars")
    # What the kill leaves where it comes while the table is written; as young as that of somebody at work.
    for name in ("image_hashes", UNFINISHED):
        part = root.path / "tables" / name / ".cars.parquet.a1b2c3d4.part"
        part.parent.mkdir(exist_ok=True)
        part.write_bytes(b"PAR1")

    posts = [str(root.read_table(UNFINISHED, "cars")["post_id"][0]), "p0"]
    for one in (root, undisturbed):
        purge(one, posts)
    assert run(undisturbed)

    del decoded[:]
    assert run(root)
    here = set(root.read_table("raw_images", "cars").query("outcome == 'ok'")["sha256"])
    assert len(here) == COUNT - len(set(posts))
    assert sorted(decoded) == sorted(here - set(kept))
    pd.testing.assert_frame_equal(
        *(one.read_table("image_hashes", "cars") for one in (root, undisturbed)), check_exact=True
    )
    assert leftovers(root) == []


@pytest.mark.slow
def test_two_at_once_of_which_one_is_killed(make_root):
    root, undisturbed = (make_root(name, COUNT, 800, 600) for name in ("root", "undisturbed"))
    with started(root) as killed, started(root) as other:
        wait_until(lambda: kept_by(root), killed, other)
        time.sleep(0.2)
        killed.kill()
        said = other.communicate(timeout=120)[1]
    assert other.returncode == 0, said
    assert run(undisturbed)
    pd.testing.assert_frame_equal(
        *(one.read_table("image_hashes", "cars") for one in (root, undisturbed)), check_exact=True
    )
    assert leftovers(root) == []


@pytest.fixture
def broken_off(make_root, decoded, monkeypatch):
    """A step of six that broke off when four were kept."""
    root = make_root("root", 6)
    fine, noted = sorted(root.images.names())[:4], fingerprints.examine
    with monkeypatch.context() as patch:
        patch.setattr(fingerprints, "KEEP_SECONDS", -1)
        patch.setattr(fingerprints, "examine", lambda data: noted(data) if sha256_hex(data) in fine else 1 / 0)
        assert not run(root)
    assert kept_by(root) == fine
    del decoded[:]
    return root


def test_a_step_that_broke_off_goes_on_and_keeps_nothing_that_is_taken_down(broken_off, decoded):
    assert not broken_off.has_table("image_hashes", "cars")
    unfinished = broken_off.read_table(UNFINISHED, "cars")
    purge(broken_off, [unfinished["post_id"][0]])
    assert kept_by(broken_off) == list(unfinished["sha256"][1:])

    assert run(broken_off)
    assert len(decoded) == 2
    assert len(broken_off.read_table("image_hashes", "cars")) == 5
    assert not broken_off.has_table(UNFINISHED, "cars")


def emptied(_data):
    return b""


def cut(data):
    return data[: len(data) // 2]


def without_its_foot(data):
    return data[:-8] + bytes(8)


@pytest.mark.parametrize("damage", [emptied, cut, without_its_foot])
@pytest.mark.parametrize("name", ["image_hashes", UNFINISHED])
def test_a_damaged_table_costs_its_fingerprints_and_nothing_else(broken_off, decoded, name, damage):
    if name == "image_hashes":
        assert run(broken_off)
        del decoded[:]
    path = broken_off.table_path(name, "cars")
    path.write_bytes(damage(path.read_bytes()))
    assert run(broken_off)
    assert sorted(decoded) == list(broken_off.read_table("image_hashes", "cars")["sha256"])
    assert len(decoded) == 6
    assert leftovers(broken_off) == []


@pytest.mark.parametrize("damage", [emptied, cut, without_its_foot])
def test_a_damaged_table_holds_up_no_purge(broken_off, damage):
    path = broken_off.table_path(UNFINISHED, "cars")
    path.write_bytes(damage(path.read_bytes()))
    purge(broken_off, ["p1"])
    assert leftovers(broken_off) == []
    assert run(broken_off)
    assert "p1" not in set(broken_off.read_table("image_hashes", "cars")["post_id"])


def test_another_version_takes_nothing_over(broken_off, decoded, monkeypatch):
    monkeypatch.setattr(fingerprints, "VERSION", fingerprints.VERSION + 1)
    assert run(broken_off)
    assert len(decoded) == 6
    assert set(broken_off.read_table("image_hashes", "cars")["fingerprint_version"]) == {fingerprints.VERSION}


def test_likely_copies_are_compared_by_the_engine(tmp_path, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:9")
    root = DataRoot(str(tmp_path))
    with DagsterInstance.ephemeral() as instance:

        def materialized(name, key=None, engine="local"):
            resources = {"data": DataRootResource(url=root.url), "engine": EngineResource(name=engine)}
            result = materialize(
                deduplication.build_assets(PROBLEM), selection=[name], partition_key=key, instance=instance,
                resources=resources, raise_on_error=False,
            )  # fmt: skip
            return result.success, [
                event.event_specific_data.error.message for event in result.get_step_failure_events()
            ]

        def scrape(pictures):
            for key, data in pictures.items():
                row = {"post_id": f"of {key}", "subreddit": key, "outcome": "ok", "origin": "reddit", "format": "jpeg"}
                row["sha256"] = root.images.put(data, "jpeg")
                table = pd.DataFrame([complete_row(row)])[list(empty_table())]
                root.write_table("raw_images", table, key)
                assert materialized("image_hashes", key)[0]

        # Where nothing is alike, nobody is asked.
        scrape({"cars": encode(photo(1)), "tanks": encode(photo(2))})
        assert materialized("duplicates", engine="ray") == (True, [])
        scrape({"tanks": encode(crop(photo(1), 0.9))})
        succeeded, (why,) = materialized("duplicates", engine="ray")
        assert not succeeded
        assert "no Ray cluster answers: start one, or name it by RAY_ADDRESS" in why
        assert materialized("duplicates") == (True, [])
        assert "alignment" in set(root.read_table("duplicates")["verified_by"])
