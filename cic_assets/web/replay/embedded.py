"""The embedded sample: a recorded archive of drawn cars and tanks. It is part of the package and read where it lies.

`tools/draw_sample` made it.
"""

import csv
import json
import shutil
from collections import defaultdict
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from cic_assets.storage import new_folder
from cic_assets.web.replay.archive import load_archive

SAMPLE_ARCHIVE = Path(__file__).parent / "sample"
"""Its folder. Nothing is ever written there."""

SAMPLE_CARD = "sample.json"
"""Name of the file in it that holds its version."""

_PLAIN = frozenset({"original", "gallery"})
"""Kinds of pictures, as its truth names them, that are nobody's copies and come in no odd way."""


@cache
def sample_version() -> str:
    """What is in the sample, as 16 hexadecimal digits."""
    return str(json.loads((SAMPLE_ARCHIVE / SAMPLE_CARD).read_text(encoding="utf-8"))["version"])


def copy_pictures(directory: Path, per_class: int) -> dict[str, int]:
    """Copy pictures of the sample into class folders, `car/000.jpg` and so on, all of them or none.

    Args:
        directory: missing or empty.
        per_class: how many of each class; as many as there are where there are fewer.

    Returns:
        How many were copied of each class.

    Raises:
        OSError: the folder holds something.
    """
    chosen = {klass: files[:per_class] for klass, files in sorted(_pictures().items())}
    with new_folder(directory) as fresh:
        for klass, files in chosen.items():
            (fresh / klass).mkdir()
            for number, file in enumerate(files):
                shutil.copyfile(file, fresh / klass / f"{number:03}.jpg")
    return {klass: len(files) for klass, files in chosen.items()}


def _pictures() -> dict[str, list[Path]]:
    """The files of each class, no two of them alike."""
    archive, found = load_archive(SAMPLE_ARCHIVE), defaultdict(list)
    with (SAMPLE_ARCHIVE / "truth.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            url = urlsplit(row["url"])
            route = archive.route(url.netloc, url.path, url.query)
            if row["kind"] in _PLAIN and route is not None and route.file is not None:
                found[row["klass"]].append(SAMPLE_ARCHIVE / "media" / route.file)
    return found
