"""Every command on what `cic demo` made, as users and CI run it: each a process of its own."""

import contextlib
import json

import pytest
import requests

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


def test_the_demo_ends_with_its_tables_and_where_to_look(demo):
    assert demo.first.returncode == 0, demo.first.stderr
    for part in ("Scraping and cleaning", "Models, on the test pictures", f"Report: {demo.root}/report/report.html"):
        assert part in demo.first.stdout
    assert demo.first.stdout.splitlines()[-1] == f"In the Dagster UI: cic demo --ui --data-root {demo.root}"


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
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "README.txt: not a picture by its name" in result.stderr


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


def test_a_report_that_was_lost_is_made_again(demo):
    (demo.root / "report" / "report.json").unlink()
    result = demo.run("cic", "demo")
    assert result.returncode == 0, result.stderr
    assert "Evaluating" in result.stderr
    assert (demo.root / "report" / "report.json").exists()
