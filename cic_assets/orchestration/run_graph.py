"""`cic run`: every source scraped, then whatever is missing or out of date downstream, through Dagster."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dagster import AssetKey, DagsterEventType, DagsterInstance, Definitions, ExecuteInProcessResult

from cic_assets.defs.failure_messages import innermost, reason_of
from cic_assets.defs.loggers import LINES, forward_lines
from cic_assets.orchestration.instance import PID_TAG
from cic_assets.orchestration.pools import wait_for_places
from cic_assets.orchestration.run_recovery import NO_RETRIES
from cic_assets.orchestration.staleness import out_of_date


@dataclass(frozen=True)
class Stage:
    """One job of a whole run.

    Attributes:
        job: its name.
        title: what a person reads while it runs.
        partitioned: it runs once a source.
        always: materialized even when Dagster knows of no change: the world outside may have changed.
    """

    job: str
    title: str
    partitioned: bool
    always: tuple[str, ...] = ()


STAGES = (
    Stage("rescrape", "Scraping {partition}", partitioned=True, always=("takedowns", "raw_images")),
    Stage("rescrape", "Fingerprinting {partition}", partitioned=True),
    Stage("find_duplicates", "Finding duplicates", partitioned=False),
    Stage("prepare", "Resizing {partition}", partitioned=True),
    Stage("build_dataset", "Building the data set", partitioned=False),
    Stage("train_all", "Training", partitioned=False),
    Stage("evaluate", "Evaluating", partitioned=False),
)
"""The whole graph, in the order of the data. Scraping knows its partitions, what compares sources does not."""


class RunFailedError(Exception):
    """Some steps failed; `lines` names each with its reason."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = list(lines)


def run_graph(
    definitions: Definitions,
    instance: DagsterInstance,
    partitions: Sequence[str],
    lacks: Callable[[str, str | None], bool],
    on_stage: Callable[[str], None],
    on_line: Callable[[str], None],
) -> int:
    """Materialize the whole graph; returns how many assets were materialized, each partition counted.

    A source that fails does not keep the others from being scraped; what comes after a failed stage does not start.

    Args:
        definitions: the graph.
        instance: a durable one.
        partitions: keys of all sources.
        lacks: tells of an asset and a partition whether it must be made again although Dagster calls it fresh.
        on_stage: called with the title of each job that starts.
        on_line: called with what steps say on the way.

    Raises:
        RunFailedError: at least one step failed.
    """
    done = 0
    for stage in STAGES:
        failures: list[str] = []
        for partition in partitions if stage.partitioned else [None]:
            tried: set[AssetKey] = set()
            # Again until nothing is left: only when an asset has changed is what depends on it out of date.
            while selection := _selection(definitions, instance, stage, partition, tried, lacks):
                on_stage(stage.title.format(partition=partition))
                result = _execute(definitions, instance, stage, partition, selection, on_line)
                tried.update(selection)
                done += len(result.get_asset_materialization_events())
                failures += _failures(result, partition)
                if not result.success:
                    break
        if failures:
            raise RunFailedError(failures)
    return done


def _selection(
    definitions: Definitions,
    instance: DagsterInstance,
    stage: Stage,
    partition: str | None,
    tried: set[AssetKey],
    lacks: Callable[[str, str | None], bool],
) -> list[AssetKey]:
    graph = definitions.resolve_asset_graph()
    in_job = set(definitions.resolve_job_def(stage.job).asset_layer.executable_asset_keys)
    ordered = [key for key in graph.toposorted_asset_keys if key in in_job - tried]
    if stage.always:
        return [key for key in ordered if key.path[-1] in stage.always]
    stale = set(out_of_date(definitions, instance, ordered, partition))
    return [key for key in ordered if key in stale or lacks(key.path[-1], partition)]


def _execute(
    definitions: Definitions,
    instance: DagsterInstance,
    stage: Stage,
    partition: str | None,
    selection: list[AssetKey],
    on_line: Callable[[str], None],
) -> ExecuteInProcessResult:
    forward_lines(on_line)
    graph = definitions.resolve_asset_graph()
    wait_for_places(instance, {pool for key in selection for pool in graph.get(key).pools or ()}, on_line)
    return definitions.resolve_job_def(stage.job).execute_in_process(
        instance=instance,
        partition_key=partition,
        asset_selection=selection,
        raise_on_error=False,
        # The command itself is what is started again; Dagster is not to do it behind its back.
        tags={PID_TAG: str(os.getpid()), **NO_RETRIES},
        run_config={"loggers": {LINES: {}}},
    )


def _failures(result: ExecuteInProcessResult, partition: str | None) -> list[str]:
    of = f" of {partition}" if partition else ""
    lines = [
        f"{event.step_key}{of}: {reason_of(event.step_failure_data)}" for event in result.get_step_failure_events()
    ]
    if not result.success and not lines:
        # No step failed: the run itself did, before its steps or between them.
        failed = result.filter_events(lambda event: event.event_type is DagsterEventType.RUN_FAILURE)
        reasons = [innermost(event.job_failure_data.error) or event.message or "" for event in failed]
        lines = [f"{result.dagster_run.job_name}{of}: {' '.join(reasons)}"]
    return lines
