"""`cic metrics`, and metrics beside the UI."""

import socket
import subprocess
import sys
import time
from contextlib import suppress

import pytest
import requests
import yaml

from cic_assets_tests.fixtures.servers import free_port
from cic_assets_tests.orchestration.metrics.recording import Told

TOKEN = "a-token-that-is-long-enough"


@pytest.fixture
def asked(commands):
    """A problem in the folder of the commands."""
    classes = {"cat": ["urls:cats.txt"], "dog": ["urls:dogs.txt"]}
    (commands.folder / "problem.yaml").write_text(yaml.safe_dump({"name": "pets", "classes": classes}))
    for name in ("cats", "dogs"):
        (commands.folder / f"{name}.txt").write_text("")
    commands.variables["CIC_PROBLEM"] = "problem.yaml"
    return commands


def test_once_it_is_on_standard_output(asked):
    result = asked.call("metrics", "--once")
    assert (result.returncode, result.stderr) == (0, "")
    told = Told.of(result.stdout)
    assert told.at("cic_sources", problem="pets", state="never_scraped") == 2
    assert told.at("cic_runs_ended_total", job_name="rescrape", status="success") == 0


def test_a_file_is_written_whole_for_others_to_read(asked):
    target = asked.folder / "textfile" / "cic.prom"
    target.parent.mkdir()
    result = asked.call("metrics", "--output", target)
    assert (result.returncode, result.stdout) == (0, "")
    assert Told.of(target.read_text()).at("cic_sources", problem="pets", state="fresh") == 0
    assert target.stat().st_mode & 0o777 == 0o644
    assert [path.name for path in target.parent.iterdir()] == ["cic.prom"]


def test_what_cannot_be_read_leaves_the_file_as_it_was(asked):
    target = asked.folder / "cic.prom"
    asked.call("metrics", "--output", target)
    before = target.read_bytes()
    result = asked.call(
        "metrics", "--output", target, CIC_POSTGRES_URL=f"postgresql://me:secret@127.0.0.1:{free_port()}/x"
    )
    assert result.returncode == 1
    assert result.stderr.startswith("Error: PostgreSQL, which CIC_POSTGRES_URL or dagster.yaml names: ")
    assert "secret" not in result.stderr
    assert target.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        (("--host", "0.0.0.0"), {}, "others could reach it: give a token"),
        ((), {"CIC_METRICS": "0.0.0.0:9464"}, "others could reach it: give a token"),
        (("--host", "0.0.0.0"), {"CIC_TOKEN": "short"}, "token: expected 16 or more"),
        ((), {"CIC_METRICS": "somewhere"}, "CIC_METRICS: found 'somewhere', expected PORT or HOST:PORT"),
        (("--problem", "a", "--problem", "b", "--data-root", "c"), {}, "--data-root (CIC_DATA_ROOT) is of one problem"),
        (("--problem", "none.yaml"), {}, "none.yaml"),
        (("--port", "99999"), {}, "port 99999 of 127.0.0.1: expected a name or an address of this machine, and a port"),
    ],
)
def test_what_cannot_be_is_told_in_a_line(asked, arguments, variables, said):
    result = asked.call("metrics", *arguments, **variables)
    assert result.returncode in (1, 2)
    assert said in " ".join(result.stderr.split())


def test_a_port_that_is_taken_is_told(asked):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert "cannot be had" in asked.call("metrics", "--port", port).stderr
        beside = asked.call("dev", "--port", free_port(), CIC_METRICS=str(port))
    assert beside.returncode == 1
    assert f"CIC_METRICS is {port}: port {port} of 127.0.0.1 cannot be had" in beside.stderr


def test_beside_the_ui_others_are_served_with_a_token_alone(asked):
    result = asked.call("dev", "--port", free_port(), CIC_METRICS=f"0.0.0.0:{free_port()}")
    assert result.returncode == 1
    assert "others could reach it: give a token" in result.stderr


@pytest.mark.slow
def test_it_serves_who_shows_the_token(asked, serving):
    with serving("metrics", folder=asked.folder, variables=asked.variables | {"CIC_TOKEN": TOKEN}) as server:
        assert server.wait("/metrics").status_code == 401
        answer = requests.get(f"{server.url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=60)
        assert Told.of(answer.text).at("cic_sources", problem="pets", state="never_scraped") == 2
        assert f"Metrics at {server.url}/metrics" in server.said
    assert server.process.wait(30) == 0  # told to stop by SIGTERM


@pytest.mark.slow
def test_it_serves_while_a_database_is_away(asked, serving):
    variables = asked.variables | {"CIC_POSTGRES_URL": f"postgresql://me:secret@127.0.0.1:{free_port()}/x"}
    with serving("metrics", folder=asked.folder, variables=variables) as server:
        assert server.wait("/health").status_code == 200
        answer = requests.get(f"{server.url}/metrics", timeout=60)
        assert answer.status_code == 503
        assert "secret" not in server.said
        assert requests.get(f"{server.url}/health", timeout=60).status_code == 200


@pytest.mark.slow
def test_it_ends_with_the_process_that_it_is_told(asked, serving):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as other:
        arguments = ("metrics", "--until", str(other.pid))
        with serving(*arguments, folder=asked.folder, variables=asked.variables) as server:
            assert server.wait("/health").status_code == 200
            other.kill()
            other.wait()
            assert server.process.wait(30) == 0


@pytest.mark.slow
def test_beside_the_ui_it_serves_until_that_ends(asked, serving):
    port = free_port()
    variables = asked.variables | {"CIC_METRICS": str(port)}
    url = f"http://127.0.0.1:{port}"
    with serving("dev", folder=asked.folder, variables=variables) as server:
        server.wait("/server_info")
        wait_until(lambda: answers(f"{url}/health"))
        told = Told.of(requests.get(f"{url}/metrics", timeout=60).text)
        assert told.at("cic_sources", problem="pets", state="never_scraped") == 2
        server.process.terminate()
        server.process.wait(60)
    wait_until(lambda: not answers(f"{url}/health"))


@pytest.mark.slow
def test_nothing_of_it_is_imported_where_it_is_not_asked_for(bare_variables, tmp_path):
    program = (
        "import sys, cic_assets.cli, cic_assets.definitions\n"
        "ours = ('prometheus_client', 'cic_assets.orchestration.metrics', 'cic_assets.web.metrics')\n"
        "print([name for name in sys.modules if name.startswith(ours)])"
    )
    variables = {**bare_variables, "CIC_PROBLEM": "", "CIC_ARCHIVE": "sample"}
    (tmp_path / "data").mkdir()
    classes = {"cat": ["urls:c.txt"], "dog": ["urls:d.txt"]}
    (tmp_path / "data" / "problem.yaml").write_text(yaml.safe_dump({"name": "x", "classes": classes}))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=variables)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def answers(url):
    with suppress(requests.RequestException):
        return requests.get(url, timeout=30).status_code == 200
    return False


def wait_until(holds, seconds=120):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.2)
