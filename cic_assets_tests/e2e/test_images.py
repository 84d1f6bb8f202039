"""The images of deploy/, built and run by Docker as the documentation says; left out where no Docker answers."""

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import time
import tomllib
from pathlib import Path

import pytest
import requests

from cic_assets_tests.fixtures.servers import free_port
from cic_assets_tests.fixtures.worlds import picture

# Gigabytes are fetched, installed and kept as images: many minutes.
pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(3600)]

PROJECT = Path(__file__).resolve().parents[2]
CONFINED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"]
TOKEN = "a-token-that-is-long-enough"
NOBODY = "10001"
QUESTION = """
name: two
classes:
  car: ["folder:car"]
  boat: ["folder:boat"]
dataset: {side: 72, min_per_class: 5}
features: {enabled: false}
models:
  vgg: {variant: original, width: 0.05, input_size: 32, epochs: 2}
  peetz_net: null
  xception: null
"""


@pytest.fixture(scope="module")
def docker():
    """Calls `docker` in the project's folder; gives what it printed."""
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True).returncode:
        pytest.skip("no Docker answers here")

    def call(*arguments):
        done = subprocess.run(["docker", *map(str, arguments)], cwd=PROJECT, capture_output=True, text=True)
        assert done.returncode == 0, f"docker {arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    return call


@pytest.fixture(scope="module")
def serving_image(docker):
    docker("build", "--file", "deploy/Dockerfile", "--tag", "cic-serve", ".")
    return "cic-serve"


@pytest.fixture(scope="module")
def graph_image(docker):
    docker("build", "--file", "deploy/graph.Dockerfile", "--tag", "cic-graph", ".")
    return "cic-graph"


@pytest.mark.parametrize("image", ["serving_image", "graph_image"])
def test_what_is_installed_is_what_the_lock_file_names(docker, image, request):
    asked = "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
    printed = docker("run", "--rm", "--entrypoint", "python", request.getfixturevalue(image), "-c", asked)
    locked = {
        package["name"]: package.get("version")
        for package in tomllib.loads((PROJECT / "uv.lock").read_text())["package"]
    }
    installed = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in json.loads(printed).items()}
    assert installed.pop("cic-assets") == importlib.metadata.version("cic-assets")
    assert len(installed) > 20
    assert {name: locked.get(name) for name in installed} == installed


@pytest.mark.parametrize("image", ["serving_image", "graph_image"])
def test_nobody_in_particular_runs_it_and_nothing_has_to_be_compiled(docker, image, request):
    name = request.getfixturevalue(image)
    assert docker("run", "--rm", "--entrypoint", "id", name, "-u") == NOBODY
    # Who runs it may write nothing: each process would compile anew what is not there compiled, of Python itself too.
    asked = "import cic_assets.cli, cv2"
    command = ["docker", "run", "--rm", "--entrypoint", "python", name, "-v", "-c", asked]
    told = subprocess.run(command, capture_output=True, text=True).stderr
    assert "cic_assets/cli/__init__.py" in told
    assert re.findall(r"code object from (/\S+\.py)$", told, re.MULTILINE) == []


def test_it_serves_confined_as_the_documentation_says(docker, serving_image, exported_root, tmp_path, jpeg):
    assert " ".join(CONFINED) in (PROJECT / "docs" / "serving.md").read_text()
    root = tmp_path / "root"
    shutil.copytree(str(exported_root.path), root)
    for path in (root, *root.rglob("*")):  # of user 10001, as a person would say by chown
        path.chmod(0o777 if path.is_dir() else 0o666)
    container = docker(
        "run", "--detach", *CONFINED, "--publish", "127.0.0.1::8000", "--env", f"CIC_TOKEN={TOKEN}",
        "--volume", f"{root}:/data", serving_image,
    )  # fmt: skip
    try:
        url = f"http://{docker('port', container, '8000').splitlines()[0]}"
        wait_until_ready(url)
        check = json.loads(docker("image", "inspect", "--format", "{{json .Config.Healthcheck.Test}}", serving_image))
        docker("exec", container, *check[1:])
        assert requests.get(url, timeout=20).status_code == 401
        shown = {"Authorization": f"Bearer {TOKEN}"}
        said = requests.post(f"{url}/api/v1/predict", data=jpeg(1), headers=shown, timeout=20).json()["answers"][0]
        assert said["predictions"][0]["label"] in ("dark", "bright")
        review = {"receipt": said["receipt"], "label": None}
        assert requests.post(f"{url}/api/v1/reviews", json=review, headers=shown, timeout=20).status_code == 201
        assert (root / "tables" / "reviews.parquet").exists()
        docker("stop", container)
        assert docker("inspect", "--format", "{{.State.ExitCode}}", container) == "0"
    finally:
        docker("rm", "--force", container)


def wait_until_ready(url, seconds=60):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if requests.get(f"{url}/ready", timeout=20).status_code == 200:
                return
        except requests.ConnectionError:
            pass
        time.sleep(0.2)
    pytest.fail("it is not ready")


@pytest.fixture
def composed(docker, graph_image, tmp_path):
    """What deploy/compose.yaml says, with a question of two folders; its commands, and the UI's address."""
    folder = tmp_path / "question"
    for klass in ("car", "boat"):
        (folder / klass).mkdir(parents=True)
        for number in range(30):
            (folder / klass / f"{number}.jpg").write_bytes(picture(klass, number))
    (folder / "problem.yaml").write_text(QUESTION)
    port = free_port()
    settings = {
        "POSTGRES_PASSWORD": "d5c0", "S3_SECRET": "a1b2", "PROBLEM_FOLDER": folder, "UI_PORT": port,
        "METRICS_PORT": free_port(),
    }  # fmt: skip
    (tmp_path / "env").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    project = ["--project-name", f"cic-tested-{os.getpid()}", "--env-file", tmp_path / "env"]

    def compose(*arguments):
        return docker("compose", *project, "--file", "deploy/compose.yaml", *arguments)

    try:
        yield compose, f"http://127.0.0.1:{port}"
    finally:
        compose("down", "--volumes", "--timeout", "20")


def test_the_graph_runs_on_one_host_and_keeps_what_it_did(composed):
    compose, ui = composed
    compose("up", "--detach", "--wait", "--wait-timeout", "300")
    assert requests.get(f"{ui}/server_info", timeout=20).status_code == 200
    assert compose("exec", "-T", "cic", "id", "-u") == NOBODY
    compose("exec", "-T", "cic", "cic", "run")
    made = count_made(compose)
    assert {"raw_images", "training_dataset", "vgg_model", "evaluation_report"} <= made.keys()

    # All containers anew, on the volumes that are there.
    compose("down", "--timeout", "60")
    compose("up", "--detach", "--wait", "--wait-timeout", "300")
    compose("exec", "-T", "cic", "cic", "run")
    again = count_made(compose)
    assert {name for name in again if again[name] > made[name]} <= {"raw_images", "takedowns"}


def count_made(compose):
    """How often each asset was materialized, as the database knows it."""
    query = "select asset_key from event_logs where dagster_event_type = 'ASSET_MATERIALIZATION'"
    keys = compose("exec", "-T", "postgres", "psql", "--username", "cic", "--tuples-only", "--no-align", "-c", query)
    names = [json.loads(key)[-1] for key in keys.splitlines()]
    return {name: names.count(name) for name in names}
