"""Duplicates: fingerprints, search among millions, verification, groups, what a person decided, what is kept.

Finds every copy that a person would call the same picture and says why. Nothing is deleted here, only marked.
"""

from cic_assets.domain.duplicates.currency import are_of, not_as_grouped
from cic_assets.domain.duplicates.find import BRIDGE_COLUMNS, COLUMNS, Duplicates, find_duplicates
from cic_assets.domain.duplicates.fingerprints import CARRIED, FINGERPRINT_COLUMNS, UNFINISHED, fingerprint_pictures
from cic_assets.domain.duplicates.overrides import Kept, Overrides, OverridesError, load_overrides
from cic_assets.domain.duplicates.review import review_sheet
from cic_assets.domain.duplicates.search import HashPairs, pairs_between, pairs_within
from cic_assets.domain.duplicates.selection import copy_pairs, kept_pictures, shares_dropped
from cic_assets.domain.duplicates.settings import DuplicateSettings

__all__ = [
    "BRIDGE_COLUMNS", "CARRIED", "COLUMNS", "FINGERPRINT_COLUMNS", "UNFINISHED", "DuplicateSettings", "Duplicates",
    "HashPairs", "Kept", "Overrides", "OverridesError", "are_of", "copy_pairs", "find_duplicates",
    "fingerprint_pictures", "kept_pictures", "load_overrides", "not_as_grouped", "pairs_between", "pairs_within",
    "review_sheet", "shares_dropped",
]  # fmt: skip
