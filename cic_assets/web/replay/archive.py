"""A recorded archive as it lies on disk: subreddits, and how each linked host answers. Read and checked here.

The format is described in docs/archive-format.md. Nothing here serves it: `api` and `hosts` do.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from cic_assets.domain.reddit import MULTIREDDIT_NAME, SUBREDDIT_NAME, Post, Sort, TimeFilter
from cic_assets.web.replay.rankings import ranked

_ONE_LINE = r"^[^\x00-\x1f\x7f]+$"
"""What may stand in a header."""


OPEN_FOLDERS = ("commons", "inat", "openverse")
"""Of open collections, which `open_apis` replays."""


class ArchiveError(ValueError):
    """An archive that cannot be replayed; the message is one line: FILE:LINE: what was found and what was expected."""


class Route(BaseModel):
    """How one URL of one host answers. A line of `routes.jsonl`; the keys are explained in docs/archive-format.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    host: str = Field(min_length=1)
    path: str = Field(pattern="^/")
    query: str | None = None
    file: str | None = Field(default=None, pattern=r"^[^/\\]+$")
    type: str | None = Field(default=None, pattern=_ONE_LINE)
    status: int | None = Field(default=None, ge=200, le=599)
    body: str | None = None
    redirect: str | None = Field(default=None, pattern=_ONE_LINE)
    fail: tuple[Annotated[int, Field(ge=200, le=599)], ...] = ()
    retry_after: str | None = Field(default=None, pattern=r"^(\d+|date)$")
    no_length: bool = False
    claim_length: int | None = Field(default=None, gt=0)
    endless: bool = False
    delay: float = Field(default=0, ge=0)
    drip: int | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _answers_in_one_way(self) -> Self:
        answers = {
            "file": self.file is not None,
            "redirect": self.redirect is not None,
            "status or body": self.status is not None or self.body is not None,
            "endless": self.endless,
        }
        given = [name for name, is_given in answers.items() if is_given]
        if len(given) > 1:
            raise ValueError(f"a route gives one answer, this one gives {' and '.join(given)}")
        if not given and not self.delay and self.drip is None:
            raise ValueError("a route needs an answer: file, status, body, redirect, endless, delay or drip")
        if (self.no_length or self.claim_length) and self.file is None and self.body is None:
            raise ValueError("no_length and claim_length need a file or a body")
        return self


class SubredditState(BaseModel):
    """What Reddit says of a subreddit itself. A value of the optional `subreddits.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    status: Literal["open", "private", "banned", "quarantined", "rate_limited"] = "open"
    times: int | None = Field(default=None, ge=1)
    """How many requests are answered with 429 before the subreddit opens; none given: all of them."""
    retry_after: str | None = Field(default=None, pattern=r"^(\d+|date)$")
    about: dict[str, Any] = Field(default_factory=dict)
    """More for `/r/NAME/about`."""


class RecordedSubreddit:
    """One subreddit: its posts, and each listing of them in its order."""

    def __init__(self, name: str, posts: tuple[Post, ...], state: SubredditState) -> None:
        self.name = name
        self.posts = posts
        self.state = state
        self._listings: dict[tuple[Sort, TimeFilter], list[Post]] = {}

    def listing(self, sort: Sort, within: TimeFilter, now: float) -> list[Post]:
        """The posts that a listing holds, in its order; worked out once. `now` is the moment of the recording."""
        key = (sort, within)
        if key not in self._listings:
            self._listings[key] = ranked(self.posts, sort, within, now)
        return self._listings[key]


RouteTable = dict[tuple[str, str], dict[str | None, Route]]
"""Routes by host and path, then by query; None stands for any query."""


@dataclass(frozen=True)
class Archive:
    """A whole archive, read and checked. Subreddits are keyed by their name in lower case."""

    directory: Path
    subreddits: Mapping[str, RecordedSubreddit]
    routes: RouteTable = field(repr=False)
    multireddits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names of subreddits, by `NAME/m/MULTIREDDIT` in lower case."""

    @cached_property
    def posts(self) -> dict[str, Post]:
        """Every post by its full name, `t3_…`."""
        return {post["name"]: post for subreddit in self.subreddits.values() for post in subreddit.posts}

    @cached_property
    def shown_posts(self) -> dict[str, Post]:
        """Those of them that Reddit tells about when it is asked: not those of closed subreddits."""
        closed = [one for one in self.subreddits.values() if one.state.status in ("private", "banned", "quarantined")]
        hidden = {post["name"] for subreddit in closed for post in subreddit.posts}
        return {name: post for name, post in self.posts.items() if name not in hidden}

    @cached_property
    def shown_by_author(self) -> dict[str, tuple[Post, ...]]:
        """The same by who posted them, in lower case."""
        found: dict[str, list[Post]] = {}
        for post in self.shown_posts.values():
            found.setdefault(str(post.get("author")).lower(), []).append(post)
        return {name: tuple(posts) for name, posts in found.items()}

    @cached_property
    def now(self) -> float:
        """The moment that "the last day" is counted from: the newest post's, for a recording does not age."""
        return max((post["created_utc"] for post in self.posts.values()), default=0.0)

    def route(self, host: str, path: str, query: str) -> Route | None:
        """The route of a URL: the one with exactly its query, else the one that names no query."""
        answers = self.routes.get((host.lower(), unquote(path)))
        if answers is None:
            return None
        return answers.get(unquote(query)) or answers.get(None)


