"""Recording an archive: what subreddits show and what became of each URL, so that it can be replayed.

Routes are made of what the downloader says, so a picture is recorded as it came, and a failure by its kind.
"""

import json
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from upath import UPath
from yarl import URL

from cic_assets.domain.download import Download, DownloadSettings, Network, download
from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.reddit import (
    BannedSubredditError,
    Post,
    PrivateSubredditError,
    QuarantinedSubredditError,
    RedditSettings,
    SubredditError,
    fetch_posts,
    media_of,
)
from cic_assets.domain.sources import request_for
from cic_assets.storage import EXTENSIONS, ContentStore, new_folder

if TYPE_CHECKING:
    from praw import Reddit

_STATES: Mapping[type[SubredditError], str] = {
    PrivateSubredditError: "private",
    QuarantinedSubredditError: "quarantined",
    BannedSubredditError: "banned",
}
_PAGE = {"body": "<!DOCTYPE html><html></html>", "type": "text/html"}

Say = Callable[[str], None]


@dataclass(frozen=True)
class Recording:
    """What was recorded.

    Attributes:
        posts: of all subreddits.
        files: of `media/`.
        lost: media whose answer the format cannot hold or that did not come, by outcome: they are 404 when replayed.
    """

    posts: int
    files: int
    lost: Mapping[Outcome, int]


def record(
    directory: Path,
    subreddits: Iterable[str],
    reddit: "Reddit",
    network: Network,
    reddit_settings: RedditSettings,
    download_settings: DownloadSettings,
    *,
    on_progress: Say = lambda _line: None,
) -> Recording:
    """Record subreddits and the media that their posts link to, all or nothing; a closed one with why it is.

    Raises:
        RedditError: a subreddit cannot be read, and not because it is closed.
        OSError: the folder holds something, or cannot be written to.
    """
    with new_folder(directory) as folder:
        posts = _record_subreddits(folder, subreddits, reddit, reddit_settings, on_progress)
        media = [one for post in posts for one in media_of(post, reddit_settings) if not one.known_outcome]
        store = folder / "store"
        # A picture that is too small today may be large enough for other limits, under which it is replayed.
        limits = download_settings.limits.model_copy(update={"min_side": 1})
        settings = download_settings.model_copy(update={"limits": limits})
        downloads = download(
            [request_for(medium) for medium in media],
            store=ContentStore(UPath(store)),
            settings=settings,
            network=network,
            on_result=lambda _download, progress: on_progress(str(progress)),
        )
        routes, lost = _routes(media, downloads, lambda url: network.parse(url, ports=settings.ports))
        lines = "".join(json.dumps(route) + "\n" for route in routes.values())
        (folder / "routes.jsonl").write_text(lines, encoding="utf-8")
        return Recording(len(posts), _move_media(store, folder / "media"), lost)


def _record_subreddits(
    folder: Path, names: Iterable[str], reddit: "Reddit", settings: RedditSettings, on_progress: Say
) -> list[Post]:
    (folder / "subreddits").mkdir()
    every: list[Post] = []
    states: dict[str, dict[str, str]] = {}
    for name in names:
        try:
            posts = fetch_posts(reddit, name, settings, lambda one, count: on_progress(f"{count} posts, reading {one}"))
        except SubredditError as error:
            if type(error) not in _STATES:
                raise
            states[name] = {"status": _STATES[type(error)]}
            continue
        lines = "".join(json.dumps(post) + "\n" for post in posts)
        (folder / "subreddits" / f"{name}.jsonl").write_text(lines, encoding="utf-8")
        every += posts
    if states:
        (folder / "subreddits.json").write_text(json.dumps(states), encoding="utf-8")
    return every


Routes = dict[tuple[str, str, str], dict[str, Any]]
"""By host, path and query."""


def _routes(
    media: Iterable[Medium], downloads: Mapping[str, Download], parse: Callable[[str], URL]
) -> tuple[Routes, Counter[Outcome]]:
    """How each URL answers, and how many answers are lost; URLs that were asked for, by `parse` as they were."""
    routes: Routes = {}
    lost: Counter[Outcome] = Counter()
    for request in {medium.media_url: request_for(medium) for medium in media}.values():
        became, asked = downloads[request.url], request.asked_url or request.url
        if became.outcome is Outcome.OK and became.final_url:
            _add(routes, parse(became.final_url), {"file": _file(became)})
            if became.used_fallback:
                # The replay is to turn to the preview as well: at once, whatever it was that failed.
                said = became.reason.removeprefix("from the fallback; source: ")
                _add(routes, parse(asked), _failure(said) or {"status": 403})
            else:
                _add(routes, parse(asked), {"redirect": became.final_url})
        elif failure := _failure(became.reason):
            _add(routes, parse(asked), failure)
        elif became.outcome is not Outcome.BLOCKED:
            lost[became.outcome] += 1
    return routes, lost


def _add(routes: Routes, url: URL, answer: dict[str, Any]) -> None:
    """Have a URL answer so, unless it does already; one that redirects to itself is where the picture is."""
    host, path, query = url.raw_host or "", url.raw_path, url.raw_query_string
    place = {"host": host, "path": path} | ({"query": query} if query else {})
    routes.setdefault((host, unquote(path), unquote(query)), {**place, **answer})


def _failure(reason: str) -> dict[str, Any] | None:
    """The answer that ended for such a reason; None where the format has none."""
    if status := re.match(r"HTTP ([2-5]\d\d)\b", reason):
        return {"status": int(status[1])}
    if redirect := re.match(r"redirects to (\S+)", reason):
        return {"redirect": redirect[1]}
    if reason.startswith("an HTML page"):
        return dict(_PAGE)
    return {"status": 200, "body": ""} if reason == "no bytes" else None


def _file(became: Download) -> str:
    return f"{became.sha256}{EXTENSIONS[became.format or '']}"


def _move_media(store: Path, media: Path) -> int:
    """Put the pictures of a store where routes look for them; how many there are."""
    media.mkdir()
    files = sorted(store.glob("??/*"))
    for file in files:
        file.rename(media / file.name)
    shutil.rmtree(store, ignore_errors=True)
    return len(files)
