"""Whether the set that is kept holds copies still: what the groups promised, looked at again."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cic_assets.domain.duplicates.find import find_duplicates
from cic_assets.domain.duplicates.overrides import Overrides
from cic_assets.domain.duplicates.search import pairs_within
from cic_assets.domain.duplicates.settings import DuplicateSettings


@dataclass(frozen=True, slots=True)
class ResidualDuplicates:
    """What is left among pictures that are kept.

    Attributes:
        copies: rows as of `find_duplicates`; none where all is well.
        verified_different: pairs of pHashes within the radius whose pictures are not the same.
    """

    copies: pd.DataFrame
    verified_different: int


def find_residual_duplicates(
    kept: pd.DataFrame, load: Callable[[str], bytes], settings: DuplicateSettings, overrides: Overrides
) -> ResidualDuplicates:
    """Look for copies among pictures that are kept.

    Args:
        kept: as of `kept_pictures`, of one source or of several.
        load: see `find_duplicates`.
        settings: likewise.
        overrides: likewise; they explain why two pictures are both kept.
    """
    copies = find_duplicates(kept.drop(columns="group_id"), load, settings, overrides)
    single = kept[~kept["sha256"].isin(copies["sha256"])]
    vivid = single.loc[single["flatness"] < settings.flat_share, "phash"].to_numpy(np.uint64)
    values, counts = np.unique(vivid, return_counts=True)
    pairs = pairs_within(values, settings.radius)
    between = int((counts[pairs.left] * counts[pairs.right]).sum())
    return ResidualDuplicates(copies, between + int((counts * (counts - 1) // 2).sum()))
