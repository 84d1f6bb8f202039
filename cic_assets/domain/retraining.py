"""Whether training again is worth it."""

from collections.abc import Mapping

import pandas as pd
from upath import UPath

from cic_assets.domain.dataset import MANIFEST, find_leaks, load_info, load_manifest
from cic_assets.domain.models import PICTURES_FILE, Card, CardMismatchError, read_card


def why_train(dataset: UPath, models: Mapping[str, UPath], growth: float) -> tuple[str, bool]:
    """A reason to train again or not to, in a line; and which of the two it is.

    Args:
        dataset: folder of the data set.
        models: folders of the models by their names.
        growth: share by which the data set must have grown since a model was trained.
    """
    if not (dataset / MANIFEST).exists():
        return "there is no data set yet", False
    if leaks := len(find_leaks(load_manifest(dataset))):
        return f"{leaks:,} pictures of the data set have a copy, or one of the same post, in another split", False
    version, now = load_info(dataset).version, _count(dataset / MANIFEST)
    for name, folder in models.items():
        card = _card(folder)
        if card is None:
            return f"{name} was not trained yet", True
        if card.takedowns:
            return f"{name} has seen pictures that were taken down", True
        if card.data_version != version and now >= _count(folder / PICTURES_FILE) * (1 + growth):
            return f"the data set grew to {now:,} pictures, from {_count(folder / PICTURES_FILE):,} of {name}", True
    return f"the data set of {now:,} pictures did not grow by {growth:.0%} since the models were trained", False


def _card(folder: UPath) -> Card | None:
    try:
        return read_card(folder)
    except (FileNotFoundError, CardMismatchError):
        return None


def _count(table: UPath) -> int:
    with table.open("rb") as file:
        return len(pd.read_parquet(file, columns=["sha256"]))
