"""The jobs that people launch."""

from collections.abc import Sequence
from typing import Any

from dagster import AssetSelection, define_asset_job

from cic_assets.config.dagster_settings import DagsterSettings


def build_jobs(settings: DagsterSettings) -> Sequence[Any]:
    """The jobs that people launch, in the order of the data; Dagster does not export the name of their type."""

    def assets(*names: str) -> AssetSelection:
        return AssetSelection.assets(*map(settings.key, names))

    return [
        define_asset_job(
            "check_takedowns",
            assets("takedowns"),
            description="Ask Reddit which posts of a source are gone, and remove what was kept of them.",
        ),
        define_asset_job(
            "rescrape",
            assets("takedowns", "raw_images", "image_hashes"),
            description="Look for take-downs, then scrape a source again: what is new is fetched and added.",
        ),
        define_asset_job("find_duplicates", assets("duplicates"), description="Compare the pictures of all sources."),
        define_asset_job(
            "prepare",
            assets("deduped_images", "resized_images", "image_features"),
            description="Keep one of each picture of a source, resize it, and compute its features.",
        ),
        define_asset_job(
            "build_dataset",
            assets("training_dataset", "dataset_audit"),
            description="Split, weigh and pack the pictures, and look for those that do not belong.",
        ),
        define_asset_job(
            "train_all", AssetSelection.groups("training"), description="Train every model on the data set."
        ),
        define_asset_job("evaluate", assets("evaluation_report"), description="Write the report of all models."),
        define_asset_job(
            "predict",
            assets("adhoc_predictions"),
            description="Classify pictures with the best model: give paths, folders or URLs in the launchpad.",
        ),
    ]
