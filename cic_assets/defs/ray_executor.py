"""Steps on a Ray cluster: each a job of its own there, submitted by dagster-ray, on a node that has what it needs.

Imported only where it was chosen; Ray itself only where a run begins.
"""

import os
import sys
import time
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from dagster import ExecutorDefinition, InitExecutorContext, executor
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements
from dagster_ray.core.executor import RayStepHandler

from cic_assets.config.environment import Environment
from cic_assets.defs.steps_elsewhere import CONFIG_SCHEMA, ElsewhereExecutor, variables_of_steps
from cic_assets.engine.ray import find_cluster

if TYPE_CHECKING:
    from ray.job_submission import JobSubmissionClient

NOT_YET = "No available agent to submit job, please try again later"
BEGINNING_SECONDS = 300.0


class _Submitting:
    """A client that submits where it can, and ends what is there.

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

    def stop_job(self, job: str) -> bool:
        try:
            return self._client.stop_job(job)
        except RuntimeError as error:  # which would hide why it was not made
            if "does not exist" not in str(error):
                raise
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


def ray_executor(environment: Environment) -> ExecutorDefinition:
    """The executor of one environment, whose variables its steps are given."""

    @executor(name="ray", config_schema=CONFIG_SCHEMA, requirements=multiple_process_executor_requirements())
    def on_ray(context: InitExecutorContext) -> ElsewhereExecutor:
        from ray.job_submission import JobSubmissionClient

        client = _Submitting(JobSubmissionClient(find_cluster()), with_gpus=environment.device == "gpu")
        handler = RayStepHandler(
            client=cast("JobSubmissionClient", client),
            env_vars=None,
            runtime_env={"env_vars": {**variables_of_steps(environment), "PATH": _path()}},
            # A step's tags say what it needs; of these, one that is set would beat them all.
            num_cpus=None,
            num_gpus=None,
            memory=None,
            resources=None,
        )
        return ElsewhereExecutor(handler, cast("int", context.executor_config["max_concurrent"]))

    return on_ray


def _path() -> str:
    """So that a step's command, `dagster`, is looked for beside this Python first."""
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
