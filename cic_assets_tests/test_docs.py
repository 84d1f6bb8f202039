"""What the documentation tells to type works, and shows what it says that it shows; what it points to is there.

Blocks of `sh` are run in their order, each file in a folder of its own, with the commands of this environment at hand.
Blocks of `text` after them are what they print: the same lines in the same order, whatever the numbers and the widths
of tables; `...` stands for lines that are left out. In `make test` it is done with few pictures and tiny nets, in `make
test-long` word by word. Blocks of `sh needs checkout` are run line by line in a folder like the project's own, with a
finished data root: those of `cic` in this process, in `make test-long` in one of their own. A block that cannot be run
here is marked with what it needs, such as `sh needs gpu`: that its commands, options and targets exist is looked at.
"""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pandas as pd
import pytest
import yaml
from dagster_dg_cli.cli import cli as dg
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from cic_assets.cli import cli as cic
from cic_assets.config.problem import Problem
from cic_assets.defs.resources import AcceleratorResource
from cic_assets.domain.overrides import load_overrides
from cic_assets_tests.fixtures.commands import Commands
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.finished import TINY_SETTINGS

PROJECT = Path(__file__).resolve().parents[1]
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").rglob("*.md"))]
WORKFLOWS = sorted((PROJECT / ".github" / "workflows").glob("*.yml"))

NEEDS = {
    "another version": "a model that was trained twice; test_champions goes back and forth between two",
    "cluster": "machines that are a Ray cluster; e2e/test_ray starts three nodes on one",
    "checkout": "the project's own folder with its .venv, and a finished data root",
    "docker": "a container engine; e2e/test_images does it where there is one, test_container the same steps without",
    "gpu": "a GPU",
    "network": "somebody else's server",
    "reddit": "an API key that Reddit approved",
    "ui": "somebody who ends it; the browser tests do what a person does there",
}
"""Why a block is not run."""

NOT_RUN = {
    "make demo": "CI runs it",
    "make check": "CI runs it",
    "make test": "it would run this test",
    "make test-long": "likewise",
    "make test-browser": "CI runs it",
    "make docs": "test_reference compares what it writes",
    "make dev": "it serves until somebody ends it; test_commands does that with `cic demo --ui`",
    ".venv/bin/cic serve --data-root data/demo": "it serves until somebody ends it; test_commands does that",
    "cic archive serve DIR": "it serves until somebody ends it; test_exit_codes does that",
}
"""Lines of blocks that need a checkout which are looked at alone; and why."""

HERE = "/home/me/cic_assets"
"""What the folder is called in the documentation."""

TRAINS = ("models.md", "sources.md")
"""Pages whose commands take most of a minute each: the tutorial's show in short what trains and scrapes."""

NOT_OURS = frozenset({"curl", "docker", "export", "ray", "source"})
"""Programs whose arguments are not looked at."""

pytestmark = pytest.mark.filterwarnings("ignore:'click.utils:DeprecationWarning")  # typer's, of dg

