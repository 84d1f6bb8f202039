"""`cic run`: every source scraped, then whatever is missing or out of date downstream, through Dagster.

A source that fails keeps what it had, and the rest goes on with that, as it does for what follows by itself. Where it
had nothing, or what is of all sources fails, what comes after waits.
"""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from dagster import AssetKey, DagsterEventType, DagsterInstance, Definitions

from cic_assets.config.schedule_settings import Train
from cic_assets.defs.failure_messages import innermost, reason_of
from cic_assets.domain.retraining import TrainingPlan
from cic_assets.orchestration.instance import MACHINE_TAG, PID_TAG
from cic_assets.orchestration.interrupts import interruptible
from cic_assets.orchestration.job_execution import ExecuteJob, Result, in_this_process
from cic_assets.orchestration.machine import machine_name
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
        ending: of the names of those of the job that are meant; all unless given.
    """

    job: str
    title: str
    partitioned: bool
    always: tuple[str, ...] = ()
    ending: str = ""


TRAINING = Stage("train_all", "Training", partitioned=False, ending="_model")
QUANTIZING = Stage("train_all", "Quantizing", partitioned=False, ending="_quantized")
EVALUATION = Stage("evaluate", "Evaluating", partitioned=False)
STAGES = (
    Stage("rescrape", "Scraping {partition}", partitioned=True, always=("takedowns", "raw_images")),
    Stage("rescrape", "Fingerprinting {partition}", partitioned=True),
    Stage("find_duplicates", "Finding duplicates", partitioned=False),
    Stage("prepare", "Resizing {partition}", partitioned=True),
    Stage("build_dataset", "Building the data set", partitioned=False),
    TRAINING,
    QUANTIZING,
    EVALUATION,
)
"""The whole graph, in the order of the data. Scraping knows its partitions, what compares sources does not."""


@dataclass(frozen=True)
class Wanted:
    """What of the graph is to be brought up to date.

    Attributes:
        assets: names; all where there are none.
        train: whether models are trained: always when Dagster calls them out of date, when it is due, or never.
        plan: which models are due; needed for `when-due`.
    """

    assets: frozenset[str] = frozenset()
    train: Train = "always"
    plan: Callable[[], TrainingPlan] = lambda: TrainingPlan([], "nothing is due")


class UnknownAssetError(ValueError):
    """An asset was asked for that is not in the graph."""


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
    wanted: Wanted = Wanted(),
    execute: ExecuteJob | None = None,
) -> int:
    """Materialize the graph; returns how many assets were materialized, each partition counted.

    Args:
        definitions: the graph.
        instance: a durable one.
        partitions: keys of all sources.
        lacks: tells of an asset and a partition whether it must be made again although Dagster calls it fresh.
        on_stage: called with the title of each job that starts.
        on_line: called with what steps say on the way.
        wanted: what of the graph.
        execute: how its jobs are executed; in this process unless given.

    Raises:
        UnknownAssetError: something is wanted that is not in the graph.
        RunFailedError: at least one step failed.
    """
    known = {key.path[-1] for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    if unknown := sorted(wanted.assets - known):
        raise UnknownAssetError(f"{', '.join(unknown)}: expected names of assets, of {', '.join(sorted(known))}")
    execute = execute or in_this_process(definitions, instance)
    run = _Run(definitions, instance, lacks, on_stage, on_line, wanted, execute)
    for stage in STAGES:
        tried = partitions if stage.partitioned else [None]
        failed = [partition for partition in tried if not run.bring_up_to_date(stage, partition)]
        if not all(run.has_earlier(stage, partition) for partition in failed):
            break
    if run.failures:
        raise RunFailedError(run.failures)
    return run.done


@dataclass
class _Run:
    """A run of the graph: what it was given and tried, how many assets it made, and a line for each that failed."""

    definitions: Definitions
    instance: DagsterInstance
    lacks: Callable[[str, str | None], bool]
    on_stage: Callable[[str], None]
    on_line: Callable[[str], None]
    wanted: Wanted
    execute: ExecuteJob
    tried: set[tuple[AssetKey, str | None]] = field(default_factory=set)
    done: int = 0
    failures: list[str] = field(default_factory=list)

    def bring_up_to_date(self, stage: Stage, partition: str | None) -> bool:
        """Make what is to be made of a stage; returns whether nothing failed."""
        # Again until nothing is left: only when an asset has changed is what depends on it out of date.
        while selection := self._selection(stage, partition):
            self.on_stage(stage.title.format(partition=partition))
            self.tried |= {(key, partition) for key in selection}
            result = self._execute(stage, partition, selection)
            self.done += len(result.get_asset_materialization_events())
            self.failures += _failures(result, partition)
            if not result.success:
                return False
        return True

    def has_earlier(self, stage: Stage, partition: str | None) -> bool:
        """Whether what is of one source was made before, in its place in the graph."""
        names = stage.always or tuple(key.path[-1] for key in self._keys(stage))
        made = self.instance.get_materialized_partitions
        return partition is not None and all(
            partition in made(key) for key in self._keys(stage) if key.path[-1] in names
        )

    def _keys(self, stage: Stage) -> list[AssetKey]:
        """The assets of a stage, upstream first."""
        in_job = set(self.definitions.resolve_job_def(stage.job).asset_layer.executable_asset_keys)
        ordered = self.definitions.resolve_asset_graph().toposorted_asset_keys
        return [key for key in ordered if key in in_job and key.path[-1].endswith(stage.ending)]

    def _selection(self, stage: Stage, partition: str | None) -> list[AssetKey]:
        named = self.wanted.assets
        wanted = [key for key in self._keys(stage) if not named or key.path[-1] in named]
        ordered = [key for key in wanted if (key, partition) not in self.tried]
        if stage.always:
            return [key for key in ordered if key.path[-1] in stage.always]
        stale = set(out_of_date(self.definitions, self.instance, ordered, partition))
        lacking = [key for key in ordered if key in stale or self.lacks(key.path[-1], partition)]
        if stage == TRAINING:
            return self._due(lacking)
        if stage == QUANTIZING:
            return self._of_current_models(lacking)
        return [] if stage == EVALUATION and lacking and self._waits_for_models() else lacking

    def _due(self, lacking: list[AssetKey]) -> list[AssetKey]:
        """Of the models that are out of date, those that are to be trained now; says why where it is none."""
        if self.wanted.train == "always" or not lacking:
            return lacking
        if self.wanted.train == "never":
            self.on_line("Not training: --train never")
            return []
        plan = self.wanted.plan()
        chosen = [key for key in lacking if key.path[-1].removesuffix("_model") in plan.models]
        self.on_line(f"Training: {plan.reason}" if chosen else f"Not training: {plan.reason} (see --train)")
        return chosen

    def _of_current_models(self, lacking: list[AssetKey]) -> list[AssetKey]:
        """Of models in fewer bits those whose model knows the data set: others would be judged by what they know."""
        waiting = set(out_of_date(self.definitions, self.instance, self._keys(TRAINING), None))
        return [
            key
            for key in lacking
            if AssetKey([*key.path[:-1], key.path[-1].removesuffix("_quantized") + "_model"]) not in waiting
        ]

    def _waits_for_models(self) -> bool:
        """Whether a report would be of models that know another data set; says so."""
        models = self._keys(TRAINING)
        if not out_of_date(self.definitions, self.instance, models, None):
            return False
        self.on_line("Not evaluating: the report waits until all models are trained on this data set")
        return True

    def _execute(self, stage: Stage, partition: str | None, selection: list[AssetKey]) -> Result:
        graph = self.definitions.resolve_asset_graph()
        wait_for_places(self.instance, {pool for key in selection for pool in graph.get(key).pools or ()}, self.on_line)
        with interruptible():
            # The command itself is what is started again; Dagster is not to do it behind its back.
            tags = {PID_TAG: str(os.getpid()), MACHINE_TAG: machine_name(), **NO_RETRIES}
            return self.execute(stage.job, selection, partition, tags, self.on_line)


def _failures(result: Result, partition: str | None) -> list[str]:
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
