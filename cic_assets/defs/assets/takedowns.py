"""Take-downs: what is gone at its source goes here too."""

from dagster import AssetExecutionContext, AssetsDefinition, DataVersion, Failure, MaterializeResult, asset

from cic_assets.config.problem import Problem
from cic_assets.defs import metadata
from cic_assets.defs.measuring import measured
from cic_assets.defs.partitions import source_partitions
from cic_assets.defs.pools import HOSTS
from cic_assets.defs.resources import DataRootResource, RedditResource
from cic_assets.defs.retry_policies import RETRY_PASSING
from cic_assets.domain.reddit import RedditError
from cic_assets.domain.sources import SourceError
from cic_assets.domain.takedowns import check_takedowns
from cic_assets.storage import content_version


def build_assets(problem: Problem) -> list[AssetsDefinition]:
    """`takedowns`."""

    @asset(
        partitions_def=source_partitions(problem),
        group_name="scraping",
        kinds={"reddit", "parquet"},
        owners=metadata.OWNERS,
        retry_policy=RETRY_PASSING,
        pool=HOSTS,
        code_version=content_version(3),
    )
    @measured
    def takedowns(
        context: AssetExecutionContext, data: DataRootResource, reddit: RedditResource
    ) -> MaterializeResult[None]:
        """Posts that were deleted or removed since: their pictures go from everywhere, a tombstone stays.

        Reddit's terms give 48 hours: two checks a day keep within them. What was built with such a picture is out of
        date until the source is scraped again.
        """
        partition = problem.partitions[context.partition_key]
        try:
            with reddit.connect_to_ask(partition, problem.reddit) as ask:
                check = check_takedowns(data.root, partition.key, ask, on_progress=context.log.info)
        except (RedditError, SourceError) as error:
            raise Failure(str(error), allow_retries=error.passing) from error
        table = check.tombstones.table
        return MaterializeResult(
            data_version=DataVersion(check.tombstones.version),
            metadata={
                **metadata.shape(table, "takedowns"),
                "posts asked about": check.asked,
                "taken down now": metadata.counts(check.found, "reason"),
                "waiting for a second look": check.unconfirmed,
                "up again": check.returned,
                "all": metadata.counts(table["reason"].value_counts().to_dict(), "reason"),
            },
        )

    return [takedowns]
