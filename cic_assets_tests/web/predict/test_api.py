"""The API: what it answers is what its description says, for one picture, several, or the URL of one."""

import base64
import socket
import threading
import time

import cv2
import numpy as np
import pytest
import requests
from openapi_spec_validator import validate

from cic_assets.domain.download import Network
from cic_assets.domain.prediction import Predictor
from cic_assets.storage import sha256_hex
from cic_assets.web.predict import Panel, Panels, ServeSettings
from cic_assets.web.predict.openapi import document
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.predictors import SIDE, Brightness
from cic_assets_tests.fixtures.servers import served
from cic_assets_tests.web.predict.asking import API, get, post, wait_until

CUT_FORM = b'--y\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\nhalf a pic'


def test_the_description_is_openapi():
    validate(API)
    validate(document(ServeSettings(token="x" * 16)))


def test_every_path_is_described(server):
    described = requests.get(f"{server}/openapi.json", timeout=20).json()
    assert described == API
    for path in ("/", "/api/v1/models", "/health", "/ready", "/metrics", "/openapi.json", "/docs"):
        assert get(server, path).status_code == 200
    assert set(API["paths"]) == {
        "/", "/predict", "/api/v1/predict", "/api/v1/models", "/api/v1/reviews", "/health", "/ready", "/metrics",
        "/openapi.json", "/docs",
    }  # fmt: skip


def test_one_picture(server, grey):
    answer = post(server, data=grey(255))
    (one,) = answer.json()["answers"]
    assert answer.status_code == 200
    assert (one["name"], one["sha256"], one["error"]) == ("upload", sha256_hex(grey(255)), None)
    best, other = one["predictions"]
    assert (best["model"], best["label"], other["model"]) == ("best", "bright", "other")
    assert best["probabilities"] == {"dark": 0.0, "bright": 1.0}
    assert "seen" not in one
    assert "maps" not in one


def test_the_answer_is_that_of_a_file_to_the_bit(server, jpeg, make_predictor, tmp_path):
    for seed in range(3):
        (tmp_path / "a.jpg").write_bytes(jpeg(seed))
        (told,) = make_predictor(name="best").predict([str(tmp_path / "a.jpg")])
        (one,) = post(server, data=jpeg(seed)).json()["answers"]
        assert one["predictions"][0]["probabilities"] == told.probabilities


def test_the_picture_as_it_is_seen(server, grey):
    (one,) = post(server, "/api/v1/predict?seen=true", data=grey(9)).json()["answers"]
    data = base64.b64decode(one["seen"].removeprefix("data:image/jpeg;base64,"))
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (SIDE, SIDE, 3)


def test_several_pictures_are_answered_in_their_order(server, grey):
    files = [
        ("any", ("white.png", grey(255))),
        ("any", ("../../etc/passwd", b"no picture")),
        ("other", ("black.png", grey(0))),
    ]
    answer = post(server, files=files)
    rows = answer.json()["answers"]
    assert answer.status_code == 200
    assert [one["name"] for one in rows] == ["white.png", "../../etc/passwd", "black.png"]
    assert [one["predictions"][0]["label"] for one in (rows[0], rows[2])] == ["bright", "dark"]
    assert "not_an_image" in rows[1]["error"]
    assert rows[1]["predictions"] == []


def test_a_large_file_among_several_lies_on_the_disk_and_is_answered(server):
    noise = np.random.default_rng(0).integers(0, 255, (900, 900, 3), np.uint8)
    large = cv2.imencode(".png", noise)[1].tobytes()
    assert len(large) > 2**20  # of which Starlette keeps it in memory
    rows = post(server, files=[("a", ("a.png", large)), ("a", ("b.png", large))]).json()["answers"]
    assert [one["sha256"] for one in rows] == [sha256_hex(large)] * 2


def test_no_picture_that_can_be_read_is_422(server):
    assert post(server, data=b"<html>").status_code == 422
    assert post(server, files=[("a", ("a", b"x")), ("a", ("b", b""))]).status_code == 422


