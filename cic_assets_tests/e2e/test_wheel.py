"""The wheel alone, in an environment of its own outside the checkout, does what the checkout does.

First as it is, without TensorFlow; then with the extra `train`.
"""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from cic_assets_tests.fixtures.servers import free_port, wait_for

PROJECT = Path(__file__).resolve().parents[2]
UNREACHABLE = ("dns error", "Failed to fetch", "error sending request", "Could not connect", "network connectivity")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class Installed:
    """What the wheel put into its environment, called from a folder that is no checkout."""

    def __init__(self, folder, uv, variables):
        self._uv, self._folder = uv, folder
        self.bin, self.home = folder / "env" / "bin", folder / "home"
        self.home.mkdir()
        # Bytecode of what is imported is kept: the demo starts several processes.
        without = ("PYTHONPATH", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV")
        kept = {name: value for name, value in variables.items() if name not in without}
        self._variables = {**kept, "HOME": str(self.home), "PATH": f"{self.bin}:/usr/bin:/bin", "COLUMNS": "120"}
        self._uv_runs("build", "--wheel", "--out-dir", folder / "wheels", PROJECT)
        self._uv_runs("venv", "--python", sys.executable, self.bin.parent)
        self.install()

    def install(self, *extras):
        """The wheel with what uv.lock has for it and for some extras."""
        pins = self._folder / "requirements.txt"
        chosen = [word for extra in extras for word in ("--extra", extra)]
        locked = ("export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--output-file", pins)
        self._uv_runs(*locked, *chosen)
        (wheel,) = (self._folder / "wheels").glob("*.whl")
        # From uv's cache by hard links, where `make` filled it.
        self._uv_runs("pip", "install", "--python", self.bin / "python", "--requirements", pins, wheel)

    def _uv_runs(self, *arguments):
        command = [str(self._uv), *map(str, arguments)]
        result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
        if result.returncode and not os.environ.get("CI") and any(word in result.stderr for word in UNREACHABLE):
            pytest.skip(f"uv {arguments[0]} needs a network, or a cache that has all: {result.stderr[-200:]}")
        assert result.returncode == 0, result.stderr

    def start(self, program, *arguments):
        command = [str(self.bin / program), *map(str, arguments)]
        pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        return subprocess.Popen(command, cwd=self.home, env=self._variables, **pipes)

    def call(self, program, *arguments):
        command = [str(self.bin / program), *map(str, arguments)]
        return subprocess.run(command, cwd=self.home, env=self._variables, capture_output=True, text=True)

    def run(self, program, *arguments):
        result = self.call(program, *arguments)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def bare(tmp_path_factory, bare_variables):
    own = PROJECT / ".venv-uv" / "bin" / "uv"
    uv = shutil.which("uv") or (own if own.exists() else None)
    if uv is None:
        pytest.skip("uv is not installed: `make setup` installs it")
    return Installed(tmp_path_factory.mktemp("wheel"), uv, bare_variables)


@pytest.fixture(scope="module")
def installed(bare):
    """The same environment, once the tests of what lies bare are through."""
    bare.install("train")
    return bare


def test_without_extras_there_is_no_tensorflow(bare):
    for module in ("tensorflow", "keras", "h5py"):
        result = bare.call("python", "-c", f"import {module}")
        assert f"No module named '{module}'" in result.stderr


def test_nothing_is_read_from_the_checkout(bare):
    program = "import sys, cic_assets; print(cic_assets.__file__, *sys.path, sep='\\n')"
    package, *path = bare.run("python", "-c", program).splitlines()
    assert Path(package).is_relative_to(bare.bin.parent)
    assert [entry for entry in path if Path(entry).is_relative_to(PROJECT)] == []


def test_it_tells_its_version(bare):
    assert bare.run("cic", "--version").startswith("cic, version ")


def test_a_new_problem(bare):
    bare.run("cic", "new", "cars-and-tanks", "--class", "car=r/carporn", "--class", "tank=r/tanks")
    assert "r/tanks" in (bare.home / "problems" / "cars-and-tanks" / "problem.yaml").read_text()


def test_without_extras_it_predicts(bare, finished_first):
    picture = finished_first.picture()
    said = bare.run("cic", "predict", picture, "--data-root", finished_first.root)
    assert said.startswith(f"{picture}: ")


def test_without_extras_it_serves(bare, finished_first):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with bare.start("cic", "serve", "--port", port, "--data-root", finished_first.root) as server:
        try:
            wait_for(f"{url}/ready", server)
            picture = finished_first.picture().read_bytes()
            (answer,) = requests.post(f"{url}/api/v1/predict", data=picture, timeout=20).json()["answers"]
        finally:
            server.terminate()
    assert answer["predictions"][0]["label"] in ("car", "tank")


def test_without_extras_it_does_all_but_train_and_says_so_before_it_begins(bare):
    bare.run("cic", "sample", "few", "--count", "2")
    bare.run("cic", "new", "few", "--class", "car=folder:few/car", "--class", "tank=folder:few/tank")
    problem = bare.home / "problems" / "few"
    result = bare.call("cic", "run", "--problem", problem / "problem.yaml")
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "Error: training needs TensorFlow: install cic-assets with the extra train (pip install 'cic-assets[train]')"
    )
    assert not (problem / "data").exists()
    assets = ("--select", "raw_images,image_hashes,duplicates")
    said = bare.run("cic", "run", "--problem", problem / "problem.yaml", *assets)
    assert "assets materialized" in said
    assert (problem / "data" / "tables" / "duplicates.parquet").exists()


@pytest.mark.long
def test_the_demo_scrapes_and_prepares_the_sample(installed):
    """Up to the data set; the trainings after it are those of `make demo`, and of the test below."""
    with installed.start("cic", "demo", "--data-root", "begun") as demo:
        said = next((line for line in demo.stderr if "Building the data set" in line), "")
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)
    assert demo.returncode == 1
    assert said
    root = installed.home / "begun"
    assert {path.stem for path in (root / "tables" / "resized_images").glob("*")} == {"carporn", "tankporn", "tanks"}
    assert (root / "dagster" / "dagster.yaml").read_text() == (PROJECT / "deploy" / "dagster.yaml").read_text()


@pytest.mark.long
def test_the_demo_runs_to_its_end(installed):
    said = installed.run("cic", "demo", "--data-root", "root")
    assert "assets materialized" in said
    assert "<svg" in (installed.home / "root" / "report" / "report.html").read_text()
