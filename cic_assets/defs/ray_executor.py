"""Steps on a Ray cluster: each a job of its own there, submitted by dagster-ray, on a node that has what it needs.

Imported only where it was chosen; Ray itself only where a run begins.
"""

import os
import sys
import time
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dagster import DagsterEvent, ExecutorDefinition, Field, InitExecutorContext, IntSource, executor
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements
from dagster._core.execution.plan.objects import StepRetryData
from dagster._core.execution.retries import RetryMode
from dagster._core.executor.step_delegating import CheckStepHealthResult, StepDelegatingExecutor, StepHandlerContext
from dagster_ray.core.executor import RayStepHandler

from cic_assets.config.environment import POSTGRES_VARIABLE, Environment
from cic_assets.engine.ray import find_cluster

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

LOST_TRIES = 3
"""Times that a step is tried again whose node went down, whatever its own policy: the step is not to blame."""

LOOK_SECONDS = 5
"""Between two looks at whether the steps' jobs are alive."""

NOT_YET = "No available agent to submit job, please try again later"
BEGINNING_SECONDS = 300.0

_PASSED_ON = ("DAGSTER_", "KERAS_", "TF_")
"""Beginnings of variables that mean the same on each node; keys of others are set where nodes are started."""

_NOT_SENT = frozenset({"CIC_TOKEN", "CIC_ALERTS", POSTGRES_VARIABLE})
"""Secrets: what a job is given, the cluster's dashboard shows. No step asks for the first two, the last nodes have."""


class RaySteps(RayStepHandler):
    """dagster-ray's handler of steps, which also knows those that were lost with their job."""

    def __init__(self, client: "JobSubmissionClient", variables: dict[str, str], *, with_gpus: bool) -> None:
        super().__init__(
            client=cast("JobSubmissionClient", _Submitting(client, with_gpus=with_gpus)),
            env_vars=None,
            runtime_env={"env_vars": variables},
            # A step's tags say what it needs; of these, one that is set would beat them all.
            num_cpus=None,
            num_gpus=None,
            memory=None,
            resources=None,
        )
        self.lost: set[str] = set()

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Whether its job is alive."""
        result = super().check_step_health(step_handler_context)
        if not result.is_healthy:
            self.lost.update(step_handler_context.execute_step_args.step_keys_to_execute or ())
        return result


class _Submitting:
    """A client that submits where it can.

    Without GPUs where the cluster may have none: a job that asked for one would wait for ever. And again where the
    cluster has just begun, which takes no jobs at first.
    """

    def __init__(self, client: "JobSubmissionClient", *, with_gpus: bool) -> None:
        self._client = client
        self._with_gpus = with_gpus

    def submit_job(self, **options: Any) -> str:
        if not self._with_gpus:
            options["entrypoint_num_gpus"] = None
        end = time.monotonic() + BEGINNING_SECONDS
        while True:
            try:
                return self._client.submit_job(**deepcopy(options))  # Ray changes what it is given
            except RuntimeError as error:
                if NOT_YET not in str(error) or time.monotonic() > end:
                    raise
            time.sleep(1)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class RayExecutor(StepDelegatingExecutor):
    """Tries a step again whose job was lost with its node: Dagster itself would do so by the step's own policy alone.

    With a policy for all steps, what failed for a reason of its own would be tried again too.
    """

    def __init__(self, steps: RaySteps, max_concurrent: int) -> None:
        super().__init__(
            steps,
            RetryMode.ENABLED,
            max_concurrent=max_concurrent,
            check_step_health_interval_seconds=LOOK_SECONDS,
        )
        self._steps = steps

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


def ray_executor(environment: Environment) -> ExecutorDefinition:
    """The executor of one environment, whose variables its steps are given."""

    @executor(
        name="ray",
        config_schema={
            "max_concurrent": Field(
                IntSource,
                default_value=16,
                description="steps of one run that are at work at once; pools limit those of all runs",
            )
        },
        requirements=multiple_process_executor_requirements(),
    )
    def on_ray(context: InitExecutorContext) -> RayExecutor:
        from ray.job_submission import JobSubmissionClient

        client = JobSubmissionClient(find_cluster())
        steps = RaySteps(client, _variables(environment), with_gpus=environment.device == "gpu")
        return RayExecutor(steps, cast("int", context.executor_config["max_concurrent"]))

    return on_ray


def _variables(environment: Environment) -> dict[str, str]:
    """What a step's process is given: its command, `dagster`, is looked for beside this Python first."""
    ours = {name: value for name, value in environment.variables().items() if name not in _NOT_SENT}
    passed = {name: value for name, value in os.environ.items() if name.startswith(_PASSED_ON)}
    return {**passed, **ours, "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"}
