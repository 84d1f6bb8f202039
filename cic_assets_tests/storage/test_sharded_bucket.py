"""Shards in a bucket, of a real server."""

import pickle
import random
import subprocess
import sys

import pytest

from cic_assets.storage import DataRoot, object_store, sha256_hex, shards

MOST = 40_000


@pytest.fixture
def pictures():
    draw = random.Random(0)
    return {sha256_hex(draw.randbytes(8)): draw.randbytes(draw.randint(50, 1500)) for _ in range(120)}


@pytest.fixture
def store(s3_url, pictures):
    found = DataRoot(s3_url).resized(64)
    for sha256, data in pictures.items():
        found.path(sha256, "jpeg").write_bytes(data)
    found.pack("cars", {sha256: len(data) for sha256, data in pictures.items()}, MOST)
    return found


def test_another_machine_finds_pictures_wherever_they_lie(s3_url, store, pictures):
    other, draw = DataRoot(s3_url).resized(64), random.Random(1)
    assert other.names() == set(pictures)
    assert not list((DataRoot(s3_url).path / "resized").rglob("*.jpg"))
    more = {sha256_hex(draw.randbytes(8)): draw.randbytes(500) for _ in range(40)}
    for sha256, data in more.items():
        store.path(sha256, "jpeg").write_bytes(data)
    store.pack("cars", {sha256: len(data) for sha256, data in more.items()}, MOST)
    assert other.get_all([*pictures, *more]) == [*pictures.values(), *more.values()]
    gone = sorted(pictures)[5]
    store.remove(gone)
    assert (other.get(sorted(pictures)[6]), DataRoot(s3_url).resized(64).has(gone)) == (
        pictures[sorted(pictures)[6]],
        False,
    )
    with pytest.raises(FileNotFoundError):
        other.get(gone)


def test_a_store_is_the_same_in_another_process(store, pictures):
    """Which has not spoken with a bucket before."""
    sha256 = min(pictures)
    program = (
        "import pickle, sys; store, sha256 = pickle.load(sys.stdin.buffer); sys.stdout.buffer.write(store.get(sha256))"
    )
    asked = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps((store, sha256)), capture_output=True, check=True
    )
    assert asked.stdout == pictures[sha256]


def test_neighbours_cost_one_request(s3_url, store, pictures, monkeypatch):
    asked = []

    def counted(path, start, length):
        asked.append(length)
        return object_store.get_range(path, start, length)

    monkeypatch.setattr(shards, "get_range", counted)
    names = sorted(pictures)
    assert store.get_all(names) == [pictures[name] for name in names]
    assert len(asked) == len(shards.list_shards(DataRoot(s3_url).path / "shards" / "64"))
