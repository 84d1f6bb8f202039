"""Preparation: resized copies, and the data set that networks are trained on."""

from collections.abc import Iterator

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.automation_conditions import on_new_data
from cic_assets.defs.partitions import all_of, source_partitions, with_class
from cic_assets.defs.pools import DECODING
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.dataset import MANIFEST, DatasetError, build_dataset, resize_pictures
from cic_assets.domain.duplicates import group_members
from cic_assets.domain.sources import is_sample
from cic_assets.storage import DataRoot, content_version


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
        code_version=content_version(2, settings.side, settings.jpeg_quality),
    )
    def resized_images(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """Shortest side to the data set's side, centre crop: as AlexNet did it. Each picture is made once."""
        key = context.partition_key
        with metadata.ProgressLog(context.log.info) as progress:
            table = resize_pictures(
                data.root.read_table("deduped_images", key),
                data.root.images,
                data.root.resized(settings.side),
                settings,
                data.root.read_table_or_none("resized_images", key),
                on_progress=progress,
            )
        made = int(table.pop("made").sum())
        path = data.root.write_table("resized_images", table, key)
        return MaterializeResult(
            data_version=DataVersion(content_version(table)),
            metadata={
                **metadata.shape(table, "resized_images"),
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
        deps=[all_of("resized_images"), "duplicates"],
        group_name="preparation",
        kinds={"numpy", "parquet"},
        pool=DECODING,
        owners=metadata.OWNERS,
        # Groups that change show in what is kept; before that is resized it is too early.
        automation_condition=on_new_data(problem.dagster.key("resized_images")),
        code_version=content_version(
            3, problem.name, how_divided, problem.given_splits, problem.class_names, problem.classes_by_key
        ),
    )
    def training_dataset(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """Classes, splits by duplicate group, class weights, and one array of pixels a split."""
        pictures = with_class(data.root.read_tables("resized_images", problem.partitions), problem)
        origins = data.root.read_tables("raw_images", problem.partitions)["origin"]
        try:
            info = build_dataset(
                pictures,
                data.root.resized(settings.side),
                data.root.dataset,
                settings,
                name=problem.name,
                classes=problem.class_names,
                members=group_members(data.root.read_table("duplicates")),
                sample=bool(origins.map(is_sample).any()),
            )
        except DatasetError as error:
            raise Failure("\n".join([str(error), *_barren(data.root, problem)]), allow_retries=False) from error
        context.log.info(f"{info.name}: {info.counts}")
        with (data.root.dataset / MANIFEST).open("rb") as file:
            manifest = pd.read_parquet(file)
        return MaterializeResult(
            data_version=DataVersion(info.version),
            metadata={
                **metadata.shape(manifest, "manifest"),
                "pictures by class and split": metadata.table(
                    pd.DataFrame(info.counts).rename_axis("class").reset_index()
                ),
                "by source": metadata.table(_counted(manifest, manifest["subreddit"])),
                "by year": metadata.table(_counted(manifest, _years(manifest))),
                "class weights": info.class_weights,
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
