"""The wheel alone, in an environment of its own outside the checkout, does what the checkout does."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

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
        self._install()

    def _install(self):
        wheels, pins = self._folder / "wheels", self._folder / "requirements.txt"
        self._uv_runs("build", "--wheel", "--out-dir", wheels, PROJECT)
        self._uv_runs("export", "--frozen", "--no-dev", "--no-emit-project", "--no-hashes", "--output-file", pins)
        self._uv_runs("venv", "--python", sys.executable, self.bin.parent)
        (wheel,) = wheels.glob("*.whl")
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

    def run(self, program, *arguments):
        command = [str(self.bin / program), *map(str, arguments)]
        result = subprocess.run(command, cwd=self.home, env=self._variables, capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory, bare_variables):
    own = PROJECT / ".venv-uv" / "bin" / "uv"
    uv = shutil.which("uv") or (own if own.exists() else None)
    if uv is None:
        pytest.skip("uv is not installed: `make setup` installs it")
    return Installed(tmp_path_factory.mktemp("wheel"), uv, bare_variables)


def test_nothing_is_read_from_the_checkout(installed):
    program = "import sys, cic_assets; print(cic_assets.__file__, *sys.path, sep='\\n')"
    package, *path = installed.run("python", "-c", program).splitlines()
    assert Path(package).is_relative_to(installed.bin.parent)
    assert [entry for entry in path if Path(entry).is_relative_to(PROJECT)] == []


def test_it_tells_its_version(installed):
    assert installed.run("cic", "--version").startswith("cic, version ")


def test_a_new_problem(installed):
    installed.run("cic", "new", "cars-and-tanks", "--class", "car=r/carporn", "--class", "tank=r/tanks")
    assert "r/tanks" in (installed.home / "problems" / "cars-and-tanks" / "problem.yaml").read_text()


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
