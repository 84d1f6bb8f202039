"""What happens by itself, as it happens: real UI server, daemon and run workers, with a day that lasts a minute."""

import contextlib
import os
import re
import signal
import sqlite3
import time
from collections import Counter

import pandas as pd
import pytest
from dagster import DagsterEventType, DagsterRunStatus

from cic_assets_tests.fixtures.lives import begun_life
from cic_assets_tests.fixtures.worlds import picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SCRAPED = {("takedowns", "boats"): 1, ("takedowns", "cars"): 1, ("raw_images", "boats"): 1, ("raw_images", "cars"): 1}
NO_TOKENS = {"host": "www.reddit.com", "path": "/api/v1/access_token", "status": 503, "body": "busy"}


@pytest.fixture(scope="module")
def life(tmp_path_factory, make_archive, serving, bare_variables):
    """A life that the tests of this file share."""
    with begun_life(tmp_path_factory.mktemp("life"), make_archive, serving, bare_variables) as life:
        life.rest()
        yield life


@contextlib.contextmanager
def locked(*databases):
    """Nobody else can write to them until the block ends."""
    with contextlib.ExitStack() as stack:
        for database in databases:
            connection = stack.enter_context(contextlib.closing(sqlite3.connect(database, isolation_level=None)))
            connection.execute("BEGIN EXCLUSIVE")
        yield


def test_an_unchanged_archive_starts_nothing_though_databases_are_locked_at_the_tick(life):
    home = life.folder / "root" / "dagster"
    made = life.made()
    time.sleep((52 - time.time()) % 60)
    start = time.time()
    due = start // 60 * 60 + 60
    with life.schedule_on():
        # Dagster waits for 5 seconds, and looks for due ticks every 5.
        with locked(home / "schedules" / "schedules.db", home / "history" / "runs.db"):
            time.sleep(due + 10 - time.time())
        runs = life.runs_of_a_tick_since(start)
    assert sorted(runs) == ["boats", "cars"]
    assert {life.end_of(run) for run in runs.values()} == {DagsterRunStatus.SUCCESS}
    life.rest()
    assert life.made() - made == SCRAPED
    assert "database is locked" in life.server.said


def test_what_fails_is_tried_again_or_says_why_and_the_next_scrape_is_right(life):
    life.archive.routes.append(NO_TOKENS)
    life.archive.write()
    boats = life.folder / "boats"
    boats.rename(life.folder / "away")
    made, runs = life.made(), life.scrape()

    # Reddit is back before the second attempt.
    life.wait(lambda: life.events(runs["cars"], DagsterEventType.STEP_UP_FOR_RETRY), 90, "second attempt")
    life.archive.routes.remove(NO_TOKENS)
    life.archive.write()
    assert life.end_of(runs["cars"]) == DagsterRunStatus.SUCCESS

    # Trying again would not bring a folder back.
    assert life.end_of(runs["boats"]) == DagsterRunStatus.FAILURE
    (failure,) = life.events(runs["boats"], DagsterEventType.STEP_FAILURE)
    reason = failure.dagster_event.step_failure_data.user_failure_data.description
    assert re.fullmatch(r"folder:.*boats: there is no such folder.*", reason)

    boats.parent.joinpath("away").rename(boats)
    runs = life.scrape()
    assert {life.end_of(run) for run in runs.values()} == {DagsterRunStatus.SUCCESS}
    life.rest()
    assert life.made() - made == {**dict.fromkeys(SCRAPED, 2), ("raw_images", "boats"): 1}


def test_new_posts_reach_the_data_set_once_though_a_worker_is_killed(life):
    made = life.made()
    for number in range(100, 103):
        life.archive.add(f"c{number}", picture("car", number), delay=5)
    runs = life.scrape()
    life.wait(lambda: raw_images_began(life, runs["cars"]), 90, "scrape")
    os.kill(life.worker_of(runs["cars"]), signal.SIGKILL)
    assert life.end_of(runs["cars"]) == DagsterRunStatus.FAILURE
    assert life.end_of(life.retry_of(runs["cars"])) == DagsterRunStatus.SUCCESS
    life.rest()
    # Dagster leaves a step waiting for ever to tell its killed worker what it did.
    with contextlib.suppress(ProcessLookupError):
        os.kill(process_of_step(life, runs["cars"], "raw_images"), signal.SIGKILL)

    flowed = life.made() - made
    assert flowed.pop(("raw_images", "cars")) in (1, 2)  # a step may outlive its killed worker, and say the same
    assert flowed == {
        ("takedowns", "cars"): 1,
        ("takedowns", "boats"): 1,
        ("raw_images", "boats"): 1,
        ("image_hashes", "cars"): 1,
        ("duplicates", None): 1,
        ("deduped_images", "boats"): 1,
        ("deduped_images", "cars"): 1,
        ("resized_images", "cars"): 1,
        ("image_features", "cars"): 1,
        ("training_dataset", None): 1,
        ("dataset_audit", None): 1,
    }
    manifest = pd.read_parquet(str(life.root.dataset / "manifest.parquet"))
    assert Counter(manifest["subreddit"]) == {"cars": 23, "boats": 20}


def raw_images_began(life, run_id):
    return "raw_images" in {entry.step_key for entry in life.events(run_id, DagsterEventType.STEP_START)}


def process_of_step(life, run_id, step):
    entries = life.events(run_id, DagsterEventType.STEP_WORKER_STARTED)
    (entry,) = (entry for entry in entries if entry.step_key == step)
    return int(entry.dagster_event.engine_event_data.metadata["pid"].value)
