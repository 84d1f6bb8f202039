"""Every command on a data root on which everything ran, as users and CI run it."""

import contextlib
import json

import pytest
import requests

from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.finished import Finished
from cic_assets_tests.fixtures.worlds import picture

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class WholeDemo(Finished):
    """What `cic demo` makes of the embedded sample."""

    models = frozenset({"vgg", "peetz_net", "xception"})
    last_words = "In the Dagster UI: "


@pytest.fixture(scope="module", params=short_or_long(["small"], ["small", "demo"]))
def made(request, tmp_path_factory):
    """A data root on which everything ran: a small one, and in `make test-long` that of the demo too."""
    if request.param == "small":
        return request.getfixturevalue("finished")
    demo = WholeDemo(tmp_path_factory.mktemp("demo"), request.getfixturevalue("bare_variables"))
    demo.make_by("demo")
    return demo


def test_it_ends_with_its_tables_and_where_to_look(made):
    for part in ("Scraping and cleaning", "Models, on the test pictures", "/root/report/report.html"):
        assert part in made.first["stdout"]
    assert made.first["stdout"].splitlines()[-1].startswith(made.last_words)
    assert "Scraping carporn" in made.first["stderr"]


def test_the_demo_ends_with_its_tables_and_where_to_look(own_finished, monkeypatch):
    """On a data root that is finished; CI's `make demo` makes it all."""
    monkeypatch.setattr("cic_assets.cli.graph.SAMPLE_PROBLEM", own_finished.problem)
    monkeypatch.setattr("cic_assets.cli.graph.SAMPLE", str(own_finished.archive))
    result = own_finished.call_here("demo")
    assert result.returncode == 0, result.stderr
    root = own_finished.root
    for part in ("Scraping and cleaning", "Models, on the test pictures", f"Report: {root}/report/report.html"):
        assert part in result.stdout
    assert result.stdout.splitlines()[-1] == f"In the Dagster UI: cic demo --ui --data-root {root}"


def test_json_is_the_only_thing_on_standard_output(made):
    result = made.run("cic", "predict", "--json", made.files / "a.jpg", made.files / "README.txt")
    assert result.returncode == 1
    good, bad = json.loads(result.stdout)
    assert good["path"] == str(made.files / "a.jpg")
    assert (
        good["label"]
        in good["probabilities"]
        == {"car": pytest.approx(0.5, abs=0.5), "tank": pytest.approx(0.5, abs=0.5)}
    )
    assert sum(good["probabilities"].values()) == pytest.approx(1)
    assert good["probability"] == max(good["probabilities"].values())
    assert (good["error"], bad["label"]) == (None, None)
    assert f"{made.files}/README.txt: not_an_image" in result.stderr


def test_other_files_beside_pictures_are_told_and_no_failure(made):
    bad, elsewhere = made.files / "bad" / "bad.jpg", made.folder / "bad.jpg"
    bad.rename(elsewhere)
    result = made.run("cic", "predict", made.files)
    elsewhere.rename(bad)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith(f"{made.files}/a.jpg: ")
    assert len(result.stderr.splitlines()) == 1, result.stderr
    assert "README.txt: not a picture by its name" in result.stderr


@contextlib.contextmanager
def running(finished, serving, *arguments):
    """A command that serves until the block ends, has nothing to complain about and ends well at SIGTERM."""
    with serving(*arguments, folder=finished.folder, variables=finished.variables) as server:
        server.wait()
        yield server
    assert server.process.returncode == 0, server.said
    assert "Traceback" not in server.said
    with pytest.raises(requests.ConnectionError):
        requests.get(server.url, timeout=10)


def test_the_page_answers(made, serving):
    with running(made, serving, "serve") as server:
        answer = requests.post(
            f"{server.url}/predict", data=made.picture().read_bytes(), headers={"x-cic": "1"}, timeout=60
        ).json()
        told = requests.post(f"{server.url}/api/v1/predict", data=made.picture().read_bytes(), timeout=60).json()
        ready = server.wait("/ready")
        review = server.wait("/review")
    assert review.status_code == 200, review.text
    assert {one["model"] for one in answer["predictions"]} == made.models
    assert ready.status_code == 200
    # The page, the API and the command say the same, bit for bit.
    printed = json.loads(made.run("cic", "predict", "--json", made.picture()).stdout)
    (one,) = told["answers"]
    assert answer["predictions"][0]["probabilities"] == one["predictions"][0]["probabilities"]
    assert printed[0]["probabilities"] == one["predictions"][0]["probabilities"]


def test_the_page_asks_others_for_a_token(made, serving):
    token = "a-token-that-is-long-enough"
    arguments = ("serve", "--host", "127.0.0.1")
    with serving(*arguments, folder=made.folder, variables={**made.variables, "CIC_TOKEN": token}) as server:
        assert server.wait().status_code == 401
        shown = {"Authorization": f"Bearer {token}"}
        assert requests.get(f"{server.url}/api/v1/models", headers=shown, timeout=60).status_code == 200
    assert token not in server.said


def test_the_ui_shows_what_was_made(made, serving):
    query = "{assetsOrError{... on AssetConnection{nodes{key{path} assetMaterializations(limit:1){timestamp}}}}}"
    with running(made, serving, "demo", "--ui") as server:
        nodes = server.ask(query)["assetsOrError"]["nodes"]
    shown = {one["key"]["path"][0] for one in nodes if one["assetMaterializations"]}
    assert shown >= {
        "raw_images",
        "training_dataset",
        "evaluation_report",
        *(f"{model}_model" for model in made.models),
    }


def test_a_report_that_was_lost_is_made_again(own_finished):
    (own_finished.root / "report" / "report.json").unlink()
    result = own_finished.call(*own_finished.run_arguments)
    assert result.returncode == 0, result.stderr
    assert "Evaluating" in result.stderr
    assert (own_finished.root / "report" / "report.json").exists()


def add_one_picture(archive):
    """A post of today in r/carporn, like the last one but for its picture."""
    posts, routes = archive / "subreddits" / "carporn.jsonl", archive / "routes.jsonl"
    old, route = (json.loads(file.read_text().splitlines()[0]) for file in (posts, routes))
    new = json.dumps(old).replace(old["id"], "fresh")
    posts.write_text(f"{new}\n{posts.read_text()}")
    (archive / "media" / "fresh.jpg").write_bytes(picture("car", 1000))
    routes.write_text(f"{json.dumps({**route, 'path': '/fresh.jpg', 'file': 'fresh.jpg'})}\n{routes.read_text()}")


def test_one_new_picture_is_no_reason_to_train(own_finished):
    add_one_picture(own_finished.archive)
    result = own_finished.call(*own_finished.run_arguments)
    assert result.returncode == 0, result.stderr
    assert "Not training: the data set of 37 pictures did not grow by 5% since the models were trained" in result.stderr
    assert "Not evaluating: the report waits" in result.stderr
    assert "Models, on the test pictures" in result.stdout
    assert "Building the data set" in result.stderr


def test_what_is_selected_alone_is_made(own_finished):
    add_one_picture(own_finished.archive)
    result = own_finished.call(*own_finished.run_arguments, "--select", "takedowns,raw_images, image_hashes")
    assert result.returncode == 0, result.stderr
    assert "Fingerprinting carporn" in result.stderr
    assert "Finding duplicates" not in result.stderr
