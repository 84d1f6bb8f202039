"""Models are loaded while the server is up, and newer ones take their place without a request that is dropped."""

import contextlib
import logging
import shutil
import threading
import time

import pytest
import requests

from cic_assets.domain.prediction import PredictionError
from cic_assets.storage import DataRoot, write_json
from cic_assets.web.predict import Panel, Panels
from cic_assets.web.predict.panel import models_state
from cic_assets_tests.fixtures.servers import served
from cic_assets_tests.web.predict.asking import post, wait_until


class Models:
    """What a data root would give: panels that say which they are, loaded as slowly as a test wants."""

    def __init__(self, make_predictor):
        self._make = make_predictor
        self.version, self.may_load, self.failing, self.tries = 1, threading.Event(), None, 0
        self.may_load.set()
        self.panels = Panels(self.load, lambda: str(self.version), seconds=0.02)

    def load(self):
        version = self.version
        self.tries += 1
        self.may_load.wait(20)
        if self.failing:
            raise self.failing(f"version {version} is half written")
        return Panel([self._make(name=f"v{version}")])


@pytest.fixture
def models(make_predictor):
    return Models(make_predictor)


def says(server, grey):
    return post(server, data=grey(9)).json()["answers"][0]["predictions"][0]["model"]


def test_it_listens_before_the_models_are_loaded_and_requests_wait(make_app, models, grey):
    models.may_load.clear()
    with served(make_app(models.panels)) as server:
        assert requests.get(f"{server}/health", timeout=20).status_code == 200
        loading = requests.get(f"{server}/ready", timeout=20)
        assert (loading.status_code, loading.headers["retry-after"]) == (503, "2")
        assert "cic_ready 0.0" in requests.get(f"{server}/metrics", timeout=20).text
        answers = []
        early = threading.Thread(target=lambda: answers.append(says(server, grey)))
        early.start()
        models.may_load.set()
        early.join()
        assert answers == ["v1"]
        assert requests.get(f"{server}/ready", timeout=20).status_code == 200


def test_who_cannot_wait_for_the_models_is_asked_to_come_back(make_app, models, grey):
    models.may_load.clear()
    with served(make_app(models.panels, answer_seconds=0.1)) as server:
        for answer in (post(server, data=grey(9)), requests.get(server, timeout=20)):
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        models.may_load.set()


def test_newer_models_answer_once_they_are_loaded(make_app, models, grey):
    with served(make_app(models.panels)) as server:
        assert says(server, grey) == "v1"
        models.may_load.clear()
        models.version = 2
        wait_until(lambda: models.tries == 2)
        assert says(server, grey) == "v1"
        models.may_load.set()
        wait_until(lambda: says(server, grey) == "v2")
        assert "cic_model_reloads 1.0" in requests.get(f"{server}/metrics", timeout=20).text


@pytest.mark.parametrize("error", [PredictionError, RuntimeError], ids=["ours", "onnxruntime's"])
def test_models_that_cannot_be_loaded_leave_the_old_ones_and_are_tried_again(make_app, models, grey, caplog, error):
    with served(make_app(models.panels)) as server:
        logging.getLogger("uvicorn.error").addHandler(caplog.handler)  # uvicorn's does not reach the others
        caplog.set_level(logging.WARNING, "uvicorn.error")
        assert says(server, grey) == "v1"
        models.failing, models.version = error, 2
        wait_until(lambda: models.tries >= 4)
        assert says(server, grey) == "v1"
        models.failing = None
        wait_until(lambda: says(server, grey) == "v2")
    logging.getLogger("uvicorn.error").removeHandler(caplog.handler)
    said = [record.getMessage() for record in caplog.records if "cannot be loaded" in record.getMessage()]
    assert said == ["New models cannot be loaded, the old ones answer: version 2 is half written"]


def test_what_cannot_even_be_looked_for_ends_the_server_and_keeps_nobody_waiting(make_app, make_predictor, grey):
    def nowhere():
        raise OSError("the disk is gone")

    ended = threading.Event()
    panels = Panels(lambda: Panel([make_predictor()]), nowhere, on_failure=ended.set)
    with served(make_app(panels)) as server:
        assert ended.wait(20)
        assert post(server, data=grey(9)).status_code == 503


def test_a_data_root_has_another_state_once_a_model_or_the_data_set_is_another(tmp_path, make_card):
    root = DataRoot(str(tmp_path))
    states = [models_state(root)]

    def note(path, value):
        write_json(path, value)
        states.append(models_state(root))

    note(root.model("vgg") / "card.json", make_card().model_dump(mode="json"))
    note(root.model("vgg") / "card.json", make_card(sha256="1" * 64).model_dump(mode="json"))
    note(root.model("xception") / "card.json", make_card().model_dump(mode="json"))
    note(root.dataset / "dataset.json", {"version": "d"})
    assert len(set(states)) == 5
    assert models_state(root) == states[-1]
    # Models in fewer bits come after the whole ones.
    assert models_state(root, "int8") == states[-1]
    write_json(root.model("vgg") / "int8" / "card.json", {})
    assert models_state(root, "int8") != models_state(root) == states[-1]


class Seen:
    """The models that answered those who asked since it was last forgotten."""

    def __init__(self):
        self.models = set()

    def forget(self):
        """Who asked before and has no answer yet adds to the old set."""
        self.models = set()


@contextlib.contextmanager
def asked_all_the_time(server, grey):
    """Clients that ask until the block ends; gives the models that answered, and what else there was."""
    stop, seen, failed = threading.Event(), Seen(), []

    def ask():
        while not stop.is_set():
            models = seen.models
            answer = post(server, data=grey(9))
            if answer.status_code == 200:
                models.add(answer.json()["answers"][0]["predictions"][0]["model"])
            else:
                failed.append(answer.text)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    try:
        yield seen, failed
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def test_a_change_under_load_drops_no_request(make_app, models, grey):
    with served(make_app(models.panels)) as server, asked_all_the_time(server, grey) as (seen, failed):
        for version in range(2, 7):
            models.version = version
            wait_until(lambda version=version: f"v{version}" in seen.models)
    assert seen.models == {f"v{version}" for version in range(1, 7)}
    assert failed == []


@pytest.mark.slow
def test_a_real_model_that_is_trained_anew_answers_without_a_restart(exported_root, tmp_path, make_app, grey):
    shutil.copytree(str(exported_root.path), tmp_path / "root")
    root = DataRoot(str(tmp_path / "root"))
    vgg, new = tmp_path / "root" / "models" / "vgg", str(exported_root.model("vgg"))
    with served(make_app(Panels.of_root(root, seconds=0.05))) as server:
        told = [model["name"] for model in requests.get(f"{server}/api/v1/models", timeout=60).json()["models"]]
        assert told == ["vgg", "peetz_net"]
        with asked_all_the_time(server, grey) as (seen, failed):
            shutil.rmtree(vgg)
            wait_until(lambda: says(server, grey) == "peetz_net", 60)
            seen.forget()
            # A model whose files are not all there yet leaves the others at work.
            shutil.copytree(new, vgg, ignore=shutil.ignore_patterns("*.onnx*"))
            (vgg / "model.keras").write_bytes(b"half")
            time.sleep(0.5)
            wait_until(lambda: seen.models, 60)
            assert seen.models == {"peetz_net"}
            shutil.copytree(new, vgg, dirs_exist_ok=True)
            wait_until(lambda: says(server, grey) == "vgg", 60)
    assert failed == []
