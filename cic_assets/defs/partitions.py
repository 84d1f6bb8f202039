"""Partitions: one a source of pictures, read from the problem.

Static ones: dynamic partitions cannot be mapped to classes and are unknown to a fresh instance.
"""

import pandas as pd
from dagster import AllPartitionMapping, AssetDep, StaticPartitionsDefinition

from cic_assets.config.problem import Problem


def source_partitions(problem: Problem) -> StaticPartitionsDefinition:
    """One partition a source; subreddits are called by their names."""
    return StaticPartitionsDefinition(list(problem.partitions))


def all_of(asset: str) -> AssetDep:
    """All partitions of an asset, as what an unpartitioned one depends on."""
    return AssetDep(asset, partition_mapping=AllPartitionMapping())


def with_class(pictures: pd.DataFrame, problem: Problem) -> pd.DataFrame:
    """Tables of sources with the class of each row, as the problem says now, not when they were made.

    Args:
        pictures: with the partition key in `subreddit`.
        problem: which source is of which class.
    """
    return pictures.assign(klass=pictures["subreddit"].map(problem.classes_by_key))
