import base64
import shutil
import socket
import threading
import time

import cv2
import numpy as np
import pytest
import requests

from cic_assets.domain.download import Network
from cic_assets.domain.prediction import PredictionError
from cic_assets.storage import DataRoot
from cic_assets.web.predict import Panel, Panels, ServeSettings, serve_page
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.servers import served


def send(server, body, **headers):
    return requests.post(f"{server}/predict", data=body, headers={"x-cic": "1", **headers}, timeout=20)


def test_a_picture_gets_every_models_answer(server, grey):
    answer = send(server, grey(255)).json()
    assert [(item["model"], item["label"]) for item in answer["predictions"]] == [
        ("best", "bright"),
        ("other", "bright"),
    ]
    assert answer["error"] is None
    kind, _, data = answer["seen"].partition(",")
    assert kind == "data:image/jpeg;base64"
    seen = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert seen.shape == (36, 36, 3)


def test_what_is_no_picture_is_refused_with_a_reason(server):
    answer = send(server, b"<html>")
    assert answer.status_code == 422
    assert "not_an_image" in answer.json()["error"]
    assert send(server, b"").status_code == 422


def test_a_url_is_fetched(make_app, grey, archive):
    url = archive.add("dark", grey(3))
    with (
        replay(archive.folder) as hosts,
        served(make_app(network=Network.replay("127.0.0.1", hosts.port))) as server,
    ):
        answer = requests.post(f"{server}/predict", json={"url": url}, headers={"x-cic": "1"}, timeout=20)
    assert answer.json()["predictions"][0]["label"] == "dark"


@pytest.mark.parametrize(
    "url", ["/etc/passwd", "file:///etc/passwd", "ftp://example.com/a.jpg", "", None, 3, "http://" + "x" * 3000]
)
def test_a_path_is_not_a_url(server, url):
    answer = requests.post(f"{server}/predict", json={"url": url}, headers={"x-cic": "1"}, timeout=20)
    assert answer.status_code == 400
    assert "expected an http or https URL" in answer.json()["error"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"\xff"])
def test_json_that_is_none_is_refused(server, body):
    assert send(server, body, **{"content-type": "application/json"}).status_code == 400


def test_the_server_itself_cannot_be_reached_through_it(server):
    answer = requests.post(f"{server}/predict", json={"url": server}, headers={"x-cic": "1"}, timeout=20)
    assert answer.status_code == 422
    assert "blocked" in answer.json()["error"]


def test_other_sites_pages_are_kept_out(server, grey):
    assert requests.post(f"{server}/predict", data=grey(9), timeout=20).status_code == 403
    preflight = requests.options(f"{server}/predict", headers={"Origin": "http://evil.example"}, timeout=20)
    assert "access-control-allow-origin" not in preflight.headers


def test_a_foreign_host_name_is_refused(server):
    assert requests.get(server, headers={"Host": "evil.example"}, timeout=20).status_code == 400


def test_a_body_that_is_too_long_is_refused_before_it_is_read(make_app):
    with served(make_app(max_upload=1000)) as server:
        answer = send(server, b"x" * 5000)
    assert answer.status_code == 413
    assert "more than 1000 bytes" in answer.json()["error"]


def test_a_slow_sender_is_given_up(make_app):
    def drip():
        yield b"x"
        time.sleep(1)
        yield b"x"

    with served(make_app(upload_seconds=0.2)) as server:
        assert send(server, drip()).status_code == 408


def test_more_than_it_can_take_are_asked_to_come_back(make_app, grey):
    with served(make_app(most_at_once=0)) as server:
        answer = send(server, grey(9))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"


def test_many_at_once_are_all_answered(server, grey):
    answers = []
    threads = [
        threading.Thread(target=lambda level=level: answers.append(send(server, grey(level))))
        for level in range(0, 250, 25)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {200}


def test_the_page_brings_everything_and_loads_nothing(server):
    answer = requests.get(server, timeout=20)
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "Dark or bright?" in answer.text
    assert "90.0 % right in validation" in answer.text
    assert 'src="http' not in answer.text


def test_class_names_are_text(make_predictor, make_app):
    panel = Panel([make_predictor(labels=("<script>alert(1)</script>", "b"))], drawn=True)
    with served(make_app(Panels.fixed(panel))) as server:
        text = requests.get(server, timeout=20).text
    assert "<script>alert" not in text
    assert "Trained on drawings" in text


def test_other_methods_and_paths_are_json_refusals(server):
    assert requests.get(f"{server}/predict", timeout=20).status_code == 405
    assert requests.get(f"{server}/etc/passwd", timeout=20).json() == {"error": "Not Found"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["keras_root", "exported_root"])
def test_real_models_are_ready_after_loading(request, grey, make_app, kind):
    panel = Panel.load(request.getfixturevalue(kind))
    assert panel.labels == ["dark", "bright"]
    with served(make_app(Panels.fixed(panel))) as server:
        answer = send(server, grey(255)).json()
        maps = (
            requests.post(f"{server}/api/v1/predict?maps=true", data=grey(255), timeout=20)
            .json()["answers"][0]
            .get("maps")
        )
    assert [(item["model"], item["label"]) for item in answer["predictions"]] == [
        ("vgg", "bright"),
        ("peetz_net", "bright"),
    ]
    if kind == "keras_root":
        assert maps is None
    else:  # whose feature map is the picture itself
        assert np.shape(maps["vgg"]["bright"]) == (32, 32)
        assert np.min(maps["vgg"]["bright"]) > 0 > np.max(maps["vgg"]["dark"])


def test_a_taken_port_is_said_before_models_are_loaded(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(PredictionError, match=rf"port {port} of 127\.0\.0\.1 cannot be had: Address already"):
            serve_page(DataRoot(str(tmp_path)), ServeSettings(port=port))


@pytest.mark.slow
@pytest.mark.parametrize(("file", "said"), [("model.onnx", "model.onnx"), ("card.json", "train the model again")])
def test_a_model_that_is_not_its_cards_ends_the_server_with_a_line(exported_root, tmp_path, commands, file, said):
    shutil.copytree(str(exported_root.path), tmp_path / "root")
    (tmp_path / "root" / "models" / "vgg" / file).write_bytes(b"{}")
    result = commands.run("cic", "serve", "--data-root", tmp_path / "root", "--port", free_port())
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("Error: ")
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_it_does_not_listen_for_others_without_a_token(tmp_path):
    with pytest.raises(PredictionError, match="others could reach it: give a token"):
        serve_page(DataRoot(str(tmp_path)), ServeSettings(host="0.0.0.0", port=free_port()))