_FENCE = re.compile(r"^ *```(?P<kind>[a-z ]*)\n(?P<body>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """Commands, the line where they stand, what they need that is not here, and what they are said to print."""

    commands: str
    line: int
    needs: str = ""
    shown: str | None = None


def steps_of(text: str) -> Iterator[Step]:
    """The blocks of commands, each with the output that follows it."""
    blocks = [(match["kind"], match["body"], text[: match.start()].count("\n") + 1) for match in _FENCE.finditer(text)]
    for index, (kind, body, line) in enumerate(blocks):
        after = blocks[index + 1] if index + 1 < len(blocks) else ("", "", 0)
        if kind.split()[:1] == ["sh"]:
            yield Step(body, line, kind.removeprefix("sh").strip(), after[1] if after[0] == "text" else None)


def read(page):
    return list(steps_of(page.read_text(encoding="utf-8")))


def named(page):
    return page.relative_to(PROJECT).as_posix()


def missing_line(shown, printed):
    """The first line that is shown and was not printed after those before it; None where all were."""
    rest = iter([_without_numbers(line) for line in printed.splitlines()])
    lines = [line for line in shown.splitlines() if line.strip() not in ("", "...")]
    return next((line for line in lines if _without_numbers(line) not in rest), None)


def _without_numbers(line):
    """Nor with how long and how large in which units: a busy machine takes minutes for what it else takes seconds."""
    line = re.sub(r"([━─])\1+", r"\1", line)
    line = " ".join(re.sub(r"[\d.,]*\d", "0", line).split())
    return re.sub(r"\b0 [kMGT]B\b", "0 B", re.sub(r"\b0 (?:h 0 min|min 0 s)\b", "0 s", line))


def shortened(commands, folder):
    """The same commands on fewer pictures, and nets without use where a preset would train for a minute."""
    if "--preset demo" in commands:
        for file in folder.glob("problems/*/problem.yaml"):
            if "presets:" not in (written := file.read_text()):
                file.write_text(f"{written}{yaml.safe_dump({'presets': {'demo': TINY_SETTINGS}})}")
    return re.sub(r"^(cic sample \w+).*", r"\1 --count 20", commands, flags=re.MULTILINE)


def shown_by_tiny_nets(text):
    """Without Xception, which is left out, and without what an answer is and how large things are."""
    text = re.sub(r"^.*(\bxception: |│ Xception\b).*\n", "", text, flags=re.MULTILINE)
    text = text.replace(" pictures and in folds\n", " pictures\n")
    text = re.sub(r": \w+ \([\d.]+%, \w+\)$", ": CLASS (0%, MODEL)", text, flags=re.MULTILINE)
    return re.sub(r"(\d) [kM] (?=│)", r"\1 ", text)


def environment():
    """That of somebody who has set nothing, with our commands at hand."""
    variables = {key: value for key, value in os.environ.items() if not key.startswith(("CIC_", "DAGSTER", "REDDIT"))}
    return variables | {"PATH": f"{Path(sys.executable).parent}:{variables['PATH']}", "COLUMNS": "120"}


def bash(commands, folder, **variables):
    command = ["bash", "-euo", "pipefail", "-c", commands]
    return subprocess.run(
        command, cwd=folder, env=environment() | variables, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def started_here(line, folder, **variables):
    """The same of a line; where it is a call of `cic`, without the process that would take most of the time."""
    program, *arguments = shlex.split(line)
    if Path(program).name != "cic":
        return bash(line, folder, **variables)
    return Commands(folder, environment()).call_here(*arguments, **variables)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "page",
    [
        pytest.param(
            page,
            marks=[
                pytest.mark.xdist_group(f"commands of {named(page)}"),
                *([pytest.mark.long] if page.name in TRAINS else []),
            ],
        )
        for page in PAGES
        if any(not step.needs for step in read(page))
    ],
    ids=named,
)
def test_every_command_works_and_shows_what_it_should(page, tmp_path):
    for step in (step for step in read(page) if not step.needs):
        where = f"{named(page)}:{step.line}"
        commands = short_or_long(shortened, lambda commands, _folder: commands)(step.commands, tmp_path)
        result = bash(commands, tmp_path)
        assert result.returncode == 0, f"{where}: exit code {result.returncode}\n{commands}\n{result.stdout}"
        if step.shown is not None:
            shown = step.shown.replace(HERE, str(tmp_path))
            missing = missing_line(*map(short_or_long(shown_by_tiny_nets, str), (shown, result.stdout)))
            assert missing is None, f"{where}: shows a line that was not printed: {missing}\n{result.stdout}"


def lines_of(page):
    """Commands of the blocks that need a checkout, one by one and without comments, each with the line of its block."""
    for step in read(page):
        if step.needs == "needs checkout":
            commands = (re.sub(r"\s+#.*", "", line).strip() for line in step.commands.splitlines())
            yield from ((command, step.line) for command in commands if command)


@pytest.fixture
def checkout(own_finished):
    """A folder like the project's own in which everything ran, and what the placeholders of README stand for."""
    folder = own_finished.folder
    for name in ("Makefile", "pyproject.toml", "uv.lock", "dagster.yaml", "cic_assets"):
        (folder / name).symlink_to(PROJECT / name)
    (folder / ".venv").mkdir()
    (folder / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    for stamp in (".runtime", ".synced", ".compiled"):
        (folder / ".venv" / stamp).touch()
    own_finished.root.rename(folder / "data")
    own_finished.problem.rename(folder / "data" / "problem.yaml")
    (folder / "data" / "demo").symlink_to(".")
    (folder / "D").symlink_to("data")
    own_finished.archive.rename(folder / "DIR")
    return folder


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_line_that_needs_a_checkout_works_there(checkout):
    raw = pd.read_parquet(checkout / "data" / "tables" / "raw_images" / "carporn.parquet")
    for page in PAGES:
        for command, line in lines_of(page):
            if "--whole-source" in command:
                file = checkout / "data" / "problem.yaml"
                file.write_text(file.read_text().replace("  - r/tanks\n", ""))
            given = re.sub(r"\bID\b", raw["post_id"].iloc[-1], command).replace(" KEY ", " tanks ")
            given = re.sub(r"\bSHA256\b", raw.loc[raw["outcome"] == "ok", "sha256"].iloc[0], given)
            if command in NOT_RUN:
                given = f"make --dry-run {command.removeprefix('make ')}" if command.startswith("make ") else "true"
            result = short_or_long(started_here, bash)(given, checkout, CIC_ARCHIVE="DIR")
            said = f"{result.stdout}{result.stderr or ''}"
            assert result.returncode == 0, f"{named(page)}:{line}: {given}\n{said}"
            assert "Traceback" not in said


def test_lines_that_are_not_run_are_those_of_the_pages():
    assert NOT_RUN.keys() <= {command for page in PAGES for command, _ in lines_of(page)}


def mistakes(commands):
    """What there is not of what some commands name: commands, options, targets of make."""
    for line in commands.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words and re.match(r"[A-Z_]+=", words[0]):
            words = words[1:]
        if words:
            program = Path(words[0]).name
            yield from _mistakes_of(program, words[1:], line)


def _mistakes_of(program, arguments, line):
    if program in ("cic", "dg"):
        try:
            _parse({"cic": cic, "dg": dg}[program], arguments)
        except click.UsageError as error:
            yield f"{line}: {error.format_message()}"
    elif program == "make":
        targets = re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.MULTILINE)
        yield from (f"{line}: no target {name}" for name in arguments if "=" not in name and name not in targets)
    elif program not in NOT_OURS:
        yield f"{line}: {program} is not known"


def _parse(command, arguments):
    """Read a call as click does.

    Raises:
        click.UsageError: there is no such command or option, or an argument is missing or too many.
    """
    if isinstance(command, click.Group):
        name = arguments[0] if arguments else ""
        inner = command.get_command(click.Context(command), name)
        if inner is None:
            raise click.UsageError(f"no command {name!r}")
        _parse(inner, arguments[1:])
        return
    try:
        command.make_context(command.name, list(arguments))
    except click.MissingParameter:
        raise
    except click.BadParameter:
        pass  # DIR is no folder, but stands for one


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_commands_that_are_not_run_exist_and_say_what_they_need(page):
    for step in read(page):
        where = f"{named(page)}:{step.line}"
        if step.needs:
            assert step.needs.removeprefix("needs ") in NEEDS, f"{where}: {step.needs}"
            assert list(mistakes(step.commands)) == [], where


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_commands_of_the_workflows_exist(path):
    _check_workflow(yaml.safe_load(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_test_each_python_that_is_claimed(path):
    claimed = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["requires-python"]
    jobs = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].values()
    tested = [job["strategy"]["matrix"]["python"] for job in jobs if "strategy" in job]
    assert tested == [[f"3.{minor}" for minor in range(30) if Version(f"3.{minor}") in SpecifierSet(claimed)]]


def _check_workflow(content):
    commands = [step["run"] for job in content["jobs"].values() for step in job["steps"] if "run" in step]
    assert commands
    assert [mistake for one in commands for mistake in mistakes(one)] == []


def _check_yaml(text, folder):
    """That an example could be used as what it is: part of a problem file, overrides, a workflow, or a launchpad."""
    content = yaml.safe_load(text)
    if content.keys() <= Problem.model_fields.keys():
        whole = {"name": "example", "classes": {"a": ["r/aa"], "b": ["r/bb"]}, **content}
        Problem.model_validate(whole, context={"folder": folder})
    elif content.keys() <= {"same", "different", "keep", "labels", "leave_out"}:
        (folder / "overrides.yaml").write_text(text)
        load_overrides(folder / "overrides.yaml")
    elif content.keys() == {"resources"}:
        assert AcceleratorResource(**content["resources"]["accelerator"]["config"]).settings
    else:
        _check_workflow(content)


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent.name != "reference"], ids=named)
def test_examples_of_yaml_are_valid(page, tmp_path):
    for block in _FENCE.finditer(page.read_text(encoding="utf-8")):
        if block["kind"] == "yaml":
            _check_yaml(block["body"], tmp_path)


