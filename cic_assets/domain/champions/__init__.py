"""Which version of a model answers: new ones have to stand a test against the champion, people may choose another."""

from cic_assets.domain.champions.comparing import NotComparableError, compare
from cic_assets.domain.champions.listing import ListedVersion, list_versions
from cic_assets.domain.champions.promotion import (
    ChampionError,
    find_version,
    promote_by_hand,
    promote_trained,
    roll_back,
)
from cic_assets.domain.champions.rule import comparison_words, decide
from cic_assets.domain.champions.settings import PromotionSettings

__all__ = [
    "ChampionError", "ListedVersion", "NotComparableError", "PromotionSettings", "compare", "comparison_words",
    "decide", "find_version", "list_versions", "promote_by_hand", "promote_trained", "roll_back",
]  # fmt: skip
