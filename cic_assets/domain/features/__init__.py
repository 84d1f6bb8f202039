"""What a network that knows a million pictures says of each of ours: computed once, for all that compares pictures."""

from cic_assets.domain.features.nearest import NEAREST, NEAREST_COLUMNS
from cic_assets.domain.features.scenes import Scenes, find_scenes
from cic_assets.domain.features.settings import FeatureSettings
from cic_assets.domain.features.table import FEATURE_COLUMNS, TABLE, UNFINISHED, compute_features, feature_matrix

__all__ = [
    "FEATURE_COLUMNS", "NEAREST", "NEAREST_COLUMNS", "TABLE", "UNFINISHED", "FeatureSettings", "Scenes",
    "compute_features", "feature_matrix", "find_scenes",
]  # fmt: skip
