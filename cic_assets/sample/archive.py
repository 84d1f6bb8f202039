"""The sample as an archive on disk: written whole or not at all, and only if there is none of this version."""

import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from cic_assets.domain.images import encode_jpeg
from cic_assets.sample.casting import cast, title_of
from cic_assets.sample.photographs import photograph
from cic_assets.sample.posts import PLANS, Drawn, record

SAMPLE_SUBREDDITS: tuple[str, ...] = tuple(PLANS)
"""The subreddits of the sample."""

_MARKER = "sample.json"


class NotASampleError(FileExistsError):
    """The folder for the sample holds something else, which is left alone."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"{directory} is not empty and holds no sample (no {_MARKER}): name another folder, or empty it"
        )


@cache
def sample_version() -> str:
    """What the drawing depends on, as 16 hexadecimal digits: the code of this folder."""
    digest = hashlib.sha256()
    for source in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def ensure_sample(directory: Path) -> Path:
    """The sample's folder, drawn if it is missing or of another version; costs nothing otherwise.

    Several processes may ask at once: one draws, the others wait for it.

    Raises:
        NotASampleError: the folder holds something else.
    """
    if _version_of(directory) != sample_version():
        with _one_at_a_time(directory):
            if _version_of(directory) != sample_version():
                write_sample(directory)
    return directory


def write_sample(directory: Path) -> None:
    """Draw the sample: an archive of about 240 posts, the same bytes every time with the same library versions.

    It is drawn beside its place and moved there when it is whole; an older sample makes way. Its format is the one that
    `reddit.load_archive` reads, with a `truth.csv` that tells what a perfect scraper and duplicate finder finds in it.

    Raises:
        NotASampleError: the folder holds something else.
    """
    if directory.exists() and any(directory.iterdir()) and _version_of(directory) is None:
        raise NotASampleError(directory)
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as name:
        fresh, old = Path(name) / "new", Path(name) / "old"
        record({subreddit: iter(drawn) for subreddit, drawn in _draw_all().items()}).write(fresh)
        (fresh / _MARKER).write_text(json.dumps({"version": sample_version()}) + "\n", encoding="utf-8")
        if directory.exists():
            shutil.move(directory, old)
        fresh.rename(directory)


def write_pictures(directory: Path, per_class: int) -> dict[str, int]:
    """Draw cars and tanks as class folders, `car/000.jpg` and so on; returns how many there are of each class.

    Args:
        directory: missing or empty.
        per_class: how many of each; the same numbers give the same pictures.

    Raises:
        OSError: the folder holds something.
    """
    if directory.exists() and any(directory.iterdir()):
        raise OSError(errno.ENOTEMPTY, os.strerror(errno.ENOTEMPTY), str(directory))
    classes = sorted({plan.klass for plan in PLANS.values()})
    shots = [(klass, number) for klass in classes for number in range(per_class)]
    for (klass, number), (data, _title) in zip(shots, _draw_each(shots), strict=True):
        path = directory / klass / f"{number:03}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return dict.fromkeys(classes, per_class)


@contextmanager
def _one_at_a_time(directory: Path) -> Iterator[None]:
    """Hold a lock beside a folder; the system lets go of it when a process dies."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    with (directory.parent / f".{directory.name}.lock").open("wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _version_of(directory: Path) -> str | None:
    """The version of the sample in a folder; None where there is none."""
    try:
        return str(json.loads((directory / _MARKER).read_text(encoding="utf-8"))["version"])
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def _draw_all() -> dict[str, list[Drawn]]:
    """Every picture of each subreddit."""
    shots = [(plan.klass, plan.first + index) for plan in PLANS.values() for index in range(plan.pictures)]
    drawn = iter(_draw_each(shots))
    return {name: [next(drawn) for _ in range(plan.pictures)] for name, plan in PLANS.items()}


def _draw_each(shots: Sequence[tuple[str, int]]) -> list[Drawn]:
    """The pictures of some shots, drawn on as many threads as there are cores."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(_draw, shots))


def _draw(shot: tuple[str, int]) -> Drawn:
    """The picture of a class with a number."""
    description = cast(*shot)
    return encode_jpeg(photograph(description), description.quality), title_of(description)
