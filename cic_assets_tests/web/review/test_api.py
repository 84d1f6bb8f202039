"""What the review page asks the server, and what the server refuses."""

import threading
from datetime import UTC, datetime

import cv2
import numpy as np
import pytest
import requests
from fsspec.implementations.memory import MemoryFileSystem

from cic_assets.domain.overrides import LeaveOut, decide, load_overrides
from cic_assets.domain.review import Queue, ReviewBook
from cic_assets.storage import DataRoot
from cic_assets.web.listening import Listening
from cic_assets.web.review import ReviewSite, build_review_app
from cic_assets_tests.fixtures.servers import served

ONE, OTHER = "1" * 32, "2" * 32
TOKEN = "a-token-that-is-long-enough"
NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.fixture
def serve(reviewed):
    def serve(by="anna", **settings):
        settings = Listening(**settings)
        return served(build_review_app(ReviewSite(ReviewBook(reviewed.root, reviewed.problem), settings, by), settings))

    return serve


@pytest.fixture
def server(reviewed, serve):
    reviewed.of_each(3)
    with serve() as url:
        yield url


def ask(url, name, client=ONE, headers=None, **body):
    body = {"client": client, **body}
    return requests.post(f"{url}/review/api/{name}", json=body, headers=headers, timeout=30)