@pytest.mark.parametrize(
    ("given", "status", "why"),
    [
        ({"files": [("a", (f"{n}.png", b"x")) for n in range(3)]}, 400, "Too many files"),
        ({"files": [("a", ("a.png", b"x" * 1100))]}, 413, "a picture of more than 1000 bytes"),
        ({"files": [("a", ("a.png", b"x" * 900)), ("a", ("b.png", b"x" * 900))]}, 413, "more than 1500 bytes"),
        ({"data": {"a": "b"}, "files": [("a", ("a.png", b"x"))]}, 400, "Too many fields"),
        ({"data": b"x", "headers": {"content-type": "multipart/form-data"}}, 400, "Missing boundary"),
        ({"data": b"x", "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400, ""),
        ({"data": b"--y--\r\n", "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400, "no file"),
        ({"data": CUT_FORM, "headers": {"content-type": "multipart/form-data; boundary=y"}}, 400, "has no end"),
        ({"data": b"x" * 1001}, 413, "more than 1000 bytes"),
        ({"json": {"url": "file:///etc/passwd"}}, 400, "expected an http or https URL"),
        ({"json": ["http://example.com"]}, 400, "no JSON object"),
        ({"data": b"[" * 15_000, "headers": {"content-type": "application/json"}}, 400, "not JSON"),
        ({"json": {"url": "http://example.com/" + "x" * 20_000}}, 413, "more than"),
    ],
)
def test_what_is_not_as_described_is_refused(make_app, given, status, why):
    with served(make_app(max_upload=1000, max_request=1500, most_files=2)) as server:
        answer = post(server, **given)
    assert answer.status_code == status
    assert why in answer.json()["error"]


def test_a_url(make_app, grey, archive):
    url = archive.add("dark", grey(3))
    with (
        replay(archive.folder) as hosts,
        served(make_app(network=Network.replay("127.0.0.1", hosts.port))) as server,
    ):
        (one,) = post(server, json={"url": url}).json()["answers"]
        assert (one["name"], one["predictions"][0]["label"]) == (url, "dark")
        assert post(server, json={"url": url.replace("dark", "nothing")}).status_code == 422


class Explaining(Brightness):
    """One that says of each half of a picture how bright it is."""

    has_activation_map = True

    def activation_map(self, pictures):
        halves = np.stack([half.mean() / 255 for half in np.split(pictures[0], 2, axis=1)])
        return np.stack([1 - halves, halves], axis=1)[None, None]


def test_what_speaks_for_which_class_is_told_where_a_model_knows(make_app, make_card, make_predictor):
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, 20:] = 255
    explaining = Predictor(Explaining(), make_card(name="best", side=SIDE))
    panel = Panel([explaining, make_predictor(name="other")])
    with served(make_app(Panels.fixed(panel))) as server:
        body = cv2.imencode(".png", picture)[1].tobytes()
        (one,) = post(server, "/api/v1/predict?maps=true", data=body).json()["answers"]
        assert [model["has_activation_map"] for model in get(server, "/api/v1/models").json()["models"]] == [
            True,
            False,
        ]
    assert one["maps"] == {"best": {"dark": [[1.0, 0.0]], "bright": [[0.0, 1.0]]}}


def test_the_models_are_told(server):
    told = get(server, "/api/v1/models").json()
    assert [model["name"] for model in told["models"]] == ["best", "other"]
    assert told["models"][0]["validation_accuracy"] == 0.9
    assert told["drawn"] is False


def test_what_was_counted_is_what_was_asked(make_app, grey):
    with served(make_app()) as server:
        post(server, data=grey(1))
        post(server, data=b"no")
        requests.get(f"{server}/nothing/{'x' * 50}", timeout=20)
        text = get(server, "/metrics").text
    assert 'cic_requests_total{route="/api/v1/predict",status="200"} 1.0' in text
    assert 'cic_requests_total{route="/api/v1/predict",status="422"} 1.0' in text
    assert 'cic_requests_total{route="other",status="404"} 1.0' in text
    assert 'cic_pictures_total{outcome="answered"} 1.0' in text
    assert "cic_model_seconds_count 2.0" in text
    assert "cic_ready 1.0" in text
    assert "process_resident_memory_bytes" in text


def test_too_many_bytes_at_once_are_asked_to_come_back(make_app, grey):
    with served(make_app(max_held=100)) as server:
        answer = post(server, data=grey(9))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert "too many bytes" in answer.json()["error"]
        # What was counted in is counted out again.
        assert post(server, data=b"x" * 90).status_code == 422
        assert post(server, data=b"x" * 90).status_code == 422


class Slow(Brightness):
    """A network that answers when it is let."""

    def __init__(self):
        super().__init__()
        self.may_go, self.at_once, self.most = threading.Event(), 0, 0

    def probabilities(self, pictures):
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        self.may_go.wait(20)
        self.at_once -= 1
        return super().probabilities(pictures)


class SlowAndShared(Slow):
    is_for_threads = True


@pytest.mark.parametrize(("net", "most"), [(Slow, 1), (SlowAndShared, 3)])
def test_threads_ask_at_once_only_a_model_that_they_may_share(make_app, make_card, grey, net, most):
    slow = net()
    panel = Panel([Predictor(slow, make_card(side=SIDE))])
    with served(make_app(Panels.fixed(panel), workers=3)) as server:
        threads = [threading.Thread(target=post, args=(server,), kwargs={"data": grey(n)}) for n in range(6)]
        for thread in threads:
            thread.start()
        wait_until(lambda: slow.at_once == most)
        time.sleep(0.2)
        slow.may_go.set()
        for thread in threads:
            thread.join()
    assert slow.most == most


def test_who_waits_too_long_is_asked_to_come_back(make_app, make_card, grey):
    slow = Slow()
    panel = Panel([Predictor(slow, make_card(side=SIDE))])
    with served(make_app(Panels.fixed(panel), workers=1, answer_seconds=0.3)) as server:
        first, second = threading.Thread(target=post, args=(server,), kwargs={"data": grey(1)}), None
        first.start()
        wait_until(lambda: slow.at_once == 1)
        second = post(server, data=grey(2))
        slow.may_go.set()
        first.join()
        # The second was not begun, and costs nothing later.
        assert (second.status_code, second.headers["retry-after"]) == (503, "2")
        assert post(server, data=grey(3)).status_code == 200
    assert len(slow.batches) == 2


def test_a_client_that_goes_away_leaves_no_place_taken(make_app, grey):
    with served(make_app(most_at_once=1)) as server:
        host, port = server.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nabc")
            wait_until(lambda: post(server, data=grey(1)).status_code == 503)
        wait_until(lambda: post(server, data=grey(1)).status_code == 200)
