"""The rules of the house hold, and each of them fails where somebody breaks it."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[1]
PACKAGE = PROJECT / "cic_assets"
CONTRACTS = [
    contract["name"]
    for contract in tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
]

OFFENCES = {
    "Imports point downwards": ("config/presets.py", "import cic_assets.defs.loggers"),
    "Imports point downwards inside the domain": ("domain/images/pixels.py", "import cic_assets.domain.dataset"),
    "Only defs and orchestration know Dagster": ("domain/media.py", "import dagster"),
    "Only cli knows click": ("orchestration/errors.py", "import click"),
    "The domain knows no web server, no cluster and no object store": ("domain/media.py", "import starlette"),
    "Ray is known to its engine and executor alone": ("storage/text.py", "import ray"),
    "Kubernetes is known to its executor alone": ("storage/text.py", "import kubernetes"),
    "Object stores are known to storage alone": ("domain/media.py", "import obstore"),
    "The package does without the tools that made what it ships": ("storage/text.py", "import tools"),
    "No circles of imports": ("domain/models/spec.py", "import cic_assets.domain.models.training"),
} | {
    f"Nobody reaches into the insides of {folder}": (who, f"import cic_assets.{inside}")
    for folder, who, inside in [
        ("images", "defs/metadata.py", "domain.images.pixels"),
        ("reddit", "defs/metadata.py", "domain.reddit.words"),
        ("download", "defs/metadata.py", "domain.download.urls"),
        ("sources", "defs/metadata.py", "domain.sources.table"),
        ("overrides", "defs/metadata.py", "domain.overrides.reading"),
        ("duplicates", "defs/metadata.py", "domain.duplicates.groups"),
        ("dataset", "defs/metadata.py", "domain.dataset.splits"),
        ("models", "domain/evaluation/scores.py", "domain.models.card"),
        ("features", "defs/metadata.py", "domain.features.table"),
        ("audit", "defs/metadata.py", "domain.audit.baseline"),
        ("champions", "defs/metadata.py", "domain.champions.rule"),
        ("evaluation", "defs/metadata.py", "domain.evaluation.scores"),
        ("prediction", "web/predict/panel.py", "domain.prediction.table"),
        ("takedowns", "defs/metadata.py", "domain.takedowns.rows"),
        ("review", "defs/metadata.py", "domain.review.queues"),
        ("storage", "domain/media.py", "storage.text"),
    ]
}


def test_the_folders_are_those_of_the_documentation():
    names = {path.name for path in PACKAGE.iterdir() if path.name != "__pycache__"}
    folders = {"cli", "config", "defs", "domain", "engine", "orchestration", "storage", "web"}
    assert names == {*folders, "__init__.py", "definitions.py", "py.typed"}
    told = (PROJECT / "docs" / "layout.md").read_text()
    assert all(f"| `{folder}` |" in told for folder in folders)


def test_no_file_outgrows_its_room():
    assert [str(path) for path in PACKAGE.rglob("*.py") if len(path.read_text().splitlines()) > 400] == []


def test_every_contract_is_broken_by_one_of_these_tests():
    assert sorted(OFFENCES) == sorted(CONTRACTS)


@pytest.fixture(scope="module")
def complaints(tmp_path_factory):
    """What is said of each contract where all are broken at once: reading all imports is most of what it takes."""
    folder = tmp_path_factory.mktemp("broken")
    shutil.copytree(PACKAGE, folder / "cic_assets", ignore=shutil.ignore_patterns("__pycache__", "sample", "*.html"))
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for file, line in OFFENCES.values():
        with (folder / "cic_assets" / file).open("a") as offender:
            offender.write(f"\n\n{line}\n")
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert result.returncode == 1, result.stdout + result.stderr
    _, *told = re.split(r"^(.+)\n-+\n\n", result.stdout.partition("\nBroken contracts\n")[2], flags=re.MULTILINE)
    return dict(zip(told[::2], told[1::2], strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_fails_where_it_is_broken(contract, complaints):
    """It names the offence itself: others break it too, by what they import in turn."""
    file, line = OFFENCES[contract]
    offender, offence = f"cic_assets.{file.removesuffix('.py').replace('/', '.')}", line.removeprefix("import ")
    if contract == "No circles of imports":  # names modules within their folder
        offender, offence = (f".{module.rpartition('.')[2]}" for module in (offender, offence))
    assert re.search(rf"^- +{re.escape(f'{offender} -> {offence} (')}", complaints[contract], re.MULTILINE)


@pytest.mark.parametrize(
    ("line", "rule"), [("from dagster._core.events import StepKind", "TID251"), ("import tensorflow", "TID253")]
)
def test_the_linter_refuses_what_must_not_be_imported(line, rule, tmp_path):
    code = f'"""A module."""\n\n{line}\n'
    command = [sys.executable, "-m", "ruff", "check", "--no-cache", "--stdin-filename", "cic_assets/defs/new.py", "-"]
    result = subprocess.run(command, cwd=PROJECT, input=code, capture_output=True, text=True)
    assert rule in result.stdout
    allowed = [name.replace("defs/new", "orchestration/staleness") for name in command]
    result = subprocess.run(allowed, cwd=PROJECT, input=code, capture_output=True, text=True)
    assert (rule in result.stdout) is (rule == "TID253")  # TensorFlow nowhere, Dagster's insides in two modules
