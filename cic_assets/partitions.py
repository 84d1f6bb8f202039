"""Partitions: one a source of pictures, read from the problem.

Static ones: dynamic partitions cannot be mapped to classes and are unknown to a fresh instance.
"""

from dagster import AllPartitionMapping, AssetDep, StaticPartitionsDefinition

from cic_assets.problem import Problem


def source_partitions(problem: Problem) -> StaticPartitionsDefinition:
    """One partition a source; subreddits are called by their names."""
    return StaticPartitionsDefinition(list(problem.partitions))


def all_of(asset: str) -> AssetDep:
    """All partitions of an asset, as what an unpartitioned one depends on."""
    return AssetDep(asset, partition_mapping=AllPartitionMapping())
