"""Whole scrapes, from the listing to table and store, through real PRAW and real HTTP: again, and killed on the way."""

import csv
import hashlib
import json
import random
import subprocess
import sys
import time

import pandas as pd
import pytest

from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, RedditSettings, connect
from cic_assets.domain.sources import Connection, Partition, Source, scrape
from cic_assets.storage import DataRoot
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.effort import short_or_long

KEY = ["post_id", "position", "media_url"]
POSTS = 150
KILLS = short_or_long(3, 20)

KILLED_RUNS = """
import json, os, random, signal, sys, time
from pathlib import Path
from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, RedditSettings, connect
from cic_assets.domain.sources import Connection, Partition, Source, scrape
from cic_assets.storage import DataRoot

port, folder, kills = int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
cars = Partition("cars", "car", Source.model_validate("r/cars"))

def run(name):
    with connect(REPLAY_CREDENTIALS, f"http://127.0.0.1:{port}") as reddit:
        connection = Connection("archive", reddit, Network.replay("127.0.0.1", port))
        settings = DownloadSettings(backoff_seconds=0.01, answer_seconds=1)
        scrape(cars, DataRoot(str(folder / name)), connection, RedditSettings(), settings)

def in_a_process(name):
    # Forked, so that each of them starts at once and not with seconds of imports.
    pid = os.fork()
    if pid == 0:
        try:
            run(name)
        finally:
            os._exit(0)
    return pid

started = time.monotonic()
os.waitpid(in_a_process("undisturbed"), 0)
seconds = time.monotonic() - started
chance, killed = random.Random(20), 0
for _ in range(kills):
    pid = in_a_process("disturbed")
    time.sleep(chance.uniform(0.01, seconds))
    os.kill(pid, signal.SIGKILL)
    killed += os.WIFSIGNALED(os.waitpid(pid, 0)[1])
    if chance.random() < 0.5:  # so that the later ones have something to do as well
        (folder / "disturbed/tables/raw_images/cars.parquet").unlink(missing_ok=True)
os.waitpid(in_a_process("disturbed"), 0)
print(json.dumps(killed))
"""


def scrape_from(server, root, key="cars", klass="car"):
    with connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
        connection = Connection("archive", reddit, Network.replay("127.0.0.1", server.port))
        partition = Partition(key, klass, Source.model_validate(f"r/{key}"))
        return scrape(partition, root, connection, RedditSettings(), DownloadSettings())


def asked_of_hosts(server):
    """Requests by URL, without those of the API."""
    return {url: count for url, count in server.requests.items() if "//127.0.0.1" not in url}


def files_of(folder):
    """Every file below a folder, hidden ones too."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def rows_of(folder):
    table = pd.read_parquet(folder / "tables" / "raw_images" / "cars.parquet")
    assert not table.duplicated(KEY).any()
    return table.drop(columns="fetched_at")


@pytest.mark.slow
def test_killed_at_any_moment_it_ends_as_if_nothing_had_happened(archive, tmp_path, jpeg):
    for number in range(POSTS):
        archive.add(f"p{number}", jpeg(number // 2), **({"fail": [503]} if number % 10 == 0 else {}))
    for number in range(10):
        archive.add(f"gone{number}", status=404)
    with replay(archive.folder) as server:
        arguments = [sys.executable, "-c", KILLED_RUNS, str(server.port), str(tmp_path), str(KILLS)]
        said = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=250)
    assert json.loads(said.stdout) >= KILLS // 2  # some are done before they are killed
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    assert rows_of(undisturbed)["outcome"].value_counts().to_dict() == {"ok": POSTS, "http_error": 10}
    pd.testing.assert_frame_equal(rows_of(disturbed), rows_of(undisturbed))
    kept, expected = files_of(disturbed / "images"), files_of(undisturbed / "images")
    assert kept == expected
    assert len(kept) == POSTS // 2
    assert all(name[3:] == f"{hashlib.sha256(data).hexdigest()}.jpg" for name, data in kept.items())
    left_over = [name for name in files_of(disturbed / "tables") if not name.endswith("/cars.parquet")]
    assert left_over == []


KILLED_ONCE = (
    KILLED_RUNS.partition("started = ")[0]
    + """
