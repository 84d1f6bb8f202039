"""The Makefile's targets install what they need, and no more than once."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
STAMPS = (".runtime", ".synced", ".compiled")


@pytest.fixture
def checkout(tmp_path):
    """What make looks at."""
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(PROJECT / name, tmp_path)
    (tmp_path / "cic_assets").mkdir()
    (tmp_path / "cic_assets" / "__init__.py").touch()
    return tmp_path


def would_run(checkout, target):
    """The commands that install and compile, as make would call them."""
    result = subprocess.run(["make", "-n", target], cwd=checkout, capture_output=True, text=True, check=True)
    lines = [line for line in result.stdout.splitlines() if not line.startswith("touch")]
    return [line for line in lines if "sync" in line or "compileall" in line]


def make_stamps(checkout, names=STAMPS):
    (checkout / ".venv").mkdir(exist_ok=True)
    for name in names:
        (checkout / ".venv" / name).touch()


def test_the_demo_installs_what_running_needs(checkout):
    sync, compile_own = would_run(checkout, "demo")
    assert "--no-dev" in sync
    assert "--extra train " in sync
    assert "--compile-bytecode" in sync
    assert compile_own.endswith("-m compileall -q cic_assets")


def test_tests_add_the_rest_and_remove_nothing(checkout):
    make_stamps(checkout, [".runtime", ".compiled"])
    (sync,) = would_run(checkout, "test-fast")
    assert "--no-dev" not in sync
    assert "--inexact" in sync


@pytest.mark.parametrize("target", ["demo", "dev", "setup", "test-fast", "check"])
def test_nothing_is_installed_twice(checkout, target):
    make_stamps(checkout)
    assert would_run(checkout, target) == []


def test_the_package_is_compiled_again_when_it_has_changed(checkout):
    make_stamps(checkout)
    newer = (checkout / ".venv" / ".compiled").stat().st_mtime + 5
    module = checkout / "cic_assets" / "__init__.py"
    os.utime(module, (newer, newer))
    assert would_run(checkout, "demo") == [".venv/bin/python -m compileall -q cic_assets"]
