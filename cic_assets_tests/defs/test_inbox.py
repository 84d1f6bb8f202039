"""The inbox: what comes into a folder is asked for by the sensor, classified by the asset, and in the table once."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest
from dagster import DagsterInstance, DagsterRun, DagsterRunStatus, build_sensor_context

from cic_assets.config.environment import Environment
from cic_assets.config.problem_file import load_problem
from cic_assets.defs.build import build_definitions
from cic_assets.domain.models.card import file_sha256
from cic_assets.domain.prediction import (
    INBOX,
    INBOX_COLUMNS,
    MAX_BYTES,
    PredictionError,
    classify_inbox,
    inbox,
    load_predictor,
)
from cic_assets.domain.sources import complete_row, empty_table, load_tombstones
from cic_assets.domain.takedowns import purge
from cic_assets.engine import Threads
from cic_assets.storage import DataRoot, read_json, sha256_hex, write_json
from cic_assets_tests.fixtures.commands import PROJECT

pytestmark = pytest.mark.slow

PROBLEM = """
name: x
classes: {dark: [r/aa], bright: [r/bb]}
models: {xception: null}
prediction: {inbox: comes/in}
"""

IN_A_PROCESS = """
import contextlib, sys
from pathlib import Path
from cic_assets.domain.prediction import classify_inbox, inbox, load_predictor
from cic_assets.storage import DataRoot

