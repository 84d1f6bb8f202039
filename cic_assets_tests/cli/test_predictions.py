"""`cic predict` on models that are there: how it starts, and what it says."""

import contextlib
import csv
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

pytestmark = pytest.mark.slow

HEAVY = {
    "aiohttp",
    "dagster",
    "h5py",
    "jax",
    "keras",
    "matplotlib",
    "pandas",
    "pyarrow",
    "rich",
    "scipy",
    "sklearn",
    "starlette",
    "tensorflow",
}
"""Packages that a prediction has no use for; each takes a tenth of a second to import, or seconds."""

CIC = str(Path(sys.executable).parent / "cic")

PROGRAM = """
import json, resource, sys
from pathlib import Path
from cic_assets.cli import cli
try:
    cli(prog_name="cic")
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    packages = sorted({name.partition(".")[0] for name in sys.modules})
    # `ru_maxrss` counts what the process was before it became this program, too.
    kilobytes = Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]
    json.dump([packages, int(kilobytes), used.ru_utime + used.ru_stime], sys.stderr)
"""


@pytest.fixture
def photo(tmp_path, jpeg):
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg(width=640, height=480))
    return path


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_photo_is_classified_in_a_blink(commands, exported_root, photo, options):
    command = [sys.executable, "-c", PROGRAM, "predict", str(photo), "--data-root", str(exported_root.path), *options]
    terminal = Terminal()
    result = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=terminal.theirs, text=True, env=commands.variables, check=False
    )
    said = terminal.close()
    assert result.returncode == 0, said
    assert "(" in result.stdout or json.loads(result.stdout)[0]["label"] in ("dark", "bright")
    packages, kilobytes, cpu_seconds = json.loads(said)
    assert HEAVY & set(packages) == set()
    assert {"cic_assets", "onnxruntime"} <= set(packages)
    assert kilobytes < 300_000  # 134,000 without what larger networks need
    assert cpu_seconds < 2  # 0.5 where nothing else runs; importing TensorFlow takes 5


def test_an_exported_model_is_silent(commands, exported_root, photo):
    result = commands.run("cic", "predict", photo, "--data-root", exported_root.path)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.fixture
