"""`cic predict` on models that are there: how it starts, and what it says."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

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
    result = subprocess.run(command, capture_output=True, text=True, env=commands.variables)
    assert result.returncode == 0, result.stderr
    assert "(" in result.stdout or json.loads(result.stdout)[0]["label"] in ("dark", "bright")
    packages, kilobytes, cpu_seconds = json.loads(result.stderr)
    assert HEAVY & set(packages) == set()
    assert {"cic_assets", "onnxruntime"} <= set(packages)
    assert kilobytes < 300_000  # 134,000 without what larger networks need
    assert cpu_seconds < 2  # 0.5 where nothing else runs; importing TensorFlow takes 5


def test_a_model_without_an_export_says_why_it_takes_long(commands, keras_root, photo):
    result = commands.run("cic", "predict", photo, "--data-root", keras_root.path)
    assert result.returncode == 0, result.stderr
    assert result.stderr.startswith(
        "vgg: loading Keras, which takes seconds (it was trained before models were exported)"
    )
    assert result.stderr.count("\n") == 1
    assert result.stdout.startswith(f"{photo}: ")


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
    return subprocess.run(command, capture_output=True, env=commands.variables, cwd=commands.folder, **given)


def test_each_form_says_the_same(commands, exported_root, photos):
    names = [str(photos / name) for name in ("a.png", "b.jpg", "c, d.png")]
    listed, lines, table = (asked(commands, exported_root, photos, form) for form in ("--json", "--jsonl", "--csv"))
    rows = json.loads(listed.stdout)
    assert [row["path"] for row in rows] == names
    assert [row["label"] for row in rows] == ["bright", None, "dark"]
    assert [json.loads(line) for line in lines.stdout.splitlines()] == rows
    read = list(csv.DictReader(io.StringIO(table.stdout.decode())))
    assert list(read[0]) == [
        "path", "label", "probability", "p_dark", "p_bright", "model", "error", "calibrated_probability",
        "plausible_90", "plausible_95",
    ]  # fmt: skip
    for cells, row in zip(read, rows, strict=True):
        assert (cells["path"], cells["label"], cells["error"]) == (row["path"], row["label"] or "", row["error"] or "")
        expected = [row["probability"], *(row["probabilities"].get(label) for label in ("dark", "bright"))]
        assert [float(cells[key]) if cells[key] else None for key in ("probability", "p_dark", "p_bright")] == expected
    for result in (listed, lines, table):
        assert result.returncode == 1
        assert result.stderr.decode().startswith(f"{names[1]}: not_an_image")


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


def test_nothing_to_look_at_is_a_list_too(commands, exported_root):
    result = asked(commands, exported_root, "--from", "-", "--json", input=b"")
    assert (result.returncode, json.loads(result.stdout)) == (0, [])
