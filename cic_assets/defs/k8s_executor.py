"""Steps on Kubernetes: each a job of its own there, made by dagster-k8s, with what its tags ask for.

dagster-k8s has an executor, too: it asks that runs are launched by its own launcher, where ours are by `cic`.

Imported only where it was chosen.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

import kubernetes.config
import yaml
from dagster import (
    DagsterEvent,
    DagsterInvalidConfigError,
    ExecutorDefinition,
    InitExecutorContext,
    executor,
    job,
    validate_run_config,
)
from dagster._core.definitions.executor_definition import multiple_process_executor_requirements
from dagster._core.executor.step_delegating import CheckStepHealthResult, StepHandler, StepHandlerContext
from dagster_k8s import k8s_job_executor
from dagster_k8s.client import DagsterKubernetesClient
from dagster_k8s.container_context import K8sContainerContext
from dagster_k8s.job import (
    DagsterK8sJobConfig,
    UserDefinedDagsterK8sConfig,
    construct_dagster_k8s_job,
    get_k8s_job_name,
    get_user_defined_k8s_config,
)

from cic_assets.config.environment import Environment, EnvironmentVariableError
from cic_assets.defs.placement import GPUS_OF_KUBERNETES
from cic_assets.defs.steps_elsewhere import CONFIG_SCHEMA, ElsewhereExecutor, variables_of_steps

VARIABLE = "CIC_K8S_STEPS"

_OF_PODS = (
    "image_pull_policy", "image_pull_secrets", "service_account_name", "env_config_maps", "env_secrets", "env_vars",
    "volume_mounts", "volumes", "labels", "resources", "scheduler_name", "security_context",
)  # fmt: skip
"""What dagster-k8s is told of pods under the same name."""


@job(executor_def=k8s_job_executor)
def _steps() -> None:
    """By whose executor settings are checked."""


def read_settings(file: str) -> Mapping[str, Any]:
    """What pods of steps are like, from a YAML file of what dagster-k8s' own executor may be told in a launchpad.

    Raises:
        EnvironmentVariableError: there is no such file, something in it is of no such name or type, or it has no image.
    """
    if not file:
        raise EnvironmentVariableError(f"{VARIABLE}: not set, expected a file as deploy/kubernetes-steps.yaml")
    try:
        given = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        config = validate_run_config(_steps, {"execution": {"config": given}})
        settings: Mapping[str, Any] = config["execution"]["k8s"]
        _pods_of(settings)
    except Exception as error:  # what dagster-k8s raises of a pod is nothing more special
        raise EnvironmentVariableError(f"{VARIABLE}: {file}: {_in_short(error)}") from error
    if not settings.get("job_image") or not settings.get("job_namespace"):
        raise EnvironmentVariableError(f"{VARIABLE}: {file}: expected a job_image and a job_namespace")
    return settings


def _pods_of(settings: Mapping[str, Any]) -> K8sContainerContext:
    return K8sContainerContext(
        **{name: settings[name] for name in _OF_PODS if settings.get(name)},
        run_k8s_config=UserDefinedDagsterK8sConfig.from_dict(settings.get("step_k8s_config") or {}),  # type: ignore[no-untyped-call]
    )


def _in_short(error: Exception) -> str:
    """Without all that would be allowed, which Dagster says after what is wrong."""
    said = error.errors[0].message if isinstance(error, DagsterInvalidConfigError) and error.errors else str(error)
    return " ".join(said.partition(' Expected: "{')[0].split())


class KubernetesSteps(StepHandler):
    """Makes a job of each step, looks after it, and deletes it where its run is ended."""

    def __init__(self, settings: Mapping[str, Any], variables: Mapping[str, str], *, with_gpus: bool) -> None:
        """Log in at the cluster.

        Args:
            settings: of `read_settings`.
            variables: of the environment of steps.
            with_gpus: whether the cluster has any: a pod that asked for one in vain would wait for ever.
        """
        super().__init__()
        if settings.get("load_incluster_config", True):
            kubernetes.config.load_incluster_config()
        else:
            kubernetes.config.load_kube_config(settings.get("kubeconfig_file"))
        self._client = DagsterKubernetesClient.production_client()  # type: ignore[no-untyped-call]
        self._namespace = str(settings["job_namespace"])
        self._image = DagsterK8sJobConfig(job_image=settings["job_image"], dagster_home=None)
        of_environment = K8sContainerContext(env_vars=[f"{name}={value}" for name, value in variables.items()])
        self._pods = _pods_of(settings).merge(of_environment)
        self._with_gpus = with_gpus

    @property
    def name(self) -> str:
        """In the log of runs."""
        return "KubernetesSteps"

    def launch_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """Make its job."""
        key, name = _key(step_handler_context), _job_name(step_handler_context)
        arguments, run = step_handler_context.execute_step_args, step_handler_context.dagster_run
        made = construct_dagster_k8s_job(
            self._image,
            args=arguments.get_command_args(skip_serialized_namedtuple=True),
            job_name=name,
            pod_name=name,
            component="step_worker",
            user_defined_k8s_config=self._of_step(step_handler_context.step_tags[key]),
            labels={"dagster/job": run.job_name, "dagster/op": key, "dagster/run-id": run.run_id},
            env_vars=[
                *arguments.get_command_env(),
                {"name": "DAGSTER_RUN_JOB_NAME", "value": run.job_name},
                {"name": "DAGSTER_RUN_STEP_KEY", "value": key},
            ],
        )
        yield DagsterEvent.step_worker_starting(
            step_handler_context.get_step_context(key),
            message=f'Executing step "{key}" in the Kubernetes job {name}.',
            metadata={},
        )
        self._client.create_namespaced_job_with_retries(made, self._namespace)

    def check_step_health(self, step_handler_context: StepHandlerContext) -> CheckStepHealthResult:
        """Whether its job is there and has not failed."""
        name = _job_name(step_handler_context)
        status = self._client.get_job_status(name, self._namespace)
        if status is None:
            return CheckStepHealthResult.unhealthy(f"The Kubernetes job {name} is gone.")
        if status.failed:
            return CheckStepHealthResult.unhealthy(f"The Kubernetes job {name} failed.")
        return CheckStepHealthResult.healthy()

    def terminate_step(self, step_handler_context: StepHandlerContext) -> Iterator[DagsterEvent]:
        """Delete its job."""
        self._client.delete_job(_job_name(step_handler_context), self._namespace)
        yield from ()

    def _of_step(self, tags: Mapping[str, str]) -> UserDefinedDagsterK8sConfig:
        wanted = self._pods.merge(K8sContainerContext(run_k8s_config=get_user_defined_k8s_config(tags))).run_k8s_config
        return wanted if self._with_gpus else _without_gpus(wanted)


def _without_gpus(wanted: UserDefinedDagsterK8sConfig) -> UserDefinedDagsterK8sConfig:
    resources = wanted.container_config.get("resources", {})
    fewer = {
        kind: {name: amount for name, amount in amounts.items() if name != GPUS_OF_KUBERNETES}
        for kind, amounts in resources.items()
    }
    return wanted._replace(container_config={**wanted.container_config, "resources": fewer})


def _key(context: StepHandlerContext) -> str:
    (key,) = context.execute_step_args.step_keys_to_execute or ()
    return key


def _job_name(context: StepHandlerContext) -> str:
    """Of a step's attempt: the job of the one before may still be there."""
    key, arguments = _key(context), context.execute_step_args
    name = f"dagster-step-{get_k8s_job_name(arguments.run_id, key)}"  # type: ignore[no-untyped-call]
    tried = arguments.known_state.get_retry_state().get_attempt_count(key) if arguments.known_state else 0
    return f"{name}-{tried}" if tried else name


def k8s_executor(environment: Environment) -> ExecutorDefinition:
    """The executor of one environment, whose variables its steps are given."""

    @executor(name="k8s", config_schema=CONFIG_SCHEMA, requirements=multiple_process_executor_requirements())
    def on_kubernetes(context: InitExecutorContext) -> ElsewhereExecutor:
        steps = KubernetesSteps(
            read_settings(environment.k8s_steps),
            variables_of_steps(environment),
            with_gpus=environment.device == "gpu",
        )
        return ElsewhereExecutor(steps, cast("int", context.executor_config["max_concurrent"]))

    return on_kubernetes