def look(url, queue, client=ONE, **more):
    answer = ask(url, "look", client, **{"queue": queue, "place": -1, "count": 10, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_entries_come_with_what_speaks_for_them_and_what_remains(server, reviewed):
    answer = look(server, "label_errors", count=2)
    first, _ = answer["entries"]
    (picture,) = first["pictures"]
    assert (first["queue"], first["place"], first["classes"], first["answers"]) == (
        "label_errors", 0, True, ["leave_out"],
    )  # fmt: skip
    assert "says tank" in first["why"][0]
    assert picture["size"] == "320 by 240, 12 kB"
    assert picture["places"] == [
        {
            "source": "cars", "klass": "car", "title": "Picture 3 of cars", "author": "somebody",
            "link": "https://www.reddit.com/r/cars/comments/p3/", "when": "2023-11-14",
        }
    ]  # fmt: skip
    state = answer["state"]
    assert state["counts"] == dict.fromkeys(Queue, 3)
    assert state["would"]["label_errors"] == "Up to 3 pictures would get another class."
    assert (state["mistake"], state["unseen"], state["gone"]) == ("", 0, [])


def test_an_answer_is_written_and_taken_back(server, reviewed):
    entry = look(server, "label_errors")["entries"][0]
    name = entry["pictures"][0]["sha256"]
    answer = ask(server, "decide", entry=entry["id"], answer="class:tank", by="Bea\n# x, y", hold=[entry["id"]])
    assert answer.status_code == 200
    assert answer.json()["said"] == {"kind": "label", "sha256": name, "klass": "tank"}
    assert answer.json()["state"]["counts"]["label_errors"] == 2
    assert answer.json()["state"]["gone"] == [entry["id"]]
    assert load_overrides(reviewed.overrides).labels.labels == ((name, "tank"),)
    assert ", by Bea # x y, " in reviewed.overrides.read_text()
    assert ask(server, "changes").json()["lines"] == ["1 picture gets another class"]
    again = ask(server, "decide", entry=entry["id"], answer="class:car")
    assert (again.status_code, again.json()["gone"]) == (409, True)
    answer = ask(server, "undo", entry=entry["id"], said=answer.json()["said"])
    assert answer.json()["entry"] == entry
    assert not reviewed.overrides.exists()
    assert ask(server, "undo", entry=entry["id"], said={"kind": "leave_out", "sha256": name}).status_code == 409


def test_two_browsers_get_different_entries_and_neither_decides_the_others(server):
    mine = look(server, "copies", ONE, count=2)["entries"]
    rest = look(server, "copies", OTHER)["entries"]
    assert len(mine) == 2
    assert len(rest) == 1
    refused = ask(server, "decide", OTHER, entry=mine[0]["id"], answer="same")
    assert refused.json() == {"error": "somebody else looks at it", "gone": True}
    state = ask(server, "hold", OTHER, hold=[mine[0]["id"], rest[0]["id"]]).json()["state"]
    assert state["gone"] == [mine[0]["id"]]
    ask(server, "hold", ONE, hold=[])
    assert len(look(server, "copies", OTHER)["entries"]) == 3


def test_many_at_once_decide_each_entry_once(reviewed, serve):
    names = [reviewed.suspect(score=number / 1000) for number in range(24)]
    reviewed.write()
    with serve() as first, serve() as second:
        written = []

        def work(url, number):
            client = f"{number:032x}"
            while entries := look(url, "label_errors", client, count=2)["entries"]:
                for entry in entries:
                    answer = ask(url, "decide", client, entry=entry["id"], answer="class:bus", by=f"p{number}")
                    assert answer.status_code in (200, 409), answer.text
                    written.extend([entry["id"]] if answer.ok else [])

        workers = [threading.Thread(target=work, args=([first, second][number % 2], number)) for number in range(6)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    assert len(written) == len(set(written)) == 24
    assert load_overrides(reviewed.overrides).labels.labels == tuple(sorted((name, "bus") for name in names))
    assert "was:" not in reviewed.overrides.read_text()


def test_pictures_are_encoded_again_and_bounded(server, reviewed):
    name = look(server, "wrong")["entries"][0]["pictures"][0]["sha256"]
    answer = requests.get(f"{server}/review/pictures/{name}", timeout=30)
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["cache-control"] == "no-store"
    assert cv2.imdecode(np.frombuffer(answer.content, np.uint8), cv2.IMREAD_COLOR).shape == (240, 320, 3)
    assert answer.content != reviewed.root.images.get(name, "jpeg")
    reviewed.root.images.remove(name)  # taken down: not even what was encoded already is shown
    assert requests.get(f"{server}/review/pictures/{name}", timeout=30).status_code == 404


def test_a_picture_whose_bytes_are_missing_takes_its_entry_along_and_no_other(server, reviewed):
    missing, *others = look(server, "label_errors")["entries"]
    name = missing["pictures"][0]["sha256"]
    reviewed.root.images.remove(name)
    states = []
    for _ in range(3):
        assert requests.get(f"{server}/review/pictures/{name}", timeout=30).status_code == 404
        states.append(ask(server, "hold", hold=[missing["id"], others[0]["id"]]).json()["state"])
    assert [state["gone"] for state in states] == [[missing["id"]]] * 3
    assert len({state["edition"] for state in states}) == 1
    assert look(server, "label_errors")["entries"] == others


@pytest.mark.parametrize(
    "path",
    [
        "0" * 64, "A" * 64, "../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/overrides.yaml", "x", "",
        f"{'0' * 64}%00", f"{'0' * 64}.jpg",
    ],
)  # fmt: skip
def test_only_pictures_of_the_tables_are_served(server, path):
    answer = requests.Request("GET", f"{server}/review/pictures/").prepare()
    answer.url = f"{server}/review/pictures/{path}"
    found = requests.Session().send(answer, timeout=30)
    assert found.status_code == 404
    assert set(found.json()) <= {"error"}


def test_a_picture_that_no_entry_shows_is_not_served(server, reviewed):
    other = reviewed.picture()
    reviewed.write()
    assert requests.get(f"{server}/review/pictures/{other}", timeout=30).status_code == 404


def test_a_picture_that_cannot_be_read_is_not_there(reviewed, serve):
    broken = reviewed.root.images.put(b"\xff\xd8\xff no picture", "jpeg")
    reviewed.suspect(sha256=reviewed.picture(sha256=broken))
    reviewed.write()
    with serve() as url:
        assert requests.get(f"{url}/review/pictures/{broken}", timeout=30).status_code == 404


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("look", {"queue": "passwords", "place": 0, "count": 1}, "queue: expected one of"),
        ("look", {"queue": "copies", "place": "0", "count": 1}, "place: expected a number"),
        ("look", {"queue": "copies", "place": 0, "count": 1000}, "count: expected a number from 1 to 16"),
        ("look", {"queue": ["copies"], "place": 0, "count": 1}, "queue: expected one of"),
        ("hold", {"client": "<script>"}, "client: expected 16 to 64 hexadecimal digits"),
        ("hold", {"hold": ["x"] * 33}, "hold: expected at most 32 names"),
        ("hold", {"hold": ["copies-0123456789abcdef"] * 33}, "hold: expected at most 32 names"),
        ("hold", {"hold": "x"}, "hold: expected at most 32 names"),
        ("hold", {"hold": ["\ud800"]}, "hold: expected at most 32 names"),
        ("hold", {"hold": ["copies-0123456789abcdef\n"]}, "hold: expected at most 32 names"),
        ("decide", {"entry": 3, "answer": "same"}, "entry: expected a text"),
        ("decide", {"entry": "x"}, "answer: expected a text"),
        ("undo", {"entry": "x", "said": {"kind": "label", "sha256": "x"}}, "said: expected a decision"),
        ("undo", {"entry": "x", "said": {"kind": "label", "sha256": "x", "klass": 7}}, "said: expected a decision"),
        ("undo", {"entry": "x", "said": [1]}, "said: expected a decision"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_line(server, reviewed, name, body, error):
    answer = ask(server, name, **body)
    assert answer.status_code == 400
    assert error in answer.json()["error"]
    assert not reviewed.overrides.exists()


def test_an_answer_that_is_none_is_refused(server, reviewed):
    entry = look(server, "label_errors")["entries"][0]
    for answer in ("same", "class:lion", "class:car: [x", "../x"):
        refused = ask(server, "decide", entry=entry["id"], answer=answer)
        assert refused.status_code == 409
        assert "is no answer to this" in refused.json()["error"]
    assert not reviewed.overrides.exists()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"content-type": "text/plain"}, 415),
        ({"content-type": "application/x-www-form-urlencoded"}, 415),
        ({"host": "evil.example"}, 400),
        ({"host": "localhost.evil.example"}, 400),
        ({"sec-fetch-site": "same-origin"}, 200),
    ],
)
def test_pages_of_other_sites_decide_nothing(server, reviewed, headers, status):
    entry = look(server, "label_errors")["entries"][0]
    body = {"entry": entry["id"], "answer": "class:tank"}
    assert ask(server, "decide", headers=headers, **body).status_code == status
    assert reviewed.overrides.exists() is (status == 200)


