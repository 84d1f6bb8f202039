"""What keeps `cic dev` from starting."""

import fcntl
import socket

import pytest
import yaml


@pytest.fixture
def dev(commands, tmp_path):
    """`cic dev` on a free port, or another one."""
    classes = {"cat": ["urls:cats.txt"], "dog": ["urls:dogs.txt"]}
    (tmp_path / "problem.yaml").write_text(yaml.safe_dump({"name": "x", "classes": classes}))
    for name in ("cats", "dogs"):
        (tmp_path / f"{name}.txt").write_text("")
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    return lambda port=free: commands.call("dev", "--problem", "problem.yaml", "--port", port)


def test_a_port_that_is_taken_is_told_before_anything_starts(dev):
    with socket.create_server(("127.0.0.1", 0)) as server:
        result = dev(server.getsockname()[1])
    assert result.returncode == 1
    assert "cannot be had: Address already in use; choose another" in result.stderr


def test_a_second_ui_of_the_same_runs_is_refused(dev, tmp_path):
    home = tmp_path / "data" / "dagster"
    home.mkdir(parents=True)
    with (home / "ui.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        result = dev()
    assert result.returncode == 1
    assert result.stderr == f"Error: a UI and daemon of {home} are at work already: use that one, or end it\n"


@pytest.mark.slow
def test_a_ui_that_serves_keeps_another_away_until_it_ends(dev, commands, serving):
    """The lock is taken by a process that becomes Dagster's."""
    with serving("dev", "--problem", "problem.yaml", folder=commands.folder, variables=commands.variables) as server:
        server.wait("/server_info")
        result = dev()
    assert f"The Dagster UI, in a moment: {server.url}/asset-groups. Ctrl+C ends it." in server.said
    assert result.returncode == 1
    assert "are at work already" in result.stderr
    with (commands.folder / "data" / "dagster" / "ui.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
