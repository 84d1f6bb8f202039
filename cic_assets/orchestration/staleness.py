"""What is missing or out of date, by Dagster's own judgement: the one that its UI shows.

An asset is out of date when its code version changed (ours holds the settings that matter to it), or the data version
of something that it depends on. Dagster has no public call for this; the private one is kept to this file, and a test
says when it is gone. Of 100 partitions and more that go into one asset Dagster keeps no account: ours is asked too.
"""

from collections.abc import Sequence
from typing import Any

from dagster import AllPartitionMapping, AssetKey, DagsterInstance, Definitions
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContext

from cic_assets.defs.fan_in import MADE_FROM, versions_of

UNSEEN = 100
"""So many partitions that go into one asset Dagster passes over."""


class _LoadingContext(LoadingContext):
    """Caches what one question reads from the instance."""

    def __init__(self, instance: DagsterInstance) -> None:
        self._instance = instance
        self._loaders: dict[type, Any] = {}

    @property
    def instance(self) -> DagsterInstance:
        return self._instance

    @property
    def loaders(self) -> dict[type, Any]:
        return self._loaders


def out_of_date(
    definitions: Definitions, instance: DagsterInstance, assets: list[AssetKey], partition: str | None
) -> list[AssetKey]:
    """Those of `assets` that are missing or out of date, in the given order.

    Args:
        definitions: the graph.
        instance: where materializations are recorded.
        assets: all partitioned, or all not.
        partition: which partition of them; None for unpartitioned ones.
    """
    graph = definitions.resolve_asset_graph()
    # Made anew for each question: it remembers what it read.
    resolver = CachingStaleStatusResolver(instance, graph, _LoadingContext(instance))
    return [
        key
        for key in assets
        if resolver.get_status(key, partition) is not StaleStatus.FRESH or _has_other_parents(graph, key, instance)
    ]


def _has_other_parents(graph: AssetGraph, asset: AssetKey, instance: DagsterInstance) -> bool:
    """Whether all partitions of others go into an asset, and some have other data now than when it was made."""
    mappings = graph.get(asset).partition_mappings
    parents = [key for key, mapping in mappings.items() if isinstance(mapping, AllPartitionMapping)]
    made = instance.get_latest_materialization_event(asset) if parents else None
    if made is None or made.asset_materialization is None:
        return False
    recorded = (made.asset_materialization.tags or {}).get(MADE_FROM)
    if recorded is None:  # made before account was kept: Dagster's counts, where it keeps some
        return any(len(_partitions(graph, key)) >= UNSEEN for key in parents)
    return recorded != versions_of(instance, parents)


def _partitions(graph: AssetGraph, asset: AssetKey) -> Sequence[str]:
    definition = graph.get(asset).partitions_def
    return definition.get_partition_keys() if definition else []
