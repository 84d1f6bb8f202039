"""That the program still draws the sample that is committed."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cic_assets.domain.images import decode, encode_jpeg, inspect
from cic_assets.domain.media import Outcome
from cic_assets.web.replay import SAMPLE_ARCHIVE, SAMPLE_CARD
from tools.draw_sample import archive, content_of, write_sample
from tools.draw_sample.casting import cast, title_of

CLOSE = 0.75
"""Of 255 levels, on average over a picture. On a CPU without AVX, AVX2, AVX-512 and FMA, as measured with them switched
off, nearly all files have other bytes, and the pixels of one differ by 0.50, of the others by 0.18 at most. A quality
that is lower by 3 makes 1.1, a vehicle that stands a pixel further on as much."""

PROJECT = Path(__file__).resolve().parents[3]


SHOTS = [("car", 3), ("tank", 7), ("car", 60), ("tank", 140)]


def test_the_same_bytes_every_time():
    """On one thread or several, in this process or another."""
    drawn = archive.draw_each(SHOTS)
    assert len({data for data, _ in drawn}) == len(SHOTS)
    assert [archive.draw_each([shot])[0] for shot in SHOTS] == drawn
    code = f"import sys; from tools.draw_sample.archive import draw_each; sys.stdout.write(repr(draw_each({SHOTS!r})))"
    variables = {**os.environ, "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", code]
    other = subprocess.run(command, cwd=PROJECT, env=variables, capture_output=True, text=True, check=True)
    assert other.stdout == repr(drawn)


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def differ(one: bytes, other: bytes) -> bool:
    """Whether two bodies are more than rounding apart, which is not the same on all CPUs."""
    if one == other:
        return False
    outcomes = {inspect(one).outcome, inspect(other).outcome}
    if outcomes != {Outcome.OK}:
        return len(outcomes) > 1  # cut in two, or too large to decode
    first, second = decode(one).astype(np.int16), decode(other).astype(np.int16)
    return first.shape != second.shape or float(np.abs(first - second).mean()) > CLOSE


@pytest.fixture
def every_fourth(monkeypatch):
    """The program draws every fourth picture of the sample, and leaves the others plain; gives the former's files."""
    drawn = set()
    draw_each = archive.draw_each

    def draw_some(shots):
        pictures = [(plain(number), title_of(cast(*shot))) for number, shot in enumerate(shots)]
        pictures[::4] = draw_each(shots[::4])
        drawn.update(data for data, _ in pictures[::4])
        return pictures

    monkeypatch.setattr(archive, "draw_each", draw_some)
    return drawn


def plain(number):
    """A picture like no other."""
    levels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
    return encode_jpeg(np.kron(levels, np.ones((80, 80, 1), np.uint8)), 90)


@pytest.mark.slow
def test_draws_the_texts_that_the_package_holds_and_its_pictures(every_fourth, tmp_path):
    """Those that are drawn here, and the copies of them; the long test has all."""
    write_sample(tmp_path / "drawn")
    made, kept = files_of(tmp_path / "drawn"), files_of(SAMPLE_ARCHIVE)
    assert made.keys() == kept.keys()
    texts = [name for name in kept if not name.startswith("media/") and name != SAMPLE_CARD]
    assert [name for name in texts if made[name] != kept[name]] == []
    names = {name for name, data in made.items() if data in every_fourth}
    names |= copies_of(names, made)
    assert len(names) > 90
    assert [name for name in names if differ(made[name], kept[name])] == []


def copies_of(names, files):
    """The files of an archive that hold copies of the pictures of others."""
    routes = map(json.loads, files["routes.jsonl"].splitlines())
    file_of = {f"http://{route['host']}{route['path']}": f"media/{route.get('file')}" for route in routes}
    truth = csv.DictReader(files["truth.csv"].decode().splitlines())
    return {file_of[row["url"]] for row in truth if file_of.get(row["copy_of"]) in names}


@pytest.mark.slow
@pytest.mark.long
def test_draws_the_sample_that_the_package_holds(tmp_path):
    out = tmp_path / "drawn"
    subprocess.run([sys.executable, "-m", "tools.draw_sample", out], cwd=PROJECT, check=True)
    card = json.loads((out / SAMPLE_CARD).read_text())
    assert card == {"version": content_of(out)}
    drawn, kept = files_of(out), files_of(SAMPLE_ARCHIVE)
    assert drawn.keys() == kept.keys()
    texts = [name for name in kept if not name.startswith("media/") and name != SAMPLE_CARD]
    assert [name for name in texts if drawn[name] != kept[name]] == []
    assert [name for name in kept if name.startswith("media/") and differ(drawn[name], kept[name])] == []


def test_the_version_changes_with_any_file(tmp_path):
    versions = set()
    for name, data in (("a", b"1"), ("a", b"2"), ("b", b"2"), ("media/b", b"2")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
        versions.add(content_of(tmp_path))
    assert len(versions) == 4
    (tmp_path / SAMPLE_CARD).write_text("{}")  # which holds it
    assert content_of(tmp_path) in versions


def test_leaves_a_folder_of_other_things_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(OSError, match="not empty"):
        write_sample(tmp_path)
    assert files_of(tmp_path) == {"thesis.txt": b"years of work"}


def test_a_failure_leaves_nothing_behind(monkeypatch, tmp_path):
    def fail(shot):
        raise RuntimeError("no ink")

    monkeypatch.setattr(archive, "photograph", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        write_sample(tmp_path / "sample")
    assert list(tmp_path.iterdir()) == []
