"""Whether training again is worth it: one rule for the schedule and for `cic run`."""

from collections.abc import Collection, Mapping
from typing import NamedTuple

import pandas as pd
from upath import UPath

from cic_assets.domain.dataset import MANIFEST, DatasetInfo, find_leaks, is_complete, load_info, load_manifest
from cic_assets.domain.models import (
    PICTURES_FILE,
    Card,
    CardMismatchError,
    champion_folder,
    files_of,
    read_version,
    versions_of,
)


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
    decided: Collection[str] = (),
) -> TrainingPlan:
    """Which models to train again.

    Where one is due, those that know another data set are trained with it: a report compares models of the same one.

    Args:
        dataset: folder of the data set.
        models: folders of the models by their names.
        growth: share by which the data set must have grown since a model was trained.
        has_weights: there are pretrained weights for those that need some.
        changed: models that would be trained in another way now: their settings changed, or the program did.
        decided: SHA-256 of pictures about whose class a person decided something.
    """
    if not (dataset / MANIFEST).exists():
        return TrainingPlan([], "there is no data set yet")
    if not is_complete(dataset):
        return TrainingPlan([], "files of the data set are gone: it has to be made again first")
    if leaks := len(find_leaks(load_manifest(dataset))):
        told = f"{leaks:,} pictures of the data set have a copy, or one of the same post, in another split"
        return TrainingPlan([], told)
    info, manifest = load_info(dataset), load_manifest(dataset)
    now = len(manifest)
    due = {name: f"{name} would be trained in another way now" for name in models if name in changed}
    for name, folder in models.items():
        why = why_unusable(name, folder, has_weights=has_weights)
        why = why or _why_outgrown(name, folder, info, manifest, growth, frozenset(decided))
        due |= {name: why} if why else {}
    if not due:
        share = f"{growth:.0%}"
        return TrainingPlan(
            [], f"the data set of {now:,} pictures did not grow by {share} since the models were trained"
        )
    others = {
        name for name, folder in models.items() if (card := _newest(folder)) and card.data_version != info.version
    }
    return TrainingPlan([name for name in models if name in due or name in others], _together(due))


def _together(reasons: Mapping[str, str]) -> str:
    """One line of the reasons by model; of several that have the same, it is said of the first."""
    alike: dict[str, list[str]] = {}
    for name, reason in reasons.items():
        alike.setdefault(reason.replace(name, "\0"), []).append(name)
    return "; ".join(
        reasons[first] + (f" (so with {' and '.join(others)})" if others else "") for first, *others in alike.values()
    )


def why_unusable(name: str, folder: UPath, *, has_weights: bool) -> str | None:
    """Why a model has to be trained again even on the same pictures; None where it has not.

    Args:
        name: the model's.
        folder: where it is.
        has_weights: there are pretrained weights for a model that needs some.
    """
    cards = _cards(folder)
    if not cards:
        return f"{name} was not trained yet"
    if not all((champion_folder(folder) / file).exists() for file in files_of(cards[-1])):
        return f"files of {name} are gone"
    if any(card.takedowns for card in cards):
        return f"{name} has seen pictures that were taken down"
    if has_weights and any(card.random_weights for card in cards):
        return f"{name} had to do without pretrained weights, which are here now"
    return None


def _why_outgrown(
    name: str, folder: UPath, info: DatasetInfo, manifest: pd.DataFrame, growth: float, decided: frozenset[str]
) -> str | None:
    newest = _newest(folder)
    if newest is None or newest.data_version == info.version:
        return None
    if newest.labels != info.classes:
        return f"{name} knows other classes"
    seen = read_version(folder, newest.version, lambda place: _read(place / PICTURES_FILE))
    if len(manifest) >= len(seen) * (1 + growth):
        return f"the data set grew to {len(manifest):,} pictures, from {len(seen):,} of {name}"
    if corrected := _count_corrected(seen, manifest, decided):
        return f"{corrected:,} pictures that {name} knows are of another class now, or were left out by hand"
    # Which ones they were, nobody notes: of a picture that was taken down since, no name is to be left.
    back = min(newest.left_out - sum(info.left_out.values()), int((~manifest["sha256"].isin(seen["sha256"])).sum()))
    return f"{back:,} pictures that were left out by hand when {name} was trained are back" if back > 0 else None


def _count_corrected(seen: pd.DataFrame, manifest: pd.DataFrame, decided: frozenset[str]) -> int:
    left_out = seen["sha256"].isin(decided) & ~seen["sha256"].isin(manifest["sha256"])
    if "klass" not in seen or "klass" not in manifest:  # of before, when they did not say
        return int(left_out.sum())
    both = seen.merge(manifest[["sha256", "klass"]], on="sha256", suffixes=("", "_now"))
    return int(left_out.sum() + (both["klass"] != both["klass_now"]).sum())


def _newest(folder: UPath) -> Card | None:
    """What was trained last is what may be out of date, whether it became the champion or not."""
    return next(iter(_cards(folder)), None)


def _cards(folder: UPath) -> list[Card]:
    """Of the newest version first, then of the champion; none where there is no champion that can be used."""
    try:
        versions = versions_of(folder)
    except CardMismatchError:
        return []
    champion = [one.card for one in versions if one.is_champion]
    return [versions[0].card, *champion] if champion else []


def _read(table: UPath) -> pd.DataFrame:
    with table.open("rb") as file:
        return pd.read_parquet(file)
