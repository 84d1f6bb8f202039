"""Pictures as they came, each once: what is kept, found again and removed, whoever else is at work or is killed."""

import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from upath import UPath

from cic_assets.storage import ContentStore, content_store, sha256_hex, sync_file_system


def test_content_is_kept_under_its_hash(root):
    sha256 = root.images.put(b"picture", "jpeg")
    assert sha256 == sha256_hex(b"picture")
    assert root.images.get(sha256, "jpeg") == b"picture"
    assert root.images.path(sha256, "jpeg").path.endswith(f"images/{sha256[:2]}/{sha256}.jpg")


def test_a_store_is_pickled_with_its_place(root):
    store = pickle.loads(pickle.dumps(root.images))
    assert (type(store.root), str(store.root)) == (type(root.images.root), str(root.images.root))


def test_writing_twice_is_harmless(root):
    assert root.images.put(b"x", "png") == root.images.put(b"x", "png")
    assert root.images.has(sha256_hex(b"x"), "png")
    assert not root.images.has(sha256_hex(b"y"), "png")


def test_a_leftover_of_a_power_cut_is_replaced(tmp_path):
    store = ContentStore(UPath(tmp_path))
    path = store.path(sha256_hex(b"picture"), "jpeg")
    path.parent.mkdir()
    path.touch()
    assert store.get(store.put(b"picture", "jpeg"), "jpeg") == b"picture"


def test_pictures_are_kept_where_files_need_names(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    store = ContentStore(UPath(tmp_path))
    assert store.get(store.put(b"picture", "jpeg"), "jpeg") == b"picture"


def test_many_writers_of_one_picture(tmp_path):
    store, data = ContentStore(UPath(tmp_path)), bytes(100_000)
    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(lambda _: store.put(data, "png"), range(64)))) == 1
    assert [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()] == [data]
    assert store.path(sha256_hex(data), "png").stat().st_mode & 0o777 == 0o644
    store.flush()


@pytest.mark.slow
def test_a_kill_leaves_no_part_of_a_picture(tmp_path):
    program = (
        "import sys; from upath import UPath; from cic_assets.storage import ContentStore\n"
        "store, number = ContentStore(UPath(sys.argv[1])), 0\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    store.put(number.to_bytes(4) * 200_000, 'png'); number += 1\n"
    )
    for delay in (0.01, 0.03, 0.07):
        process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert all(path.stem == sha256_hex(path.read_bytes()) for path in files)


def test_flushing_waits_for_the_file_system_of_the_store_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sync", lambda: pytest.fail("every file system of the machine"))
    store = ContentStore(UPath(tmp_path / "images"))
    store.flush()
    store.put(b"picture", "jpeg")
    store.flush()
    with pytest.raises(FileNotFoundError):
        sync_file_system(tmp_path / "nowhere")


def test_content_store_names_a_missing_picture(tmp_path):
    with pytest.raises(FileNotFoundError, match="abc"):
        ContentStore(UPath(tmp_path)).get("abc", "jpeg")


def test_a_removed_picture_is_gone_in_every_format(tmp_path):
    store = ContentStore(UPath(tmp_path))
    sha256 = store.put(b"bytes", "jpeg")
    store.put(b"bytes", "png")
    store.put(b"other", "png")
    store.remove(sha256)
    store.remove(sha256)
    assert [path.read_bytes() for path in tmp_path.rglob("*.*")] == [b"other"]


def test_a_writer_of_the_same_picture_that_was_faster_is_as_good(tmp_path, monkeypatch):
    """Nothing is written again under a temporary name, which a kill would leave behind."""
    create_whole = content_store._create_whole

    def overtaken(path, data):
        create_whole(path, data)
        create_whole(path, data)

    monkeypatch.setattr(content_store, "_create_whole", overtaken)
    monkeypatch.setattr(content_store, "write_atomically", lambda *_: pytest.fail("written again"))
    store = ContentStore(UPath(tmp_path))
    assert store.get(store.put(b"x", "jpeg"), "jpeg") == b"x"
