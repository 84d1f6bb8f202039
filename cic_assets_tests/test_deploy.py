"""What deploy/ holds for containers and clusters, against its schemas: none of them runs here."""

import json
import re
import subprocess
import sys
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from cic_assets.config.environment import Environment
from cic_assets.orchestration.metrics import METRICS

PROJECT = Path(__file__).resolve().parents[1]
DEPLOY = PROJECT / "deploy"
BIN = Path(sys.executable).parent
RECIPE = (DEPLOY / "graph.Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
RIGHTS = list(yaml.safe_load_all((DEPLOY / "kubernetes-rbac.yaml").read_text()))


def test_compose_by_its_schema():
    command = [BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_variable_of_compose_is_in_the_file_to_copy_or_has_a_default():
    asked = set(re.findall(r"\$\{(\w+)(?::\?|:-\})", (DEPLOY / "compose.yaml").read_text()))
    assert asked == set(re.findall(r"^(\w+)=$", (DEPLOY / "compose.env").read_text(), re.MULTILINE))


def test_the_keys_of_the_bucket_are_json():
    content = COMPOSE["configs"]["keys"]["content"]
    (identity,) = json.loads(content.replace("${S3_SECRET:?}", "secret"))["identities"]
    assert identity["credentials"] == [{"accessKey": "cic", "secretKey": "secret"}]
    assert COMPOSE["services"]["cic"]["environment"]["AWS_ACCESS_KEY_ID"] == "cic"


@pytest.mark.parametrize("resource", [*KUBERNETES, *RIGHTS], ids=lambda resource: resource["kind"])
def test_kubernetes_by_its_schemas(resource):
    kubernetes_validate.validate(resource, kubernetes_validate.latest_version(), strict=True)


def test_a_mistake_in_a_manifest_is_found():
    wrong = yaml.safe_load(yaml.safe_dump(KUBERNETES[-1]).replace("runAsNonRoot", "runAsNotRoot"))
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, kubernetes_validate.latest_version(), strict=True)


def test_the_ray_cluster_by_its_schema():
    from ray.autoscaler._private.util import prepare_config, validate_config

    config = yaml.safe_load((DEPLOY / "ray-cluster.yaml").read_text())
    validate_config(prepare_config(config))


def of_pod():
    (container,) = KUBERNETES[-1]["spec"]["template"]["spec"]["containers"]
    return container


def test_settings_are_ones_that_there_are():
    known = {str(field.title) for field in Environment.model_fields.values()}
    named = {one["name"] for one in of_pod()["env"]} | set(COMPOSE["services"]["cic"]["environment"])
    assert {name for name in named if name.startswith("CIC_")} <= known


def test_nobody_is_root_and_nothing_is_writable_that_need_not_be():
    compose, pod = COMPOSE["services"]["cic"], KUBERNETES[-1]["spec"]["template"]["spec"]
    assert (compose["read_only"], compose["cap_drop"]) == (True, ["ALL"])
    assert compose["ports"] == ["127.0.0.1:${UI_PORT:-3000}:3000", "127.0.0.1:${METRICS_PORT:-9464}:9464"]
    assert pod["securityContext"]["runAsNonRoot"]
    assert f"--uid {pod['securityContext']['runAsUser']} " in RECIPE
    assert of_pod()["securityContext"]["readOnlyRootFilesystem"]
    assert of_pod()["resources"]["limits"]["nvidia.com/gpu"] == "1"
    assert re.search(r"^USER 10001$", RECIPE.rpartition("\nFROM ")[2], re.MULTILINE)


def test_pods_of_steps_by_dagster_s_own_schema():
    from cic_assets.defs.k8s_executor import read_settings

    steps = read_settings(str(DEPLOY / "kubernetes-steps.yaml"))
    assert steps["job_image"] == of_pod()["image"]
    pod = KUBERNETES[-1]["spec"]["template"]["spec"]
    assert steps["step_k8s_config"]["pod_spec_config"]["securityContext"] == pod["securityContext"]
    assert steps["step_k8s_config"]["container_config"]["securityContext"] == of_pod()["securityContext"]
    assert {one["name"]: one["mountPath"] for one in steps["volume_mounts"]} == {
        one["name"]: one["mountPath"] for one in of_pod()["volumeMounts"]
    }


def test_metrics_are_for_others_only_with_a_token_and_at_the_port_that_is_published():
    compose = COMPOSE["services"]["cic"]["environment"]
    assert compose["CIC_METRICS"] == "${CIC_TOKEN:+0.0.0.0:9464}"
    assert compose["CIC_TOKEN"] == "${CIC_TOKEN:-}"
    (place,) = [one["value"] for one in of_pod()["env"] if one["name"] == "CIC_METRICS"]
    assert Environment(metrics=place).metrics_at == ("0.0.0.0", 9464)
    ports = {one["name"]: one["containerPort"] for one in of_pod()["ports"]}
    served = {one["targetPort"]: one["port"] for one in KUBERNETES[0]["spec"]["ports"]}
    assert ports == served == {"http": 3000, "metrics": 9464}


RULES = yaml.safe_load((DEPLOY / "prometheus-rules.yaml").read_text())["groups"][0]["rules"]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alerts_are_on_metrics_and_labels_that_there_are(rule):
    labels = {metric.name: {*metric.labels} for metric in METRICS} | {"up": {"job", "instance"}}
    named = set(re.findall(r"\bcic_\w+|\bup\b", rule["expr"]))
    assert named
    assert named <= labels.keys()
    shown = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    chosen = set(re.findall(r"(\w+)=[~\"]", rule["expr"]))
    assert shown | chosen <= set.intersection(*(labels[name] for name in named))