@pytest.mark.parametrize(
    ("commands", "mistake"),
    [
        ("A=b .venv/bin/cic run --preset demo # as said", None),
        ("cic archive serve DIR --port 1", None),
        ("cic predict a.jpg \\\n  b.jpg", None),
        ("dg launch --assets raw_images --partition x", None),
        ("make test-fast PYTHON=python3", None),
        ("cic runn", "no command 'runn'"),
        ("cic run --fast", "No such option.*--fast"),
        ("cic predict", "Missing argument"),
        ("cic export kaggle out more", "unexpected extra argument"),
        ("dg launch --asset-keys x", "No such option"),
        ("make coffee", "no target coffee"),
        ("rm -r x", "rm is not known"),
    ],
)
def test_what_there_is_not_is_named(commands, mistake):
    found = list(mistakes(commands))
    assert len(found) == (0 if mistake is None else 1), found
    assert mistake is None or re.search(mistake, found[0])


def anchors(text):
    """What links can point to in a page: its headings, as they are called on GitHub."""
    plain = (re.sub(r"[^\w\- ]", "", heading.lower()) for heading in _HEADING.findall(_FENCE.sub("", text)))
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("page", [*PAGES, *sorted((PROJECT / "benchmarks").rglob("*.md"))], ids=named)
def test_links_lead_somewhere(page):
    for target in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), f"{named(page)}: {target}"
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), f"{named(page)}: {target}"


