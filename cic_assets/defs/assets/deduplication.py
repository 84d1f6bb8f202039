"""Deduplication: fingerprints of each picture, groups over all sources, and the set that is kept."""

import pandas as pd
from dagster import AssetDep, AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.automation_conditions import after, on_new_data
from cic_assets.defs.fan_in import made_from
from cic_assets.defs.measuring import measured
from cic_assets.defs.partitions import all_of, source_partitions, with_class
from cic_assets.defs.placement import needs
from cic_assets.defs.pools import DECODING, THREADS
from cic_assets.defs.resources import DataRootResource, EngineResource
from cic_assets.defs.retry_policies import again_if_taken_down
from cic_assets.domain.dataset import SEARCH_COLUMNS
from cic_assets.domain.duplicates import (
    CARRIED,
    FINGERPRINT_COLUMNS,
    GROUPS_VERSION,
    SEARCH_VERSION,
    UNFINISHED,
    UNFINISHED_VERDICTS,
    VERDICTS,
    StoredPictures,
    count_compared,
    find_duplicates,
    fingerprint_pictures,
    gather,
    kept_pictures,
    review_sheet,
    shares_dropped,
)
from cic_assets.domain.overrides import OverridesError
from cic_assets.domain.places import are_among
from cic_assets.domain.review import Queue, copies, count_open, label_conflicts
from cic_assets.domain.sources import TakedownGuard
from cic_assets.storage import content_version

_HASHED = (*CARRIED, *FINGERPRINT_COLUMNS)

