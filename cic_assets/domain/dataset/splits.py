"""Which side of the line a picture falls on: train, validation or test.

Copies of one picture always fall together: what is divided are duplicate groups. Three rules, `SplitBy`:

- By hash, the group's name decides and nothing else: a set that grows or loses pictures leaves all others where they
  were, and two data roots with the same picture agree on it. Each class gets its share only as a coin gives heads.
- By class, groups keep the order of their hashes and each class is cut where its share ends. What was assigned before
  stays; new groups fall by the cuts of the grown set. Only where the earlier data set is lost do the few groups
  between the old cuts and the new ones move.
- By time, the newest groups are the test, those before them the validation. As newer pictures come, the oldest of the
  test move to validation and on to train, and never the other way: no picture is tested on that an earlier net of
  this data root was trained or chosen by.

What was assigned before wins over a hash, because a group's name can change when an older copy of its picture turns up.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

import pandas as pd

from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.settings import SplitBy, SplitSettings


class Split(StrEnum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


# Where members of one group were assigned apart before it was known that they are one picture, the strictest wins:
# a test picture that was also trained on is worth nothing.
_STRICTEST_FIRST = (Split.TEST, Split.VALIDATION, Split.TRAIN)


def position_of(group_id: str, seed: str = "") -> float:
    """Where a duplicate group lies between 0 and 1, from nothing but its name (and the seed)."""
    digest = hashlib.sha256(f"{seed}\0{group_id}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64


def split_of(group_id: str, settings: SplitSettings, seed: str = "") -> Split:
    """The split of a duplicate group by hash."""
    return _split_at(position_of(group_id, seed), settings.test, settings.test + settings.validation)


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
        pictures: columns `group_id`, and `klass` or `created_utc` (seconds since 1970, 0 where it is not known) where
            `settings.by` asks for them; any index.
        members: SHA-256 of all pictures of a group, the dropped copies too; a group that is missing has its name alone.
        previous: SHA-256 to the split it was in before.
        settings: sizes of the splits, and the rule.
        given: SHA-256 to the split that it is to have, whatever the rule.
        seed: see `DatasetSettings.split_seed`.

    Returns:
        A series of split names with the index of `pictures`.

    Raises:
        DatasetError: by time, and no picture has one.
    """
    groups = pictures.drop_duplicates("group_id").set_index("group_id")
    proposed = _PROPOSALS[settings.by](groups, settings, seed)

    def assign(group_id: str) -> str:
        shas = members.get(group_id, frozenset({group_id}))
        if fixed := _strictest(shas, given or {}):
            return fixed.value
        before = _strictest(shas, previous)
        if before is None:
            return proposed[group_id].value
        return (_older(before, proposed[group_id]) if settings.by is SplitBy.TIME else before).value

    return pictures["group_id"].map({group_id: assign(group_id) for group_id in groups.index})


def _strictest(shas: frozenset[str], known: Mapping[str, Split]) -> Split | None:
    found = {known[sha] for sha in shas if sha in known}
    return next((split for split in _STRICTEST_FIRST if split in found), None)


def _older(before: Split, proposed: Split) -> Split:
    """Of two splits the one nearer to train: a cut that moved back in time takes nothing out of train again."""
    return max(before, proposed, key=_STRICTEST_FIRST.index)


def _split_at(position: float, test_ends: float, validation_ends: float) -> Split:
    if position < test_ends:
        return Split.TEST
    return Split.VALIDATION if position < validation_ends else Split.TRAIN


def _by_hash(groups: pd.DataFrame, settings: SplitSettings, seed: str) -> dict[str, Split]:
    return {group_id: split_of(group_id, settings, seed) for group_id in groups.index}


def _by_class(groups: pd.DataFrame, settings: SplitSettings, seed: str) -> dict[str, Split]:
    of_class = _positions(groups, seed).groupby(groups["klass"])
    return _cut(of_class.rank(method="first"), of_class.transform("size"), settings)


def _by_time(groups: pd.DataFrame, settings: SplitSettings, seed: str) -> dict[str, Split]:
    if "created_utc" not in groups or not (groups["created_utc"] > 0).any():
        raise DatasetError(
            "no picture has the time of its post (those of folders have none): set dataset.splits.by to hash or class"
        )
    # Posts of one second, and those without a time (the oldest of all), stand in the order of their hashes.
    newest_first = groups.assign(position=_positions(groups, seed)).sort_values(
        ["created_utc", "position"], ascending=[False, True]
    )
    ranks = pd.Series(range(1, len(groups) + 1), index=newest_first.index)
    return _cut(ranks, pd.Series(len(groups), index=ranks.index), settings)


def _positions(groups: pd.DataFrame, seed: str) -> pd.Series:
    return pd.Series([position_of(str(group_id), seed) for group_id in groups.index], index=groups.index)


def _cut(ranks: pd.Series, sizes: pd.Series, settings: SplitSettings) -> dict[str, Split]:
    """Splits by rank, from 1, among so many: the test first. The middle of each place counts, which rounds rightly."""
    ends = settings.test, settings.test + settings.validation
    return {str(group_id): _split_at(place, *ends) for group_id, place in ((ranks - 0.5) / sizes).items()}


_PROPOSALS = {SplitBy.HASH: _by_hash, SplitBy.CLASS: _by_class, SplitBy.TIME: _by_time}
