"""How a job of a whole run is executed: in this process, or through the executor that somebody chose."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol
from uuid import uuid4

from dagster import (
    AssetKey,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    JobDefinition,
    JobExecutionResult,
    RunsFilter,
    build_reconstructable_job,
    execute_job,
)

from cic_assets.config.environment import Environment
from cic_assets.defs.build import build_definitions
from cic_assets.defs.loggers import LINES, forward_lines

Result = ExecuteInProcessResult | JobExecutionResult

_PARTITION_TAG = "dagster/partition"
_EXECUTION_TAG = "cic/execution"
_LOOK_SECONDS = 2.0
"""Between two looks at what steps elsewhere have said."""


class ExecuteJob(Protocol):
    """Executes some assets of a job of a graph, and waits for it."""

    def __call__(
        self,
        job: str,
        selection: Sequence[AssetKey],
        partition: str | None,
        tags: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> Result:
        """What came of it; `on_line` is called with what steps say on the way."""


def in_this_process(definitions: Definitions, instance: DagsterInstance) -> ExecuteJob:
    """One step after another, here: a process for each would take seconds to start, and nothing is done meanwhile."""

    def execute(
        job: str,
        selection: Sequence[AssetKey],
        partition: str | None,
        tags: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> Result:
        forward_lines(on_line)
        return definitions.resolve_job_def(job).execute_in_process(
            instance=instance,
            partition_key=partition,
            asset_selection=list(selection),
            raise_on_error=False,
            tags=dict(tags),
            run_config={"loggers": {LINES: {}}},
        )

    return execute


def through_executor(instance: DagsterInstance) -> ExecuteJob:
    """By the executor of the environment that the variables of this process name: each step is made again from them."""

    def execute(
        job: str,
        selection: Sequence[AssetKey],
        partition: str | None,
        tags: Mapping[str, str],
        on_line: Callable[[str], None],
    ) -> Result:
        mark = {_EXECUTION_TAG: uuid4().hex}
        of_partition = {_PARTITION_TAG: partition} if partition else {}
        with _told(instance, mark, on_line):
            return execute_job(
                build_reconstructable_job("cic_assets.orchestration.job_execution", "job_of_environment", (job,)),
                instance,
                asset_selection=list(selection),
                tags={**tags, **mark, **of_partition},
                # Of this process: it is steps elsewhere that have something to say.
                run_config={"loggers": {LINES: {}}},
            )

    return execute


def job_of_environment(name: str) -> JobDefinition:
    """A job as the variables of this process have it, wherever that is."""
    return build_definitions(Environment.from_variables()).resolve_job_def(name)


@contextmanager
def _told(instance: DagsterInstance, mark: Mapping[str, str], on_line: Callable[[str], None]) -> Iterator[None]:
    """A block in which the lines of a run with this tag are told, which other processes write to its log."""
    over = threading.Event()

    def tell() -> None:
        cursor = None
        while True:
            is_last = over.wait(_LOOK_SECONDS)
            if runs := instance.get_runs(RunsFilter(tags=dict(mark)), limit=1):
                cursor = _tell_new(instance, runs[0].run_id, cursor, on_line)
            if is_last:
                return

    teller = threading.Thread(target=tell, name="lines of steps", daemon=True)
    teller.start()
    try:
        yield
    finally:
        over.set()
        teller.join()


def _tell_new(instance: DagsterInstance, run_id: str, cursor: str | None, on_line: Callable[[str], None]) -> Any:
    connection = instance.get_records_for_run(run_id, cursor)
    for record in connection.records:
        if not record.event_log_entry.is_dagster_event:
            on_line(record.event_log_entry.user_message)
    return connection.cursor
