"""`cic demo --photos`: the demo's question asked of photographs of Wikimedia Commons, replayed."""

import os
import subprocess
import sys
from pathlib import Path

import click
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner

from cic_assets.cli.graph import demo
from cic_assets.cli.photos import photos_demo
from cic_assets.config.photos import CATEGORIES
from cic_assets.config.problem_file import load_problem
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.open_collections import CONTACT
from cic_assets_tests.fixtures.worlds import World, isolate, picture

FILES = short_or_long(15, 70)
"""In most of the categories."""


@pytest.fixture
def here(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("CIC_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("CIC_CONTACT", CONTACT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def museum(commons):
    """A Commons that has some of the categories, of which one keeps its files in another."""
    commons.category("M4 Sherman", "Sherman Firefly")
    for number in range(FILES):
        commons.add(f"Golf {number}.jpg", picture("car", number), "Volkswagen Golf II")
        commons.add(f"Sherman {number}.jpg", picture("tank", number), "Sherman Firefly")
        commons.add(f"Leopard {number}.jpg", picture("tank", FILES + number), "Leopard 2")
    commons.add("Mustang.jpg", picture("car", 900), "Ford Mustang")
    commons.write()
    return commons


def test_what_commons_has_becomes_a_problem(here, museum):
    what = photos_demo(str(museum.folder), None)
    assert what == {
        "problem": Path("data/demo-photos/problem.yaml"),
        "archive": str(museum.folder),
        "data_root": "data/demo-photos",
    }
    assert yaml.safe_load(what["problem"].read_text())["classes"] == {
        "car": [
            {"commons": "Volkswagen Golf II", "depth": 1, "width": 500, "limit": 100},
            {"commons": "Ford Mustang", "depth": 1, "width": 500, "limit": 100},
        ],
        "tank": [
            {"commons": "Leopard 2", "depth": 1, "width": 500, "limit": 100},
            {"commons": "M4 Sherman", "depth": 1, "width": 500, "limit": 100},
        ],
    }
    assert list(load_problem(what["problem"], "demo").partitions) == [
        "volkswagen-golf-ii", "ford-mustang", "leopard-2", "m4-sherman",
    ]  # fmt: skip


def test_a_problem_that_was_edited_is_kept(here, museum):
    root = here / "elsewhere"
    written = photos_demo(str(museum.folder), str(root))["problem"]
    assert written == root / "problem.yaml"
    written.write_text("# mine")
    photos_demo(str(museum.folder), str(root))
    assert written.read_text() == "# mine"


def test_without_commons_the_drawn_pictures_are_taken_and_a_line_says_so(here, archive, capsys):
    archive.write()
    assert photos_demo(str(archive.folder), None) is None
    said = capsys.readouterr().err
    assert said.startswith("No photographs of Wikimedia Commons: categories: Wikimedia Commons refuses (HTTP 404)")
    assert said.endswith("The drawn pictures are taken in their place.\n")
    assert not (here / "data").exists()


def test_without_the_categories_the_drawn_pictures_are_taken(here, commons, capsys):
    commons.add("Golf.jpg", picture("car", 1), "Volkswagen Golf II")
    commons.write()
    assert photos_demo(str(commons.folder), None) is None
    assert "it has none of the categories for tank" in capsys.readouterr().err


def test_who_does_not_say_who_he_is_is_told_to(here, museum, monkeypatch):
    monkeypatch.delenv("CIC_CONTACT")
    with pytest.raises(click.ClickException, match=r"^Wikimedia Commons asks who runs this.*CIC_CONTACT"):
        photos_demo(str(museum.folder), None)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--archive", "x"], 2, "--archive is for --photos"),
        (["--photos", "--archive", "nowhere"], 1, "there is no such folder"),
    ],
)
def test_a_recording_is_for_photographs_and_has_to_be_there(here, arguments, code, message):
    result = CliRunner().invoke(demo, arguments)
    assert (result.exit_code, message in result.output) == (code, True), result.output


def test_one_question_finds_all_categories():
    assert len([name for some in CATEGORIES.values() for name in some]) <= 50


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_photographs_become_a_data_set(here, museum, monkeypatch):
    isolate(monkeypatch, here)
    what = photos_demo(str(museum.folder), str(here / "root"))
    world = World(here, museum)
    world.environment = world.environment.model_copy(update={"problem": what["problem"], "contact": CONTACT})
    world.run(up_to="build_dataset")
    manifest = pd.read_parquet(str(world.root.dataset / "manifest.parquet"))
    assert manifest["klass"].value_counts().to_dict() == {"tank": 2 * FILES, "car": FILES + 1}


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(1800)
def test_the_whole_demo(here, museum, bare_variables):
    command = [Path(sys.executable).with_name("cic"), "demo", "--photos", "--archive", museum.folder]
    variables = bare_variables | {"CIC_CONTACT": CONTACT}
    done = subprocess.run([*command, "--data-root", "root"], capture_output=True, text=True, env=variables)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith("cic demo --ui --photos --data-root root")
