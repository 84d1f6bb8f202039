"""`cic` as users run it: each call a process of its own."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
PROJECT = Path(__file__).resolve().parents[2]
IGNORING_CTRL_C = ("sh", "-c", 'trap "" INT; exec "$@"', "sh")


class Commands:
    """Calls of our commands in a folder, with no variables but those that are given."""

    def __init__(self, folder, **variables):
        self.folder = folder
        others = {name: value for name, value in os.environ.items() if not name.startswith(("CIC_", "DAGSTER"))}
        self.variables = {**others, "HOME": str(folder), "COLUMNS": "100", **variables}

    def run(self, tool, *arguments, **variables):
        command = [str(BIN / tool), *map(str, arguments)]
        # dg finds its settings in the project's folder.
        where = {"cwd": PROJECT if tool == "dg" else self.folder, "env": self.variables | variables}
        return subprocess.run(command, capture_output=True, text=True, check=False, **where)

    def start(self, *arguments, background=False, **streams):
        """A `cic` that serves until it is told to stop: its process and its port, once it answers there."""
        port = free_port()
        command = [*(IGNORING_CTRL_C if background else ()), str(BIN / "cic"), *map(str, arguments)]
        process = subprocess.Popen([*command, "--port", str(port)], cwd=self.folder, env=self.variables, **streams)
        end = time.monotonic() + 300
        while process.poll() is None and time.monotonic() < end:
            with socket.socket() as client:
                if client.connect_ex(("127.0.0.1", port)) == 0:
                    return process, port
            time.sleep(0.5)
        process.kill()
        return pytest.fail(f"{command} did not come up")


def free_port():
    """One that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture
def commands(tmp_path):
    return Commands(tmp_path)


@pytest.fixture
def cic(commands):
    def run(*arguments, **variables):
        return commands.run("cic", *arguments, **variables)

    return run


class Demo(Commands):
    """A data root on which the demo ran, and commands on it."""

    def __init__(self, folder):
        self.root = folder / "root"
        super().__init__(folder, CIC_DATA_ROOT=str(self.root))
        self.first = self.run("cic", "demo")

    def dg(self, *arguments, **variables):
        """As CI does it: the question, the archive and the instance are variables."""
        sample = PROJECT / "cic_assets" / "sample" / "problem.yaml"
        ours = {"CIC_PROBLEM": str(sample), "CIC_PRESET": "demo", "CIC_ARCHIVE": "sample"}
        return self.run("dg", *arguments, **(ours | {"DAGSTER_HOME": str(self.root / "dagster")} | variables))

    def picture(self):
        return next(path for path in sorted((self.root / "images").rglob("*.jpg")))


@pytest.fixture(scope="session")
def demo(tmp_path_factory):
    return Demo(tmp_path_factory.mktemp("demo"))


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
