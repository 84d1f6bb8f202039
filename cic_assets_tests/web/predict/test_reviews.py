"""What a person says of an answer that is wrong: from the page's request to the list under the data root."""

import base64
import subprocess
import sys
import threading

import pytest

from cic_assets.domain.download import Network
from cic_assets.domain.sources.table import empty_table
from cic_assets.domain.takedowns import purge
from cic_assets.storage import DataRoot, sha256_hex
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.servers import served
from cic_assets_tests.web.predict.asking import post


def test_without_a_data_root_no_reviews_are_taken(server, grey):
    (one,) = post(server, data=grey(1)).json()["answers"]
    assert one["receipt"] is None
    assert post(server, "/api/v1/reviews", json={"receipt": "x", "label": None}).status_code == 404


@pytest.fixture
def reviewed(make_app, tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    with served(make_app(root=root, max_upload=100_000)) as server:
        yield server, root


def answer_to(server, **given):
    (one,) = post(server, **given).json()["answers"]
    return one


def test_a_wrong_answer_goes_on_the_list_and_its_picture_does_not(reviewed, grey):
    server, root = reviewed
    one = answer_to(server, data=grey(200))
    answer = post(server, "/api/v1/reviews", json={"receipt": one["receipt"], "label": "dark"})
    assert (answer.status_code, answer.json()) == (201, {"sha256": one["sha256"], "kept": False})
    (row,) = root.read_table("reviews").to_dict("records")
    assert row["sha256"] == sha256_hex(grey(200))
    assert (row["label"], row["truth"], row["model"], row["format"], row["bytes"]) == ("bright", "dark", "best", "", 0)
    assert row["probability"] == one["predictions"][0]["probability"]
    assert row["reviewed_at"].endswith("+00:00")
    assert root.images.names() == set()


def test_a_picture_that_comes_without_consent_is_not_kept(reviewed, grey):
    server, root = reviewed
    one = answer_to(server, data=grey(200))
    picture = base64.b64encode(grey(200)).decode()
    for keep in (False, None, "yes", 1):
        review = {"receipt": one["receipt"], "label": "dark", "keep": keep, "picture": picture}
        assert post(server, "/api/v1/reviews", json=review).json()["kept"] is False
    assert root.images.names() == set()


def test_the_picture_is_kept_with_consent(reviewed, grey):
    server, root = reviewed
    one = answer_to(server, data=grey(200))
    picture = base64.b64encode(grey(200)).decode()
    review = {"receipt": one["receipt"], "label": None, "keep": True, "picture": picture}
    assert post(server, "/api/v1/reviews", json=review).json()["kept"] is True
    # Saying it twice counts once.
    assert post(server, "/api/v1/reviews", json=review).status_code == 201
    (row,) = root.read_table("reviews").to_dict("records")
    assert (row["truth"], row["format"], row["bytes"]) == ("", "png", len(grey(200)))
    assert root.images.get(row["sha256"], "png") == grey(200)


def test_a_picture_of_a_url_is_kept_with_consent_if_it_is_the_same_still(make_app, tmp_path, grey, archive):
    root, url = DataRoot(str(tmp_path / "root")), archive.add("dark", grey(3))
    with (
        replay(archive.folder) as hosts,
        served(make_app(root=root, network=Network.replay("127.0.0.1", hosts.port))) as server,
    ):
        one = answer_to(server, json={"url": url})
        review = {"receipt": one["receipt"], "label": "bright", "keep": True}
        assert post(server, "/api/v1/reviews", json=review).json()["kept"] is True
        (archive.folder / "media" / "dark.jpg").write_bytes(grey(4))
        assert post(server, "/api/v1/reviews", json={**review, "label": None}).status_code == 409
        (archive.folder / "media" / "dark.jpg").write_bytes(b"")
        assert "not at its address" in post(server, "/api/v1/reviews", json={**review, "label": None}).json()["error"]
    assert root.images.names() == {sha256_hex(grey(3))}


@pytest.mark.parametrize(
    ("change", "status", "why"),
    [
        ({"receipt": "AAAA"}, 409, "no answer since this server started"),
        ({"receipt": "é"}, 409, "no answer"),
        ({"receipt": None}, 409, "no answer"),
        ({"receipt": "A" * 9000}, 409, "no answer"),
        ({"label": "ship"}, 400, "label: expected one of dark, bright, or null"),
        ({"label": ["dark"]}, 400, "label: expected"),
        ({"label": {}}, 400, "label: expected"),
        ({"keep": True}, 409, "not the bytes of the picture"),
        ({"keep": True, "picture": "???"}, 400, "expected its bytes as base64"),
        ({"keep": True, "picture": 3}, 400, "expected its bytes as base64"),
        ({"keep": True, "picture": "é"}, 400, "expected its bytes as base64"),
        ({"keep": True, "picture": "AAAA" * 50_000}, 413, "more than"),
    ],
)
def test_a_review_that_is_none_is_refused(reviewed, grey, change, status, why):
    server, root = reviewed
    one = answer_to(server, data=grey(200))
    answer = post(server, "/api/v1/reviews", json={"receipt": one["receipt"], "label": "dark", **change})
    assert (answer.status_code, why in answer.json()["error"]) == (status, True), answer.text
    assert not root.has_table("reviews")


def test_a_receipt_that_was_changed_is_none(reviewed, grey):
    server, root = reviewed
    receipt = answer_to(server, data=grey(200))["receipt"]
    forged = base64.urlsafe_b64decode(receipt).replace(b"bright", b"dark")
    for one in (base64.urlsafe_b64encode(forged).decode(), receipt[:-8], receipt[8:]):
        assert post(server, "/api/v1/reviews", json={"receipt": one, "label": "dark"}).status_code == 409
    assert not root.has_table("reviews")


def test_a_review_is_json(reviewed):
    server, _ = reviewed
    assert post(server, "/api/v1/reviews", data=b"{}").status_code == 415
    body = {"data": b"{", "headers": {"content-type": "application/json"}}
    assert post(server, "/api/v1/reviews", **body).status_code == 400


def test_reviews_at_once_are_all_on_the_list(reviewed, grey):
    server, root = reviewed
    receipts = [answer_to(server, data=grey(level))["receipt"] for level in range(100, 240, 10)]
    said = [{"receipt": receipt, "label": None} for receipt in receipts]
    threads = [
        threading.Thread(target=post, args=(server, "/api/v1/reviews"), kwargs={"json": one}) for one in (*said, *said)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert root.read_table("reviews")["sha256"].nunique() == len(root.read_table("reviews")) == len(receipts)


def test_nothing_is_kept_of_a_picture_that_was_purged(reviewed, grey):
    server, root = reviewed
    root.write_table("raw_images", empty_table(), "cars")
    purged = root.images.put(grey(200), "jpeg")
    purge(root, sha256s=[purged])
    one = answer_to(server, data=grey(200))
    given = {"keep": True, "picture": base64.b64encode(grey(200)).decode()}
    answer = post(server, "/api/v1/reviews", json={"receipt": one["receipt"], "label": "dark", **given})
    assert answer.status_code == 409
    assert "taken down" in answer.text
    assert root.images.names() == set()
    assert not root.has_table("reviews")


def test_a_server_holds_no_pandas_before_the_first_review():
    program = "import sys, cic_assets.web.predict; print(sys.modules.keys() & {'pandas', 'pyarrow', 'scipy'})"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True).stdout == "set()\n"