def load_archive(directory: Path | str) -> Archive:
    """Read an archive whole.

    Raises:
        ArchiveError: it is not an archive, or something in it is wrong; names the file and the line.
    """
    root = Path(directory)
    if not any((root / name).is_dir() for name in ("subreddits", *OPEN_FOLDERS)):
        raise ArchiveError(f"{root}: not an archive: it has no folder subreddits/")
    states = load_states(root / "subreddits.json")
    recorded = {path.stem.lower(): load_subreddit(path, states) for path in subreddit_files(root)}
    for name, state in states.items():
        recorded.setdefault(name, RecordedSubreddit(name, (), state))
    return Archive(root, recorded, load_routes(root / "routes.jsonl"), load_multireddits(root / "multireddits.json"))


def subreddit_files(root: Path) -> list[Path]:
    """The recorded subreddits of an archive, `subreddits/NAME.jsonl`, by name."""
    return sorted((root / "subreddits").glob("*.jsonl"))


def load_subreddit(path: Path, states: Mapping[str, SubredditState]) -> RecordedSubreddit:
    """Read `subreddits/NAME.jsonl`."""
    if not SUBREDDIT_NAME.fullmatch(path.stem):
        raise ArchiveError(f"{path}: {path.stem!r} is not a subreddit's name (letters, digits and _)")
    posts: dict[str, Post] = {}
    for where, line in lines_of(path):
        post = _post(where, line, path.stem)
        if post["name"] in posts:
            raise ArchiveError(f"{where}: the post {post['id']!r} is there twice")
        posts[post["name"]] = post
    return RecordedSubreddit(path.stem, tuple(posts.values()), states.get(path.stem.lower(), SubredditState()))


def _post(where: str, line: bytes, subreddit: str) -> Post:
    try:
        post = json.loads(line, parse_constant=_no_number)
    except ValueError as error:
        raise ArchiveError(f"{where}: not JSON: {error}") from None
    if not isinstance(post, dict):
        raise ArchiveError(f"{where}: expected a JSON object, found {type(post).__name__}")
    if not isinstance(post.get("id"), str) or not re.fullmatch("[0-9a-z]+", post["id"]):
        raise ArchiveError(
            f"{where}: id: expected Reddit's id (digits and lower-case letters), found {post.get('id')!r}"
        )
    created = post.get("created_utc")
    if isinstance(created, bool) or not isinstance(created, int | float) or not math.isfinite(created):
        raise ArchiveError(f"{where}: created_utc: expected seconds since 1970, found {created!r}")
    return {"subreddit": subreddit, "title": "", "score": 0, **post, "name": f"t3_{post['id']}"}


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number in JSON")


def load_states(path: Path) -> dict[str, SubredditState]:
    """Read the optional `subreddits.json`; keys in lower case."""
    if not path.exists():
        return {}
    try:
        states = TypeAdapter(dict[str, SubredditState]).validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArchiveError(f"{path}: {_first_fault(error)}") from None
    return {name.lower(): state for name, state in states.items()}


def load_multireddits(path: Path) -> dict[str, tuple[str, ...]]:
    """Read the optional `multireddits.json`; names in lower case."""
    if not path.exists():
        return {}
    try:
        found = TypeAdapter(dict[str, tuple[str, ...]]).validate_json(path.read_bytes())
    except ValidationError as error:
        raise ArchiveError(f"{path}: {_first_fault(error)}") from None
    for name in found:
        if not MULTIREDDIT_NAME.fullmatch(name):
            raise ArchiveError(f"{path}: expected ACCOUNT/m/NAME, found {name!r}")
    return {name.lower(): subreddits for name, subreddits in found.items()}


def load_routes(path: Path) -> RouteTable:
    """Read the optional `routes.jsonl`, and see that the files which it names are there."""
    table: RouteTable = {}
    for where, line in lines_of(path) if path.exists() else ():
        try:
            route = Route.model_validate_json(line)
        except ValidationError as error:
            raise ArchiveError(f"{where}: {_first_fault(error)}") from None
        _check_file(where, path.parent / "media", route)
        answers = table.setdefault((route.host.lower(), unquote(route.path)), {})
        query = None if route.query is None else unquote(route.query)
        if answers.get(query, route) != route:
            raise ArchiveError(f"{where}: a second, different route for http://{route.host}{route.path}")
        answers[query] = route
    return table


def _check_file(where: str, media: Path, route: Route) -> None:
    if route.file is None:
        return
    path = media / route.file
    if not path.is_file():
        raise ArchiveError(f"{where}: file: there is no {path}")
    if route.claim_length is not None and route.claim_length <= path.stat().st_size:
        raise ArchiveError(
            f"{where}: claim_length: expected more than the {path.stat().st_size} bytes of {route.file}, "
            f"found {route.claim_length}"
        )


def lines_of(path: Path) -> Iterator[tuple[str, bytes]]:
    """Each line that is not blank, with FILE:LINE."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if line.strip():
                yield f"{path}:{number}", line


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {message}, found {fault['input']!r}" if where else message
