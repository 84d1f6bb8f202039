"""The private recorded archive, replayed and read as a scrape does it."""

import csv
from collections import defaultdict
from urllib.parse import urlsplit

import pytest

from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, PostStatus, connect, fetch_posts, media_of, recheck, status_of
from cic_assets.web.replay import load_archive, replay

pytestmark = pytest.mark.shared


@pytest.fixture(scope="module")
def archive(shared_data):
    return shared_data / "archive"


@pytest.fixture(scope="module")
def truth(archive):
    with (archive / "truth.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def server(archive):
    with replay(archive) as server:
        yield server


@pytest.fixture(scope="module")
def posts(archive, server):
    with connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
        names = [subreddit.name for subreddit in load_archive(archive).subreddits.values()]
        return [post for name in names for post in fetch_posts(reddit, name)]


@pytest.fixture(scope="module")
def media(posts):
    return [medium for post in posts for medium in media_of(post)]


@pytest.fixture(scope="module")
def recorded(archive):
    return list(load_archive(archive).posts.values())


def test_every_post_is_read_that_was_not_removed(recorded, posts):
    kept = [post["name"] for post in recorded if status_of(post) is PostStatus.KEPT]
    assert sorted(post["name"] for post in posts) == sorted(kept)
    assert len(kept) < len(recorded)


def test_every_url_of_the_truth_is_a_medium_that_can_end_as_the_truth_has_it(media, truth):
    by_url = defaultdict(list)
    for medium in media:
        by_url[medium.media_url].append(medium)
    for row in truth:
        assert by_url[row["url"]], row["url"]
        for medium in by_url[row["url"]]:
            assert (medium.known_outcome == Outcome.SKIPPED) == (row["outcome"] == "skipped"), medium


def test_every_post_has_a_row_and_no_row_is_there_twice(posts, media):
    assert {medium.post_id for medium in media} == {post["id"] for post in posts}
    rows = [(medium.subreddit, medium.post_id, medium.position) for medium in media]
    assert len(set(rows)) == len(rows)


def test_what_the_truth_does_not_have_is_skipped(recorded, truth):
    """Also of posts that were removed, as a dump has them."""
    known = {row["url"] for row in truth}
    others = [medium for post in recorded for medium in media_of(post) if medium.media_url not in known]
    assert {medium.known_outcome for medium in others} == {Outcome.SKIPPED}
    assert {medium.reason for medium in others} >= {"removed", "deleted by its author", "text post"}


def test_every_url_that_is_asked_has_a_route(archive, media):
    replayed = load_archive(archive)
    for medium in media:
        if medium.known_outcome is None:
            parts = urlsplit(medium.media_url)
            assert replayed.route(parts.netloc, parts.path, parts.query), medium.media_url


def test_a_second_look_finds_what_was_taken_down(server, recorded):
    with connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
        statuses = recheck(reddit, [post["id"] for post in recorded])
    taken_down = {post["id"] for post in recorded if post["removed_by_category"]}
    assert {post_id for post_id, checked in statuses.items() if checked.status != PostStatus.KEPT} == taken_down
