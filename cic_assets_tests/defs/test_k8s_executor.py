"""Steps as jobs of Kubernetes, by a server that speaks as its API does: no cluster runs here."""

import json
import sys
import threading

import pytest
import yaml
from dagster import DagsterEventType

from cic_assets.config.environment import Environment, EnvironmentVariableError
from cic_assets.defs.executors import executor_of
from cic_assets.defs.placement import needs
from cic_assets_tests.fixtures.commands import PROJECT
from cic_assets_tests.fixtures.finished import Finished
from cic_assets_tests.fixtures.ray_cluster import wait_for
from cic_assets_tests.fixtures.states import assert_same, events_of

SHIPPED = PROJECT / "deploy" / "kubernetes-steps.yaml"


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cic_assets.defs.k8s_executor", None)
    with pytest.raises(EnvironmentVariableError, match=r"pip install 'cic-assets\[k8s\]'"):
        executor_of(Environment(executor="k8s"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("job_imag: x", 'Received unexpected config entry "job_imag" at path root:execution:config.'),
        ("job_image: [x", "while parsing a flow sequence .*"),
        ("job_namespace: x", "expected a job_image and a job_namespace"),
        ("step_k8s_config: {pod_spec_config: {volums: []}}", "Unexpected keys in model class V1PodSpec: {'volums'}"),
    ],
)
def test_what_pods_cannot_be_like_is_refused(content, said, tmp_path):
    from cic_assets.defs.k8s_executor import read_settings

    (tmp_path / "steps.yaml").write_text(content)
    with pytest.raises(EnvironmentVariableError, match=f"^CIC_K8S_STEPS: .*steps.yaml: {said}$"):
        read_settings(str(tmp_path / "steps.yaml"))


def test_a_file_that_is_not_set_is_said():
    from cic_assets.defs.k8s_executor import read_settings

    with pytest.raises(EnvironmentVariableError, match="CIC_K8S_STEPS: not set, expected a file"):
        read_settings("")


def settings_for(cluster):
    """Those that we ship, of this cluster."""
    given = yaml.safe_load(SHIPPED.read_text())
    path = cluster.kubeconfig.with_name("steps.yaml")
    path.write_text(
        yaml.safe_dump({**given, "load_incluster_config": False, "kubeconfig_file": str(cluster.kubeconfig)})
    )
    return path


@pytest.mark.parametrize(("with_gpus", "gpus"), [(True, {"nvidia.com/gpu": "1"}), (False, {})])
def test_a_pod_gets_what_the_tags_of_its_step_ask_for(with_gpus, gpus, kubernetes_cluster):
    from cic_assets.defs.k8s_executor import KubernetesSteps, read_settings

    settings = read_settings(str(settings_for(kubernetes_cluster)))
    steps = KubernetesSteps(settings, {"CIC_PRESET": "demo"}, with_gpus=with_gpus)
    tags = {name: json.dumps(value) for name, value in needs(memory=8, gpus=1).items()}
    pod = steps._of_step(tags)
    assert pod.container_config["resources"] == {
        "requests": {"cpu": "1", "memory": "8Gi"},
        "limits": {"memory": "8Gi", **gpus},
    }
    assert pod.container_config["env"] == [{"name": "CIC_PRESET", "value": "demo"}]
    assert pod.container_config["env_from"] == [{"secret_ref": {"name": "cic"}}]
    assert pod.pod_spec_config["security_context"]["run_as_non_root"] is True


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_whole_graph_one_of_whose_pods_is_killed(
    kubernetes_cluster, make_archive, bare_variables, finished_first, tmp_path
):
    world = Finished(tmp_path, {**bare_variables, "CIC_EXECUTOR": "k8s"})
    world.lay_out(make_archive)
    world.variables["CIC_K8S_STEPS"] = str(settings_for(kubernetes_cluster))
    made = kubernetes_cluster.made

    def kill_a_training():
        trainings = lambda: [name for name, job in made.items() if step_of(job) == "vgg_model"]  # noqa: E731
        kubernetes_cluster.kill(wait_for(trainings, "a training", seconds=1200)[0])

    killer = threading.Thread(target=kill_a_training, daemon=True)
    killer.start()
    result = world.run("cic", *world.run_arguments)
    assert result.returncode == 0, result.stderr
    killer.join(10)
    retried = [event.step_key for event in events_of(world) if event.event_type is DagsterEventType.STEP_UP_FOR_RETRY]
    assert retried == ["vgg_model"]
    assert_same(world, finished_first)
    asked = {step_of(job): resources_of(job) for job in made.values()}
    assert asked["vgg_model"]["requests"] == {"cpu": "1", "memory": "8Gi"}
    assert asked["vgg_model"]["limits"] == {"memory": "8Gi"}
    assert asked["raw_images"] == {}


def step_of(job):
    return job["metadata"]["labels"]["dagster/op"]


def resources_of(job):
    return job["spec"]["template"]["spec"]["containers"][0].get("resources", {})
