import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml
from dagster import AssetKey, DagsterInstance, DagsterRunStatus
from dagster._core.test_utils import create_run_for_test

from cic_assets.config.dagster_settings import DagsterSettings
from cic_assets.orchestration import instance
from cic_assets.orchestration.errors import InstanceError
from cic_assets.orchestration.instance import PID_TAG, ensure_home, lock_root, open_instance
from cic_assets.orchestration.migration import migrate
from cic_assets.orchestration.workspace import write_workspace
from cic_assets.storage import DataRoot, sha256_hex
from cic_assets.storage.lease import Lease
from cic_assets_tests.fixtures.machines import on_machine


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    return DataRoot(str(tmp_path / "root"))


def test_the_home_is_under_the_data_root_and_limits_the_gpu_pool(root):
    with open_instance(root) as instance:
        assert instance.root_directory == str(root.path / "dagster")
        config = instance.get_concurrency_config()
        assert config.pool_config.default_pool_limit == 1
        assert config.pool_config.pool_granularity.value == "op"
        assert not instance.telemetry_enabled


def test_a_home_of_one_s_own_is_respected(root, tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert ensure_home(root) == tmp_path
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "nowhere"))
    with pytest.raises(InstanceError, match="nowhere, which is no folder"):
        ensure_home(root)


def test_a_home_is_of_one_data_root(root, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    ensure_home(root)
    assert ensure_home(DataRoot(root.url)) == home
    with pytest.raises(InstanceError, match=r"home is that of the data root .*/root, not of .*/other: unset DAG"):
        ensure_home(DataRoot(str(tmp_path / "other")))


def test_a_data_root_that_was_moved_takes_its_home_along(root, tmp_path):
    ensure_home(root)
    moved = root.path.rename(tmp_path / "moved")
    assert ensure_home(DataRoot(str(moved))) == tmp_path / "moved" / "dagster"


def test_remote_roots_whose_homes_would_have_one_name_are_told_apart(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    ensure_home(DataRoot("memory://bucket/data"))
    with pytest.raises(InstanceError, match="not of memory://bucket-data"):
        ensure_home(DataRoot("memory://bucket-data"))


def test_two_homes_of_one_data_root_exclude_each_other(root, tmp_path, monkeypatch):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "one"))
    with open_instance(root):
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "two"))
        with pytest.raises(InstanceError, match="another cic command is at work"), open_instance(root):
            pass


def test_a_changed_dagster_yaml_is_kept(root):
    home = ensure_home(root)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    ensure_home(root)
    assert (home / "dagster.yaml").read_text() == "telemetry: {enabled: false}\n"


def test_a_dagster_yaml_of_an_earlier_version_is_renewed(root, monkeypatch):
    home = ensure_home(root)
    of_now = (home / "dagster.yaml").read_bytes()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setattr(instance, "_EARLIER_CONFIGS", {sha256_hex(b"telemetry: {enabled: false}\n")[:16]})
    ensure_home(root)
    assert (home / "dagster.yaml").read_bytes() == of_now


def test_problems_with_different_prefixes_share_a_home(root, tmp_path):
    cats, dogs = (DagsterSettings(home=tmp_path / "home", asset_prefix=name) for name in ("cats", "dogs"))
    other = DataRoot(str(tmp_path / "other"))
    assert ensure_home(root, cats) == ensure_home(other, dogs) == tmp_path / "home"
    assert (tmp_path / "home" / "dagster.yaml").exists()
    assert ensure_home(root, cats) == tmp_path / "home"
    with pytest.raises(InstanceError, match="give one of two problems another"):
        ensure_home(other, cats)


def test_a_workspace_has_a_location_for_each_problem(tmp_path):
    alone = yaml.safe_load(write_workspace(tmp_path, {"cic_assets": None}).read_text())
    module = {"module_name": "cic_assets.definitions", "attribute": "defs", "location_name": "cic_assets"}
    assert alone == {"load_from": [{"python_module": module}]}
    both = yaml.safe_load(write_workspace(tmp_path, {"a": tmp_path / "a'.yaml", "b": tmp_path / "b.yaml"}).read_text())
    files = [entry["python_file"] for entry in both["load_from"]]
    assert [file["location_name"] for file in files] == ["a", "b"]
    assert all(compile(Path(file["relative_path"]).read_text(), "location", "exec") for file in files)


@pytest.mark.slow
def test_two_commands_at_once_are_refused(root):
    program = (
        "import sys; from cic_assets.storage import DataRoot\n"
        "from cic_assets.orchestration.instance import open_instance\n"
        "with open_instance(DataRoot(sys.argv[1])): pass"
    )
    with open_instance(root):
        environment = {**os.environ, "DAGSTER_HOME": ""}
        command = [sys.executable, "-c", program, root.url]
        result = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert result.returncode != 0
    assert "another cic command is at work" in result.stderr


