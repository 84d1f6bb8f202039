"""Whether training again is worth it: one rule for the schedule and for `cic run`."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import pandas as pd
from upath import UPath

from cic_assets.domain.dataset import MANIFEST, DatasetInfo, find_leaks, is_complete, load_info, load_manifest
from cic_assets.domain.models import (
    CARD_FILE,
    MODEL_FILE,
    PICTURES_FILE,
    PREDICTIONS_FILE,
    Card,
    CardMismatchError,
    read_card,
)

_FILES = (CARD_FILE, MODEL_FILE, PREDICTIONS_FILE)


class TrainingPlan(NamedTuple):
    """Which models to train, and why in a line; or why none."""

    models: list[str]
    reason: str


def plan_training(
    dataset: UPath,
    models: Mapping[str, UPath],
    growth: float,
    *,
    has_weights: bool = False,
    changed: Collection[str] = (),
) -> TrainingPlan:
    """Which models to train again.

    Where one is due, those that know another data set are trained with it: a report compares models of the same one.

    Args:
        dataset: folder of the data set.
        models: folders of the models by their names.
        growth: share by which the data set must have grown since a model was trained.
        has_weights: there are pretrained weights for those that need some.
        changed: models that would be trained in another way now: their settings changed, or the program did.
    """
    if not (dataset / MANIFEST).exists():
        return TrainingPlan([], "there is no data set yet")
    if not is_complete(dataset):
        return TrainingPlan([], "files of the data set are gone: it has to be made again first")
    if leaks := len(find_leaks(load_manifest(dataset))):
        told = f"{leaks:,} pictures of the data set have a copy, or one of the same post, in another split"
        return TrainingPlan([], told)
    info, now = load_info(dataset), _count(dataset / MANIFEST)
    due = {name: f"{name} would be trained in another way now" for name in models if name in changed}
    for name, folder in models.items():
        why = why_unusable(name, folder, has_weights=has_weights) or _why_outgrown(name, folder, info, now, growth)
        due |= {name: why} if why else {}
    if not due:
        share = f"{growth:.0%}"
        return TrainingPlan(
            [], f"the data set of {now:,} pictures did not grow by {share} since the models were trained"
        )
    others = {name for name, folder in models.items() if (card := _card(folder)) and card.data_version != info.version}
    return TrainingPlan([name for name in models if name in due or name in others], next(iter(due.values())))


def why_unusable(name: str, folder: UPath, *, has_weights: bool) -> str | None:
    """Why a model has to be trained again even on the same pictures; None where it has not.

    Args:
        name: the model's.
        folder: where it is.
        has_weights: there are pretrained weights for a model that needs some.
    """
    card = _card(folder)
    if card is None:
        return f"{name} was not trained yet"
    if not all((folder / file).exists() for file in _FILES):
        return f"files of {name} are gone"
    if card.takedowns:
        return f"{name} has seen pictures that were taken down"
    if card.random_weights and has_weights:
        return f"{name} had to do without pretrained weights, which are here now"
    return None


def _why_outgrown(name: str, folder: UPath, info: DatasetInfo, now: int, growth: float) -> str | None:
    card = _card(folder)
    if card is None or card.data_version == info.version:
        return None
    if card.labels != info.classes:
        return f"{name} knows other classes"
    before = _count(folder / PICTURES_FILE)
    if now >= before * (1 + growth):
        return f"the data set grew to {now:,} pictures, from {before:,} of {name}"
    return None


def _card(folder: UPath) -> Card | None:
    try:
        return read_card(folder)
    except (FileNotFoundError, CardMismatchError):
        return None


def _count(table: UPath) -> int:
    with table.open("rb") as file:
        return len(pd.read_parquet(file, columns=["sha256"]))
