"""Small archives that tests make, and a plain way to ask a server that replays one."""

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from cic_assets.reddit import ReplayServer

NOON = 1_700_000_000.0


class ArchiveMaker:
    """Writes an archive, a piece at a time."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "subreddits").mkdir(parents=True)
        (directory / "media").mkdir()
        self._posts = 0

    def subreddit(self, name: str, posts: list[dict[str, Any]]) -> None:
        """Write a subreddit whole."""
        lines = "".join(json.dumps(post) + "\n" for post in posts)
        (self.directory / "subreddits" / f"{name}.jsonl").write_text(lines)

    def post(self, **fields: Any) -> dict[str, Any]:
        """A post, each an hour older than the one before."""
        self._posts += 1
        post_id = fields.pop("id", f"p{self._posts}")
        url = fields.pop("url", f"http://i.redd.it/{post_id}.jpg")
        return {
            "id": post_id,
            "name": f"t3_{post_id}",
            "subreddit": "cars",
            "title": f"Title of {post_id}",
            "author": "somebody",
            "permalink": f"/r/cars/comments/{post_id}/title/",
            "created_utc": NOON - 3600 * self._posts,
            "score": 10,
            "upvote_ratio": 0.9,
            "over_18": False,
            "is_self": False,
            "is_video": False,
            "url": url,
            "url_overridden_by_dest": url,
            "link_flair_text": None,
            "removed_by_category": None,
            **fields,
        }

    def posts(self, number: int, **fields: Any) -> list[dict[str, Any]]:
        """So many posts, newest first."""
        return [self.post(**fields) for _ in range(number)]

    def media(self, name: str, body: bytes) -> str:
        """Write a file of media/."""
        (self.directory / "media" / name).write_bytes(body)
        return name

    def route(self, host: str, path: str, **answer: Any) -> None:
        """Add a route."""
        with (self.directory / "routes.jsonl").open("a") as file:
            file.write(json.dumps({"host": host, "path": path, **answer}) + "\n")

    def states(self, **states: dict[str, Any]) -> None:
        """Write subreddits.json."""
        (self.directory / "subreddits.json").write_text(json.dumps(states))


@dataclass(frozen=True)
class Answer:
    """What a server answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def ask(server: ReplayServer, url: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    """Ask a replayed host, as a client that resolves every name to the server does."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target, headers={"Host": parts.netloc, **(headers or {})})
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    finally:
        connection.close()


@pytest.fixture
def maker(tmp_path: Path) -> ArchiveMaker:
    """An archive that is still empty."""
    return ArchiveMaker(tmp_path / "archive")


@pytest.fixture(name="ask")
def ask_fixture() -> Callable[..., Answer]:
    """`ask`, which tests cannot import."""
    return ask