@pytest.mark.slow
def test_runs_of_another_problem_in_the_same_home_may_be_at_work(root, tmp_path):
    cats, dogs = (DagsterSettings(home=tmp_path / "home", asset_prefix=name) for name in ("cats", "dogs"))
    with open_instance(root, cats) as instance:
        selected = [frozenset({AssetKey([name, "raw_images"])}) for name in ("cats", "dogs")]
        tags = {"status": DagsterRunStatus.STARTED, "tags": {PID_TAG: "1"}}
        ours, theirs = (create_run_for_test(instance, asset_selection=keys, **tags) for keys in selected)
    with open_instance(root, cats) as instance:
        assert instance.get_run_by_id(ours.run_id).status is DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(theirs.run_id).status is DagsterRunStatus.STARTED
    with open_instance(DataRoot(str(tmp_path / "other")), dogs) as instance:
        assert instance.get_run_by_id(theirs.run_id).status is DagsterRunStatus.FAILURE


@pytest.mark.slow
def test_runs_that_a_kill_left_behind_are_marked_failed(root):
    with open_instance(root) as instance:
        ours = create_run_for_test(instance, status=DagsterRunStatus.STARTED, tags={PID_TAG: "1"})
        others = create_run_for_test(instance, status=DagsterRunStatus.STARTED)
    with open_instance(root) as instance:
        assert instance.get_run_by_id(ours.run_id).status is DagsterRunStatus.FAILURE
        assert instance.get_run_by_id(others.run_id).status is DagsterRunStatus.STARTED


def test_a_remote_root_has_its_home_on_the_local_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_HOME", "")
    home = ensure_home(DataRoot("memory://bucket/data"))
    assert home.is_relative_to(tmp_path)
    with DagsterInstance.from_config(str(home)) as instance:
        assert instance.root_directory == str(home)


HOLDER = """
import sys
from cic_assets.orchestration.instance import lock_root
from cic_assets.storage import DataRoot
with lock_root(DataRoot(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def other_machine(s3_url, tmp_path):
    """One that has a data root in a bucket until it is told to go on."""
    (tmp_path / "other").mkdir()
    environment = {**os.environ, "HOME": str(tmp_path / "other"), "DAGSTER_HOME": ""}
    command = on_machine("other", [sys.executable, "-c", HOLDER, s3_url])
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def let_go(process, told):
    def on_wait(line):
        told.append(line)
        process.stdin.write("\n")
        process.stdin.flush()

    return on_wait


@pytest.mark.slow
def test_a_bucket_is_one_machine_s_at_a_time(other_machine, s3_url, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    root, told = DataRoot(s3_url), []
    with lock_root(root, let_go(other_machine, told)):
        assert other_machine.wait(60) == 0
        with pytest.raises(InstanceError, match="another cic command is at work"), lock_root(root):
            pass  # of this machine, which need not wait to know it
    (line,) = told
    assert line.startswith(f"Waiting for what else writes in {s3_url}/commands (other, process ")


@pytest.mark.slow
def test_who_migrates_a_bucket_waits_for_other_machines_before_it_keeps_them_from_writing(
    other_machine, s3_url, monkeypatch
):
    monkeypatch.setenv("DAGSTER_HOME", "")
    root, told = DataRoot(s3_url), []
    waits = let_go(other_machine, told)

    def write():  # as the other machine's run does, which is what is waited for
        with root.lock.held():
            waits("wrote")

    def on_line(line):
        told.append(line)
        if line.startswith("Waiting"):
            writer = threading.Thread(target=write, daemon=True)
            writer.start()
            writer.join(30)

    migrate(root, DagsterSettings(), on_line)
    assert "/commands (other, process " in told[0]
    assert told[1] == "wrote"
    assert told[-1] == "Dagster's tables: up to date"


@pytest.mark.slow
def test_a_command_that_lost_a_bucket_to_another_machine_says_so(s3_url, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    monkeypatch.setitem(Lease.__init__.__kwdefaults__, "expiry", 1.0)
    root = DataRoot(s3_url)

    def lose():
        with lock_root(root):
            (root.path / "leases" / "commands.json").write_bytes(b'{"token": "of another"}')
            time.sleep(1)

    with pytest.raises(InstanceError, match="another machine took over what this one held"):
        lose()


@pytest.mark.slow
def test_who_has_a_bucket_ends_what_commands_of_other_machines_left_behind(s3_url, postgres_url, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    left = {"status": DagsterRunStatus.STARTED, "tags": {PID_TAG: "1", "cic/machine": "another"}}
    with open_instance(DataRoot(s3_url)) as instance:
        run = create_run_for_test(instance, **left)
    with open_instance(DataRoot(s3_url)) as instance:
        assert instance.get_run_by_id(run.run_id).status is DagsterRunStatus.FAILURE