SHARES_DROPPED = "share dropped"
"""Metadata of `duplicates`, by source: the history that a check compares with."""


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`image_hashes`, `duplicates` and `deduped_images`."""
    partitions = source_partitions(problem)
    how_alike = problem.duplicates.model_dump(exclude={"overrides"})  # what it says counts, not where it lies

    @asset(
        partitions_def=partitions,
        deps=["raw_images"],
        group_name="deduplication",
        kinds={"opencv", "parquet"},
        pool=DECODING,
        owners=metadata.OWNERS,
        automation_condition=on_new_data(),
        code_version=content_version(2),
    )
    @measured
    @again_if_taken_down
    def image_hashes(
        context: AssetExecutionContext, data: DataRootResource, engine: EngineResource
    ) -> MaterializeResult[None]:
        """Perceptual hashes and quality of each picture; computed once a picture, however often this runs."""
        key, guard = context.partition_key, TakedownGuard(data.root)
        left_out: dict[str, str] = {}
        before = [
            data.root.read_table_if_whole(name, key, context.log.warning) for name in ("image_hashes", UNFINISHED)
        ]

        def keep(unfinished: pd.DataFrame) -> None:
            with guard.publishing():
                data.root.write_table(UNFINISHED, unfinished, key)

        with metadata.ProgressLog(context.log.info) as progress:
            table = fingerprint_pictures(
                data.root.read_table("raw_images", key, ["outcome", *CARRIED]),
                data.root.images,
                [one for one in before if one is not None],
                engine=engine.open(THREADS),
                keep=keep,
                on_progress=progress,
                on_left_out=left_out.__setitem__,
            )
        with guard.publishing(context.log.info):
            path = data.root.write_table("image_hashes", table, key)
            data.root.remove_table(UNFINISHED, key)
            for name in ("image_hashes", UNFINISHED):
                # All who write them hold the lock, as this does: what is unfinished is that of the killed.
                data.root.remove_unfinished(name, key)
        return MaterializeResult(
            data_version=DataVersion(content_version(table)),
            metadata={
                **metadata.shape(table, "image_hashes"),
                **metadata.left_out(left_out, context.log.warning),
                "table": metadata.file(path),
            },
        )

    @asset(
        deps=[all_of("image_hashes")],
        group_name="deduplication",
        kinds={"numpy", "parquet"},
        pool=DECODING,
        op_tags=needs(memory=4),
        owners=metadata.OWNERS,
        automation_condition=on_new_data(),
        code_version=content_version(
            GROUPS_VERSION, SEARCH_VERSION, how_alike, problem.classes_by_key, problem.decisions.copies
        ),
    )
    @measured
    @again_if_taken_down
    def duplicates(
        context: AssetExecutionContext, data: DataRootResource, engine: EngineResource
    ) -> MaterializeResult[None]:
        """Groups of pictures that are the same picture, over all sources: what to keep, and label conflicts."""
        tags, guard = made_from(context), TakedownGuard(data.root)
        images, looks = gather(data.root.read_table("image_hashes", key) for key in problem.class_partitions)
        images = with_class(images, problem)
        left_out: dict[str, str] = {}
        tables = (VERDICTS, UNFINISHED_VERDICTS)
        before = [data.root.read_table_if_whole(name, None, context.log.warning) for name in tables]

        def keep(unfinished: pd.DataFrame) -> None:
            with guard.publishing():
                data.root.write_table(UNFINISHED_VERDICTS, unfinished)

        try:
            groups, bridges, verdicts = find_duplicates(
                images,
                StoredPictures.of(data.root.images, images),
                problem.duplicates,
                problem.decisions.copies,
                [one for one in before if one is not None],
                looks=looks,
                keep=keep,
                on_left_out=left_out.__setitem__,
                engine=engine.open(takes_part=True),
            )
        except OverridesError as error:
            raise Failure(str(error), allow_retries=False) from error
        with guard.publishing(context.log.info):
            data.root.write_table("bridges", bridges)
            data.root.write_table(VERDICTS, verdicts)
            data.root.remove_table(UNFINISHED_VERDICTS)
            for name in tables:
                data.root.remove_unfinished(name)  # of the killed: all who write them hold the lock
            path = data.root.write_table("duplicates", groups)
        grouped = images[are_among(images["sha256"], groups["sha256"])].drop_duplicates("sha256")
        sheet = review_sheet(groups, grouped, data.root.images)
        context.log.info(f"{groups['group_id'].nunique()} groups of {len(groups)} among {len(images)} pictures")
        return MaterializeResult(
            data_version=DataVersion(content_version(groups, bridges)),
            tags=tags,
            metadata={
                **metadata.shape(groups, "duplicates"),
                **metadata.left_out(left_out, context.log.warning),
                "groups": int(groups["group_id"].nunique()),
                "dropped": int((groups["keep"] == 0).sum()),
                "pairs of two groups that are the same": len(bridges),
                "pairs whose pixels were compared, ever": count_compared(verdicts),
                "label conflicts": int(groups.loc[groups["label_conflict"], "group_id"].nunique()),
                "to review": metadata.to_review(
                    {
                        Queue.CONFLICTS: count_open(label_conflicts(groups), problem.decisions),
                        Queue.COPIES: count_open(copies(groups, bridges, problem.duplicates), problem.decisions),
                    }
                ),
                SHARES_DROPPED: shares_dropped(images, groups),
                "verified by": metadata.counts(groups["verified_by"].value_counts().to_dict(), "verifier"),
                "kept and dropped": metadata.Sheet(data.root, "duplicates").show(
                    sheet, set(groups["sha256"]), "no duplicates"
                ),
                "table": metadata.file(path),
            },
        )

    @asset(
        partitions_def=partitions,
        deps=["image_hashes", AssetDep("duplicates")],
        group_name="deduplication",
        kinds={"pandas", "parquet"},
        owners=metadata.OWNERS,
        # New pictures without a copy change no group: the search has to have run, whatever it found.
        automation_condition=after(problem.dagster.key("duplicates")),
        code_version=content_version(4),
    )
    @measured
    @again_if_taken_down
    def deduped_images(context: AssetExecutionContext, data: DataRootResource) -> MaterializeResult[None]:
        """The pictures of a source that are kept: one of each; where its class is in doubt, it waits for a label."""
        key, guard = context.partition_key, TakedownGuard(data.root)
        # What the search alone needs, most of a table's bytes, ends here.
        columns = data.root.columns_of("image_hashes", key).difference(SEARCH_COLUMNS)
        images = data.root.read_table("image_hashes", key, [name for name in _HASHED if name in columns])
        kept = kept_pictures(images, data.root.read_table("duplicates"))
        with guard.publishing(context.log.info):
            path = data.root.write_table("deduped_images", kept, key)
        return MaterializeResult(
            data_version=DataVersion(content_version(kept)),
            metadata={
                **metadata.shape(kept, "deduped_images"),
                "before": len(images),
                "dropped": len(images) - len(kept),
                "in two classes": int(kept["label_conflict"].sum()),
                "pictures": metadata.sheet_of(kept, data.root.images, metadata.Sheet(data.root, "deduped_images", key)),
                "table": metadata.file(path),
            },
        )

    return [image_hashes, duplicates, deduped_images]