def test_every_page_is_on_the_map():
    folder = PROJECT / "docs"
    on_it = {(folder / target).resolve() for target in _LINK.findall((folder / "README.md").read_text("utf-8"))}
    assert {page for page in PAGES if page.is_relative_to(folder)} - on_it == {folder / "README.md"}


def test_blocks_are_told_apart():
    text = (
        "a\n```sh\nls\n```\nwhich shows\n```text\nfile\n```\n```sh needs gpu\nrm\n```\n```yaml\na: b\n```\n"
        "1. in a list\n   ```sh\n   cd\n   ```\n"
    )
    assert list(steps_of(text)) == [Step("ls\n", 2, "", "file\n"), Step("rm\n", 9, "needs gpu"), Step("   cd\n", 16)]


@pytest.mark.parametrize(
    ("shown", "missing"),
    [
        ("one 1 s\ntwo", None),
        ("one 25.5 s\n...\nthree", None),
        ("one 1 min 05 s\ntwo", None),
        ("five 1.02 GB", None),
        ("five 980 k", "five 980 k"),
        ("three", None),
        ("two\none 1 s", "one 1 s"),
        ("four", "four"),
    ],
)
def test_a_line_that_was_not_printed_is_named(shown, missing):
    assert missing_line(shown, "one   7 s\ntwo\nthree\nfive 980 MB\n") == missing
