"""The archive in the making: posts, routes, files and the truth about them. The format is in docs/archive-format.md."""

import csv
import json
import string
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

NEWEST = 1_767_225_600.0
"""When the newest post was made: 1 January 2026, UTC."""

_DIGITS = string.digits + string.ascii_lowercase
_TRUTH = ("url", "outcome", "kind", "klass", "copy_of", "need")


@dataclass(frozen=True, slots=True)
class Published:
    """A picture that a post shows.

    Attributes:
        url: where it is.
        data: its file.
        title: of the post.
    """

    url: str
    data: bytes
    title: str


@dataclass(slots=True)
class Recording:
    """Everything that goes into the archive; the same seed gives the same names for ever."""

    seed: int
    posts: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    routes: list[dict[str, Any]] = field(default_factory=list)
    media: dict[str, bytes] = field(default_factory=dict)
    truth: list[dict[str, str]] = field(default_factory=list)
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    def name(self, length: int = 13) -> str:
        """A new name like Reddit's: lower-case letters and digits."""
        return "".join(_DIGITS[int(digit)] for digit in self.rng.integers(0, 36, length))

    def file(self, data: bytes, extension: str = ".jpg") -> str:
        """Keep a body, equal ones once; returns its file name."""
        kept = (name for name, body in self.media.items() if body == data and name.endswith(extension))
        name = next(kept, None) or self.name() + extension
        self.media[name] = data
        return name

    def route(self, url: str, **answer: Any) -> None:
        """How a URL answers; the keys are those of the archive format."""
        link = urlsplit(url)
        query = {"query": link.query} if link.query else {}
        self.routes.append({"host": link.netloc, "path": link.path, **query, **answer})

    def know(self, url: str, outcome: str, kind: str, klass: str, *, copy_of: str = "", need: str = "") -> None:
        """Note the truth about a URL."""
        values = (url, outcome, kind, klass, copy_of, need)
        self.truth.append(dict(zip(_TRUTH, values, strict=True)))

    def post(self, subreddit: str, title: str, url: str, **fields: Any) -> dict[str, Any]:
        """Note a post: the `data` object of a `t3`, as Reddit's API gives it. It gets its time when all are there."""
        rng, name = self.rng, "1" + self.name(6)
        domain = urlsplit(url).netloc.removeprefix("www.")
        post = {
            "id": name,
            "name": f"t3_{name}",
            "subreddit": subreddit,
            "subreddit_name_prefixed": f"r/{subreddit}",
            "subreddit_id": f"t5_{subreddit}",
            "title": title,
            "author": f"draughtsman_{int(rng.integers(1, 90))}",
            "author_fullname": f"t2_{self.name(6)}",
            "permalink": f"/r/{subreddit}/comments/{name}/picture/",
            "created_utc": 0.0,
            "score": int(rng.lognormal(5, 1.5)),
            "upvote_ratio": round(float(rng.uniform(0.6, 1.0)), 2),
            "num_comments": int(rng.integers(0, 120)),
            "over_18": False,
            "spoiler": False,
            "stickied": False,
            "is_self": False,
            "is_video": False,
            "is_reddit_media_domain": domain.endswith("redd.it"),
            "domain": domain,
            "url": url,
            "url_overridden_by_dest": url,
            "link_flair_text": None,
            "removed_by_category": None,
            "edited": False,
            **fields,
        }
        self.posts.setdefault(subreddit, []).append(post)
        return post

    def publish(self, subreddit: str, klass: str, data: bytes, title: str, kind: str = "original") -> Published:
        """Post a picture on i.redd.it, where it is found."""
        name = self.file(data)
        url = f"http://i.redd.it/{name}"
        self.route(url, file=name)
        self.know(url, "ok", kind, klass)
        self.post(subreddit, title, url)
        return Published(url, data, title)

    def date_posts(self) -> None:
        """Shuffle the posts of each subreddit and give them times, some hours apart."""
        for posts in self.posts.values():
            self.rng.shuffle(posts)
            when = NEWEST
            for post in posts:
                when -= float(np.round(self.rng.exponential(9 * 3600.0)) + 60)
                post["created_utc"] = when

    def write(self, directory: Path) -> None:
        """Write the archive into an empty folder."""
        (directory / "media").mkdir(parents=True)
        (directory / "subreddits").mkdir()
        for name, data in self.media.items():
            (directory / "media" / name).write_bytes(data)
        for subreddit, posts in self.posts.items():
            newest_first = sorted(posts, key=lambda post: -float(post["created_utc"]))
            _write_lines(directory / "subreddits" / f"{subreddit}.jsonl", newest_first)
        _write_lines(directory / "routes.jsonl", self.routes)
        with (directory / "truth.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, _TRUTH, lineterminator="\n")
            writer.writeheader()
            writer.writerows(self.truth)


def _write_lines(path: Path, values: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
