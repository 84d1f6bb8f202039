"""The sample as an archive on disk: which posts there are, drawn and written whole or not at all."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cic_assets.images import encode_jpeg
from cic_assets.sample.casting import cast, title_of
from cic_assets.sample.copies import CONFLICT, WAYS, Way
from cic_assets.sample.oddities import FAULTS, ODDITIES, Fault, Oddity
from cic_assets.sample.photographs import photograph
from cic_assets.sample.recording import Published, Recording


@dataclass(frozen=True, slots=True)
class Plan:
    """What a subreddit holds.

    Attributes:
        klass: what it shows.
        first: number of its first shot.
        pictures: how many it has.
        galleries: how many galleries, of `gallery_size` pictures each.
    """

    klass: str
    first: int
    pictures: int
    galleries: int
    gallery_size: int


PLANS: dict[str, Plan] = {
    "carporn": Plan("car", 0, 84, 7, 4),
    "tankporn": Plan("tank", 0, 66, 3, 3),
    "tanks": Plan("tank", 66, 66, 3, 3),
}

SAMPLE_SUBREDDITS: tuple[str, ...] = tuple(PLANS)
"""The subreddits of the sample."""

_MARKER = "sample.json"
_SEED = 2023


class NotASampleError(FileExistsError):
    """The folder for the sample holds something else, which is left alone."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"{directory} is not empty and holds no sample (no {_MARKER}): name another folder, or empty it"
        )


@lru_cache(maxsize=1)
def sample_version() -> str:
    """What the drawing depends on, as 16 hexadecimal digits: the code of this folder."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def ensure_sample(directory: Path) -> Path:
    """The sample's folder, drawn if it is missing or of another version; costs nothing otherwise.

    Raises:
        NotASampleError: the folder holds something else.
    """
    if _version_of(directory) != sample_version():
        write_sample(directory)
    return directory


def write_sample(directory: Path) -> None:
    """Draw the sample: an archive of about 240 posts, the same bytes every time with the same library versions.

    It is drawn beside its place and moved there when it is whole; an older sample makes way.

    Raises:
        NotASampleError: the folder holds something else.
    """
    if directory.exists() and any(directory.iterdir()) and _version_of(directory) is None:
        raise NotASampleError(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as name:
        fresh, old = Path(name) / "new", Path(name) / "old"
        _record().write(fresh)
        (fresh / _MARKER).write_text(json.dumps({"version": sample_version()}) + "\n", encoding="utf-8")
        if directory.exists():
            shutil.move(directory, old)
        fresh.rename(directory)


def _version_of(directory: Path) -> str | None:
    """The version of the sample in a folder; None where there is none."""
    try:
        return str(json.loads((directory / _MARKER).read_text(encoding="utf-8"))["version"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def _draw(shot: tuple[str, int]) -> tuple[bytes, str]:
    """A picture's file and title."""
    description = cast(*shot)
    picture = photograph(description)
    return encode_jpeg(picture, description.quality), title_of(description)


def draw_all() -> dict[str, list[tuple[bytes, str]]]:
    """Every picture of each subreddit with its title, drawn on as many threads as there are cores."""
    shots = [(plan.klass, plan.first + index) for plan in PLANS.values() for index in range(plan.pictures)]
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        drawn = iter(list(pool.map(_draw, shots)))
    return {name: [next(drawn) for _ in range(plan.pictures)] for name, plan in PLANS.items()}


def _record() -> Recording:
    recording = Recording(_SEED)
    pictures = {name: iter(drawn) for name, drawn in draw_all().items()}
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
    _crosspost(recording, "tanks", "tankporn", singles["tankporn"][3].url)
    _crosspost(recording, "tankporn", "tanks", singles["tanks"][5].url)
    _crosspost(recording, "carporn", "carporn", singles["carporn"][7].url)
    return recording


def _removed_picture() -> bytes:
    return bytes(cv2.imencode(".png", np.full((120, 160, 3), 90, np.uint8))[1])


