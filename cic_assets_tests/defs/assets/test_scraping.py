"""Each way in which Reddit refuses ends a step in one clear `Failure`: what is wrong, and what to do about it."""

import json

import pytest
from dagster import AssetKey, DagsterInstance, RetryPolicy

from cic_assets.defs.assets import scraping
from cic_assets.defs.build import build_definitions

TOKEN = {"host": "www.reddit.com", "path": "/api/v1/access_token"}
LISTING = {"host": "oauth.reddit.com", "path": "/r/cars/new"}
PROBLEM = """
name: two
classes: {car: [r/cars], tank: [r/tanks]}
reddit: {attempts: 2, longest_wait: 3}
"""


@pytest.fixture
def scrape_cars(world, monkeypatch):
    """Materializes `raw_images` of r/cars after something was done to the archive; gives the failure of the step."""
    monkeypatch.setattr(scraping, "RETRY_PASSING", RetryPolicy(max_retries=1))  # without the waiting of the real one

    def run(routes=(), **state):
        world.environment.problem.write_text(PROBLEM)
        world.archive.routes += routes
        world.archive.write()
        if state:
            (world.archive.folder / "subreddits.json").write_text(json.dumps({"cars": state}))
        with DagsterInstance.ephemeral() as instance:
            result = (
                build_definitions(world.environment)
                .resolve_job_def("rescrape")
                .execute_in_process(
                    partition_key="cars",
                    instance=instance,
                    raise_on_error=False,
                    asset_selection=[AssetKey("raw_images")],
                )
            )
        failures = result.get_step_failure_events()
        return failures[0].step_failure_data.user_failure_data if failures else None

    return run


def route(where, **answer):
    return {**where, **answer}


@pytest.mark.parametrize(
    ("state", "routes", "says"),
    [
        ({"status": "banned"}, [], "r/cars was banned by Reddit: leave it out"),
        ({"status": "private"}, [], "r/cars is private: only its members see it; leave it out"),
        ({"status": "quarantined"}, [], "r/cars is quarantined: only accounts that opted in see it; leave it out"),
        ({"status": "rate_limited", "retry_after": "0"}, [], "asked 2 times: scrape again later"),
        ({"status": "rate_limited", "retry_after": "99"}, [], "asks to wait 99 s (HTTP 429), more than longest_wait"),
        ({}, [route(TOKEN, status=401, body="{}")], "check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET"),
        ({}, [route(LISTING, status=401, body="{}")], "check REDDIT_CLIENT_ID and REDDIT_CLIENT_SECRET"),
        ({}, [route(LISTING, status=403, body="{}")], "is the app approved for the API?"),
        ({}, [route(LISTING, status=404, body="{}")], "it was banned, or its name is wrong"),
        ({}, [route(LISTING, status=200, body="<html>")], "expected JSON, Reddit sent"),
        ({}, [route(LISTING, status=503, body="")], "fails (HTTP 503), asked 2 times"),
        (
            {},
            [route(LISTING, redirect="http://www.reddit.com/subreddits/search?q=cars")],
            "no such subreddit: check how",
        ),
    ],
    ids=str,
)
def test_what_reddit_refuses_is_a_failure_that_says_what_to_do(scrape_cars, world, state, routes, says):
    failure = scrape_cars(routes, **state)
    assert says in failure.description
    assert "\n" not in failure.description
    assert not world.root.has_table("raw_images", "cars")


def test_a_subreddit_that_nobody_recorded_is_unknown(scrape_cars, world):
    del world.archive.posts["cars"]
    (world.archive.folder / "subreddits" / "cars.jsonl").unlink()
    assert "there is no such subreddit: check how its name is written" in scrape_cars().description


@pytest.mark.parametrize("form", ["1", "date"])
def test_a_short_wait_is_waited_for_in_both_forms(scrape_cars, world, form):
    assert scrape_cars(status="rate_limited", times=1, retry_after=form) is None
    assert len(world.root.read_table("raw_images", "cars")) == len(world.archive.posts["cars"])
