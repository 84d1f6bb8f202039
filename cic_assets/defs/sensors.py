"""What follows from something: new data downstream of a scrape, files that are gone, a message after a failure."""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from dagster import (
    AssetKey,
    AssetRecordsFilter,
    AssetSelection,
    AutomationConditionSensorDefinition,
    DagsterInstance,
    DagsterRunStatus,
    RunRequest,
    RunsFilter,
    SensorDefinition,
    SensorEvaluationContext,
    SkipReason,
    sensor,
)

from cic_assets.config.problem import Problem
from cic_assets.defs.alerts import build_alerts
from cic_assets.defs.concerns import build_concerns
from cic_assets.defs.resources import DataRootResource, WeightsResource
from cic_assets.domain.missing_outputs import Remains
from cic_assets.domain.prediction import INBOX, PredictionError, check_models, waiting_in
from cic_assets.storage import content_version

_AT_WORK = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]

_LOOKS = 10
"""So many times as long as other sensors wait before looking at files: each look lists all pictures."""

_MADE_FROM = {
    "image_hashes": (),
    "duplicates": ("image_hashes",),
    "deduped_images": ("image_hashes", "duplicates"),
    "resized_images": ("image_hashes", "deduped_images"),
    "training_dataset": ("resized_images", "duplicates"),
    "dataset_audit": ("training_dataset",),
    "evaluation_report": ("training_dataset",),
}
"""What is made again where it is gone, in the order of the data, and what must be there for it; the report needs models
too. Sources have their schedule, and so do models."""

_OF_ALL_SOURCES = ("duplicates", "training_dataset", "dataset_audit", "evaluation_report")

Part = tuple[str, str | None]
"""An asset, and which partition of it."""


def build_sensors(problem: Problem, alerts: str, interval_seconds: int) -> list[SensorDefinition]:
    """`follow_new_data`, `restore_removed`, `classify_inbox` where there is one, and what tells somebody.

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
    restore = _restoring(problem, _LOOKS * interval_seconds)
    inbox = problem.prediction.inbox
    classify = [_classifying(inbox, problem, interval_seconds)] if inbox else []
    concerns = build_concerns(problem, alerts, interval_seconds)
    return [follow, restore, *classify, *build_alerts(alerts, interval_seconds), concerns]


def _classifying(inbox: Path, problem: Problem, interval_seconds: int) -> SensorDefinition:
    key = AssetKey(problem.dagster.key(INBOX))
    tags = {"cic/inbox": str(inbox)}

    @sensor(
        target=AssetSelection.assets(key),
        minimum_interval_seconds=interval_seconds,
        description="Classifies pictures that come into the inbox, all that are there in one run.",
    )
    def classify_inbox(context: SensorEvaluationContext, data: DataRootResource) -> RunRequest | SkipReason:
        """One run for all files that stand still and are new; what fails is tried again the next day, or with more."""
        if not (waiting := waiting_in(data.root, inbox)):
            return SkipReason(f"nothing new in {inbox}" if inbox.is_dir() else f"there is no folder {inbox}")
        if context.instance.get_runs_count(RunsFilter(tags=tags, statuses=_AT_WORK)):
            return SkipReason("a run is at work on it")
        try:
            check_models(data.root)
        except PredictionError as error:
            return SkipReason(str(error))
        version = content_version([file.stamp for file in waiting])
        return RunRequest(run_key=f"{key.to_user_string()}:{version}:{_today()}", tags=tags)

    return classify_inbox


def _restoring(problem: Problem, interval_seconds: int) -> SensorDefinition:
    @sensor(
        target=AssetSelection.assets(*(problem.dagster.key(name) for name in _MADE_FROM)),
        minimum_interval_seconds=interval_seconds,
        description="Makes again what somebody removed under the data root; models have their schedule.",
    )
    def restore_removed(
        context: SensorEvaluationContext, data: DataRootResource, weights: WeightsResource
    ) -> Iterator[RunRequest | SkipReason]:
        """What is gone and has all that it is made from; what comes after it is made when that is there again."""
        has_weights = bool(weights.path)
        remains = Remains(
            data.root,
            side=problem.dataset.side,
            models=problem.models,
            has_weights=has_weights,
            precisions=problem.prediction.precisions,
        )
        lacking = [part for part in _parts(problem) if remains.lack(*part)]
        lacks_models = any(remains.lack(f"{model}_model", None) for model in problem.models)
        requests: list[RunRequest | SkipReason] = [
            _daily(key, partition, made)
            for name, partition in lacking
            if _can_be_made(name, partition, lacking) and not (name == "evaluation_report" and lacks_models)
            if (made := _last_made(context.instance, key := AssetKey(problem.dagster.key(name)), partition))
        ]
        yield from requests or [SkipReason("nothing is gone that can be made again")]

    return restore_removed


def _parts(problem: Problem) -> Iterator[Part]:
    for name in _MADE_FROM:
        for partition in [None] if name in _OF_ALL_SOURCES else problem.partitions:
            yield name, partition


def _can_be_made(name: str, partition: str | None, lacking: Collection[Part]) -> bool:
    """Whether nothing lacks that it is made from: of the same source, or of all."""
    return not any(
        other in _MADE_FROM[name] and (partition == source or None in (partition, source)) for other, source in lacking
    )


def _daily(key: AssetKey, partition: str | None, made: int) -> RunRequest:
    """A request that is the same for a day, or until the asset was made again: what fails is not tried without end."""
    run_key = f"{key.to_user_string()}:{partition or ''}:{made}:{_today()}"
    return RunRequest(run_key=run_key, partition_key=partition, asset_selection=[key])


def _today() -> date:
    return datetime.now(UTC).date()


def _last_made(instance: DagsterInstance, key: AssetKey, partition: str | None) -> int | None:
    """The number of an asset's latest materialization; None for never."""
    wanted = AssetRecordsFilter(key, asset_partitions=[partition] if partition is not None else None)
    records = instance.fetch_materializations(wanted, limit=1).records
    return records[0].storage_id if records else None
