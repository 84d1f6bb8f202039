"""Where steps of a run are executed: each in a process of its own, on this machine unless somebody chose others."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from multiprocessing import parent_process
from typing import Any

from dagster import DagsterEvent, ExecutorDefinition, Field, IntSource, multiprocess_executor
from dagster._core.execution.plan.active import ActiveExecution
from dagster._core.execution.plan.step import ExecutionStep
from dagster._core.executor import multiprocess

from cic_assets.config.environment import Environment, EnvironmentVariableError

LOOK_SECONDS = 0.1
"""Between two looks at whether a step may begin, where none is at work."""

PRELOADED = ("cic_assets.defs.build", "dagster._core.storage.sqlite_storage")
"""What each step needs. Not `definitions`, which reads the problem of the environment: a mistake in that would end the
runs of others in the same UI. A private name is among them: a test looks whether it is still there."""


class UnhurriedExecution(ActiveExecution):
    """Sleeps while all that is left of a run waits: for a place in a pool, or to be tried again.

    Dagster 1.13 looks without a pause, which takes a core from those that are waited for.
    """

    def get_steps_to_execute(self, limit: int | None = None) -> Sequence[ExecutionStep]:
        """The steps that may begin now."""
        steps = super().get_steps_to_execute(limit)
        if not steps and not self.has_in_flight_steps and not self.is_complete:
            time.sleep(LOOK_SECONDS)
        return steps


class StepThatEndsWithItsRun(multiprocess.MultiprocessExecutorChildProcessCommand):
    """A step in its process, which is over when that of its run is.

    Dagster 1.13 lets it go on when its run was killed: beside whoever starts the run again, or has its place in a pool.
    """

    def execute(self) -> Iterator[DagsterEvent]:
        """Do the step; called in its process."""
        threading.Thread(target=_end_with_the_run, daemon=True).start()
        yield from super().execute()


def _end_with_the_run() -> None:
    run = parent_process()
    if run is not None:
        run.join()
        os._exit(1)


# There is no other way in: the executor makes them deep inside.
multiprocess.ActiveExecution = UnhurriedExecution  # type: ignore[attr-defined]
multiprocess.MultiprocessExecutorChildProcessCommand = StepThatEndsWithItsRun  # type: ignore[misc]


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    """What Dagster's own executor is set to, by what a person set.

    What a step needs is loaded once a run, and each step's process forked from there: alone, each would take seconds to
    load the program, and again to load what Dagster keeps its tables with.
    """
    return {**given, "start_method": {"forkserver": {"preload_modules": list(PRELOADED)}}}


def executor_of(environment: Environment) -> ExecutorDefinition:
    """The one that somebody chose; nothing of Ray or Kubernetes is imported unless it is that."""
    chosen = environment.executor
    if chosen == "multiprocess":
        return EXECUTOR
    try:
        if chosen == "ray":
            from cic_assets.defs.ray_executor import ray_executor as made_for
        else:
            from cic_assets.defs.k8s_executor import k8s_executor as made_for
    except ImportError:
        raise EnvironmentVariableError(
            f"CIC_EXECUTOR: found '{chosen}', which needs the extra {chosen}: pip install 'cic-assets[{chosen}]'"
        ) from None
    return made_for(environment)


EXECUTOR: ExecutorDefinition = multiprocess_executor.configured(
    _settings,
    config_schema={
        "max_concurrent": Field(
            IntSource,
            default_value=2,
            description="steps of one run that are at work at once; pools limit those of all runs",
        )
    },
)
"""With `execution: {config: {max_concurrent: 1}}` in the launchpad steps of a run take turns."""