pid, kept = in_a_process("root"), 0
while kept < kills:
    time.sleep(0.005)
    kept = len(list((folder / "root").rglob("*.jpg")))
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
print(json.dumps(len(list((folder / "root").rglob("*.jpg")))))
"""
)
MOST_AT_ONCE = DownloadSettings().per_host


def test_a_killed_scrape_asks_for_the_rest_alone(archive, tmp_path, jpeg):
    for number in range(POSTS):
        archive.add(f"p{number}", jpeg(number), delay=0.05)
    with replay(archive.folder) as server:
        arguments = [sys.executable, "-c", KILLED_ONCE, str(server.port), str(tmp_path), str(POSTS // 2)]
        said = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=100)
        server.requests.clear()
        result = scrape_from(server, DataRoot(str(tmp_path / "root")))
        asked = asked_of_hosts(server)
    kept = json.loads(said.stdout)
    assert POSTS // 2 <= kept < POSTS
    assert POSTS - kept <= sum(asked.values()) <= POSTS - kept + MOST_AT_ONCE
    assert result.outcomes == {"ok": POSTS}
    assert list((tmp_path / "root" / "scratch").rglob("*.jsonl")) == []


def test_a_picture_of_two_sources_is_fetched_once(archive, tmp_path, jpeg):
    root = DataRoot(str(tmp_path / "root"))
    for number in range(5):
        archive.add(f"p{number}", jpeg(number))
    posts = [dict(post, id=f"x{post['id']}", crosspost_parent=post["name"]) for post in archive.posts["cars"]]
    for post, original in zip(posts, archive.posts["cars"], strict=True):
        post |= {"name": f"t3_{post['id']}", "crosspost_parent_list": [original], "subreddit": "tanks"}
    archive.posts["tanks"] = posts
    archive.write()
    with replay(archive.folder) as server:
        first, second = (scrape_from(server, root, name) for name in ("cars", "tanks"))
        assert set(asked_of_hosts(server).values()) == {1}
    columns = ["media_url", "outcome", "sha256", "format", "width", "height", "bytes", "final_url", "limits"]
    by_url = [one.table[columns].sort_values("media_url", ignore_index=True) for one in (first, second)]
    pd.testing.assert_frame_equal(*by_url)
    assert (first.outcomes, second.outcomes, second.fetched_bytes) == ({"ok": 5}, {"ok": 5}, 0)


@pytest.mark.slow
def test_exactly_what_changed_on_the_server_changes(archive, tmp_path, jpeg):
    """300 posts, then the same again, then 20 more and 10 less."""
    root = DataRoot(str(tmp_path / "root"))
    for number in range(300):
        archive.add(f"p{number}", jpeg(number))
    with replay(archive.folder) as server:
        first = scrape_from(server, root)
    stored = {path: path.stat().st_mtime_ns for path in (tmp_path / "root").rglob("*") if path.is_file()}
    with replay(archive.folder) as server:
        second = scrape_from(server, root)
        assert asked_of_hosts(server) == {}
    assert (second.version, second.fetched_bytes, second.new_rows) == (first.version, 0, 0)
    assert stored == {path: path.stat().st_mtime_ns for path in (tmp_path / "root").rglob("*") if path.is_file()}

    removed = [f"p{number}" for number in random.Random(1).sample(range(300), 10)]
    for post_id in removed:
        archive.remove(post_id)
    added = {archive.add(f"new{number}", jpeg(1000 + number)) for number in range(20)}
    with replay(archive.folder) as server:
        third = scrape_from(server, root)
        assert asked_of_hosts(server) == dict.fromkeys(added, 1)
    assert third.version != first.version
    assert (third.new_rows, third.fetched_bytes) == (20, sum(len(jpeg(1000 + number)) for number in range(20)))
    assert set(third.table["post_id"]) == {f"p{n}" for n in range(300)} | {f"new{n}" for n in range(20)}
    before = third.table[~third.table["media_url"].isin(added)].sort_values(KEY, ignore_index=True)
    pd.testing.assert_frame_equal(before, first.table.sort_values(KEY, ignore_index=True))
    # The removed ones stay as they were: taking down is not the business of a scrape.
    assert set(third.table.set_index("post_id").loc[removed, "outcome"]) == {"ok"}


@pytest.mark.shared
@pytest.mark.slow
def test_the_recorded_archive_whole(shared_data, tmp_path):
    """Three subreddits in less than a minute, every outcome right, although some hosts never answer; then nothing."""
    root = DataRoot(str(tmp_path / "root"))
    with (shared_data / "archive" / "truth.csv").open(newline="", encoding="utf-8") as file:
        truth = {_name(row["url"]): row["outcome"] for row in csv.DictReader(file)}
    names = sorted(path.stem for path in (shared_data / "archive" / "subreddits").glob("*.jsonl"))
    with replay(shared_data / "archive") as server:
        started = time.monotonic()
        first = {name: scrape_from(server, root, name) for name in names}
        seconds = time.monotonic() - started
    table = pd.concat([result.table for result in first.values()])
    outcomes = table.groupby(table["media_url"].map(_name))["outcome"].agg(set).to_dict()
    assert {name: outcomes.get(name) for name in truth} == {name: {outcome} for name, outcome in truth.items()}
    assert len(truth) >= 800
    assert seconds < 60

    with replay(shared_data / "archive") as server:
        again = {name: scrape_from(server, root, name) for name in names}
        asked = {_name(url) for url in asked_of_hosts(server)}
    assert {name: one.version for name, one in again.items()} == {name: one.version for name, one in first.items()}
    assert sum(one.fetched_bytes for one in again.values()) == 0
    # What may have failed in passing is asked again, and nothing else.
    assert {truth[name] for name in asked & truth.keys()} <= {"timeout", "error", "truncated"}


def _name(url):
    """A medium is the same at i.redd.it and preview.redd.it, with a query and without."""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2].partition(".")[0]
