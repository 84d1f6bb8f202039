"""From the pictures that are kept to what a network is trained on: resized copies, splits, class weights, arrays."""

from cic_assets.domain.dataset.arrays import (
    MANIFEST,
    MANIFEST_COLUMNS,
    DatasetInfo,
    SplitArrays,
    build_dataset,
    is_complete,
    load_info,
    load_split,
)
from cic_assets.domain.dataset.balance import class_weights
from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.exports import LAYOUTS, export_dataset
from cic_assets.domain.dataset.forgetting import forget_pictures
from cic_assets.domain.dataset.given import read_given
from cic_assets.domain.dataset.leaks import find_leaks, load_manifest
from cic_assets.domain.dataset.quality_issues import QUALITY_ISSUES, find_quality_issues
from cic_assets.domain.dataset.resizing import COPY_COLUMNS, SEARCH_COLUMNS, resize_pictures
from cic_assets.domain.dataset.settings import DatasetSettings, SplitBy, SplitSettings
from cic_assets.domain.dataset.shortcuts import ADVICE, SHORTCUT_AUC, Shortcut, find_shortcuts
from cic_assets.domain.dataset.splits import Split, assign_splits, split_of

__all__ = [
    "ADVICE", "COPY_COLUMNS", "LAYOUTS", "MANIFEST", "MANIFEST_COLUMNS", "QUALITY_ISSUES", "SEARCH_COLUMNS",
    "SHORTCUT_AUC", "DatasetError", "DatasetInfo", "DatasetSettings", "Shortcut", "Split", "SplitArrays", "SplitBy",
    "SplitSettings", "assign_splits", "build_dataset", "class_weights", "export_dataset", "find_leaks",
    "find_quality_issues", "find_shortcuts", "forget_pictures", "is_complete", "load_info", "load_manifest",
    "load_split", "read_given", "resize_pictures", "split_of",
]  # fmt: skip
