"""`cic` as users run it: each call a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
PROJECT = Path(__file__).resolve().parents[2]


class Commands:
    """Calls of our commands in a folder."""

    def __init__(self, folder, variables):
        self.folder = folder
        self.variables = {**variables, "HOME": str(folder), "COLUMNS": "100"}

    def run(self, tool, *arguments, **variables):
        command = [str(BIN / tool), *map(str, arguments)]
        # dg finds its settings in the project's folder.
        where = {"cwd": PROJECT if tool == "dg" else self.folder, "env": self.variables | variables}
        return subprocess.run(command, capture_output=True, text=True, check=False, **where)


@pytest.fixture
def commands(tmp_path, bare_variables):
    return Commands(tmp_path, bare_variables)


@pytest.fixture
def cic(commands):
    def run(*arguments, **variables):
        return commands.run("cic", *arguments, **variables)

    return run


class Demo(Commands):
    """A data root on which the demo ran, and commands on it."""

    def __init__(self, folder, variables):
        self.root = folder / "root"
        super().__init__(folder, {**variables, "CIC_DATA_ROOT": str(self.root)})
        self.first = self.run("cic", "demo")

    def dg(self, *arguments, **variables):
        """As CI does it: the question, the archive and the instance are variables."""
        sample = PROJECT / "cic_assets" / "config" / "sample.yaml"
        ours = {"CIC_PROBLEM": str(sample), "CIC_PRESET": "demo", "CIC_ARCHIVE": "sample"}
        return self.run("dg", *arguments, **(ours | {"DAGSTER_HOME": str(self.root / "dagster")} | variables))

    def picture(self):
        return next(path for path in sorted((self.root / "images").rglob("*.jpg")))


@pytest.fixture(scope="session")
def demo(tmp_path_factory, bare_variables):
    return Demo(tmp_path_factory.mktemp("demo"), bare_variables)


@pytest.fixture(scope="session")
def files(demo):
    """Pictures and what is none, by name."""
    folder = demo.folder / "files"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(demo.picture().read_bytes())
    (folder / "README.txt").write_text("no picture")
    (folder / "bad").mkdir()
    (folder / "bad" / "bad.jpg").write_bytes(b"<html>")
    return folder
