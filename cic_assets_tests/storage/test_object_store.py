"""A data root in a bucket, of a real server."""

import pickle
import subprocess
import sys
import threading

import pandas as pd
import pytest

from cic_assets.storage import (
    DataRoot,
    DataRootError,
    MissingTableError,
    ObjectStoreError,
    claim_root,
    claimed_by,
    create_json,
    local_directory,
    path_of,
    read_json,
    write_json,
)
from cic_assets.storage.object_store import get_tagged, put_new, put_over
from cic_assets_tests.fixtures.object_stores import BUCKET

TABLE = pd.DataFrame({"sha256": ["a", "b"], "width": [1, 2]})


@pytest.fixture
def root(s3_url):
    return DataRoot(s3_url)


def test_of_many_who_create_an_object_one_does(root):
    place, won = root.path / "one.json", []
    threads = [threading.Thread(target=lambda i=i: won.append(i) if create_json(place, i) else None) for i in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [read_json(place)] == won


def test_an_object_is_written_over_only_as_it_was_read(root):
    place = root.path / "x"
    first = put_new(place, b"1")
    second = put_over(place, b"2", first)
    assert put_over(place, b"3", first) is None
    assert get_tagged(place) == (b"2", second)
    assert put_over(root.path / "nothing", b"3", first) is None
    assert get_tagged(root.path / "nothing") is None


def test_pictures_are_kept_once_and_found_whoever_put_them(root, s3_url):
    sha256 = root.images.put(b"picture", "jpeg")
    other = DataRoot(s3_url).images
    assert other.put(b"picture", "jpeg") == sha256
    assert (other.get(sha256, "jpeg"), other.names(), other.holds(sha256)) == (b"picture", {sha256}, True)
    other.remove(sha256)
    assert (root.images.names(), root.images.has(sha256, "jpeg"), root.images.holds(sha256)) == (set(), False, False)


def test_a_store_is_the_same_in_another_process(root):
    """Which has not spoken with a bucket before."""
    sha256 = root.images.put(b"picture", "jpeg")
    program = (
        "import pickle, sys; store, sha256 = pickle.load(sys.stdin.buffer); print(store.get(sha256, 'jpeg').decode())"
    )
    told = pickle.dumps((root.images, sha256))
    asked = subprocess.run([sys.executable, "-c", program], input=told, capture_output=True, check=True)
    assert asked.stdout == b"picture\n"


ENDS_AT_ONCE = """
import sys, time
from cic_assets.storage import DataRoot

class Slow:
    def __init__(self, socket):
        self._socket = socket
    def send(self, data):
        sent = self._socket.send(data)
        time.sleep(0.5)
        return sent
    def __getattr__(self, name):
        return getattr(self._socket, name)

path = DataRoot(sys.argv[1]).path
path.fs.loop._csock = Slow(path.fs.loop._csock)
path.exists()
"""


def test_a_program_ends_well_while_the_client_still_comes_back_from_its_last_answer(s3_url):
    """What is slow here is so on a busy machine."""
    done = subprocess.run([sys.executable, "-c", ENDS_AT_ONCE, s3_url], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_table_is_as_another_machine_left_it(root, s3_url):
    other = DataRoot(s3_url)
    assert root.table_partitions("raw_images") == []
    other.write_table("raw_images", TABLE, "a")
    assert root.table_partitions("raw_images") == ["a"]
    other.write_table("raw_images", TABLE[:1], "a")
    other.write_table("raw_images", TABLE, "b")
    assert len(root.read_table("raw_images", "a", ["width"])) == 1
    assert root.table_partitions("raw_images") == ["a", "b"]
    other.remove_table("raw_images", "a")
    assert not root.has_table("raw_images", "a")
    with pytest.raises(MissingTableError):
        root.read_table("raw_images", "a")


def test_reads_of_what_is_written_over_are_whole(root):
    """Each is of one write, also while the next one comes."""
    tables = [pd.DataFrame({"n": [size] * size}) for size in (10, 20_000)]
    root.write_table("t", tables[0])
    done = threading.Event()

    def write():
        while not done.is_set():
            for table in tables:
                root.write_table("t", table)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(50):
            read = root.read_table("t")
            assert set(read["n"]) == {len(read)}
    finally:
        done.set()
        writer.join()


def test_a_large_table_is_written_in_parts(root):
    root.write_table_in_parts("t", (pd.DataFrame({"n": range(100_000)}) for _ in range(30)))
    assert len(root.read_table("t")) == 3_000_000


def test_a_table_whose_writing_fails_leaves_what_was_there(root):
    root.write_table("t", TABLE)

    def parts():
        yield TABLE
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError, match="in the middle"):
        root.write_table_in_parts("t", parts())
    assert len(root.read_table("t")) == len(TABLE)


def test_a_folder_arrives_with_its_description_last(root):
    seen = []
    with local_directory(root.dataset, last="about.json") as folder:
        (folder / "sub").mkdir()
        (folder / "sub" / "array").write_bytes(b"x" * 20_000_000)
        (folder / "about.json").write_text("{}")
        seen.append((root.dataset / "about.json").exists())
    assert seen == [False]
    assert (root.dataset / "sub" / "array").stat().st_size == 20_000_000
    assert read_json(root.dataset / "about.json") == {}


def test_of_two_problems_that_claim_a_root_one_gets_it(root, tmp_path):
    claim_root(root, "first", tmp_path / "first.yaml")
    with pytest.raises(ValueError, match="second"):
        claim_root(root, "second", tmp_path / "second.yaml")
    claim_root(root, "renamed", tmp_path / "first.yaml")
    assert claimed_by(root) == tmp_path / "first.yaml"


def test_a_server_that_comes_back_is_asked_again(s3_server, root):
    root.write_table("t", TABLE)
    with s3_server.gone():
        answers = []
        asking = threading.Thread(target=lambda: answers.append(len(root.read_table("t"))))
        asking.start()
        writing = threading.Thread(target=lambda: root.write_table("other", TABLE))
        writing.start()
        asking.join(1)
        assert answers == []
    asking.join(60)
    writing.join(60)
    assert answers == [len(TABLE)]
    assert len(root.read_table("other")) == len(TABLE)


def test_what_the_server_kept_survives_its_death(s3_server, root):
    names = [root.images.put(str(i).encode(), "jpeg") for i in range(100)]
    write_json(root.path / "x.json", 1)
    with s3_server.gone():
        pass
    assert root.images.names() == set(names)
    assert read_json(root.path / "x.json") == 1


@pytest.mark.usefixtures("s3_url")
def test_a_wrong_key_and_a_url_without_a_bucket_are_said(monkeypatch, tmp_path):
    with pytest.raises(DataRootError, match="expected s3://BUCKET/PATH"):
        DataRoot("s3://")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    from cic_assets.storage import object_store

    object_store._store.cache_clear()
    try:
        with pytest.raises(ObjectStoreError, match=r"^s3://[^\n]*SignatureDoesNotMatch[^\n]*$"):
            claim_root(DataRoot(f"s3://{BUCKET}/a"), "p", tmp_path / "p.yaml")
    finally:
        object_store._store.cache_clear()


@pytest.mark.usefixtures("s3_url")
def test_a_path_outside_any_bucket_is_one_of_this_machine(tmp_path):
    assert path_of(str(tmp_path)).path == str(tmp_path)
