"""From the pictures that are kept to what a network is trained on: resized copies, splits, class weights, arrays."""

from cic_assets.dataset.arrays import (
    MANIFEST,
    DatasetError,
    DatasetInfo,
    SplitArrays,
    build_dataset,
    load_info,
    load_split,
)
from cic_assets.dataset.balance import class_weights
from cic_assets.dataset.export import export_class_folders
from cic_assets.dataset.resizing import resize_pictures
from cic_assets.dataset.settings import DatasetSettings, SplitFractions
from cic_assets.dataset.splits import Split, assign_splits, split_of

__all__ = [
    "MANIFEST",
    "DatasetError",
    "DatasetInfo",
    "DatasetSettings",
    "Split",
    "SplitArrays",
    "SplitFractions",
    "assign_splits",
    "build_dataset",
    "class_weights",
    "export_class_folders",
    "load_info",
    "load_split",
    "resize_pictures",
    "split_of",
]
