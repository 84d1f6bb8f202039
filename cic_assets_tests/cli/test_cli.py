"""The command line as users run it: each case a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CIC = Path(sys.executable).with_name("cic")


@pytest.fixture
def cic(tmp_path):
    def run(*arguments, **variables):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("CIC_", "DAGSTER"))}
        environment |= {"HOME": str(tmp_path), "COLUMNS": "100", **variables}
        return subprocess.run(
            [str(CIC), *map(str, arguments)], capture_output=True, text=True, cwd=tmp_path, env=environment, check=False
        )

    return run


@pytest.mark.parametrize(
    "command", [(), ("run",), ("demo",), ("dev",), ("archive",), ("archive", "serve"), ("predict",), ("serve",)]
)
def test_every_command_has_help(cic, command):
    result = cic(*command, "--help")
    assert result.returncode == 0
    assert "Usage: cic" in result.stdout


def test_help_tells_of_every_layout_what_the_code_says(cic):
    from cic_assets.dataset import LAYOUTS

    lines = [" ".join(line.split()) for line in cic("export", "--help").stdout.splitlines()]
    assert all(f"{name} {layout.summary}" in lines for name, layout in LAYOUTS.items())


def problem(tmp_path, text="name: x\nclasses: {a: [r/aa], b: [r/bb]}\n"):
    path = tmp_path / "problem.yaml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("fly",), 2, "No such command 'fly'"),
        (("run", "--problem", "nowhere.yaml"), 1, "nowhere.yaml: cannot be read"),
        (("run", "--archive", "nowhere"), 1, "--archive nowhere: there is no such folder"),
        (("run", "--problem", "problem.yaml", "--preset", "huge"), 1, "preset 'huge' is unknown: expected one of"),
        (("run", "--problem", "bad.yaml"), 1, "bad.yaml: classes: expected at least two classes"),
        (("run", "--problem", "[/x].yaml"), 1, "[/x].yaml: cannot be read"),
        (("run", "--problem", "problem.yaml", "--data-root", "bad.yaml"), 1, "bad.yaml/dagster: Not a directory"),
        (("export", "kaggle", "out", "--data-root", "floppy://a"), 1, "data root floppy://a: Protocol not known"),
        (("archive", "serve", "nowhere"), 2, "Directory 'nowhere' does not exist"),
        (("archive", "serve", "."), 1, "subreddits"),
        (("export", "kaggle", "out"), 1, "no data set in"),
        (("export", "floppy", "out"), 1, "floppy is not a layout: expected one of kaggle"),
        (("predict", "x.jpg"), 1, "no trained model"),
        (("predict",), 2, "Missing argument"),
        (("purge",), 2, "nothing to purge: give --post ID or --sha256 HEX"),
        (("purge", "--post", "abc"), 1, "nothing was scraped here"),
        (("serve",), 1, "no trained model"),
    ],
)
def test_a_wrong_call_is_one_clear_line(cic, tmp_path, arguments, code, message):
    problem(tmp_path)
    (tmp_path / "bad.yaml").write_text("name: x\nclasses: {a: [r/aa]}\n")
    result = cic(*arguments)
    assert result.returncode == code, result.stderr
    assert message in result.stderr.replace("\n", " ")
    assert "Traceback" not in result.stderr


def test_a_variable_with_a_wrong_value_is_named(cic):
    result = cic("predict", "x.jpg", CIC_ALLOW_RANDOM_WEIGHTS="maybe")
    assert result.returncode == 1
    assert result.stderr == "Error: CIC_ALLOW_RANDOM_WEIGHTS: found 'maybe', expected a valid boolean\n"


@pytest.mark.slow
def test_without_credentials_every_source_says_what_to_set(cic, tmp_path):
    result = cic("run", "--problem", problem(tmp_path), "--data-root", tmp_path / "root")
    assert result.returncode == 1
    for key in ("aa", "bb"):
        assert f"raw_images of {key}: no way to reach Reddit: set REDDIT_CLIENT_ID" in result.stderr
    assert "Traceback" not in result.stderr
