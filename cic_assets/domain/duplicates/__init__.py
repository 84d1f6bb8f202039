"""Duplicates: fingerprints, search among millions, verification, groups, what a person decided, what is kept.

Finds every copy that a person would call the same picture and says why. Nothing is deleted here, only marked.
"""

from cic_assets.domain.duplicates.find import COLUMNS, find_duplicates
from cic_assets.domain.duplicates.fingerprints import CARRIED, FINGERPRINT_COLUMNS, fingerprint_pictures
from cic_assets.domain.duplicates.overrides import Kept, Overrides, OverridesError, load_overrides
from cic_assets.domain.duplicates.residual import ResidualDuplicates, find_residual_duplicates
from cic_assets.domain.duplicates.review import review_sheet
from cic_assets.domain.duplicates.search import HashPairs, pairs_between, pairs_within
from cic_assets.domain.duplicates.selection import group_members, kept_pictures, shares_dropped
from cic_assets.domain.duplicates.settings import DuplicateSettings

__all__ = [
    "CARRIED", "COLUMNS", "FINGERPRINT_COLUMNS", "DuplicateSettings", "HashPairs", "Kept", "Overrides",
    "OverridesError", "ResidualDuplicates", "find_duplicates", "find_residual_duplicates", "fingerprint_pictures",
    "group_members", "kept_pictures", "load_overrides", "pairs_between", "pairs_within", "review_sheet",
    "shares_dropped",
]  # fmt: skip
