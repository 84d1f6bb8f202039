"""Duplicates: fingerprints, search among millions, verification, groups, what is kept.

Finds every copy that a person would call the same picture and says why. Nothing is deleted here, only marked.
"""

from cic_assets.domain.duplicates.currency import SIGNED_COLUMNS, are_of, not_as_grouped
from cic_assets.domain.duplicates.find import (
    BRIDGE_COLUMNS,
    COLUMNS,
    GROUPS_VERSION,
    KEPT_BY_SHARPNESS,
    Duplicates,
    find_duplicates,
)
from cic_assets.domain.duplicates.fingerprints import CARRIED, FINGERPRINT_COLUMNS, UNFINISHED, fingerprint_pictures
from cic_assets.domain.duplicates.looks import Looks, gather
from cic_assets.domain.duplicates.review import review_sheet
from cic_assets.domain.duplicates.search import HashPairs, pairs_between, pairs_within
from cic_assets.domain.duplicates.selection import copy_pairs, kept_pictures, shares_dropped
from cic_assets.domain.duplicates.settings import DuplicateSettings
from cic_assets.domain.duplicates.stored import StoredPictures
from cic_assets.domain.duplicates.verdicts import (
    SEARCH_VERSION,
    UNFINISHED_VERDICTS,
    VERDICT_COLUMNS,
    VERDICTS,
    count_compared,
    short_ids,
    without_pictures,
)

__all__ = [
    "BRIDGE_COLUMNS", "CARRIED", "COLUMNS", "FINGERPRINT_COLUMNS", "GROUPS_VERSION", "KEPT_BY_SHARPNESS",
    "SEARCH_VERSION", "SIGNED_COLUMNS", "UNFINISHED", "UNFINISHED_VERDICTS", "VERDICTS", "VERDICT_COLUMNS",
    "DuplicateSettings", "Duplicates", "HashPairs", "Looks", "StoredPictures", "are_of", "copy_pairs", "count_compared",
    "find_duplicates", "fingerprint_pictures", "gather", "kept_pictures", "not_as_grouped", "pairs_between",
    "pairs_within", "review_sheet", "shares_dropped", "short_ids",
    "without_pictures",
]  # fmt: skip
