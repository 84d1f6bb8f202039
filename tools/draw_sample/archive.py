"""The sample as an archive on disk, with a name for its version."""

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cic_assets.domain.images import encode_jpeg
from cic_assets.storage import new_folder
from cic_assets.web.replay import SAMPLE_CARD
from tools.draw_sample.casting import cast, title_of
from tools.draw_sample.photographs import photograph
from tools.draw_sample.posts import PLANS, Drawn, record


def write_sample(directory: Path) -> None:
    """Draw the sample: an archive of about 240 posts, the same every time.

    Its format is that of docs/archive-format.md, with a `truth.csv` that tells what a perfect scraper and duplicate
    finder finds in it, and a card that names its version. It is there whole or not at all.

    Raises:
        OSError: the folder holds something.
    """
    with new_folder(directory) as fresh:
        record({subreddit: iter(drawn) for subreddit, drawn in _draw_all().items()}).write(fresh)
        (fresh / SAMPLE_CARD).write_text(json.dumps({"version": content_of(fresh)}) + "\n", encoding="utf-8")


def content_of(directory: Path) -> str:
    """What is in an archive, but for the card, as 16 hexadecimal digits: its version."""
    digest = hashlib.sha256()
    for path in sorted(directory.rglob("*")):
        if path.is_file() and path.name != SAMPLE_CARD:
            data = path.read_bytes()
            digest.update(f"{path.relative_to(directory).as_posix()}\0{len(data)}\0".encode() + data)
    return digest.hexdigest()[:16]


def _draw_all() -> dict[str, list[Drawn]]:
    """Every picture of each subreddit."""
    shots = [(plan.klass, plan.first + index) for plan in PLANS.values() for index in range(plan.pictures)]
    drawn = iter(draw_each(shots))
    return {name: [next(drawn) for _ in range(plan.pictures)] for name, plan in PLANS.items()}


def draw_each(shots: Sequence[tuple[str, int]]) -> list[Drawn]:
    """The pictures of some shots, each a class and a number, drawn on as many threads as there are cores."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        return list(pool.map(_draw, shots))


def _draw(shot: tuple[str, int]) -> Drawn:
    """The picture of a class with a number."""
    description = cast(*shot)
    return encode_jpeg(photograph(description), description.quality), title_of(description)