inbox.STANDS_STILL_SECONDS, inbox.KEEP_SECONDS = 0, 0.1
root = DataRoot(sys.argv[1])
classify_inbox(root, Path(sys.argv[2]), load_predictor(root, many=True), publishing=root.lock.held)
"""


class Inbox:
    """A folder, the sensor that looks at it, and the runs that it asks for, in an instance of their own."""

    def __init__(self, folder, models, instance):
        self.instance = instance
        self.folder = folder / "comes" / "in"
        self.folder.mkdir(parents=True)
        self.environment = Environment(problem=folder / "problem.yaml", data_root=str(folder / "root"))
        self.environment.problem.write_text(PROBLEM)
        self.root = DataRoot(self.environment.data_root)
        shutil.copytree(str(models), str(self.root.models))

    def put(self, name, data):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def look(self):
        """The request of one tick, or in words why there is none."""
        definitions = build_definitions(self.environment)
        with build_sensor_context(
            self.instance,
            repository_def=definitions.get_repository_def(),
            resources={"data": definitions.resources["data"]},
        ) as context:
            tick = definitions.resolve_sensor_def("classify_inbox").evaluate_tick(context)
        assert len(tick.run_requests) <= 1
        return tick.run_requests[0] if tick.run_requests else tick.skip_message

    def run(self, **config):
        """The metadata of one run of the job that the sensor starts."""
        definitions = build_definitions(self.environment)
        job = definitions.resolve_sensor_def("classify_inbox").job_name
        result = definitions.get_repository_def().get_job(job).execute_in_process(
            instance=self.instance, run_config={"ops": {INBOX: {"config": config}}}
        )  # fmt: skip
        (made,) = result.asset_materializations_for_node(INBOX)
        return {name: value.value for name, value in made.metadata.items()}

    @property
    def rows(self):
        return self.root.read_table(INBOX)

    def labels(self):
        return dict(zip(self.rows["path"], self.rows["label"], strict=True))


@pytest.fixture
def came(tmp_path, exported_root, monkeypatch):
    monkeypatch.setattr(inbox, "STANDS_STILL_SECONDS", 0)
    with DagsterInstance.ephemeral() as instance:
        yield Inbox(tmp_path, exported_root.models, instance)


def test_what_comes_is_asked_for_once_and_classified_in_one_run(came, grey):
    assert came.look() == f"nothing new in {came.folder}"
    for number in range(1000):
        came.put(f"{number // 100}/{number}.png", grey((5, 250)[number % 2]))
    came.put("notes.txt", b"no picture")
    came.put("broken.jpg", b"<html>")
    request = came.look()
    assert request.asset_selection is None or [key.path for key in request.asset_selection] == [[INBOX]]
    assert came.look().run_key == request.run_key
    metadata = came.run()
    assert came.look() == f"nothing new in {came.folder}"
    assert (metadata["new rows"], metadata["without an answer"], metadata["dagster/row_count"]) == (1002, 2, 1002)
    assert len(metadata["predictions"].records) == 100
    rows = came.rows.set_index("path")
    assert rows.loc["3/300.png", "label"] == "dark"
    assert (rows["label"] == "bright").sum() == 500
    assert rows.loc["notes.txt", "error"].startswith("not a picture by its name: expected .avif, ")
    assert rows.loc["broken.jpg", "error"] == "not_an_image: an HTML page"
    assert rows.loc["3/300.png", "sha256"] == sha256_hex(grey(5))
    columns = [name for one in INBOX_COLUMNS for name in (["p_dark", "p_bright"] if one == "p_CLASS" else [one])]
    assert list(came.rows) == columns
    assert came.run()["new rows"] == 0
    assert len(came.rows) == 1002


def test_what_may_still_be_copied_waits(came, grey, monkeypatch):
    monkeypatch.setattr(inbox, "STANDS_STILL_SECONDS", 3600)
    path = came.put("a.png", grey(5)[:40])
    os.utime(path, (1, 1))  # a copy that keeps the time of what it is a copy of
    assert came.look() == f"nothing new in {came.folder}"
    told = came.run()
    assert {name: told[name] for name in ("new rows", "without an answer", "changed meanwhile")} == {
        "new rows": 0, "without an answer": 0, "changed meanwhile": 0,
    }  # fmt: skip
    came.put("a.png", grey(5))
    assert came.look() == f"nothing new in {came.folder}"
    monkeypatch.setattr(inbox, "STANDS_STILL_SECONDS", 1)
    time.sleep(1.1)
    assert came.look().run_key
    came.run()
    assert came.labels() == {"a.png": "dark"}


def test_a_changed_content_is_asked_about_again_and_a_changed_time_is_not(came, grey):
    path = came.put("a.png", grey(5))
    came.run()
    first = came.look()
    path.touch()
    assert came.look() != first
    assert came.run()["new rows"] == 0
    assert came.look() == first
    came.put("a.png", grey(250))
    came.run()
    assert list(came.rows["label"]) == ["dark", "bright"]
    came.put("a.png", grey(5))
    assert came.run()["new rows"] == 0
    assert came.look() == first
    path.unlink()
    assert came.look() == first
    assert len(came.rows) == 2


def test_another_model_is_asked_only_where_a_person_says_so(came, grey):
    came.put("a.png", grey(5))
    came.put("b.txt", b"")
    came.run(model="peetz_net")
    train_again(came.root.model("vgg"))
    assert came.run()["new rows"] == 0
    assert came.run(again=True)["new rows"] == 1
    assert came.run(again=True)["new rows"] == 0
    assert list(zip(came.rows["path"], came.rows["model"], strict=True)) == [
        ("a.png", "peetz_net"), ("a.png", "vgg"), ("b.txt", "vgg"),
    ]  # fmt: skip
    assert came.look() == f"nothing new in {came.folder}"


def train_again(folder):
    """Another file of the same model."""
    with (folder / "model.keras").open("ab") as file:
        file.write(b"\0")
    card = read_json(folder / "card.json")
    write_json(folder / "card.json", card | {"sha256": file_sha256(folder / "model.keras"), "reject": None})


def test_what_goes_or_changes_meanwhile_is_left_for_the_next_look(came, grey):
    for number in range(200):
        came.put(f"{number:03}.png", grey(5))

    def disturb(line):
        if line.startswith("1 of 200"):
            (came.folder / "198.png").unlink()
            came.put("199.png", grey(250))

    answered = classify_inbox(
        came.root, came.folder, load_predictor(came.root, many=True),
        publishing=came.root.lock.held, on_progress=disturb,
    )  # fmt: skip
    assert (answered.rows, answered.moved) == (198, 2)
    assert came.run()["new rows"] == 1
    assert came.labels()["199.png"] == "bright"
    assert "198.png" not in came.labels()


def test_what_cannot_be_read_has_a_row_with_the_reason_once(came):
    with came.put("huge.png", b"").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    came.run()
    (came.folder / "huge.png").touch()
    came.run()
    assert list(came.rows["error"]) == [f"too_large: more than {MAX_BYTES} bytes"]
    assert list(came.rows["sha256"]) == [""]
    assert came.look() == f"nothing new in {came.folder}"


def scraped(root, data):
    """A picture of a post."""
    row = {"post_id": "p", "subreddit": "aa", "outcome": "ok", "origin": "reddit", "format": "png"}
    row["sha256"] = root.images.put(data, "png")
    root.write_table("raw_images", pd.DataFrame([complete_row(row)])[list(empty_table())], "aa")


def test_what_was_taken_down_leaves_the_table_and_stays_out(came, grey):
    scraped(came.root, grey(5))
    for name, level in (("taken down.png", 5), ("only here.png", 6), ("other.png", 250)):
        came.put(name, grey(level))
    came.run()
    purge(came.root, sha256s=[sha256_hex(grey(5)), sha256_hex(grey(6))])
    assert came.labels() == {"other.png": "bright"}
    (came.folder / "only here.png").unlink()
    came.run()
    refused = came.rows.set_index("path").loc["taken down.png"]
    assert (refused["label"], refused["sha256"]) == ("", "")
    assert refused["error"] == "this picture was taken down: it is not looked at"
    assert came.look() == f"nothing new in {came.folder}"


@pytest.fixture
def all_kinds(came, grey):
    """Files of each kind that a look may find; looks at them anew by what is called, and gives rows and its result."""
    came.put("seen.png", grey(5))
    came.put("taken down.png", grey(7))
    scraped(came.root, grey(7))
    purge(came.root, sha256s=[sha256_hex(grey(7))])
    came.run()
    before = came.rows
    (came.folder / "seen.png").touch()
    for number in range(200):
        came.put(f"{number:03}.png", grey((5, 250)[number % 2]))
    came.put("notes.txt", b"no picture")
    came.put("broken.jpg", b"<html>")

    def look_again(run):
        came.root.write_table(INBOX, before)
        told = run()
        return came.rows.drop(columns="looked_at"), told

    return look_again


def test_an_engine_answers_the_same_in_the_same_order(came, all_kinds):
    def by(engine):
        return classify_inbox(
            came.root, came.folder, load_predictor(came.root, many=True), publishing=came.root.lock.held,
            refused=load_tombstones(came.root).purged_pictures, engine=engine,
        )  # fmt: skip

    (here, told), (there, of_engine) = all_kinds(lambda: by(None)), all_kinds(lambda: by(Threads(3)))
    pd.testing.assert_frame_equal(there, here)
    assert (of_engine.rows, of_engine.failed) == (told.rows, told.failed) == (202, 2)
    assert list(here["path"][2:5]) == ["000.png", "001.png", "002.png"]
    assert here["changed_at"][0] == (came.folder / "seen.png").stat().st_ctime_ns


@pytest.mark.long
@pytest.mark.xdist_group("ray")
@pytest.mark.timeout(900)
def test_workers_of_a_cluster_answer_the_same(came, all_kinds, ray_cluster, monkeypatch):
    for name, value in ray_cluster.variables.items():
        monkeypatch.setenv(name, value)
    import ray  # which reads some of them at once

    here, told = all_kinds(came.run)
    came.environment = came.environment.model_copy(update={"engine": "ray"})
    try:
        there, of_cluster = all_kinds(came.run)
    finally:
        ray.shutdown()
    pd.testing.assert_frame_equal(there, here)
    assert {name: of_cluster[name] for name in ("new rows", "without an answer")} == {
        "new rows": told["new rows"], "without an answer": told["without an answer"],
    }  # fmt: skip


def test_a_worker_whose_model_is_another_one_says_so(came, grey):
    predictor = load_predictor(came.root, "vgg", many=True)
    came.put("a.png", grey(5))
    train_again(came.root.model("vgg"))
    with pytest.raises(PredictionError, match="vgg was trained anew meanwhile: begin again"):
        classify_inbox(came.root, came.folder, predictor, publishing=came.root.lock.held, engine=Threads(1))
    assert not came.root.has_table(INBOX)


@pytest.mark.parametrize("status", [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED])
def test_while_a_run_is_at_work_none_is_asked_for(came, grey, status):
    came.put("a.png", grey(5))
    tags = came.look().tags
    came.instance.add_run(DagsterRun("x", run_id="7d5b4b86-2f0c-4a39-9a52-3f4a4a8b7a10", status=status, tags=tags))
    assert came.look() == "a run is at work on it"


def test_without_a_folder_or_a_model_it_waits(came, grey):
    came.put("a.png", grey(5))
    shutil.rmtree(str(came.root.models))
    assert came.look().startswith("no trained model in ")
    shutil.rmtree(came.folder)
    assert came.look() == f"there is no folder {came.folder}"


def started(came):
    command = [sys.executable, "-c", IN_A_PROCESS, came.root.url, str(came.folder)]
    return subprocess.Popen(command, cwd=PROJECT, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def many(came, jpeg):
    data = jpeg(width=1200, height=900)
    for number in range(400):
        came.put(f"{number:03}.jpg", data)
    return came


def wait_for_rows(came, *processes):
    deadline = time.monotonic() + 120
    while not came.root.has_table(INBOX):
        assert time.monotonic() < deadline
        assert [process.poll() for process in processes] == [None] * len(processes)
        time.sleep(0.01)


def test_killed_in_the_middle_it_goes_on_where_it_was(many):
    with started(many) as process:
        wait_for_rows(many, process)
        process.kill()
    kept = many.rows
    assert 0 < len(kept) < 400
    time.sleep(1)  # another time of looking
    many.run()
    pd.testing.assert_frame_equal(many.rows[: len(kept)], kept)
    assert list(many.rows["path"]) == [f"{number:03}.jpg" for number in range(400)]


def test_two_at_once_write_each_row_once(many):
    with started(many) as one, started(many) as other:
        said = [process.communicate(timeout=120)[1] for process in (one, other)]
    assert (one.returncode, other.returncode) == (0, 0), said
    assert sorted(many.rows["path"]) == [f"{number:03}.jpg" for number in range(400)]


def test_there_is_none_unless_it_is_set(came):
    assert Path(load_problem(came.environment.problem).prediction.inbox) == came.folder
    came.environment.problem.write_text(PROBLEM.replace("prediction: {inbox: comes/in}", ""))
    definitions = build_definitions(came.environment)
    assert INBOX not in {key.path[-1] for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert "classify_inbox" not in {sensor.name for sensor in definitions.get_repository_def().sensor_defs}
