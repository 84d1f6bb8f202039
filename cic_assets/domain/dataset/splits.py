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

import pandas as pd

from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.settings import SplitBy, SplitSettings


class Split(StrEnum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


_STRICTEST_FIRST = (Split.TEST, Split.VALIDATION, Split.TRAIN)


def position_of(unit_id: str, seed: str = "") -> float:
    """Where a unit lies between 0 and 1, from nothing but its name (and the seed)."""
    digest = hashlib.sha256(f"{seed}\0{unit_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def split_of(unit_id: str, settings: SplitSettings, seed: str = "") -> Split:
    """The split of a unit by hash."""
    return _split_at(position_of(unit_id, seed), settings.test, settings.test + settings.validation)


def assign_splits(
    pictures: pd.DataFrame,
    members: Mapping[str, frozenset[str]],
    previous: Mapping[str, Split],
    settings: SplitSettings,
    *,
    given: Mapping[str, Split] | None = None,
    seed: str = "",
) -> pd.Series:
    """The split of each picture.

    Args:
        pictures: columns `unit_id`, and `klass` or `created_utc` (seconds since 1970, 0 where it is not known) where
            `settings.by` asks for them; any index.
        members: SHA-256 of all pictures of a unit, the dropped copies too; a unit that is missing has its name alone.
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
    proposed = _PROPOSALS[settings.by](units, settings, seed)

    def assign(unit_id: str) -> str:
        shas = members.get(unit_id, frozenset({unit_id}))
        if fixed := strictest(shas, given or {}):
            return fixed.value
        before = strictest(shas, previous)
        if before is None:
            return proposed[unit_id].value
        return (_older(before, proposed[unit_id]) if settings.by is SplitBy.TIME else before).value

    return pictures["unit_id"].map({unit_id: assign(unit_id) for unit_id in units.index})


def _units(pictures: pd.DataFrame) -> pd.DataFrame:
    """A row a unit, by its name: how many pictures, the class of its first, the time of its newest."""
    by_unit = pictures.groupby("unit_id", sort=False)
    rules = {"klass": "first", "created_utc": "max"}
    known = by_unit.agg({column: rule for column, rule in rules.items() if column in pictures})
    return known.assign(pictures=by_unit.size())


def strictest(shas: Iterable[str], known: Mapping[str, Split]) -> Split | None:
    """The strictest split that is known of some pictures; None if none is."""
    found = {known[sha] for sha in shas if sha in known}
    return next((split for split in _STRICTEST_FIRST if split in found), None)


def _older(before: Split, proposed: Split) -> Split:
    """Of two splits the one nearer to train: a cut that moved back in time takes nothing out of train again."""
    return max(before, proposed, key=_STRICTEST_FIRST.index)


def _split_at(position: float, test_ends: float, validation_ends: float) -> Split:
    if position < test_ends:
        return Split.TEST
    return Split.VALIDATION if position < validation_ends else Split.TRAIN


def _by_hash(units: pd.DataFrame, settings: SplitSettings, seed: str) -> dict[str, Split]:
    return {unit_id: split_of(unit_id, settings, seed) for unit_id in units.index}


def _by_class(units: pd.DataFrame, settings: SplitSettings, seed: str) -> dict[str, Split]:
    in_order = units.loc[_positions(units, seed).sort_values().index]
    return _cut(in_order["pictures"], in_order["klass"], settings)


def _by_time(units: pd.DataFrame, settings: SplitSettings, seed: str) -> dict[str, Split]:
    if "created_utc" not in units or not (units["created_utc"] > 0).any():
        raise DatasetError(
            "no picture has the time of its post (those of folders have none): set dataset.splits.by to hash or class"
        )
    # Posts of one second, and those without a time (the oldest of all), stand in the order of their hashes.
    newest_first = units.assign(position=_positions(units, seed)).sort_values(
        ["created_utc", "position"], ascending=[False, True]
    )
    return _cut(newest_first["pictures"], pd.Series("all", index=newest_first.index), settings)


def _positions(units: pd.DataFrame, seed: str) -> pd.Series:
    return pd.Series([position_of(str(unit_id), seed) for unit_id in units.index], index=units.index)


def _cut(sizes: pd.Series, parts: pd.Series, settings: SplitSettings) -> dict[str, Split]:
    """Cut units, of so many pictures each and in their order, by share of the pictures of their part: the test first.

    The middle of each unit counts, which rounds rightly.
    """
    of_part = sizes.groupby(parts)
    places = (of_part.cumsum() - sizes / 2) / of_part.transform("sum")
    ends = settings.test, settings.test + settings.validation
    return {str(unit_id): _split_at(place, *ends) for unit_id, place in places.items()}


_PROPOSALS = {SplitBy.HASH: _by_hash, SplitBy.CLASS: _by_class, SplitBy.TIME: _by_time}
