"""The server around it: changes on disk, counting, starting, stopping, and the command's blocking form."""

import json
import os
import signal
import subprocess
import sys
import urllib.request

import pytest

from cic_assets.web.replay import ArchiveError, replay

API = "http://127.0.0.1"


def _ids(answer):
    return [child["data"]["id"] for child in answer.json["data"]["children"]]


def test_posts_come_and_go_while_it_runs(maker, ask):
    first, second, third = maker.posts(3)
    maker.subreddit("cars", [first, second])
    with replay(maker.directory) as server:
        assert _ids(ask(server, f"{API}/r/cars/new")) == ["p1", "p2"]
        maker.subreddit("cars", [second, third])
        assert _ids(ask(server, f"{API}/r/cars/new")) == ["p2", "p3"]
        maker.subreddit("tanks", [first])
        assert _ids(ask(server, f"{API}/r/tanks/new")) == ["p1"]
        (maker.directory / "subreddits" / "tanks.jsonl").unlink()
        assert ask(server, f"{API}/r/tanks/new").status == 302


def test_routes_and_states_change_while_it_runs(maker, ask):
    maker.subreddit("cars", [])
    with replay(maker.directory) as server:
        assert ask(server, "http://i.redd.it/a.jpg").status == 404
        maker.route("i.redd.it", "/a.jpg", status=200)
        assert ask(server, "http://i.redd.it/a.jpg").status == 200
        maker.states(cars={"status": "private"})
        assert ask(server, f"{API}/r/cars/new").status == 403


def test_a_change_that_makes_no_sense_leaves_the_last_state(maker, ask, caplog):
    maker.subreddit("cars", maker.posts(1))
    path = maker.directory / "subreddits" / "cars.jsonl"
    with replay(maker.directory) as server:
        whole = path.read_text()
        path.write_text(whole[:50])
        for _ in range(3):
            assert _ids(ask(server, f"{API}/r/cars/new")) == ["p1"]
        assert [record.message for record in caplog.records if "cars.jsonl:1" in record.message] != []
        assert len(caplog.records) == 1
        path.write_text(whole.replace("p1", "p2"))
        assert _ids(ask(server, f"{API}/r/cars/new")) == ["p2"]


def test_what_was_asked_is_counted(maker, ask):
    maker.route("i.redd.it", "/a.jpg", status=200, body="four")
    with replay(maker.directory) as server:
        for _ in range(2):
            ask(server, "http://I.redd.it:80/a.jpg")
        ask(server, "http://i.redd.it/a.jpg?x=1")
        assert server.requests == {"http://i.redd.it/a.jpg": 2, "http://i.redd.it/a.jpg?x=1": 1}
        assert server.sent["http://i.redd.it/a.jpg"] == 8


def test_a_wrong_archive_does_not_start(tmp_path):
    with pytest.raises(ArchiveError, match="not an archive"):
        replay(tmp_path)


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_said(maker, port):
    maker.subreddit("cars", [])
    with pytest.raises(ArchiveError, match=f"port {port}: expected 0 to 65535"), replay(maker.directory, port):
        pytest.fail("served")


def test_a_port_that_is_taken_is_said(maker):
    with replay(maker.directory) as server, pytest.raises(ArchiveError, match=f"port {server.port} of 127.0.0.1"):
        replay(maker.directory, server.port)


def test_many_clients_at_once(maker, ask):
    from concurrent.futures import ThreadPoolExecutor

    maker.media("a.jpg", bytes(50_000))
    for number in range(20):
        maker.route("i.redd.it", f"/{number}.jpg", file="a.jpg")
    with replay(maker.directory) as server, ThreadPoolExecutor(16) as pool:
        urls = [f"http://i.redd.it/{number}.jpg" for number in range(20)] * 10
        answers = list(pool.map(lambda url: ask(server, url), urls))
        assert {(answer.status, len(answer.body)) for answer in answers} == {(200, 50_000)}
        assert sum(server.requests.values()) == 200


_SERVE = """
import sys
from cic_assets.web.replay import serve
serve(sys.argv[1], 0, say=lambda line: print(line, flush=True))
"""


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_serving_says_where_and_ends_when_told(maker, end):
    maker.subreddit("cars", maker.posts(1))
    maker.route("i.redd.it", "/abc.jpg", status=200)
    command = [sys.executable, "-W", "error", "-c", _SERVE, str(maker.directory)]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        said = [process.stdout.readline() for _ in range(3)]
        endpoint = next(word for word in said[0].split() if word.startswith("http://127.0.0.1:"))
        assert f"curl '{endpoint}/r/cars/new?limit=5'" in said[1]
        assert "http://i.redd.it/abc.jpg" in said[2]
        with urllib.request.urlopen(f"{endpoint}/r/cars/new", timeout=10) as answer:
            assert json.load(answer)["data"]["children"][0]["data"]["id"] == "p1"
        process.send_signal(end)
        _, errors = process.communicate(timeout=5)
    finally:
        process.kill()
        process.communicate()
    assert errors == ""
    assert process.returncode == 0
