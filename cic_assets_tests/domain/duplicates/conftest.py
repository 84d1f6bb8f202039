"""Pictures with the structure of photos, their copies, and tables of fingerprints as the graph has them."""

import csv
import hashlib
import json
from collections import defaultdict
from dataclasses import asdict

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.duplicates.descriptors import descriptors_of
from cic_assets.domain.images import examine


def photo(seed, width=300, height=220):
    """RGB pixels: a sky, a ground, shapes of all sizes, and noise as of a lens."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(30, 225, (5, 7, 3)).astype(np.float32)
    rgb = cv2.resize(cells, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(30):
        centre = (int(rng.integers(0, width)), int(rng.integers(0, height)))
        axes = (int(rng.integers(3, width // 5)), int(rng.integers(3, height // 5)))
        colour = rng.integers(0, 255, 3).tolist()
        cv2.ellipse(rgb, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    rgb += rng.normal(0, 4, rgb.shape)
    return np.clip(rgb, 0, 255).astype(np.uint8)


def encode(rgb, quality=85):
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def crop(rgb, share, x=0.5, y=0.5):
    """A part with `share` of each side; x and y say where, 0 (left, top) to 1."""
    height, width = rgb.shape[:2]
    rows, columns = round(height * share), round(width * share)
    top, left = round((height - rows) * y), round((width - columns) * x)
    return rgb[top : top + rows, left : left + columns]


def letterbox(rgb, share=0.12, level=0):
    rows = round(len(rgb) * share)
    return np.pad(rgb, ((rows, rows), (0, 0), (0, 0)), constant_values=level)


def gamma(rgb, exponent):
    return (255 * (rgb / 255) ** exponent).astype(np.uint8)


def other_subject(rgb, other):
    """The same scene with something else in the middle."""
    height, width = rgb.shape[:2]
    scene = rgb.copy()
    subject = cv2.resize(other, (int(width * 0.55), int(height * 0.5)), interpolation=cv2.INTER_AREA)
    top, left = int(height * 0.3), int(width * 0.2)
    scene[top : top + len(subject), left : left + subject.shape[1]] = subject
    return scene


def painted(rgb, factors):
    """The same scene with its middle in another paint, as bright as before."""
    height, width = rgb.shape[:2]
    mask = np.zeros((height, width), np.float32)
    cv2.ellipse(mask, (width // 2, height // 2), (width // 3, height // 4), 0, 0, 360, 1, -1)
    grey = rgb.mean(axis=2, keepdims=True)
    paint = np.clip(grey * np.array(factors), 0, 255)
    return (rgb * (1 - mask[..., np.newaxis]) + paint * mask[..., np.newaxis]).astype(np.uint8)


def _looks_of(data):
    found = examine(data)
    return {**found.fingerprint.row(), **asdict(descriptors_of(found.pixels, found.preview))}


class Gallery:
    """Pictures by name, and the table of them that `find_duplicates` takes."""

    def __init__(self):
        self.blobs = {}
        self.names = {}
        self.rows = []

    def add(self, name, data, klass="car", subreddit="cars", created=0.0):
        data = data if isinstance(data, bytes) else encode(data)
        sha256 = hashlib.sha256(data).hexdigest()
        self.blobs[sha256] = data
        self.names.setdefault(sha256, name)
        known = next((row for row in self.rows if row["sha256"] == sha256), None)
        looks = known or _looks_of(data)
        own = {"sha256": sha256, "subreddit": subreddit, "klass": klass, "post_id": name, "created_utc": created}
        self.rows.append({**looks, **own, "bytes": len(data)})
        return sha256

    @property
    def table(self):
        return pd.DataFrame(self.rows)

    def named(self, groups):
        """The groups by the names of their pictures, the keepers' names first."""
        return {
            tuple(group.sort_values("keep", ascending=False, kind="stable")["sha256"].map(self.names))
            for _, group in groups.groupby("group_id", sort=False)
        }


def gallery_of(archive):
    """The good pictures of a recorded archive; what its truth says of each; and their SHA-256, by their URL."""
    with (archive / "truth.csv").open(newline="") as file:
        truth = [row for row in csv.DictReader(file) if row["outcome"] == "ok"]
    routes = [json.loads(line) for line in (archive / "routes.jsonl").read_text().splitlines()]
    files = {_url_of(route): archive / "media" / route["file"] for route in routes if "file" in route}
    gallery, sha256s = Gallery(), {}
    for number, row in enumerate(truth):
        if row["url"] in files:
            path = files[row["url"]]
            sha256s[row["url"]] = gallery.add(path.name, path.read_bytes(), row["klass"], f"{row['klass']} {number}")
    return gallery, [row for row in truth if row["url"] in sha256s], sha256s


def _url_of(route):
    return f"http://{route['host']}{route['path']}" + (f"?{route['query']}" if route.get("query") else "")


def copies_found(groups, truth, sha256s):
    """Of each copy that the truth knows, whether it is in one group with its original; by what the truth asks for."""
    group_of, found = dict(zip(groups["sha256"], groups["group_id"], strict=True)), defaultdict(list)
    for row in truth:
        if row["copy_of"] in sha256s:
            one, other = sha256s[row["url"]], sha256s[row["copy_of"]]
            found[row["need"]].append(one == other or group_of.get(one, one) == group_of.get(other, other))
    return found


@pytest.fixture
def gallery():
    return Gallery()
