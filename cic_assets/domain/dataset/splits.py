"""Which side of the line a picture falls on: train, validation or test.

Copies of one picture, pictures of one post and of its crossposts always fall together: what is divided are units. Three
rules, `SplitBy`:

- By hash, the unit's name decides and nothing else: a set that grows or loses pictures leaves all others where they
  were, and two data roots agree on a unit that has the same pictures in both. Each class gets its share only as a coin
  gives heads.
- By class, units keep the order of their hashes and each class is cut where its share of pictures ends. What was
  assigned before stays; new units fall by the cuts of the grown set. Only where the earlier data set is lost do the few
  units between the old cuts and the new ones move.
- By time, the newest units are the test, those before them the validation. As newer pictures come, the oldest of the
  test move to validation and on to train, and never the other way.

What was assigned before, to any picture of a unit, kept or dropped, wins over a hash: a unit's name changes with what
is in it. Otherwise a picture changes sides only where units turn out to be one; then the strictest split wins, for a
test picture that was trained on is worth nothing.
"""

import hashlib
from collections.abc import Iterable, Mapping
from enum import StrEnum

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.settings import SplitBy, SplitSettings
from cic_assets.domain.places import places_of


class Split(StrEnum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


_STRICTEST_FIRST = (Split.TEST, Split.VALIDATION, Split.TRAIN)
_NAMES = np.array([split.value for split in _STRICTEST_FIRST])
_NONE = len(_STRICTEST_FIRST)
"""Splits as numbers: their places among the strictest, and this where there is none."""

Ranks = NDArray[np.int64]


def position_of(unit_id: str, seed: str = "") -> float:
    """Where a unit lies between 0 and 1, from nothing but its name (and the seed)."""
    digest = hashlib.sha256(f"{seed}\0{unit_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def split_of(unit_id: str, settings: SplitSettings, seed: str = "") -> Split:
    """The split of a unit by hash."""
    return _STRICTEST_FIRST[_ranks_at(np.array([position_of(unit_id, seed)]), settings)[0]]


def assign_splits(
    pictures: pd.DataFrame,
    unit_of: "Mapping[str, str] | pd.Series[str]",
    previous: "Mapping[str, Split] | pd.Series[str]",
    settings: SplitSettings,
    *,
    given: Mapping[str, Split] | None = None,
    seed: str = "",
) -> "pd.Series[str]":
    """The split of each picture.

    Args:
        pictures: columns `unit_id`, and `klass` or `created_utc` (seconds since 1970, 0 where it is not known) where
            `settings.by` asks for them; any index.
        unit_of: the unit of all pictures by SHA-256, the dropped copies too; a unit that none has has its name alone.
        previous: SHA-256 to the split it was in before.
        settings: sizes of the splits, and the rule.
        given: SHA-256 to the split that it is to have, whatever the rule.
        seed: see `DatasetSettings.split_seed`.

    Returns:
        A series of split names with the index of `pictures`.

    Raises:
        DatasetError: by time, and no picture has one.
    """
    units = _units(pictures)
    names, members = units.index, pd.Series(unit_of, dtype="str")
    before, fixed = (_strictest_of(names, members, pd.Series(known, dtype="str")) for known in (previous, given or {}))
    if settings.by is SplitBy.HASH:
        kept, is_new = before, before == _NONE  # whose names alone are asked for: of a million that takes seconds
        kept[is_new] = _by_hash(units[is_new], settings, seed)
    elif settings.by is SplitBy.TIME:
        # A cut that moved back in time takes nothing out of train again.
        proposed = _by_time(units, settings, seed)
        kept = np.where(before == _NONE, proposed, np.maximum(before, proposed))
    else:
        kept = np.where(before == _NONE, _by_class(units, settings, seed), before)
    ranks = np.where(fixed == _NONE, kept, fixed)
    return pd.Series(_NAMES[ranks[places_of(pictures["unit_id"], names)]], index=pictures.index, dtype="str")


def _units(pictures: pd.DataFrame) -> pd.DataFrame:
    """A row a unit, by its name: how many pictures, the class of its first, the time of its newest."""
    by_unit = pictures.groupby("unit_id", sort=False)
    rules = {"klass": "first", "created_utc": "max"}
    known = by_unit.agg({column: rule for column, rule in rules.items() if column in pictures})
    return known.assign(pictures=by_unit.size())


def _strictest_of(names: "pd.Index[str]", members: "pd.Series[str]", known: "pd.Series[str]") -> Ranks:
    """(N,) of each unit the strictest split that is known of its pictures.

    Args:
        names: of the units.
        members: the unit of each picture, by its SHA-256.
        known: the split of some, likewise.
    """
    ranks = np.full(len(names), _NONE)
    if known.empty:
        return ranks
    found = places_of(known, pd.Series(_NAMES))
    at = places_of(known.index, members.index)
    by_member = np.full(len(known), -1)
    by_member[at >= 0] = places_of(members.iloc[at[at >= 0]], names)
    has_members, by_name = places_of(names, members) >= 0, places_of(known.index, names)
    by_name = np.where(has_members[by_name], -1, by_name) if len(names) else by_name
    for unit in (by_member, by_name):
        np.minimum.at(ranks, unit[unit >= 0], found[unit >= 0])
    return ranks


def strictest(shas: Iterable[str], known: Mapping[str, Split]) -> Split | None:
    """The strictest split that is known of some pictures; None if none is."""
    found = {known[sha] for sha in shas if sha in known}
    return next((split for split in _STRICTEST_FIRST if split in found), None)


def _ranks_at(positions: NDArray[np.float64], settings: SplitSettings) -> Ranks:
    """(N,) of what lies there between 0 and 1: the test comes first, then the validation."""
    return np.searchsorted([settings.test, settings.test + settings.validation], positions, side="right")


def _by_hash(units: pd.DataFrame, settings: SplitSettings, seed: str) -> Ranks:
    return _ranks_at(_positions(units, seed), settings)


def _by_class(units: pd.DataFrame, settings: SplitSettings, seed: str) -> Ranks:
    return _cut(units, np.argsort(_positions(units, seed)), units["klass"], settings)


def _by_time(units: pd.DataFrame, settings: SplitSettings, seed: str) -> Ranks:
    if "created_utc" not in units or not (units["created_utc"] > 0).any():
        raise DatasetError(
            "no picture has the time of its post (those of folders have none): set dataset.splits.by to hash or class"
        )
    # Posts of one second, and those without a time (the oldest of all), stand in the order of their hashes.
    newest_first = np.lexsort([_positions(units, seed), -units["created_utc"].to_numpy()])
    return _cut(units, newest_first, pd.Series("all", index=units.index), settings)


def _positions(units: pd.DataFrame, seed: str) -> NDArray[np.float64]:
    return np.array([position_of(unit_id, seed) for unit_id in units.index], np.float64)


def _cut(units: pd.DataFrame, order: Ranks, parts: "pd.Series[str]", settings: SplitSettings) -> Ranks:
    """Cut units, of so many pictures each and in their order, by share of the pictures of their part: the test first.

    The middle of each unit counts, which rounds rightly.
    """
    sizes = units["pictures"].iloc[order]
    of_part = sizes.groupby(parts.iloc[order])
    places = (of_part.cumsum() - sizes / 2) / of_part.transform("sum")
    ranks = np.empty(len(units), np.int64)
    ranks[order] = _ranks_at(places.to_numpy(), settings)
    return ranks
