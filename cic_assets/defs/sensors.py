"""What follows from something: new data downstream of a scrape, files that are gone, a message after a failure."""

from collections.abc import Iterator

from dagster import (
    AssetKey,
    AssetRecordsFilter,
    AssetSelection,
    AutomationConditionSensorDefinition,
    DagsterInstance,
    RunRequest,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from cic_assets.config.problem import Problem
from cic_assets.defs.alerts import build_alerts
from cic_assets.defs.resources import DataRootResource, WeightsResource
from cic_assets.domain.missing_outputs import Remains

_LOOKS = 10
"""So many times as long as other sensors wait before looking at files: each look lists all pictures."""

_MADE_AGAIN = (
    ("image_hashes", True),
    ("duplicates", False),
    ("deduped_images", True),
    ("resized_images", True),
    ("training_dataset", False),
    ("evaluation_report", False),
)
"""What is made again where it is gone, in the order of the data, and whether it has a part for each source.

Sources have their schedule, and so do models."""


def build_sensors(problem: Problem, alerts: str, interval_seconds: int) -> list[SensorDefinition]:
    """`follow_new_data`, `restore_removed` and `alert_on_failure`.

    Args:
        problem: whose files are looked at.
        alerts: whom to tell, as `build_alerts` takes it.
        interval_seconds: at least so long between two looks of each.
    """
    follow = AutomationConditionSensorDefinition(
        "follow_new_data",
        target=AssetSelection.all(),
        minimum_interval_seconds=interval_seconds,
        description="Brings what is downstream of new data up to date, up to the data set; training has its schedule.",
    )
    return [follow, _restoring(problem, _LOOKS * interval_seconds), *build_alerts(alerts, interval_seconds)]


def _restoring(problem: Problem, interval_seconds: int) -> SensorDefinition:
    @sensor(
        target=AssetSelection.assets(*(problem.dagster.key(name) for name, _ in _MADE_AGAIN)),
        minimum_interval_seconds=interval_seconds,
        description="Makes again what somebody removed under the data root; models have their schedule.",
    )
    def restore_removed(
        context: SensorEvaluationContext, data: DataRootResource, weights: WeightsResource
    ) -> Iterator[RunRequest | SkipReason]:
        """The first stage of which something is gone: what comes after it is looked at when that is there again."""
        has_weights = bool(weights.path)
        remains = Remains(data.root, side=problem.dataset.side, models=problem.models, has_weights=has_weights)
        for name, partitioned in _MADE_AGAIN:
            if name == "evaluation_report" and any(remains.lack(f"{model}_model", None) for model in problem.models):
                break
            key = AssetKey(problem.dagster.key(name))
            parts = [*problem.partitions] if partitioned else [None]
            gone = [
                _once(key, part, made)
                for part in parts
                if (made := _last_made(context.instance, key, part)) and remains.lack(name, part)
            ]
            if gone:
                yield from gone
                return
        yield SkipReason("nothing is gone")

    return restore_removed


def _once(key: AssetKey, partition: str | None, made: int) -> RunRequest:
    """A request that is the same until the asset was made again: what fails is not asked for without end."""
    return RunRequest(
        run_key=f"{key.to_user_string()}:{partition or ''}:{made}", partition_key=partition, asset_selection=[key]
    )


def _last_made(instance: DagsterInstance, key: AssetKey, partition: str | None) -> int | None:
    """The number of an asset's latest materialization; None for never."""
    wanted = AssetRecordsFilter(key, asset_partitions=[partition] if partition is not None else None)
    records = instance.fetch_materializations(wanted, limit=1).records
    return records[0].storage_id if records else None
