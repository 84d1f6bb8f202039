"""Whatever is sent, there is an answer or a refusal, and the next one is served."""

import contextlib
import io
import json
import socket
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import pytest
import requests
from PIL import Image

from cic_assets_tests.domain.images.test_hostile_bytes import mutated
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.servers import served

# Pillow tells of some oddities by warnings; what counts here is the answer.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")

UPLOADS = short_or_long(300, 10_000)
BOUNDARY = b"b" * 20
FORMATS = {
    "JPEG": {"quality": 80}, "PNG": {}, "GIF": {"save_all": True, "append_images": [Image.new("RGB", (64, 64), "red")]},
    "WEBP": {}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}, "AVIF": {},
}  # fmt: skip


def seeds():
    """Small pictures of every format that is read."""
    noise = np.random.default_rng(0).integers(0, 255, (8, 8, 3), np.uint8)
    picture = Image.fromarray(cv2.resize(noise, (64, 64), interpolation=cv2.INTER_CUBIC))
    for name, options in FORMATS.items():
        file = io.BytesIO()
        picture.save(file, name, **options)
        yield file.getvalue()


def form_of(*pictures):
    parts = (
        b'--%s\r\nContent-Disposition: form-data; name="a"; filename="%d.png"\r\n\r\n%s\r\n' % (BOUNDARY, number, one)
        for number, one in enumerate(pictures)
    )
    return b"".join(parts) + b"--%s--\r\n" % BOUNDARY


def upload(number, pictures):
    """What is sent: as a picture, as a form of two, or as JSON."""
    random = np.random.default_rng(number)
    picture = pictures[number % len(pictures)]
    kind = random.choice(["application/octet-stream", "multipart/form-data", "application/json"], p=[0.7, 0.2, 0.1])
    if kind == "application/json":
        return kind, mutated(json.dumps({"url": "http://127.0.0.1/a.jpg", "x": [1, None]}).encode(), random)
    if kind == "multipart/form-data":
        return f"{kind}; boundary={BOUNDARY.decode()}", mutated(form_of(picture, pictures[0]), random)
    return kind, mutated(picture, random)


@pytest.mark.timeout(3000)
def test_mutated_uploads_end_in_an_answer_or_a_refusal(make_app):
    pictures = list(seeds())
    with served(make_app()) as server, ThreadPoolExecutor(4) as clients:
        session = requests.Session()

        def send(number):
            kind, body = upload(number, pictures)
            url = f"{server}/api/v1/predict?seen=true&maps=true"
            return session.post(url, data=body, headers={"content-type": kind}, timeout=60)

        answers = list(clients.map(send, range(UPLOADS)))
        assert requests.post(f"{server}/api/v1/predict", data=pictures[0], timeout=20).status_code == 200
    wrong = {number: one.text for number, one in enumerate(answers) if one.status_code not in (200, 400, 413, 422)}
    assert wrong == {}
    assert all("answers" in one.json() or "error" in one.json() for one in answers)
    assert {one.status_code for one in answers} >= {200, 400, 422}  # some were let through, and some were not


@pytest.mark.parametrize(
    "sent",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET",
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        (
            b"POST /api/v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=\xff\r\n"
            b"Content-Length: 1\r\n\r\nx"
        ),
        b"GET /%00/../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET /?token=%ff%fe HTTP/1.1\r\nHost: localhost\r\nCookie: cic=\xff; \x00\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_what_is_no_request_disturbs_nobody(server, grey, sent):
    host, port = server.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=1) as client:
        client.sendall(sent)
        with contextlib.suppress(TimeoutError, ConnectionError):
            assert b" 500 " not in client.recv(1000).split(b"\r\n")[0]
        assert requests.post(f"{server}/api/v1/predict", data=grey(9), timeout=20).status_code == 200


def test_a_bomb_is_refused_by_its_header(server):
    bomb = cv2.imencode(".png", np.zeros((8, 8), np.uint8))[1].tobytes()
    sides = (20_000).to_bytes(4, "big") * 2
    answer = requests.post(f"{server}/api/v1/predict", data=bomb[:16] + sides + bomb[24:], timeout=20)
    assert answer.status_code == 422
    assert "too_large" in answer.text or "not_an_image" in answer.text
