"""The data set that networks are trained on: of all sources together."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd
from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.automation_conditions import on_new_data
from cic_assets.defs.fan_in import made_from
from cic_assets.defs.measuring import measured
from cic_assets.defs.partitions import all_of, with_class
from cic_assets.defs.placement import needs
from cic_assets.defs.pools import DECODING
from cic_assets.defs.resources import DataRootResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain import features
from cic_assets.domain.dataset import (
    COPIES,
    DECIDED,
    DECIDED_BY,
    SAME_PIXELS,
    SCENES,
    DatasetError,
    DatasetInfo,
    DatasetSettings,
    Overlaid,
    Relation,
    build_dataset,
    count_relabelled,
    find_units,
    lay_over,
    load_manifest,
    manifest_without_rows,
    pack_all_copies,
    relations_of_pixels,
    relations_of_posts,
)
from cic_assets.domain.duplicates import copy_pairs
from cic_assets.domain.images import decode
from cic_assets.domain.media import Outcome
from cic_assets.domain.overrides import OverridesError
from cic_assets.domain.places import are_among
from cic_assets.domain.sources import TakedownGuard, is_sample
from cic_assets.storage import DataRoot, MissingTableError, content_version

_OF_POSTS = ("outcome", "sha256", "subreddit", "permalink", "post_id", "crosspost_of", "origin")
"""Columns of `raw_images` that tell what is of one post, and whether it is drawn."""


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`training_dataset`."""
    settings = problem.dataset
    # What a file of splits says counts, not where it lies.
    # Nor whether pictures are kept in shards: they are the same.
    how_divided = settings.model_dump(mode="json", exclude={"splits": {"given"}, "shards": True})

    @asset(
        deps=[all_of("resized_images"), all_of("image_features"), "duplicates", all_of("raw_images")],
        group_name="preparation",
        kinds={"numpy", "parquet"},
        pool=DECODING,
        op_tags=needs(memory=4),
        owners=metadata.OWNERS,
        # Groups that change show in what is kept; before that is resized, and has its features, it is too early.
        automation_condition=on_new_data(problem.dagster.key("image_features")),
        code_version=content_version(
            8,
            problem.name,
            how_divided,
            problem.given_splits,
            problem.class_names,
            problem.classes_by_key,
            problem.decisions.labels,
        ),
    )
    @measured
    @again_if_taken_down
    def training_dataset(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """Classes, splits by units (copies, pixels, posts, crossposts), class weights, one array of pixels a split."""
        tags, guard = made_from(context), TakedownGuard(data.root)
        moved: list[str] = []
        sheet = metadata.Sheet(data.root, "training_dataset_scenes")
        before = data.root.read_table_if_whole(features.NEAREST, None, context.log.warning)
        scenes = _scenes(data.root, settings, problem, before, context.log.info)
        if len(scenes.compared):
            with guard.publishing(context.log.info):
                data.root.write_table(features.NEAREST, scenes.compared)
        made = _make(data.root, problem, scenes.pairs, guard, moved.append, context.log.warning)
        info = made.info
        with guard.publishing(context.log.info):
            data.root.write_table(DECIDED, made.copies)
        for line in [f"{info.name}: {info.counts}", *made.decided, *moved]:
            context.log.info(line)
        manifest = load_manifest(data.root.dataset, ["sha256", "subreddit", "klass", "created_utc"])
        return MaterializeResult(
            data_version=DataVersion(info.version),
            tags=tags,
            metadata={
                **metadata.shape(manifest_without_rows(data.root.dataset), "manifest", rows=len(manifest)),
                "pictures by class and split": metadata.table(
                    pd.DataFrame(info.counts).rename_axis("class").reset_index()
                ),
                "by source": metadata.table(_counted(manifest, manifest["subreddit"])),
                "by year": metadata.table(_counted(manifest, _years(manifest))),
                "class weights": info.class_weights,
                "relabelled by hand": sum(info.relabelled.values()),
                "left out by hand": sum(info.left_out.values()),
                "in two classes, and no label by hand": made.waiting,
                "decisions about pictures that are not there": made.unknown,
                "moved to another split": "\n".join(moved) or "none",
                "pairs of one scene": len(scenes.pairs),
                "pictures that share a scene": len({*scenes.pairs["one"], *scenes.pairs["other"]}),
                "pairs left out, for a scene would be too large": scenes.left_out,
                "of one scene, the least sure": metadata.scenes_sheet(
                    scenes.pairs, data.root.resized(settings.side), sheet
                ),
                "samples": metadata.sheet_of(
                    manifest[["sha256", "klass"]].sort_values("sha256").assign(format="jpeg"),
                    data.root.resized(settings.side),
                    metadata.Sheet(data.root, "training_dataset"),
                    caption="klass",
                ),
                "folder": metadata.file(data.root.dataset),
            },
        )

    return [training_dataset]


class _Made(NamedTuple):
    """What is told of a data set that was made; without its rows, which are gone from memory by then."""

    info: DatasetInfo
    copies: pd.DataFrame
    decided: list[str]
    waiting: int
    unknown: int


def _make(
    root: DataRoot,
    problem: Problem,
    scenes: pd.DataFrame,
    guard: TakedownGuard,
    on_moved: Callable[[str], None],
    warn: Callable[[str], None],
) -> _Made:
    """Divide the pictures of all sources, and write the data set."""
    units, is_drawn = _units(root, problem, scenes)
    overlaid = _overlaid(root, problem, warn)
    # Those too that had a step of their own when the set was smaller.
    pack_all_copies(root, problem.dataset, problem.class_partitions, guard.publishing)
    decided = list(_decided(overlaid))
    try:
        info = build_dataset(
            overlaid.pictures,
            root.resized(problem.dataset.side),
            root.dataset,
            problem.dataset,
            name=problem.name,
            classes=problem.class_names,
            units=units,
            sample=is_drawn,
            left_out=overlaid.left_out,
            carried=lambda: _carried(root, problem),
            publishing=guard.publishing,
            on_moved=on_moved,
        )
    except DatasetError as error:
        told = [str(error), *decided, *_barren(root, problem)]
        raise Failure("\n".join(told), allow_retries=False) from error
    return _Made(info, overlaid.copies, decided, overlaid.waiting, overlaid.unknown)


def _scenes(
    root: DataRoot,
    settings: DatasetSettings,
    problem: Problem,
    before: pd.DataFrame | None,
    say: Callable[[str], None],
) -> features.Scenes:
    """Pairs of kept pictures of one scene; none where they do not count, or there are no features."""
    known = root.read_tables(features.TABLE, problem.class_partitions)
    kept = root.read_tables("resized_images", problem.class_partitions, ["sha256"])
    counted = known[are_among(known["sha256"], kept["sha256"])] if settings.splits.scenes else known.head(0)
    resized = root.resized(settings.side)
    with metadata.ProgressLog(say) as progress:
        found = features.find_scenes(
            counted, lambda sha256: decode(resized.get(sha256, "jpeg")), before, on_progress=progress
        )
    if found.left_out:
        say(f"{found.left_out:,} pairs of pictures that are alike are not kept together: too many hang together")
    return found


def _units(root: DataRoot, problem: Problem, scenes: pd.DataFrame) -> tuple[pd.DataFrame, bool]:
    """What must be in one split: over copies, pixels, posts, crossposts and scenes, of the pictures of all sources.

    Also whether some of these are drawn.
    """
    if not root.has_table("bridges"):  # of an earlier version
        raise MissingTableError("duplicates", None, root.table_path("bridges"))
    keys = list(problem.class_partitions)
    raw = root.read_tables("raw_images", keys, _OF_POSTS)
    is_drawn = any(map(is_sample, raw["origin"].unique()))
    raw = raw[raw["outcome"] == Outcome.OK].drop(columns=["outcome", "origin"])  # and let go what was read
    filled = _filled(root, problem)
    known = frozenset.intersection(*(root.columns_of("resized_images", key) for key in filled))
    kept = root.read_tables("resized_images", filled, [name for name in ("sha256", *SAME_PIXELS) if name in known])
    copies = copy_pairs(root.read_table("duplicates"), root.read_table("bridges"))
    of_scenes = {SCENES: list(zip(scenes["one"], scenes["other"], strict=True))}
    of_rows: dict[str, Relation] = {**relations_of_pixels(kept), **relations_of_posts(raw)}
    sha256s = raw["sha256"]
    del raw, kept  # most of which is in the names of posts once more
    return find_units(sha256s, {COPIES: copies, **of_rows, **of_scenes}), is_drawn


def _filled(root: DataRoot, problem: Problem) -> list[str]:
    """The sources that have copies; all if none has.

    Tables without rows, of earlier versions, have fewer columns, and would take these from all.
    """
    keys = list(problem.class_partitions)
    return [key for key in keys if root.count_rows("resized_images", key)] or keys


def _overlaid(root: DataRoot, problem: Problem, warn: Callable[[str], None]) -> Overlaid:
    """The pictures with what a person decided about their classes laid over it."""
    tables = []
    for key in _filled(root, problem):
        known = root.columns_of("resized_images", key)
        tables.append(root.read_table("resized_images", key, [name for name in DECIDED_BY if name in known]))
    pictures = with_class(pd.concat(tables, ignore_index=True), problem)
    groups = root.read_table("duplicates", columns=["sha256", "group_id"])
    try:
        return lay_over(pictures, groups, problem.decisions.labels, root.read_table_if_whole(DECIDED, on_damage=warn))
    except OverridesError as error:
        raise Failure(str(error), allow_retries=False) from error


def _carried(root: DataRoot, problem: Problem) -> pd.DataFrame:
    """What the manifest keeps of the pictures besides what they are divided by."""
    filled = _filled(root, problem)
    known = frozenset[str]().union(*(root.columns_of("resized_images", key) for key in filled))
    return root.read_tables("resized_images", filled, ["sha256", *sorted(known.difference(DECIDED_BY))])


def _decided(overlaid: Overlaid) -> Iterator[str]:
    """A line where a person said more about classes than the sources: that is why some are missing, or more."""
    relabelled, left_out = sum(count_relabelled(overlaid.pictures).values()), sum(overlaid.left_out.values())
    if relabelled or left_out:
        yield f"overrides: {relabelled:,} pictures are of another class by labels, {left_out:,} of none by leave_out"


def _barren(root: DataRoot, problem: Problem) -> Iterator[str]:
    """A line for each source that gave no picture at all: what became of its media."""
    for key, partition in problem.class_partitions.items():
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
