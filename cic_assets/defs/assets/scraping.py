"""Scraping: what each source offers, and what became of it."""

from datetime import timedelta

import pandas as pd
from dagster import (
    AssetExecutionContext,
    AssetsDefinition,
    DataVersion,
    Failure,
    FreshnessPolicy,
    MaterializeResult,
    TableMetadataValue,
    asset,
)

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.measuring import measured
from cic_assets.defs.partitions import source_partitions
from cic_assets.defs.pools import HOSTS
from cic_assets.defs.resources import DataRootResource, RedditResource
from cic_assets.defs.retry_policies import RETRY_PASSING
from cic_assets.domain.reddit import TERMS_POINTS, RedditError
from cic_assets.domain.sources import SourceError, scrape
from cic_assets.storage import content_version


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`raw_images`."""

    @asset(
        partitions_def=source_partitions(problem),
        deps=["takedowns"],
        group_name="scraping",
        kinds={"reddit", "parquet"},
        owners=metadata.OWNERS,
        retry_policy=RETRY_PASSING,
        pool=HOSTS,
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(days=problem.routine.stale_after_days)),
        code_version=content_version(
            6, problem.reddit.model_dump(), problem.download.model_dump(), list(problem.licenses)
        ),
    )
    @measured
    def raw_images(
        context: AssetExecutionContext, data: DataRootResource, reddit: RedditResource
    ) -> MaterializeResult[None]:
        """Every medium of every post, with what became of it; the pictures themselves, named by their SHA-256.

        Scraping again fetches what is new alone, and keeps what fell off a subreddit's listings.
        """
        partition = problem.partitions[context.partition_key]
        try:
            if reddit.replays_sample(partition.source):
                context.log.warning(
                    "These are the embedded, drawn pictures: for real ones, set an archive or an API key."
                )
            with (
                reddit.connect(partition.source, problem.reddit, problem.licenses) as connection,
                metadata.ProgressLog(context.log.info) as progress,
            ):
                if connection.origin == "reddit" and not data.root.has_table("raw_images", partition.key):
                    context.log.warning(f"What Reddit's terms ask: {' '.join(TERMS_POINTS)}")
                result = scrape(
                    partition, data.root, connection, problem.reddit, problem.download, on_progress=progress
                )
        except (RedditError, SourceError) as error:
            raise Failure(str(error), allow_retries=getattr(error, "passing", False)) from error
        counts = ", ".join(f"{count} {outcome}" for outcome, count in result.outcomes.items())
        context.log.info(f"{partition.source}: {len(result.table)} media, {result.new_rows} new ({counts})")
        pictures = result.table[result.table["outcome"] == "ok"]
        return MaterializeResult(
            data_version=DataVersion(result.version),
            metadata={
                **metadata.shape(result.table, "raw_images"),
                "source": str(partition.source),
                "origin": connection.origin,
                "posts": int(result.table["post_id"].nunique()),
                "images": len(pictures),
                "new rows": result.new_rows,
                "gone rows": result.gone_rows,
                "fetched bytes": result.fetched_bytes,
                "outcomes": metadata.counts(result.outcomes, "outcome"),
                **_licenses(pictures),
                "pictures": metadata.sheet_of(
                    pictures.drop_duplicates("sha256"),
                    data.root.images,
                    metadata.Sheet(data.root, "raw_images", partition.key),
                ),
                "table": metadata.file(data.root.table_path("raw_images", partition.key)),
            },
        )

    return [raw_images]


def _licenses(pictures: pd.DataFrame) -> dict[str, TableMetadataValue]:
    """How many pictures have which licence, of sources that name some."""
    named = pictures.loc[pictures["license"] != "", "license"]
    return {"licenses": metadata.counts(named.value_counts().to_dict(), "license")} if len(named) else {}
