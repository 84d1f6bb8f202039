"""What the benchmarks of training share: class folders of photos as training sets, divided by duplicate group."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.dataset import class_weights
from cic_assets.domain.duplicates import DuplicateSettings, find_duplicates, fingerprint_pictures
from cic_assets.domain.images import prepare
from cic_assets.domain.overrides import Overrides
from cic_assets.storage import ContentStore, content_version

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Photos:
    """All photos of a folder, in the order of class and SHA-256.

    Attributes:
        images: (N, side, side, 3) RGB bytes.
        labels: (N,).
        classes: names in the order of their labels.
        sha256: (N,).
        groups: (N,) names of duplicate groups.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: list[str]
    sha256: NDArray[np.object_]
    groups: NDArray[np.object_]

    def __len__(self) -> int:
        return len(self.labels)


def read_photos(folder: Path, side: int, cache: Path) -> Photos:
    """Read class folders of JPEGs; groups of duplicates are found by `cic_assets.domain.duplicates`.

    Args:
        folder: has a folder a class.
        side: of the squares that photos are prepared to, in pixels.
        cache: for the pictures by their hash.
    """
    store, rows = ContentStore(UPath(cache)), []
    for file in sorted(folder.glob("*/*.jpg")):
        sha256 = store.put(file.read_bytes(), "jpeg")
        rows.append({"sha256": sha256, "klass": file.parent.name, "post_id": f"{file.parent.name}-{file.stem}"})
    table = pd.DataFrame(rows).drop_duplicates("sha256").sort_values(["klass", "sha256"], ignore_index=True)
    classes = sorted(table["klass"].unique())
    return Photos(
        images=np.stack([prepare(store.get(sha256, "jpeg"), side) for sha256 in table["sha256"]]),
        labels=table["klass"].map(classes.index).to_numpy(np.int64),
        classes=classes,
        sha256=table["sha256"].to_numpy(object),
        groups=_groups(table, store),
    )


def _groups(table: pd.DataFrame, store: ContentStore) -> NDArray[np.object_]:
    raw = table.assign(
        subreddit=table["klass"], outcome="ok", format="jpeg", created_utc=0.0, width=0, height=0, bytes=0, title="",
        permalink="", author="", score=0,
    )  # fmt: skip
    fingerprints = fingerprint_pictures(raw, store)
    fingerprints["klass"] = fingerprints["subreddit"]
    found = find_duplicates(
        fingerprints, lambda sha256: store.get(sha256, "jpeg"), DuplicateSettings(), Overrides()
    ).groups
    names = dict(zip(found["sha256"], found["group_id"], strict=True))
    return np.array([names.get(sha256, sha256) for sha256 in table["sha256"]], dtype=object)


def folds(photos: Photos, count: int, seed: int) -> Iterator[tuple[Rows, Rows]]:
    """(rows to train on, rows to judge) for each of `count` parts of the groups, dealt out by seed."""
    groups = np.unique(photos.groups)
    np.random.default_rng(seed).shuffle(groups)
    for part in range(count):
        held = np.isin(photos.groups, groups[part::count])
        yield np.flatnonzero(~held), np.flatnonzero(held)


def apart(photos: Photos, rows: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Rows without, and with, a share of their groups: what is left to train on, and a validation split."""
    groups = np.unique(photos.groups[rows])
    np.random.default_rng([seed, 1]).shuffle(groups)
    kept_apart = np.isin(photos.groups[rows], groups[: max(2, round(share * len(groups)))])
    return rows[~kept_apart], rows[kept_apart]


def write_dataset(photos: Photos, splits: dict[str, Rows], folder: Path) -> Path:
    """A data set as `cic_assets.domain.dataset` writes it; `splits` says which rows are in which."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = []
    for split, rows in splits.items():
        np.save(folder / f"{split}.npy", photos.images[rows])
        np.save(folder / f"{split}_labels.npy", photos.labels[rows])
        tables.append(_manifest(photos, split, rows))
    manifest = pd.concat(tables, ignore_index=True)
    manifest.to_parquet(folder / "manifest.parquet", index=False)
    counts = np.bincount(photos.labels[splits["train"]]).tolist()
    about = {
        "classes": photos.classes,
        "class_weights": class_weights(dict(zip(photos.classes, counts, strict=True))),
        "version": content_version(photos.images.shape[1], manifest[["sha256", "split"]]),
    }
    (folder / "dataset.json").write_text(json.dumps(about), encoding="utf-8")
    return folder


def _manifest(photos: Photos, split: str, rows: Rows) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sha256": photos.sha256[rows],
            "split": split,
            "row": np.arange(len(rows)),
            "label": photos.labels[rows],
            "klass": [photos.classes[label] for label in photos.labels[rows]],
        }
    )


def digest(value: object) -> str:
    """A short name for settings, to know a record again."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]
