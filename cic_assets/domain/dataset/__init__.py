"""From the pictures that are kept to what a network is trained on: resized copies, splits, class weights, arrays."""

from cic_assets.domain.dataset.arrays import (
    DECIDED_BY,
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
from cic_assets.domain.dataset.forgetting import by_heirs, forget_authors, forget_pictures, of_posts
from cic_assets.domain.dataset.given import read_given
from cic_assets.domain.dataset.leaks import find_leaks, load_manifest, manifest_without_rows
from cic_assets.domain.dataset.overlay import DECIDED, DECIDED_COLUMNS, Overlaid, count_relabelled, lay_over
from cic_assets.domain.dataset.packing import pack_all_copies, pack_copies
from cic_assets.domain.dataset.quality_issues import QUALITY_ISSUES, find_quality_issues
from cic_assets.domain.dataset.resizing import COPY_COLUMNS, KNOWN_BY, SEARCH_COLUMNS, resize_pictures
from cic_assets.domain.dataset.roc import area_under_roc, roc_interval
from cic_assets.domain.dataset.settings import DatasetSettings, ShardSettings, SplitBy, SplitSettings
from cic_assets.domain.dataset.shortcuts import ADVICE, SHORTCUT_AUC, Shortcut, find_shortcuts
from cic_assets.domain.dataset.split_memory import MANIFEST, SPLIT_COLUMNS
from cic_assets.domain.dataset.splits import Split, assign_splits, split_of
from cic_assets.domain.dataset.units import (
    COPIES,
    SAME_PIXELS,
    SCENES,
    Relation,
    find_units,
    relations_of_pixels,
    relations_of_posts,
)
from cic_assets.domain.folds import FOLDS, assign_folds

__all__ = [
    "ADVICE", "COPIES", "COPY_COLUMNS", "DECIDED", "DECIDED_BY", "DECIDED_COLUMNS", "FOLDS", "KNOWN_BY", "LAYOUTS",
    "MANIFEST", "MANIFEST_COLUMNS", "QUALITY_ISSUES", "SAME_PIXELS", "SCENES", "SEARCH_COLUMNS", "SHORTCUT_AUC",
    "SPLIT_COLUMNS", "DatasetError", "DatasetInfo", "DatasetSettings", "Overlaid", "Relation", "ShardSettings",
    "Shortcut", "Split", "SplitArrays", "SplitBy", "SplitSettings", "area_under_roc", "assign_folds", "assign_splits",
    "build_dataset", "by_heirs", "class_weights", "count_relabelled", "export_dataset", "find_leaks",
    "find_quality_issues", "find_shortcuts", "find_units", "forget_authors", "forget_pictures", "is_complete",
    "lay_over", "load_info", "load_manifest", "load_split", "manifest_without_rows", "of_posts", "pack_all_copies",
    "pack_copies", "read_given", "relations_of_pixels", "relations_of_posts", "resize_pictures", "roc_interval",
    "split_of",
]  # fmt: skip