@pytest.mark.parametrize("path", ["look", "hold", "decide", "undo", "changes"])
def test_nothing_is_asked_by_a_link(server, path):
    assert requests.get(f"{server}/review/api/{path}", timeout=30).status_code == 405


def test_a_long_body_is_refused(server):
    assert ask(server, "hold", hold=["x" * 1000] * 30).status_code == 413


def test_the_page_allows_nothing_but_its_own(server):
    answer = requests.get(f"{server}/review", timeout=30)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "http://" not in answer.text.replace("http://127.0.0.1", "")
    assert "https://" not in answer.text
    assert requests.get(f"{server}/", timeout=30).url == f"{server}/review"


def test_without_the_token_nothing_is_seen(reviewed, serve):
    reviewed.of_each(1)
    with serve(token=TOKEN) as url:
        assert requests.get(f"{url}/review", timeout=30).status_code == 401
        assert ask(url, "look", queue="copies", place=-1, count=1).status_code == 401
        session = requests.Session()
        assert session.get(f"{url}/review?token={TOKEN}", timeout=30).status_code == 200
        assert session.get(f"{url}/review", timeout=30).status_code == 200
        assert ask(url, "hold", headers={"authorization": f"Bearer {TOKEN}"}).status_code == 200
        assert requests.get(f"{url}/review/pictures/{'0' * 64}?token={TOKEN}", timeout=30).status_code == 401


@pytest.mark.parametrize("host", ["0.0.0.0", "127.0.0.1"])  # the second behind a proxy
def test_where_others_decide_too_nobody_is_nameless(reviewed, serve, host):
    reviewed.of_each(1)
    with serve(by=None, token=TOKEN, host=host) as url:
        headers = {"authorization": f"Bearer {TOKEN}"}
        entry = ask(url, "look", queue="copies", place=-1, count=1, headers=headers).json()["entries"][0]
        refused = ask(url, "decide", entry=entry["id"], answer="same", headers=headers)
        assert (refused.status_code, refused.json()["error"]) == (
            409, "say who you are: your name stands beside each decision",
        )  # fmt: skip
        assert ask(url, "decide", entry=entry["id"], answer="same", by="Cem", headers=headers).status_code == 200


def test_a_file_that_is_broken_meanwhile_is_told_and_stays(server, reviewed):
    entry = look(server, "label_errors")["entries"][0]
    reviewed.overrides.write_text("labels: {")
    state = ask(server, "hold").json()["state"]
    assert "overrides.yaml:1: is not valid YAML" in state["mistake"]
    assert state["counts"]["label_errors"] == 3
    refused = ask(server, "decide", entry=entry["id"], answer="class:tank")
    assert refused.status_code == 409
    assert "is not valid YAML" in refused.json()["error"]
    assert reviewed.overrides.read_text() == "labels: {"


def test_what_is_decided_by_hand_or_by_the_command_is_gone(server, reviewed):
    one, other, _ = look(server, "off_topic")["entries"]
    held = [one["id"], other["id"]]
    decide(reviewed.overrides, LeaveOut(one["pictures"][0]["sha256"]), by="cic decide", at=NOON)
    assert ask(server, "hold", hold=held).json()["state"]["gone"] == [one["id"]]
    text = reviewed.overrides.read_text()
    reviewed.overrides.write_text(f"{text}labels:\n  {other['pictures'][0]['sha256'][:12]}: car\n")
    assert ask(server, "hold", hold=held).json()["state"]["gone"] == held


def test_a_folder_that_cannot_be_written_to_is_said_in_a_line(server, reviewed):
    entry = look(server, "label_errors")["entries"][0]
    reviewed.overrides.mkdir()
    refused = ask(server, "decide", entry=entry["id"], answer="class:tank")
    assert refused.status_code == 409
    assert "overrides.yaml" in refused.json()["error"]


def test_an_empty_root_has_a_page(serve):
    with serve() as url:
        assert look(url, "copies")["entries"] == []
        assert ask(url, "changes").json()["lines"] == []


def test_a_remote_root_is_read_too(reviewed, serve):
    reviewed.of_each(2)
    MemoryFileSystem.store.clear()
    remote = DataRoot("memory://reviewed")
    for file in reviewed.root.path.rglob("*"):
        if file.is_file():
            target = remote.path / file.relative_to(reviewed.root.path).as_posix()
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
    reviewed.root = remote
    with serve() as url:
        entry = look(url, "label_errors")["entries"][0]
        name = entry["pictures"][0]["sha256"]
        assert requests.get(f"{url}/review/pictures/{name}", timeout=30).status_code == 200
        assert ask(url, "decide", entry=entry["id"], answer="class:tank").status_code == 200
    assert load_overrides(reviewed.overrides).labels.labels == ((name, "tank"),)
    MemoryFileSystem.store.clear()
