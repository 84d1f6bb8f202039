"""Splits that somebody else decided: read out of an export, so that another's test pictures stay test pictures."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.splits import Split

PICTURE_COLUMNS = ("sha256", "resized_sha256")
"""Either names a picture: the file as it came, or as it is in an export."""


def read_given(path: Path) -> dict[str, Split]:
    """Splits by SHA-256 out of the `data_card.json` or the `manifest.csv` of an export.

    Raises:
        DatasetError: there is no such file, or it is something else.
    """
    table = _read(path)
    if "split" not in table or not set(PICTURE_COLUMNS) & set(table):
        raise DatasetError(f"{path}: expected columns split and {' or '.join(PICTURE_COLUMNS)}, as an export has them")
    strange = sorted(set(table["split"].astype(str)) - set(Split))
    if strange:
        raise DatasetError(f"{path}: split {strange[0]!r} is none of {', '.join(Split)}")
    splits = table["split"].map(Split)
    return {
        str(sha256): split
        for column in PICTURE_COLUMNS
        if column in table
        for sha256, split in zip(table[column], splits, strict=True)
    }


def _read(path: Path) -> pd.DataFrame:
    try:
        if path.suffix == ".csv":
            return pd.read_csv(path, dtype=str)
        card: Any = json.loads(path.read_text(encoding="utf-8"))
        return pd.DataFrame(card["files"])
    except OSError as error:
        raise DatasetError(f"dataset.splits.given: {path} cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError):
        raise DatasetError(f"{path}: expected the data_card.json or the manifest.csv of an export") from None
