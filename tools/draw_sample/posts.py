"""What the subreddits hold: single pictures, galleries, reposts, crossposts, and dirt, dealt out in a fixed way."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from tools.draw_sample.copies import CONFLICT, WAYS, Way
from tools.draw_sample.oddities import FAULTS, ODDITIES, Fault, Oddity
from tools.draw_sample.recording import Published, Recording

Drawn = tuple[bytes, str]
"""A picture's file and its title."""

_SEED = 2023
_TWICE = 5
"""So many of the faults come twice: broken links are the commonest dirt."""

_FIRST_COPIED = 10
"""The first single pictures are never copied; crossposts share some of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a subreddit holds.

    Attributes:
        klass: "car" or "tank".
        first: number of its first shot.
        pictures: how many it has.
        galleries: how many galleries, of `gallery_size` pictures each.
        copied_from: subreddits whose pictures come back in it, in turn.
    """

    klass: str
    first: int
    pictures: int
    galleries: int
    gallery_size: int
    copied_from: tuple[str, ...]


_TANKS = ("tankporn", "tanks")

PLANS: dict[str, Plan] = {
    "carporn": Plan(klass="car", first=0, pictures=160, galleries=14, gallery_size=8, copied_from=("carporn",)),
    "tankporn": Plan(klass="tank", first=0, pictures=100, galleries=8, gallery_size=6, copied_from=_TANKS),
    "tanks": Plan(klass="tank", first=100, pictures=100, galleries=8, gallery_size=6, copied_from=_TANKS),
}
"""About 80 posts each, and pictures enough for a small network to learn from."""


def record(pictures: dict[str, Iterator[Drawn]]) -> Recording:
    """Make posts of the pictures of each subreddit, and add the dirt; uses them up."""
    recording = Recording(_SEED)
    recording.route("http://i.imgur.com/removed.png", file=recording.file(_removed_picture(), ".png"))
    _deal(recording, pictures)
    singles: dict[str, list[Published]] = {}
    for name, plan in PLANS.items():
        for _ in range(plan.galleries):
            _gallery(recording, name, [next(pictures[name]) for _ in range(plan.gallery_size)])
        singles[name] = [recording.publish(name, plan.klass, data, title) for data, title in pictures[name]]
        _wordy_posts(recording, name)
    _repeat(recording, singles)
    recording.date_posts()
    for name, origin, index in (("tanks", "tankporn", 3), ("tankporn", "tanks", 5), ("carporn", "carporn", 7)):
        _crosspost(recording, name, origin, singles[origin][index].url)
    return recording


def _removed_picture() -> bytes:
    """Stands for a host's "this picture was removed"."""
    return bytes(cv2.imencode(".png", np.full((120, 160, 3), 90, np.uint8))[1])


def _deal(recording: Recording, pictures: dict[str, Iterator[Drawn]]) -> None:
    """Deal faults and oddities to the subreddits in turn."""
    hand: list[Fault | Oddity] = [*FAULTS, *ODDITIES, *FAULTS[:_TWICE]]
    names = list(PLANS)
    for index, item in enumerate(hand):
        name = names[index % len(names)]
        if isinstance(item, Fault):
            _post_fault(recording, name, item, pictures[name])
        else:
            _post_oddity(recording, name, item, pictures[name])


def _post_fault(recording: Recording, subreddit: str, fault: Fault, pictures: Iterator[Drawn]) -> None:
    klass, url = PLANS[subreddit].klass, fault.url.replace("NAME", recording.name())
    body = {} if fault.body is None else {"file": recording.file(fault.body(next(pictures)[0]), fault.extension)}
    recording.route(url, **body, **fault.answer)
    recording.know(url, fault.outcome, fault.kind, klass)
    recording.post(subreddit, f"{klass.title()} that I found", url, **fault.fields)


def _post_oddity(recording: Recording, subreddit: str, oddity: Oddity, pictures: Iterator[Drawn]) -> None:
    url = oddity.url.replace("NAME", recording.name())
    data, title = next(pictures)
    recording.route(url, file=recording.file(oddity.body(data), oddity.extension), **oddity.answer)
    recording.know(url, "ok", oddity.kind, PLANS[subreddit].klass)
    recording.post(subreddit, title, url)


def _gallery(recording: Recording, subreddit: str, drawn: list[Drawn]) -> None:
    """A post with several pictures; their previews lie on preview.redd.it under the same names."""
    items, metadata = [], {}
    for index, (data, _) in enumerate(drawn):
        file = recording.file(data)
        name = file.removesuffix(".jpg")
        for host in ("i.redd.it", "preview.redd.it"):
            recording.route(f"http://{host}/{file}", file=file)
        recording.know(f"http://i.redd.it/{file}", "ok", "gallery", PLANS[subreddit].klass)
        items.append({"media_id": name, "id": index})
        preview = f"http://preview.redd.it/{file}?width=640&format=pjpg&auto=webp&s={recording.name(20)}"
        source = {"u": preview, "x": 640, "y": 480}
        metadata[name] = {"status": "valid", "e": "Image", "m": "image/jpeg", "id": name, "s": source, "p": []}
    url = f"http://www.reddit.com/gallery/{recording.name(7)}"
    post = recording.post(subreddit, f"{len(drawn)} of my favourites", url)
    post |= {"is_gallery": True, "gallery_data": {"items": items}, "media_metadata": metadata}


def _wordy_posts(recording: Recording, subreddit: str) -> None:
    """A question without a picture, and a post that its moderators removed."""
    page = f"http://www.reddit.com/r/{subreddit}/"
    question: dict[str, Any] = {"is_self": True, "selftext": "Just asking.", "domain": f"self.{subreddit}"}
    recording.post(subreddit, "Which one would you take home?", page, **question)
    removed: dict[str, Any] = {"author": "[deleted]", "removed_by_category": "moderator"}
    recording.post(subreddit, "[ Removed by moderator ]", "http://i.redd.it/gone.jpg", **removed)


def _repeat(recording: Recording, singles: dict[str, list[Published]]) -> None:
    """Copies of single pictures within and across subreddits, and two under the wrong class."""
    left = {name: iter(published[_FIRST_COPIED:]) for name, published in singles.items()}
    for name, plan in PLANS.items():
        for index, way in enumerate(WAYS):
            _copy(recording, name, next(left[plan.copied_from[index % len(plan.copied_from)]]), way)
    _copy(recording, "tanks", next(left["carporn"]), CONFLICT)
    _copy(recording, "carporn", next(left["tankporn"]), CONFLICT)


def _copy(recording: Recording, subreddit: str, original: Published, way: Way) -> None:
    url = f"http://i.redd.it/{recording.name()}.jpg"
    recording.route(url, file=recording.file(way.repeat(original.data)))
    recording.know(url, "ok", way.kind, PLANS[subreddit].klass, copy_of=original.url, need=way.need)
    recording.post(subreddit, f"Seen again: {original.title}", url)


def _crosspost(recording: Recording, subreddit: str, origin: str, url: str) -> None:
    """Share a post of one subreddit in another, a day later."""
    parent = next(post for post in recording.posts[origin] if post["url"] == url)
    post = recording.post(subreddit, parent["title"], f"http://www.reddit.com{parent['permalink']}")
    post |= {"crosspost_parent": parent["name"], "crosspost_parent_list": [parent]}
    post["created_utc"] = parent["created_utc"] + 86_400.0
