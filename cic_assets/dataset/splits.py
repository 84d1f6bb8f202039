"""Which side of the line a picture falls on: train, validation or test, for good.

By the hash of its duplicate group: copies of one picture always fall together, and a set that grows or loses
pictures leaves all others where they were. What was assigned before wins over the hash, because a group's name can
change when an older copy of its picture turns up.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum

import pandas as pd

from cic_assets.dataset.settings import SplitFractions


class Split(StrEnum):
    """The three parts of a data set."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


# Where members of one group were assigned apart before it was known that they are one picture, the strictest wins:
# a test picture that was also trained on is worth nothing.
_STRICTEST_FIRST = (Split.TEST, Split.VALIDATION, Split.TRAIN)


def split_of(group_id: str, fractions: SplitFractions, seed: str = "") -> Split:
    """The split of a duplicate group, from nothing but its name (and the seed)."""
    digest = hashlib.sha256(f"{seed}\0{group_id}".encode()).digest()
    position = int.from_bytes(digest[:8]) / 2**64
    if position < fractions.test:
        return Split.TEST
    if position < fractions.test + fractions.validation:
        return Split.VALIDATION
    return Split.TRAIN


def assign_splits(
    group_ids: pd.Series,
    members: Mapping[str, frozenset[str]],
    previous: Mapping[str, Split],
    fractions: SplitFractions,
    seed: str = "",
) -> pd.Series:
    """The split of each group.

    Args:
        group_ids: names of duplicate groups, any index, repeats allowed.
        members: SHA-256 of all pictures of a group, the dropped copies too; a group that is missing has its name alone.
        previous: SHA-256 to the split it was in before.
        fractions: sizes of the splits.
        seed: see `DatasetSettings.split_seed`.

    Returns:
        A series of split names with the index of `group_ids`.
    """

    def assign(group_id: str) -> str:
        before = {previous[sha] for sha in members.get(group_id, frozenset({group_id})) if sha in previous}
        return next((s for s in _STRICTEST_FIRST if s in before), split_of(group_id, fractions, seed)).value

    return group_ids.map({group_id: assign(group_id) for group_id in group_ids.unique()})
