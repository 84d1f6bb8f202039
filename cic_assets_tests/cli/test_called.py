"""Commands that are printed can be copied: they begin as the person called `cic`."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cic_assets.cli.called import as_called
from cic_assets_tests.fixtures.commands import BIN


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A folder with two environments, each with its `cic`; the first one's is called."""
    for name in ("one", "two"):
        file = tmp_path / name / "cic"
        file.parent.mkdir()
        file.touch(mode=stat.S_IRWXU)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "searched", "printed"),
    [
        ("one/cic", "", "one/cic"),
        ("{here}/one/cic", "one", "cic"),  # as a shell finds it
        ("one/cic", "one", "cic"),
        ("one/cic", "two", "one/cic"),  # `cic` would be the other one
        ("my one/cic", "", "'my one/cic'"),
        ("pytest", "one", "cic"),
        ("gone/cic", "one", "cic"),
    ],
)
def test_the_command_is_what_a_shell_runs_again(installed, monkeypatch, typed, searched, printed):
    shutil.copytree(installed / "one", installed / "my one")
    monkeypatch.setenv("PATH", str(installed / searched) if searched else "")
    monkeypatch.setattr(sys, "argv", [typed.format(here=installed), "new"])
    assert as_called() == printed


def test_what_to_do_next_is_said_as_the_command_was_called(tmp_path):
    (tmp_path / "bin").symlink_to(BIN)
    searched = os.pathsep.join(
        folder for folder in os.environ["PATH"].split(os.pathsep) if not (Path(folder) / "cic").exists()
    )
    done = subprocess.run(
        ["bin/cic", "new", "pets", "--class", "cat=r/cats", "--class", "dog=r/dogs"],
        cwd=tmp_path, env=os.environ | {"PATH": searched}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    _, run, dev, *_ = done.stdout.splitlines()
    assert run == "  bin/cic run --preset demo --problem problems/pets/problem.yaml"
    assert dev == "  bin/cic dev --preset demo --problem problems/pets/problem.yaml"
