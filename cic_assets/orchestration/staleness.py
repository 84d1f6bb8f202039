"""What is missing or out of date, by Dagster's own judgement: the one that its UI shows.

An asset is out of date when its code version changed (ours holds the settings that matter to it), or the data version
of something that it depends on. Dagster has no public call for this; the private one is kept to this file, and a test
says when it is gone. Of 100 partitions and more that go into one asset Dagster keeps no account: ours is asked too.
"""

from typing import Any

from dagster import AllPartitionMapping, AssetKey, DagsterInstance, Definitions
from dagster._core.definitions.assets.graph.asset_graph import AssetNode
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContext

from cic_assets.defs.fan_in import MADE_FROM, versions_of


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
        if resolver.get_status(key, partition) is not StaleStatus.FRESH or _has_other_parents(graph.get(key), instance)
    ]


def _has_other_parents(asset: AssetNode, instance: DagsterInstance) -> bool:
    """Whether all partitions of others go into an asset, and some have other data now than when it was made."""
    parents = [key for key, mapping in asset.partition_mappings.items() if isinstance(mapping, AllPartitionMapping)]
    made = instance.get_latest_materialization_event(asset.key) if parents else None
    if made is None or made.asset_materialization is None:
        return False
    tags = made.asset_materialization.tags or {}
    return tags.get(MADE_FROM) != versions_of(instance, parents)
