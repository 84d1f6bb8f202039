"""`cic predict` on models that are there: how it starts, and what it says."""

import json
import subprocess
import sys

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
    "starlette",
    "tensorflow",
}
"""Packages that a prediction has no use for; each takes a tenth of a second to import, or seconds."""

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
