"""Preparation: resized copies, and the data set that networks are trained on."""

from collections.abc import Callable, Iterator

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.automation_conditions import on_new_data
from cic_assets.defs.fan_in import made_from
from cic_assets.defs.partitions import all_of, source_partitions, with_class
from cic_assets.defs.pools import DECODING
from cic_assets.defs.resources import AcceleratorResource, DataRootResource, WeightsResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain import features
from cic_assets.domain.dataset import (
    COPIES,
    MANIFEST,
    SCENES,
    DatasetError,
    DatasetSettings,
    build_dataset,
    find_units,
    relations_of_pixels,
    relations_of_posts,
    resize_pictures,
)
from cic_assets.domain.duplicates import copy_pairs
from cic_assets.domain.images import decode
from cic_assets.domain.media import Outcome
from cic_assets.domain.models import (
    ExportError,
    PooledBackbone,
    TrainingUnavailableError,
    WeightsUnavailableError,
    open_pooled_backbone,
)
from cic_assets.domain.sources import TakedownGuard, is_sample
from cic_assets.storage import DataRoot, MissingTableError, content_version


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`resized_images`, `image_features` and `training_dataset`."""
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
        partitions_def=source_partitions(problem),
        deps=["resized_images"],
        group_name="preparation",
        kinds={"onnx", "parquet"},
        pool=DECODING,
        owners=metadata.OWNERS,
        automation_condition=on_new_data(),
        code_version=content_version(1, problem.features.model_dump()),
    )
    @again_if_taken_down
    def image_features(
        context: AssetExecutionContext,
        data: DataRootResource,
        weights: WeightsResource,
        accelerator: AcceleratorResource,
    ) -> MaterializeResult[None]:
        """What Xception, frozen with its ImageNet weights, says of each picture; computed once a picture."""
        key, guard = context.partition_key, TakedownGuard(data.root)
        left_out: dict[str, str] = {}
        tables = (features.TABLE, features.UNFINISHED)
        before = [data.root.read_table_if_whole(name, key, context.log.warning) for name in tables]
        pictures = data.root.read_table("resized_images", key, ["sha256", "resized_sha256"])

        def keep(unfinished: pd.DataFrame) -> None:
            with guard.publishing():
                data.root.write_table(features.UNFINISHED, unfinished, key)

        backbone, why_none = _backbone(problem.features, weights.path, context.log.info)
        with metadata.ProgressLog(context.log.info) as progress:
            table = features.compute_features(
                pictures,
                data.root.resized(settings.side),
                backbone,
                [one for one in before if one is not None and problem.features.enabled],
                workers=accelerator.threads,
                keep=keep,
                on_progress=progress,
                on_left_out=left_out.__setitem__,
            )
        if why_none and problem.features.enabled:
            context.log.warning(why_none)
        with guard.publishing(context.log.info):
            path = data.root.write_table(features.TABLE, table, key)
            data.root.remove_table(features.UNFINISHED, key)
            for name in tables:
                data.root.remove_unfinished(name, key)  # of the killed: all who write them hold the lock
        return MaterializeResult(
            # Other pictures are another version also where there are no features: the data set waits for this.
            data_version=DataVersion(content_version(table, pictures)),
            metadata={
                **metadata.shape(table, features.TABLE),
                **metadata.left_out(left_out, context.log.warning),
                "features": why_none or f"of Xception at {problem.features.side} pixels",
                "table": metadata.file(path),
            },
        )

    @asset(
        deps=[all_of("resized_images"), all_of("image_features"), "duplicates", all_of("raw_images")],
        group_name="preparation",
        kinds={"numpy", "parquet"},
        pool=DECODING,
        owners=metadata.OWNERS,
        # Groups that change show in what is kept; before that is resized, and has its features, it is too early.
        automation_condition=on_new_data(problem.dagster.key("image_features")),
        code_version=content_version(
            6, problem.name, how_divided, problem.given_splits, problem.class_names, problem.classes_by_key
        ),
    )
    @again_if_taken_down
    def training_dataset(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """Classes, splits by units (copies, pixels, posts, crossposts), class weights, one array of pixels a split."""
        tags, guard = made_from(context), TakedownGuard(data.root)
        pictures = with_class(data.root.read_tables("resized_images", problem.partitions), problem)
        raw = data.root.read_tables("raw_images", problem.partitions)
        moved: list[str] = []
        sheet = metadata.Sheet(data.root, "training_dataset_scenes")
        scenes = _scenes(data.root, settings, problem, pictures, context.log.info)
        try:
            info = build_dataset(
                pictures,
                data.root.resized(settings.side),
                data.root.dataset,
                settings,
                name=problem.name,
                classes=problem.class_names,
                units=_units(data.root, raw, pictures, scenes.pairs),
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
                "pairs of one scene": len(scenes.pairs),
                "pictures that share a scene": len({*scenes.pairs["one"], *scenes.pairs["other"]}),
                "pairs left out, for a scene would be too large": scenes.left_out,
                "of one scene, the least sure": metadata.scenes_sheet(
                    scenes.pairs, data.root.resized(settings.side), sheet
                ),
                "samples": metadata.sheet_of(
                    manifest.sort_values("sha256").assign(format="jpeg"),
                    data.root.resized(settings.side),
                    metadata.Sheet(data.root, "training_dataset"),
                    caption="klass",
                ),
                "folder": metadata.file(data.root.dataset),
            },
        )

    return [resized_images, image_features, training_dataset]


def _backbone(
    settings: features.FeatureSettings, weights: str, say: Callable[[str], None]
) -> tuple[PooledBackbone | None, str]:
    """What gives features, or None and why: random weights would tell nothing."""
    if not settings.enabled:
        return None, "none: features.enabled is false"
    try:
        return open_pooled_backbone(settings.side, weights or None, say), ""
    except WeightsUnavailableError as error:
        if not error.nowhere:
            raise Failure(str(error), allow_retries=False) from error
        return None, f"none, so that nothing that draws on them is there (such as scenes): {error}"
    except (ExportError, TrainingUnavailableError) as error:
        return None, f"none, so that nothing that draws on them is there (such as scenes): {error}"


def _scenes(
    root: DataRoot, settings: DatasetSettings, problem: Problem, kept: pd.DataFrame, say: Callable[[str], None]
) -> features.Scenes:
    """Pairs of kept pictures of one scene; none where they do not count, or there are no features."""
    known = root.read_tables(features.TABLE, problem.partitions)
    counted = known[known["sha256"].isin(kept["sha256"])] if settings.splits.scenes else known.head(0)
    resized = root.resized(settings.side)
    with metadata.ProgressLog(say) as progress:
        found = features.find_scenes(counted, lambda sha256: decode(resized.get(sha256, "jpeg")), on_progress=progress)
    if found.left_out:
        say(f"{found.left_out:,} pairs of pictures that are alike are not kept together: too many hang together")
    return found


def _units(root: DataRoot, raw: pd.DataFrame, kept: pd.DataFrame, scenes: pd.DataFrame) -> pd.DataFrame:
    """What must be in one split: over copies, pixels, posts, crossposts and scenes, of the pictures of all sources."""
    if not root.has_table("bridges"):  # of an earlier version
        raise MissingTableError("duplicates", None, root.table_path("bridges"))
    pictures = raw[raw["outcome"] == Outcome.OK]
    copies = copy_pairs(root.read_table("duplicates"), root.read_table("bridges"))
    posts = relations_of_posts(pictures)
    of_scenes = {SCENES: list(zip(scenes["one"], scenes["other"], strict=True))}
    return find_units(pictures["sha256"], {COPIES: copies, **relations_of_pixels(kept), **posts, **of_scenes})


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
