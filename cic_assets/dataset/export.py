"""The data set in the layouts that other tools read."""

import json
import os
import tempfile
from pathlib import Path

import pandas as pd

from cic_assets.dataset.arrays import MANIFEST, DatasetError, load_info
from cic_assets.dataset.splits import Split
from cic_assets.storage import DataRoot

CARD = "data_card.json"

_FOLDERS = {Split.TRAIN: "train", Split.VALIDATION: "train", Split.TEST: "test"}
"""The original published two folders, and took its validation pictures out of the first."""


def export_class_folders(root: DataRoot, out: Path) -> dict[str, dict[str, int]]:
    """Class folders with running numbers, as the original published on Kaggle: `train/CLASS/0.jpg`, `test/CLASS/0.jpg`.

    Beside them `data_card.json`: name, classes, counts, version, and of each file the post that it came from.

    Args:
        root: whose data set.
        out: a folder that does not exist yet, or is empty. It appears whole or not at all.

    Returns:
        Counts by folder and class.

    Raises:
        DatasetError: there is no data set, or `out` is in use.
    """
    info = load_info(root.dataset)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} is in use: expected a folder that does not exist yet, or is empty")
    with (root.dataset / MANIFEST).open("rb") as file:
        manifest = pd.read_parquet(file)
    manifest["file"] = _names(manifest)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        whole = Path(name) / "export"
        resized = root.resized(info.side)
        for sha256, target in manifest[["sha256", "file"]].itertuples(index=False, name=None):
            (whole / target).parent.mkdir(parents=True, exist_ok=True)
            (whole / target).write_bytes(resized.get(sha256, "jpeg"))
        (whole / CARD).write_text(_card(manifest, info.model_dump()), encoding="utf-8")
        os.replace(whole, out)  # noqa: PTH105 - over an empty folder, which Path.rename does not say it allows
    return _counts(manifest)


def _names(manifest: pd.DataFrame) -> pd.Series:
    """`train/car/0.jpg`, …: numbered by class and folder in the order of their hashes."""
    folder = manifest["split"].map({str(split): name for split, name in _FOLDERS.items()})
    number = manifest.sort_values("sha256").groupby([folder, "klass"]).cumcount().reindex(manifest.index)
    return folder + "/" + manifest["klass"] + "/" + number.astype(str) + ".jpg"


def _card(manifest: pd.DataFrame, info: dict[str, object]) -> str:
    columns = ["file", "sha256", "split", "klass", "subreddit", "permalink"]
    rows = manifest.sort_values("file")[columns].to_dict("records")
    return json.dumps({**info, "files": rows}, indent=1, sort_keys=True) + "\n"


def _counts(manifest: pd.DataFrame) -> dict[str, dict[str, int]]:
    folder = manifest["file"].str.partition("/")[0]
    table = pd.crosstab(folder, manifest["klass"])
    return {str(name): {str(klass): int(row[klass]) for klass in table.columns} for name, row in table.iterrows()}
