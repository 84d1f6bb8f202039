"""`cic review`: whose decisions it takes, and where they stand then."""

import signal

import pytest
import requests

from cic_assets.storage import DataRoot, claim_root

PROBLEM = "name: seen\nclasses: {car: ['folder:cars'], tank: ['folder:tanks'], bus: ['folder:buses']}\n"
CLIENT = "1" * 32


@pytest.fixture
def folder(reviewed, tmp_path):
    (tmp_path / "problem.yaml").write_text(PROBLEM)
    reviewed.of_each(1)
    return tmp_path


def ask(url, name, **body):
    return requests.post(f"{url}/review/api/{name}", json={"client": CLIENT, **body}, timeout=60).json()


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_page_decides_beside_the_problem_file(folder, serving, bare_variables, stop):
    arguments = ("review", "--problem", "problem.yaml", "--by", "Dana")
    with serving(*arguments, folder=folder, variables=bare_variables) as server:
        assert server.wait("/review").status_code == 200
        (entry,) = ask(server.url, "look", queue="label_errors", place=-1, count=3)["entries"]
        ask(server.url, "decide", entry=entry["id"], answer="class:tank")
        server.process.send_signal(stop)
        assert server.process.wait(60) == 0, server.said
    assert f"Look and decide at {server.url}/review (Ctrl+C ends it)" in server.said
    assert "Traceback" not in server.said
    written = (folder / "overrides.yaml").read_text()
    assert f"  {entry['pictures'][0]['sha256']}: tank  # decision 1, by Dana, " in written


def test_a_class_that_is_added_meanwhile_is_known_and_a_mistake_is_told(folder, serving, bare_variables):
    with serving("review", "--problem", "problem.yaml", folder=folder, variables=bare_variables) as server:
        assert server.wait("/review").status_code == 200
        (entry,) = ask(server.url, "look", queue="label_errors", place=-1, count=3)["entries"]
        right = PROBLEM.replace("bus:", "van: ['folder:vans'], bus:")
        (folder / "problem.yaml").write_text(right.replace("classes", "klasses"))
        assert "nothing can be decided here: " in ask(server.url, "hold")["error"]
        (folder / "problem.yaml").write_text(right)
        (folder / "overrides.yaml").write_text(f"labels:\n  {'a' * 64}: van\n")
        answer = ask(server.url, "decide", entry=entry["id"], answer="class:van")
        assert answer["said"]["klass"] == "van"
        assert answer["state"]["mistake"] == ""
        assert answer["state"]["classes"] == ["car", "tank", "van", "bus"]
        assert server.process.poll() is None


def test_a_root_without_pictures_has_nothing_to_look_at(cic, tmp_path):
    (tmp_path / "problem.yaml").write_text(PROBLEM)
    result = cic("review", "--problem", str(tmp_path / "problem.yaml"))
    assert result.returncode == 1
    assert "there is nothing to look at under" in result.stderr
    assert "`cic run` first" in result.stderr
    assert not (tmp_path / "data").exists()


def test_pictures_of_another_problem_are_not_decided_about(cic, folder, tmp_path):
    other = tmp_path / "others" / "problem.yaml"
    other.parent.mkdir()
    other.write_text(PROBLEM.replace("seen", "others"))
    root = folder / "data"
    claim_root(DataRoot(str(root)), "seen", folder / "problem.yaml")
    result = cic("review", "--problem", str(other), "--data-root", str(root))
    assert result.returncode == 1
    assert "(seen) made, not" in result.stderr


def test_a_port_that_is_taken_is_said_at_once(cic, folder, serving, bare_variables):
    with serving("review", "--problem", "problem.yaml", folder=folder, variables=bare_variables) as server:
        server.wait("/review")
        port = server.url.rpartition(":")[2]
        result = cic("review", "--problem", str(folder / "problem.yaml"), "--port", port)
    assert result.returncode == 1
    assert f"port {port} of 127.0.0.1 cannot be had" in result.stderr
