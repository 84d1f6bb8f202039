"""A scrape after a whole one lists what is new, and asks by name for what is missing."""

from datetime import UTC, datetime, timedelta

import pytest

from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, RedditSettings, connect
from cic_assets.domain.sources import Connection, Partition, Source, scrape
from cic_assets.domain.sources.tombstones import TOMBSTONES, TakedownReason, make_tombstones
from cic_assets.storage import DataRoot
from cic_assets.web.replay import replay

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
NEW, ALL, BY_NAME = {"/r/cars/new"}, {"/r/cars/new", "/r/cars/top"}, {"/api/info"}
CARS = Partition("cars", "car", Source.model_validate("r/cars"))


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def cars(maker):
    """150 posts of text, and what a scrape asks Reddit for."""

    def asked(root, now=NOON, download=None, **settings):
        with replay(maker.directory) as server, connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
            connection = Connection("archive", reddit, Network.replay("127.0.0.1", server.port))
            quick = DownloadSettings(backoff_seconds=0.01, answer_seconds=1, **download or {})
            scrape(CARS, root, connection, RedditSettings(**settings), quick, now=now)
            return set(server.api_requests) - {"/api/v1/access_token"}

    asked.posts = maker.posts(150, is_self=True, url="", score=1)
    asked.write = lambda: maker.subreddit("cars", asked.posts)
    asked.write()
    return asked


def test_what_is_new_alone_is_listed_until_it_is_time_to_read_all(root, cars, maker):
    assert cars(root) == ALL
    cars.posts += maker.posts(3, is_self=True, url="", created_utc=NOON.timestamp())
    cars.write()
    assert cars(root, NOON + DAY) == NEW
    assert len(root.read_table("raw_images", "cars")) == 153
    assert cars(root, NOON + 7 * DAY) == ALL


@pytest.mark.parametrize(
    "change", [{"limit": 900}, {"min_score": 1}, {"relist_after_days": 0}, {"download": {"max_bytes": 10**6}}]
)
def test_other_settings_have_all_read_again(root, cars, change):
    assert cars(root) == ALL
    assert cars(root, NOON + DAY, **change) == ALL


def test_a_table_or_a_note_that_is_gone_has_all_read_again(root, cars):
    cars(root)
    (note,) = root.scratch.glob("listed-*")
    note.write_text("{")
    assert cars(root, NOON + DAY) == ALL
    root.remove_table("raw_images", "cars")
    assert cars(root, NOON + DAY) == ALL


def test_a_picture_that_is_missing_is_asked_for_by_name(root, cars, maker):
    url = "http://i.redd.it/late.jpg"
    oldest = min(cars.posts, key=lambda post: post["created_utc"])
    oldest |= {"is_self": False, "url": url, "domain": "i.redd.it"}
    cars.write()
    maker.route("i.redd.it", "/late.jpg", status=503)
    cars(root)
    assert root.read_table("raw_images", "cars").set_index("post_id").loc[oldest["id"], "asks"] == 1
    assert cars(root, NOON + DAY) == NEW | BY_NAME
    assert root.read_table("raw_images", "cars").set_index("post_id").loc[oldest["id"], "asks"] == 2


def test_what_was_taken_down_and_is_up_again_is_asked_for_by_name(root, cars):
    cars(root)
    oldest = min(cars.posts, key=lambda post: post["created_utc"])["id"]
    about = {"post_id": oldest, "subreddit": "cars", "position": 0, "is_post": True, "crosspost_of": "", "sha256": ""}
    about |= {"url_sha256": "", "reason": TakedownReason.REMOVED, "noticed_at": NOON.isoformat()}
    table = root.read_table("raw_images", "cars")
    row = table["post_id"] == oldest
    table.loc[row, ["media_url", "title", "reason"]] = ["", "", "taken down: removed"]
    root.write_table("raw_images", table, "cars")
    root.write_table(TOMBSTONES, make_tombstones([about]), "cars")
    assert cars(root, NOON + DAY) == NEW
    root.write_table(TOMBSTONES, make_tombstones([]), "cars")
    assert cars(root, NOON + DAY) == NEW | BY_NAME
    assert root.read_table("raw_images", "cars").set_index("post_id").loc[oldest, "title"]
