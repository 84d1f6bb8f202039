"""Preparation: resized copies, and the data set that networks are trained on."""

from collections.abc import Iterator

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.automation_conditions import on_new_data
from cic_assets.defs.fan_in import made_from
from cic_assets.defs.partitions import all_of, source_partitions, with_class
from cic_assets.defs.pools import DECODING
from cic_assets.defs.resources import DataRootResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain.dataset import (
    COPIES,
    MANIFEST,
    DatasetError,
    build_dataset,
    find_units,
    relations_of_pixels,
    relations_of_posts,
    resize_pictures,
)
from cic_assets.domain.duplicates import copy_pairs
from cic_assets.domain.media import Outcome
from cic_assets.domain.sources import TakedownGuard, is_sample
from cic_assets.storage import DataRoot, MissingTableError, content_version


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`resized_images` and `training_dataset`."""
    settings = problem.dataset
    # What a file of splits says counts, not where it lies.
    how_divided = settings.model_dump(mode="json", exclude={"splits": {"given"}})

    @asset(
        partitions_def=source_partitions(problem),
        deps=["deduped_images"],
        group_name="preparation",
        kinds={"opencv", "parquet"},
        pool=DECODING,
        owners=metadata.OWNERS,
        automation_condition=on_new_data(),
        code_version=content_version(3, settings.side, settings.jpeg_quality),
    )
    @again_if_taken_down
    def resized_images(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """Shortest side to the data set's side, centre crop: as AlexNet did it. Each picture is made once."""
        key, guard = context.partition_key, TakedownGuard(data.root)
        left_out: dict[str, str] = {}
        with metadata.ProgressLog(context.log.info) as progress:
            table = resize_pictures(
                data.root.read_table("deduped_images", key),
                data.root.images,
                data.root.resized(settings.side),
                settings,
                data.root.read_table_or_none("resized_images", key),
                on_progress=progress,
                on_left_out=left_out.__setitem__,
            )
        made = int(table.pop("made").sum())
        with guard.publishing(context.log.info):
            path = data.root.write_table("resized_images", table, key)
        return MaterializeResult(
            data_version=DataVersion(content_version(table)),
            metadata={
                **metadata.shape(table, "resized_images"),
                **metadata.left_out(left_out, context.log.warning),
                "made now": made,
                "bytes before": int(table["bytes"].sum()),
                "bytes after": int(table["bytes_after"].sum()),
                "upscaled": int(table["upscaled"].sum()),
                "before and after": metadata.resizing_sheet(
                    table,
                    data.root.images,
                    data.root.resized(settings.side),
                    metadata.Sheet(data.root, "resized_images", key),
                ),
                "table": metadata.file(path),
            },
        )

    @asset(
        deps=[all_of("resized_images"), "duplicates", all_of("raw_images")],
        group_name="preparation",
        kinds={"numpy", "parquet"},
        pool=DECODING,
        owners=metadata.OWNERS,
        # Groups that change show in what is kept; before that is resized it is too early.
        automation_condition=on_new_data(problem.dagster.key("resized_images")),
        code_version=content_version(
            5, problem.name, how_divided, problem.given_splits, problem.class_names, problem.classes_by_key
        ),
    )
    @again_if_taken_down
    def training_dataset(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """Classes, splits by units (copies, pixels, posts, crossposts), class weights, one array of pixels a split."""
        tags, guard = made_from(context), TakedownGuard(data.root)
        pictures = with_class(data.root.read_tables("resized_images", problem.partitions), problem)
        raw = data.root.read_tables("raw_images", problem.partitions)
        moved: list[str] = []
        try:
            info = build_dataset(
                pictures,
                data.root.resized(settings.side),
                data.root.dataset,
                settings,
                name=problem.name,
                classes=problem.class_names,
                units=_units(data.root, raw, pictures),
                sample=bool(raw["origin"].map(is_sample).any()),
                publishing=guard.publishing,
                on_moved=moved.append,
            )
        except DatasetError as error:
            raise Failure("\n".join([str(error), *_barren(data.root, problem)]), allow_retries=False) from error
        for line in [f"{info.name}: {info.counts}", *moved]:
            context.log.info(line)
        with (data.root.dataset / MANIFEST).open("rb") as file:
            manifest = pd.read_parquet(file)
        return MaterializeResult(
            data_version=DataVersion(info.version),
            tags=tags,
            metadata={
                **metadata.shape(manifest, "manifest"),
                "pictures by class and split": metadata.table(
                    pd.DataFrame(info.counts).rename_axis("class").reset_index()
                ),
                "by source": metadata.table(_counted(manifest, manifest["subreddit"])),
                "by year": metadata.table(_counted(manifest, _years(manifest))),
                "class weights": info.class_weights,
                "moved to another split": "\n".join(moved) or "none",
                "samples": metadata.sheet_of(
                    manifest.sort_values("sha256").assign(format="jpeg"),
                    data.root.resized(settings.side),
                    metadata.Sheet(data.root, "training_dataset"),
                    caption="klass",
                ),
                "folder": metadata.file(data.root.dataset),
            },
        )

    return [resized_images, training_dataset]


def _units(root: DataRoot, raw: pd.DataFrame, kept: pd.DataFrame) -> pd.DataFrame:
    """What must be in one split: over copies, pixels, posts and crossposts, of the pictures of all sources."""
    if not root.has_table("bridges"):  # of an earlier version
        raise MissingTableError("duplicates", None, root.table_path("bridges"))
    pictures = raw[raw["outcome"] == Outcome.OK]
    copies = copy_pairs(root.read_table("duplicates"), root.read_table("bridges"))
    return find_units(pictures["sha256"], {COPIES: copies, **relations_of_pixels(kept), **relations_of_posts(pictures)})


def _barren(root: DataRoot, problem: Problem) -> Iterator[str]:
    """A line for each source that gave no picture at all: what became of its media."""
    for key, partition in problem.partitions.items():
        became = root.read_table("raw_images", key)["outcome"].value_counts()
        if "ok" not in became:
            outcomes = ", ".join(f"{count} {outcome}" for outcome, count in became.items()) or "it offered none"
            where = root.table_path("raw_images", key)
            yield f"{partition.source}: none of {became.sum()} media gave a picture ({outcomes}): why is in {where}"


def _counted(manifest: pd.DataFrame, by: "pd.Series[str]") -> pd.DataFrame:
    """Pictures of each class for each value of `by`."""
    return pd.crosstab(by, manifest["klass"]).reset_index()


def _years(manifest: pd.DataFrame) -> "pd.Series[str]":
    """The year of each picture's post, in UTC."""
    posted = manifest["created_utc"]
    years = pd.to_datetime(posted, unit="s").dt.year.astype(str)
    return years.where(posted > 0, "not known").rename("posted")
