"""What the documentation tells to type works, and shows what it says that it shows.

Blocks of `sh` in the files below are run in their order, each file in a folder of its own, with the commands of this
environment at hand. Blocks of `text` after them are what they print: the same lines in the same order, whatever the
numbers and the widths of tables; `...` stands for lines that are left out. A block that is not to be run is marked
`sh skip`.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

DOCS = Path(__file__).resolve().parents[1] / "docs"
RUN = ("tutorial.md",)
"""The files whose commands are run."""

HERE = "/home/me/cic_assets"
"""What the folder is called in the documentation."""

_FENCE = re.compile(r"^```(?P<kind>[a-z ]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """Commands, the line where they stand, and what they are said to print; None where nothing is said."""

    commands: str
    line: int
    shown: str | None = None


def steps_of(text):
    """The blocks that are to be run, each with the output that follows it."""
    blocks = [(match["kind"], match["body"], text[: match.start()].count("\n") + 1) for match in _FENCE.finditer(text)]
    for index, (kind, body, line) in enumerate(blocks):
        after = blocks[index + 1] if index + 1 < len(blocks) else ("", "", 0)
        if kind == "sh":
            yield Step(body, line, after[1] if after[0] == "text" else None)


def missing_line(shown, printed):
    """The first line that is shown and was not printed after those before it; None where all were."""
    rest = iter([_without_numbers(line) for line in printed.splitlines()])
    lines = [line for line in shown.splitlines() if line.strip() not in ("", "...")]
    return next((line for line in lines if _without_numbers(line) not in rest), None)


def _without_numbers(line):
    line = re.sub(r"([━─])\1+", r"\1", line)
    return " ".join(re.sub(r"[\d.,]*\d", "0", line).split())


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", RUN)
def test_every_command_works_and_shows_what_it_should(name, tmp_path):
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("CIC_", "DAGSTER", "REDDIT"))}
    variables |= {"PATH": f"{Path(sys.executable).parent}:{variables['PATH']}", "COLUMNS": "120"}
    steps = list(steps_of((DOCS / name).read_text(encoding="utf-8")))
    assert steps, f"{name} has no block of sh"
    for step in steps:
        where = f"docs/{name}:{step.line}"
        command = ["bash", "-euo", "pipefail", "-c", step.commands]
        result = subprocess.run(
            command, cwd=tmp_path, env=variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert result.returncode == 0, f"{where}: exit code {result.returncode}\n{step.commands}\n{result.stdout}"
        if step.shown is not None:
            missing = missing_line(step.shown.replace(HERE, str(tmp_path)), result.stdout)
            assert missing is None, f"{where}: shows a line that was not printed: {missing}\n{result.stdout}"


def test_blocks_are_told_apart():
    text = (
        "a\n```sh\nls\n```\nwhich shows\n```text\nfile\n```\n```sh skip\nrm\n```\n```yaml\na: b\n```\n```sh\ncd\n```\n"
    )
    assert list(steps_of(text)) == [Step("ls\n", 2, "file\n"), Step("cd\n", 15)]


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ("one 1 s\ntwo", None),
        ("one 25.5 s\n...\nthree", None),
        ("three", None),
        ("two\none 1 s", "one 1 s"),
        ("four", "four"),
    ],
)
def test_a_line_that_was_not_printed_is_named(shown, missing):
    assert missing_line(shown, "one   7 s\ntwo\nthree\n") == missing
