"""What executors of steps on other machines have in common: what a step is told, and what becomes of one that is lost.

Imported only where such an executor was chosen.
"""

import os
from collections.abc import Iterator
from typing import Any

from dagster import DagsterEvent, Field, IntSource
from dagster._core.execution.plan.objects import StepRetryData
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.step_delegating import (
    CheckStepHealthResult,
    StepDelegatingExecutor,
    StepHandler,
    StepHandlerContext,
)

from cic_assets.config.environment import POSTGRES_VARIABLE, Environment

LOST_TRIES = 3
"""Times that a step is tried again whose node went down, whatever its own policy: the step is not to blame."""

LOOK_SECONDS = 5
"""Between two looks at whether the steps' jobs are alive."""

CONFIG_SCHEMA = {
    "max_concurrent": Field(
        IntSource,
        default_value=16,
        description="steps of one run that are at work at once; pools limit those of all runs",
    )
}
"""What the launchpad may set."""

_PASSED_ON = ("DAGSTER_", "KERAS_", "TF_")
"""Beginnings of variables that mean the same on each node; keys of others are set where nodes are started."""

_NOT_SENT = frozenset({"CIC_TOKEN", "CIC_ALERTS", POSTGRES_VARIABLE})
"""Secrets: what a job is given, the cluster shows. No step asks for the first two, the last nodes have."""


def variables_of_steps(environment: Environment) -> dict[str, str]:
    """What the process of a step is given of an environment, and of this process."""
    ours = {name: value for name, value in environment.variables().items() if name not in _NOT_SENT}
    return {**{name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}, **ours}


class LostSteps(StepHandler):
    """A handler of steps that also knows those which went away with their job.

    Attributes:
        lost: their keys.
    """

    def __init__(self, handler: StepHandler) -> None:
        super().__init__()
        self._handler = handler
        self.lost: set[str] = set()

    @property
    def name(self) -> str:
        """Of the handler."""
        return self._handler.name

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """Start its job."""
        return self._handler.launch_step(step_handler_context)

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Whether its job is alive."""
        result = self._handler.check_step_health(step_handler_context)
        if not result.is_healthy:
            self.lost.update(step_handler_context.execute_step_args.step_keys_to_execute or ())
        return result

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """End its job."""
        return self._handler.terminate_step(step_handler_context)


class ElsewhereExecutor(StepDelegatingExecutor):
    """Tries a step again whose job was lost with its node: Dagster itself would do so by the step's own policy alone.

    With a policy for all steps, what failed for a reason of its own would be tried again too.
    """

    def __init__(self, handler: StepHandler, max_concurrent: int) -> None:
        self._steps = LostSteps(handler)
        super().__init__(
            self._steps,
            RetryMode.ENABLED,
            max_concurrent=max_concurrent,
            check_step_health_interval_seconds=LOOK_SECONDS,
        )

    def log_failure_or_retry_event_after_error(
        self, step_context: Any, err_info: Any, known_state: Any
    ) -> DagsterEvent:
        """Record what becomes of a step after an error that it could not record itself."""
        key = step_context.step.key
        tried = known_state.get_retry_state().get_attempt_count(key)
        if key in self._steps.lost and tried < LOST_TRIES:
            self._steps.lost.discard(key)
            return DagsterEvent.step_retry_event(step_context, StepRetryData(error=err_info, seconds_to_wait=1))  # type: ignore[no-untyped-call]
        return super().log_failure_or_retry_event_after_error(step_context, err_info, known_state)