def _deal(recording: Recording, pictures: dict[str, Iterator[tuple[bytes, str]]]) -> None:
    """Deal faults and oddities to the subreddits in turn; some come twice."""
    names = list(PLANS)
    hand: list[Fault | Oddity] = [*FAULTS, *ODDITIES, *FAULTS[:5]]
    for index, item in enumerate(hand):
        name = names[index % len(names)]
        klass = PLANS[name].klass
        url = item.url.replace("NAME", recording.name())
        if isinstance(item, Oddity):
            data, title = next(pictures[name])
            recording.route(url, file=recording.file(item.body(data), item.extension), **item.answer)
            recording.know(url, "ok", item.kind, klass)
            recording.post(name, title, url)
            continue
        body = {}
        if item.body is not None:
            data, _ = next(pictures[name]) if item.kind in ("over_18",) else (_stand_in(), "")
            body = {
                "file": recording.file(
                    item.body(data), ".html" if b"<" == item.body(data)[:1] else Path(url).suffix or ".jpg"
                )
            }
        recording.route(url, **body, **item.answer)
        recording.know(url, item.outcome, item.kind, klass)
        recording.post(name, f"{klass.title()} that I found", url, **item.fields)


@lru_cache(maxsize=1)
def _stand_in() -> bytes:
    """A picture that is not in the sample otherwise, for files that are spoilt."""
    return _draw(("car", 9999))[0]


def _gallery(recording: Recording, subreddit: str, drawn: list[tuple[bytes, str]]) -> None:
    """A post with several pictures; their previews lie on preview.redd.it under the same name."""
    items, metadata = [], {}
    for index, (data, _) in enumerate(drawn):
        file = recording.file(data)
        name = file.removesuffix(".jpg")
        for host in ("i.redd.it", "preview.redd.it"):
            recording.route(f"http://{host}/{file}", file=file)
        recording.know(f"http://i.redd.it/{file}", "ok", "gallery", PLANS[subreddit].klass)
        items.append({"media_id": name, "id": index})
        preview = f"http://preview.redd.it/{file}?width=640&format=pjpg&auto=webp&s={recording.name(20)}"
        metadata[name] = {
            "status": "valid",
            "e": "Image",
            "m": "image/jpeg",
            "id": name,
            "s": {"u": preview, "x": 640, "y": 480},
            "p": [],
        }
    post = recording.post(
        subreddit, f"{len(drawn)} of my favourites", f"http://www.reddit.com/gallery/{recording.name(7)}"
    )
    post |= {"is_gallery": True, "gallery_data": {"items": items}, "media_metadata": metadata}


def _wordy_posts(recording: Recording, subreddit: str) -> None:
    """A question without a picture, and a post that its moderators removed."""
    page = f"http://www.reddit.com/r/{subreddit}/"
    recording.post(
        subreddit,
        "Which one would you take home?",
        page,
        is_self=True,
        selftext="Just asking.",
        domain=f"self.{subreddit}",
    )
    removed: dict[str, Any] = {"author": "[deleted]", "removed_by_category": "moderator"}
    recording.post(subreddit, "[ Removed by moderator ]", "http://i.redd.it/gone.jpg", **removed)


def _repeat(recording: Recording, singles: dict[str, list[Published]]) -> None:
    """Copies of single pictures within and across subreddits, and two under the wrong class."""
    taken = {name: iter(published[10:]) for name, published in singles.items()}
    sources = {"carporn": ("carporn",), "tankporn": ("tankporn", "tanks"), "tanks": ("tankporn", "tanks")}
    for name, origins in sources.items():
        for index, way in enumerate(WAYS):
            _copy(recording, name, next(taken[origins[index % len(origins)]]), way)
    _copy(recording, "tanks", next(taken["carporn"]), CONFLICT)
    _copy(recording, "carporn", next(taken["tankporn"]), CONFLICT)


def _copy(recording: Recording, subreddit: str, original: Published, way: Way) -> None:
    klass = PLANS[subreddit].klass
    file = recording.file(way.repeat(original.data))
    url = f"http://i.redd.it/{file}"
    recording.route(url, file=file)
    recording.know(url, "ok", way.kind, klass, copy_of=original.url, need=way.need)
    recording.post(subreddit, f"Seen again: {original.title}", url)


def _crosspost(recording: Recording, subreddit: str, origin: str, url: str) -> None:
    """Share a post of one subreddit in another, a day later."""
    parent = next(post for post in recording.posts[origin] if post["url"] == url)
    link = f"http://www.reddit.com{parent['permalink']}"
    post = recording.post(subreddit, parent["title"], link)
    post |= {
        "crosspost_parent": parent["name"],
        "crosspost_parent_list": [parent],
        "created_utc": parent["created_utc"] + 86_400.0,
    }
