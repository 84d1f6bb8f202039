"""Every command on what `cic demo` made, as users and CI run it: each a process of its own, with its exit code."""

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PROJECT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent


class Demo:
    """A data root on which the demo ran, and commands on it."""

    def __init__(self, folder, variables):
        self.folder = folder
        self.root = folder / "root"
        self.variables = {**variables, "HOME": str(folder), "COLUMNS": "100", "CIC_DATA_ROOT": str(self.root)}
        self.first = self.run("cic", "demo")

    def run(self, tool, *arguments, **variables):
        command = [str(BIN / tool), *map(str, arguments)]
        # dg finds its settings in the project's folder.
        where = {"cwd": PROJECT if tool == "dg" else self.folder, "env": self.variables | variables}
        return subprocess.run(command, capture_output=True, text=True, check=False, **where)

    def dg(self, *arguments, **variables):
        """As CI does it: the question, the archive and the instance are variables."""
        sample = PROJECT / "cic_assets" / "sample" / "problem.yaml"
        ours = {"CIC_PROBLEM": str(sample), "CIC_PRESET": "demo", "CIC_ARCHIVE": "sample"}
        return self.run("dg", *arguments, **(ours | {"DAGSTER_HOME": str(self.root / "dagster")} | variables))

    def picture(self):
        return next(path for path in sorted((self.root / "images").rglob("*.jpg")))


@pytest.fixture(scope="module")
def demo(tmp_path_factory, bare_variables):
    return Demo(tmp_path_factory.mktemp("demo"), bare_variables)


def test_the_demo_ends_with_its_tables_and_where_to_look(demo):
    assert demo.first.returncode == 0, demo.first.stderr
    for part in ("Scraping and cleaning", "Models, on the test pictures", f"Report: {demo.root}/report/report.html"):
        assert part in demo.first.stdout
    assert demo.first.stdout.splitlines()[-1] == f"In the Dagster UI: cic demo --ui --data-root {demo.root}"


@pytest.fixture(scope="module")
def files(demo):
    """Pictures and what is none, by name."""
    folder = demo.folder / "files"
    folder.mkdir()
    (folder / "a.jpg").write_bytes(demo.picture().read_bytes())
    (folder / "README.txt").write_text("no picture")
    (folder / "bad").mkdir()
    (folder / "bad" / "bad.jpg").write_bytes(b"<html>")
    return folder


def test_json_is_the_only_thing_on_standard_output(demo, files):
    result = demo.run("cic", "predict", "--json", files / "a.jpg", files / "README.txt")
    assert result.returncode == 1
    good, bad = json.loads(result.stdout)
    assert good["path"] == str(files / "a.jpg")
    assert (
        good["label"]
        in good["probabilities"]
        == {"car": pytest.approx(0.5, abs=0.5), "tank": pytest.approx(0.5, abs=0.5)}
    )
    assert sum(good["probabilities"].values()) == pytest.approx(1)
    assert good["probability"] == max(good["probabilities"].values())
    assert (good["error"], bad["label"]) == (None, None)
    assert f"{files}/README.txt: not_an_image" in result.stderr


def test_other_files_beside_pictures_are_told_and_no_failure(demo, files):
    (files / "bad" / "bad.jpg").rename(files.parent / "bad.jpg")
    result = demo.run("cic", "predict", files)
    (files.parent / "bad.jpg").rename(files / "bad" / "bad.jpg")
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{files}/a.jpg: ")
    assert "README.txt: not a picture by its name" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("predict", "{files}/a.jpg"), 0, "a.jpg: "),
        (("predict", "{files}"), 1, "bad.jpg: not_an_image"),
        (("predict", "nowhere.jpg"), 1, "No such file"),
        (("predict", "a" * 300), 1, "File name too long"),
        (("predict", os.fsdecode(b"\xff.jpg")), 1, "No such file"),
        (("predict", "/dev/zero"), 1, "not a regular file"),
        (("predict", "--model", "peetz_net", "{files}/a.jpg"), 0, "peetz_net"),
        (("predict", "--model", "resnet", "{files}/a.jpg"), 1, "expected one of peetz_net, vgg"),
        (("export", "kaggle", "out"), 0, "Written (kaggle)"),
        (("export", "kaggle", "{files}"), 1, "is in use"),
        (("export", "kaggle", "{files}/a.jpg/out"), 1, "a.jpg"),
    ],
)
def test_exit_codes(demo, files, arguments, code, said):
    result = demo.run("cic", *(argument.replace("{files}", str(files)) for argument in arguments))
    assert result.returncode == code, result.stderr
    assert said in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


@contextlib.contextmanager
def running(demo, serving, *arguments):
    """A command that serves until the block ends, and has nothing to complain about."""
    with serving(*arguments, folder=demo.folder, variables=demo.variables) as server:
        server.wait()
        yield server
    assert "Traceback" not in server.said
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=10)


def test_the_page_answers(demo, serving):
    with running(demo, serving, "serve") as server:
        answer = requests.post(
            f"{server.url}/predict", data=demo.picture().read_bytes(), headers={"x-cic": "1"}, timeout=60
        ).json()
    assert {one["model"] for one in answer["predictions"]} == {"vgg", "peetz_net", "xception"}


def test_the_ui_shows_the_demo(demo, serving):
    query = "{assetsOrError{... on AssetConnection{nodes{key{path} assetMaterializations(limit:1){timestamp}}}}}"
    with running(demo, serving, "demo", "--ui") as server:
        nodes = server.ask(query)["assetsOrError"]["nodes"]
    shown = {one["key"]["path"][0] for one in nodes if one["assetMaterializations"]}
    assert shown >= {"raw_images", "training_dataset", "xception_model", "evaluation_report"}


@pytest.mark.parametrize(
    ("arguments", "variables", "is_good"),
    [
        (("check", "defs"), {}, True),
        (("check", "defs"), {"CIC_PRESET": "huge"}, False),
        (("launch", "--assets", "raw_images", "--partition", "carporn"), {}, True),
        (("launch", "--assets", "raw_images", "--partition", "nothing"), {}, False),
        (("launch", "--assets", "raw_images", "--partition", "carporn"), {"CIC_ARCHIVE": "/nowhere"}, False),
    ],
)
def test_exit_codes_of_dg(demo, arguments, variables, is_good):
    result = demo.dg(*arguments, **variables)
    assert (result.returncode == 0) is is_good, result.stdout + result.stderr


def test_a_report_that_was_lost_is_made_again(demo):
    (demo.root / "report" / "report.json").unlink()
    result = demo.run("cic", "demo")
    assert result.returncode == 0, result.stderr
    assert "Evaluating" in result.stderr
    assert (demo.root / "report" / "report.json").exists()
