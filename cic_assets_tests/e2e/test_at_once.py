"""Two runs, a scrape of the UI, a purge and a take-down check at once on one data root, each a process of its own."""

import json
import subprocess
import sys

import pandas as pd
import pytest

from cic_assets.domain.dataset import load_info
from cic_assets.domain.sources import load_tombstones
from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.commands import BIN
from cic_assets_tests.fixtures.worlds import picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

WORKER = """
import sys
from dagster import DagsterInstance
from cic_assets.definitions import defs
job = defs.resolve_job_def(sys.argv[1])
with DagsterInstance.get() as instance:
    done = job.execute_in_process(instance=instance, partition_key=sys.argv[2], raise_on_error=False)
sys.exit(not done.success)
"""
"""A run as the UI's worker does it: with the problem's instance, and without the lock that commands take."""


def test_each_ends_and_the_root_is_right(own_finished):
    world = own_finished
    root = DataRoot(str(world.root))
    deleted = change_what_is_there(world)
    purged = root.read_table("raw_images", "tankporn")["post_id"].iloc[-1]
    variables = world.variables | {
        "CIC_PROBLEM": str(world.problem), "CIC_PRESET": "demo", "CIC_ARCHIVE": str(world.archive),
        "DAGSTER_HOME": str(world.root / "dagster"),
    }  # fmt: skip
    commands = {
        "run": [BIN / "cic", *world.run_arguments],
        "another run": [BIN / "cic", *world.run_arguments],
        "scrape": [sys.executable, "-c", WORKER, "rescrape", "carporn"],
        "check": [sys.executable, "-c", WORKER, "check_takedowns", "tanks"],
        "purge": [BIN / "cic", "purge", "--post", purged],
    }
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    processes = {
        name: subprocess.Popen(list(map(str, command)), cwd=world.folder, env=variables, **pipes)
        for name, command in commands.items()
    }
    said = {name: process.communicate(timeout=600)[0] for name, process in processes.items()}
    for name, process in processes.items():
        refused = name.endswith("run") and "another cic command is at work" in said[name]
        assert process.returncode == 0 or refused, said[name]
    again = world.run("cic", *world.run_arguments, "--train", "never")
    assert again.returncode == 0, again.stderr
    assert_right(root, gone={purged, deleted})


def change_what_is_there(world):
    """A post more to scrape, and one that its author deleted, whose id is returned."""
    lines = (world.archive / "subreddits" / "tanks.jsonl").read_text().splitlines()
    posts = [json.loads(line) for line in lines]
    posts[0] |= {"removed_by_category": "deleted", "author": "[deleted]"}
    (world.archive / "subreddits" / "tanks.jsonl").write_text("".join(json.dumps(post) + "\n" for post in posts))
    cars = world.archive / "subreddits" / "carporn.jsonl"
    post = json.loads(cars.read_text().splitlines()[0])
    post |= {"id": "another", "name": "t3_another", "title": "post another", "url": "http://i.redd.it/another.jpg"}
    cars.write_text(json.dumps(post) + "\n" + cars.read_text())
    (world.archive / "media" / "another.jpg").write_bytes(picture("car", 900))
    with (world.archive / "routes.jsonl").open("a") as routes:
        routes.write(json.dumps({"host": "i.redd.it", "path": "/another.jpg", "file": "another.jpg"}) + "\n")
    return posts[0]["id"]


def assert_right(root, gone):
    raw = pd.concat([root.read_table("raw_images", key) for key in root.table_partitions("raw_images")])
    kept = raw[raw["outcome"] == "ok"]
    assert "another" in set(kept["post_id"])
    assert gone.isdisjoint(kept["post_id"])
    assert gone <= set(load_tombstones(root).table["post_id"])
    assert all(root.images.has(*row) for row in kept[["sha256", "format"]].itertuples(index=False, name=None))
    everything = b"\0".join(
        path.read_bytes()
        for place in ("tables", "dataset", "report", "models")
        for path in (root.path / place).rglob("*")
        if path.is_file()
    )
    for post_id in gone:
        assert f"post {post_id}".encode() not in everything
    assert sum(sum(counts.values()) for counts in load_info(root.dataset).counts.values()) == len(kept)