def photos(tmp_path, grey):
    """Two pictures and what is none."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, data in (("a.png", grey(250)), ("b.jpg", b"<html>"), ("c, d.png", grey(5))):
        (folder / name).write_bytes(data)
    return folder


def asked(commands, root, *arguments, **given):
    """A call of `cic predict` as a process, and what it read."""
    command = [CIC, "predict", *map(str, arguments), "--data-root", str(root.path)]
    given = {"capture_output": True} | given
    return subprocess.run(command, env=commands.variables, cwd=commands.folder, **given)


def test_each_form_says_the_same(commands, exported_root, photos):
    names = [str(photos / name) for name in ("a.png", "b.jpg", "c, d.png")]
    listed, lines, table = (asked(commands, exported_root, photos, form) for form in ("--json", "--jsonl", "--csv"))
    rows = json.loads(listed.stdout)
    assert [row["path"] for row in rows] == names
    assert [row["label"] for row in rows] == ["bright", None, "dark"]
    assert [len(row["nearest"]) for row in rows] == [3, 0, 3]
    assert [json.loads(line) for line in lines.stdout.splitlines()] == rows
    read = list(csv.DictReader(io.StringIO(table.stdout.decode())))
    assert list(read[0]) == [
        "path", "label", "probability", "p_dark", "p_bright", "model", "precision", "error", "calibrated_probability",
        "plausible_90", "plausible_95", "none_of_these", "outlier_score",
    ]  # fmt: skip
    assert {cells["precision"] for cells in read} == {row["precision"] for row in rows} == {"float32"}
    for cells, row in zip(read, rows, strict=True):
        assert (cells["path"], cells["label"], cells["error"]) == (row["path"], row["label"] or "", row["error"] or "")
        expected = [row["probability"], *(row["probabilities"].get(label) for label in ("dark", "bright"))]
        assert [float(cells[key]) if cells[key] else None for key in ("probability", "p_dark", "p_bright")] == expected
        assert cells["none_of_these"] == {True: "true", False: "false", None: ""}[row["none_of_these"]]
        assert cells["outlier_score"] == ("" if row["label"] is None else str(row["outlier_score"]))
    for result in (listed, lines, table):
        assert result.returncode == 1
        assert result.stderr.decode().startswith(f"{names[1]}: not_an_image")


def test_what_is_of_no_class_is_said_to_a_person(commands, exported_root, tmp_path):
    (tmp_path / "red.png").write_bytes(cv2.imencode(".png", np.full((50, 70, 3), (10, 10, 230), np.uint8))[1].tobytes())
    result = asked(commands, exported_root, tmp_path / "red.png")
    assert result.stdout.decode().endswith("vgg), but looks like nothing it was trained on\n")
    (row,) = json.loads(asked(commands, exported_root, tmp_path / "red.png", "--json").stdout)
    assert (row["none_of_these"], row["outlier_score"] > 1) == (True, True)


def test_names_may_come_from_a_file_or_from_standard_input(commands, exported_root, photos):
    names = f"{photos / 'a.png'}\n\n{photos / 'c*.png'}\n"
    (photos / "names").write_text(names)
    expected = [f"{photos / 'a.png'}: bright (", f"{photos / 'c, d.png'}: dark ("]
    for result in (
        asked(commands, exported_root, "--from", photos / "names"),
        asked(commands, exported_root, "--from", "-", input=names.encode()),
    ):
        assert result.returncode == 0, result.stderr
        lines = result.stdout.decode().splitlines()
        assert all(line.startswith(start) for line, start in zip(lines, expected, strict=True))


def test_a_picture_may_come_from_standard_input(commands, exported_root, grey):
    result = asked(commands, exported_root, "-", "--jsonl", input=grey(250))
    (row,) = map(json.loads, result.stdout.splitlines())
    assert (row["path"], row["label"]) == ("-", "bright")


def test_answers_come_while_names_do(commands, exported_root, photos):
    command = [
        CIC,
        "predict",
        "--jsonl",
        "--from",
        "-",
        "--data-root",
        str(exported_root.path),
    ]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=commands.variables, cwd=commands.folder, **pipes) as process:
        process.stdin.write(f"{photos / 'nowhere.png'}\n" * 2)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["path"] == str(photos / "nowhere.png")
        process.stdin.write(f"{photos / 'a.png'}\n" * 100)
        process.stdin.close()
        rows = [json.loads(line) for line in process.stdout]
    assert [row["label"] for row in rows] == [None] + ["bright"] * 100


@pytest.fixture
def conversation(commands):
    """Makes a `cic predict` that is told names and asked for lines; a line that does not come fails."""
    with contextlib.ExitStack() as at_the_end:

        def make(root, *options):
            command = [CIC, "predict", *options, "--from", "-", "--data-root", str(root.path)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "bufsize": 0}
            process = subprocess.Popen(command, env=commands.variables, cwd=commands.folder, **pipes)
            at_the_end.enter_context(process)
            at_the_end.callback(process.kill)
            return process

        yield make


def line_of(process, seconds=60):
    ready, _, _ = select.select([process.stdout], [], [], seconds)
    assert ready, "no answer came"
    return process.stdout.readline().decode()


@pytest.mark.parametrize(("form", "exported"), [("--jsonl", True), ("--csv", True), ("--jsonl", False)])
def test_who_asks_one_by_one_is_answered_one_by_one(
    conversation, exported_root, keras_root, grey, tmp_path, form, exported
):
    levels = [250, 5, 0, 255, 240, 10]
    process = conversation(exported_root if exported else keras_root, form)
    for number, level in enumerate(levels):
        name = tmp_path / f"{number}, täxt.png"
        name.write_bytes(grey(level))
        process.stdin.write(f"{name}\n".encode())
        process.stdin.flush()
        if form == "--csv" and number == 0:
            assert line_of(process).startswith("path,")
        answer = line_of(process)
        assert f"{number}, t" in answer
        assert ("bright" if level > 128 else "dark") in answer.replace("p_", "")[:200].partition('"probabilities"')[0]
    process.stdin.close()
    assert process.stdout.read() == b""
    assert process.wait(30) == 0
    # A model without an export says why it takes long.
    told = process.stderr.read().decode()
    why = "vgg: loading Keras, which takes seconds (it was trained before models were exported)"
    assert told == "" if exported else told.startswith(why)
    assert told.count("\n") == (0 if exported else 1)


def test_interrupted_while_it_waits_for_a_name_it_ends_at_once(conversation, exported_root, photo):
    process = conversation(exported_root, "--jsonl")
    process.stdin.write(f"{photo}\n".encode())
    process.stdin.flush()
    assert json.loads(line_of(process))["path"] == str(photo)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 1
    assert process.stderr.read().decode().strip() == "Aborted!"


class Terminal:
    """A terminal, and all that was written to it."""

    def __init__(self):
        self._ours, self.theirs = pty.openpty()
        termios.tcsetwinsize(self.theirs, (24, 90))
        self._said = bytearray()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        # It ends with an error when nobody has the other end any more.
        with contextlib.suppress(OSError):
            while data := os.read(self._ours, 2**16):
                self._said += data

    def close(self):
        """What was written to it, when all who write have ended."""
        os.close(self.theirs)
        self._reader.join(30)
        os.close(self._ours)
        return self._said.decode()


@pytest.fixture
def many(tmp_path, jpeg):
    """A folder of pictures that take seconds, and what is none in another below it."""
    folder = tmp_path / "many"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "a.jpg").write_bytes(b"<html>")
    (folder / "0.jpg").write_bytes(jpeg(width=1600, height=1200))
    for number in range(1, 400):
        (folder / f"{number}.jpg").hardlink_to(folder / "0.jpg")
    return folder


def shown(said):
    """What a terminal shows in the end, and all that its last line ever was."""
    parts = said.replace("\r\n", "\n").split("\r\x1b[2K")
    return "".join(part for part in parts if " a second" not in part), [part for part in parts if " a second" in part]


def test_a_person_sees_how_far_it_is_and_a_pipe_does_not(commands, exported_root, many):
    terminal = Terminal()
    result = asked(
        commands, exported_root, many, "--json", stdout=subprocess.PIPE, stderr=terminal.theirs, capture_output=False
    )
    left, states = shown(terminal.close())
    rows = json.loads(result.stdout)
    assert (len(rows), result.returncode) == (401, 1)
    assert left == f"{many}/deep/a.jpg: not_an_image: an HTML page\n"
    assert len(states) > 3
    assert all(re.search(r"(\d+) of 401, [\d.,]+ a second, 0:\d\d:\d\d left", state) for state in states[2:])
    done = [int(re.search(r"(\d+) of", state)[1]) for state in states]
    assert done == sorted(done)


@pytest.mark.parametrize("form", [[], ["--csv"]])
def test_lines_and_how_far_it_is_share_a_terminal(commands, exported_root, many, form):
    terminal = Terminal()
    result = asked(
        commands, exported_root, many, *form, stdout=terminal.theirs, stderr=terminal.theirs, capture_output=False
    )
    left, states = shown(terminal.close())
    assert result.returncode == 1
    assert states
    plain = asked(commands, exported_root, many, *form)
    error = plain.stderr.decode()
    assert error in left
    assert left.replace(error, "", 1) == plain.stdout.decode()


def test_a_list_on_a_terminal_is_a_list(commands, exported_root, many):
    terminal, pictures = Terminal(), many / "*.jpg"
    ends = {"stdout": terminal.theirs, "stderr": terminal.theirs, "capture_output": False}
    assert asked(commands, exported_root, pictures, "--json", **ends).returncode == 0
    assert len(json.loads(terminal.close())) == 400


def test_how_many_come_by_a_pipe_nobody_knows(commands, exported_root, many):
    terminal = Terminal()
    names = "".join(f"{many / '0.jpg'}\n" for _ in range(400)).encode()
    result = asked(
        commands, exported_root, "--from", "-", input=names,
        stdout=subprocess.PIPE, stderr=terminal.theirs, capture_output=False,
    )  # fmt: skip
    left, states = shown(terminal.close())
    assert (left, result.returncode, result.stdout.count(b"\n")) == ("", 0, 400)
    assert re.search(r"\d+ so far, [\d.,]+ a second$", states[-1])


def test_nothing_to_look_at_is_a_list_too(commands, exported_root):
    result = asked(commands, exported_root, "--from", "-", "--json", input=b"")
    assert (result.returncode, json.loads(result.stdout)) == (0, [])


@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_a_model_in_fewer_bits_answers_and_is_named(commands, quantized_root, photos, precision):
    arguments = (photos / "a.png", "--precision", precision)
    said = asked(commands, quantized_root, *arguments)
    assert said.returncode == 0, said.stderr
    assert said.stdout.decode().startswith(f"{photos / 'a.png'}: bright (")
    assert said.stdout.decode().endswith(f"%, vgg in {precision})\n")
    (row,) = json.loads(asked(commands, quantized_root, *arguments, "--json").stdout)
    assert (row["model"], row["precision"], row["label"]) == ("vgg", precision, "bright")


@pytest.mark.parametrize("command", ["predict", "serve"])
def test_a_precision_that_was_not_made_is_an_error_that_says_what_to_do(commands, exported_root, photos, command):
    sources = [str(photos / "a.png")] if command == "predict" else ["--port", "0"]
    line = [CIC, command, *sources, "--precision", "int8", "--data-root", str(exported_root.path)]
    result = subprocess.run(line, capture_output=True, text=True, env=commands.variables, timeout=60)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == (
        "Error: vgg was not made in int8: set prediction: {precisions: [int8]} in the problem file, and materialize "
        "vgg_quantized, with `cic run`"
    )
