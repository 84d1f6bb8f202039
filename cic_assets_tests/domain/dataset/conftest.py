import json

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.dataset import DatasetSettings, build_dataset, resize_pictures
from cic_assets.domain.images import ImageLimits, inspect
from cic_assets.storage import DataRoot, sha256_hex

SETTINGS = DatasetSettings(side=32)


def photo(seed, width=48, height=36):
    """A real JPEG, different for each seed."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))[1].tobytes()


def keep(root, count=60, classes=("car", "tank"), first=0):
    """Puts pictures into a data root's store; gives their table, as `resize_pictures` wants it."""
    rows = []
    for number in range(first, first + count):
        data = photo(number)
        sha256 = root.images.put(data, "jpeg")
        klass = classes[number % len(classes)]
        rows.append({
            "sha256": sha256, "klass": klass, "group_id": sha256, "format": "jpeg", "width": 48, "height": 36,
            "bytes": len(data), "subreddit": f"{klass}s", "post_id": f"p{number}", "title": "a title",
            "author": "somebody", "permalink": f"https://www.reddit.com/{number}", "created_utc": 1.6e9 + number,
        })  # fmt: skip
    return pd.DataFrame(rows)


def build(root, pictures, settings=SETTINGS, classes=("car", "tank"), **kwargs):
    """Resizes and builds the data set of a data root, as the graph does."""
    resized = resize_pictures(pictures, root.images, root.resized(settings.side), settings).drop(columns="made")
    copies = root.resized(settings.side)
    return build_dataset(resized, copies, root.dataset, settings, name="x", classes=classes, **kwargs)


@pytest.fixture
def root(tmp_path):
    """A data root with a data set of 60 pictures of two classes."""
    root = DataRoot(str(tmp_path / "root"))
    build(root, keep(root))
    return root


@pytest.fixture(scope="session")
def archive_pictures(shared_data):
    """The readable pictures of the recorded archive, one row a file: what shortcuts ask for without decoding."""
    truth = pd.read_csv(shared_data / "archive" / "truth.csv").set_index("url")["klass"]
    rows = []
    for line in (shared_data / "archive" / "routes.jsonl").read_text().splitlines():
        route = json.loads(line)
        klass = truth.get(f"http://{route['host']}{route['path']}") or truth.get(
            f"https://{route['host']}{route['path']}"
        )
        if "file" in route and klass in ("car", "tank"):
            data = (shared_data / "archive" / "media" / route["file"]).read_bytes()
            inspection = inspect(data, ImageLimits())
            if inspection.header:
                header = inspection.header
                rows.append((sha256_hex(data), klass, header.width, header.height, len(data), header.format))
    table = pd.DataFrame(rows, columns=["sha256", "klass", "width", "height", "bytes", "format"])
    return table.drop_duplicates("sha256")
