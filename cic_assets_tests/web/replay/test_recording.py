"""An archive, recorded through the real client from a server that misbehaves, is replayed with the same outcome."""

import json

import pytest

from cic_assets.domain.download import DownloadSettings, Network, exchange
from cic_assets.domain.download.results import FetchError
from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, RedditError, RedditSettings, connect
from cic_assets.domain.sources import Connection, Partition, Source, scrape
from cic_assets.storage import DataRoot
from cic_assets.web.replay import load_archive, record, replay

QUICK = DownloadSettings(backoff_seconds=0.01, answer_seconds=1, retries=1)
COLUMNS = ["post_id", "position", "media_url", "outcome", "sha256", "title", "author", "used_fallback"]
PREVIEW = {"images": [{"source": {"url": "http://preview.redd.it/kept.jpg?s=1&amp;width=640"}}]}


@pytest.fixture
def original(maker, jpeg):
    """An archive with each kind of answer that a recording can hold, and one that it cannot."""
    for number in range(4):
        maker.media(f"{number}.jpg", jpeg(number))
    maker.media("small.jpg", jpeg(9, 90, 60))
    answers = {
        "plain": {"file": "0.jpg"}, "CASE.JPG": {"file": "1.jpg"}, "a b": {"file": "2.jpg"},
        "small": {"file": "small.jpg"}, "gone": {"status": 404}, "refused": {"status": 403},
        "page": {"body": "<!DOCTYPE html><html>words</html>"}, "removed": {"redirect": "http://i.imgur.com/removed.png"},
        "moved": {"redirect": "http://elsewhere.example/x?Id=1"}, "empty": {"status": 200, "body": ""},
        "endless": {"endless": True},
    }  # fmt: skip
    posts = []
    for name, answer in answers.items():
        maker.route("www.example.com", f"/{name}", **answer)
        posts.append(maker.post(url=f"https://www.example.com/{name}"))
    maker.route("elsewhere.example", "/x", query="Id=1", file="3.jpg")
    maker.route("i.redd.it", "/kept.jpg", status=403)
    maker.route("preview.redd.it", "/kept.jpg", query="s=1&width=640", file="3.jpg")
    maker.route("i.imgur.com", "/aBc12.jpg", file="0.jpg")
    posts += [
        maker.post(url="http://i.redd.it/kept.jpg", preview=PREVIEW),
        maker.post(url="http://imgur.com/aBc12"),
        maker.post(url="http://i.redd.it/adult.jpg", over_18=True),
        maker.post(url="https://v.redd.it/abc", is_video=True, title="\ud83d half"),
    ]
    maker.subreddit("cars", posts)
    maker.states(secret={"status": "private"}, shut={"status": "banned"})
    return maker.directory


def recorded(original, folder, names, settings=QUICK):
    with replay(original) as server, connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
        return record(folder, names, reddit, Network.replay("127.0.0.1", server.port), RedditSettings(), settings)


def scraped(archive, folder):
    cars = Partition("cars", "car", Source.model_validate("r/cars"))
    with replay(archive) as server, connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
        connection = Connection("archive", reddit, Network.replay("127.0.0.1", server.port))
        return scrape(cars, DataRoot(str(folder)), connection, RedditSettings(), QUICK).table


def test_what_was_recorded_ends_as_it_did(original, tmp_path):
    done = recorded(original, tmp_path / "recorded", ["cars"])
    assert (done.posts, done.files, done.lost) == (15, 5, {"too_large": 1})
    truth, found = (
        scraped(archive, tmp_path / f"root-{archive.name}") for archive in (original, tmp_path / "recorded")
    )
    endless = truth["media_url"].str.endswith("endless")
    assert found[COLUMNS][~endless].equals(truth[COLUMNS][~endless])
    assert found.loc[endless, "reason"].tolist() == ["HTTP 404"]
    assert set(truth["outcome"]) >= {"ok", "too_small", "http_error", "not_an_image", "placeholder", "empty", "skipped"}


def test_a_subreddit_that_is_closed_is_recorded_as_closed(original, tmp_path):
    assert recorded(original, tmp_path / "recorded", ["secret", "shut"]).posts == 0
    assert json.loads((tmp_path / "recorded" / "subreddits.json").read_text()) == {
        "secret": {"status": "private"},
        "shut": {"status": "banned"},
    }
    states = {name: one.state.status for name, one in load_archive(tmp_path / "recorded").subreddits.items()}
    assert states == {"secret": "private", "shut": "banned"}


def test_nothing_is_left_of_a_recording_that_failed(original, tmp_path):
    with pytest.raises(RedditError, match="r/nobody: there is no such subreddit"):
        recorded(original, tmp_path / "recorded", ["cars", "nobody"])
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_folder_that_holds_something_is_left_as_it_is(original, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(OSError, match="not empty"):
        recorded(original, tmp_path / "full", ["cars"])
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["mine.txt"]


@pytest.fixture
def strange(maker, jpeg):
    """Hosts of international names, and statuses that no archive holds."""
    maker.media("0.jpg", jpeg(0))
    answers = {
        "http://stra\u00dfe.example/a.jpg": {"file": "0.jpg"},
        "http://b\u00fccher.example/\u00fc b.jpg": {"status": 410},
        "http://refusing.example/x.jpg": {"status": 403},
    }
    posts = []
    for url, answer in answers.items():
        asked = Network.public().parse(url, ports=frozenset({80}))
        maker.route(asked.raw_host, asked.raw_path, **answer)
        posts.append(maker.post(url=url))
    maker.subreddit("cars", posts)
    return maker.directory


def test_hosts_are_recorded_under_the_names_they_are_asked_for(strange, tmp_path):
    recorded(strange, tmp_path / "recorded", ["cars"])
    truth, found = (scraped(archive, tmp_path / f"root-{archive.name}") for archive in (strange, tmp_path / "recorded"))
    assert set(truth["reason"]) == {"", "HTTP 410", "HTTP 403"}
    assert found[[*COLUMNS, "reason"]].equals(truth[[*COLUMNS, "reason"]])


@pytest.mark.parametrize("status", [103, 199, 600, 999])
def test_a_status_that_no_archive_holds_is_lost_alone(strange, tmp_path, monkeypatch, status):
    """The server here does not send such; LinkedIn does."""
    monkeypatch.setattr(exchange, "_check_status", as_if(status, exchange._check_status))
    done = recorded(strange, tmp_path / "recorded", ["cars"])
    assert done.lost == {"http_error": 1}
    assert len(load_archive(tmp_path / "recorded").routes) == 2


def as_if(status, check):
    def checked(response):
        if response.status == 403:
            raise FetchError(Outcome.HTTP_ERROR, f"HTTP {status}")
        check(response)

    return checked
