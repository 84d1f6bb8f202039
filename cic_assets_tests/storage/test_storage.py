import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from upath import UPath

from cic_assets.storage import (
    DataRoot,
    DataRootError,
    InOrder,
    MissingTableError,
    atomic,
    content_version,
    create_array,
    is_local,
    local_directory,
    new_folder,
    write_atomically,
    write_json,
)
from cic_assets_tests.fixtures.effort import short_or_long


def test_a_table_in_parts_is_the_same_table(root):
    whole = pd.DataFrame({"path": [f"{number}.jpg" for number in range(10)], "p_car": np.linspace(0, 1, 10)})
    whole.loc[7, "p_car"] = np.nan
    path = root.write_table_in_parts("predictions", (whole[start : start + 3] for start in range(0, 10, 3)))
    pd.testing.assert_frame_equal(root.read_table("predictions"), whole)
    with path.open("rb") as file:
        assert parquet.ParquetFile(file).num_row_groups == 4


def test_parts_keep_what_the_first_says_of_itself(root):
    whole = pd.DataFrame({"sha256": ["a", "b"], "split": ["train", "test"]})
    whole.attrs["rule"] = {"by": "hash"}
    root.write_table("splits", whole)
    root.write_table_in_parts("parts", [whole[:1], whole[1:].reset_index(drop=True)])
    root.write_table_in_parts("none", [whole[:0]])
    for name, rows in (("splits", whole), ("parts", whole), ("none", whole[:0])):
        assert root.read_table(name).attrs == whole.attrs
        pd.testing.assert_frame_equal(root.read_table(name), rows)


def test_some_columns_of_tables_are_read_alone(root):
    for key, rows in {"cars": [("a", 1)], "tanks": [("b", 2), ("c", 3)]}.items():
        root.write_table("hashes", pd.DataFrame(rows, columns=["sha256", "bits"]), key)
    assert root.columns_of("hashes", "cars") == {"sha256", "bits"}
    assert root.columns_of("hashes", "planes") == root.columns_of("hashes") == frozenset()
    assert root.read_tables("hashes", ["cars", "tanks"], ["sha256"]).to_dict("list") == {"sha256": ["a", "b", "c"]}
    with pytest.raises(MissingTableError):
        root.read_tables("hashes", ["planes"], ["sha256"])


def test_a_table_of_which_a_part_is_missing_is_not_written(root):
    before = pd.DataFrame({"path": ["before.jpg"]})
    root.write_table("predictions", before)

    def broken():
        yield pd.DataFrame({"path": ["a.jpg"]})
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        root.write_table_in_parts("predictions", broken())
    pd.testing.assert_frame_equal(root.read_table("predictions"), before)
    assert [file.name for file in (root.path / "tables").iterdir()] == ["predictions.parquet"]


def test_tables_come_back_as_they_were(root):
    table = pd.DataFrame({"sha256": ["a", "b"], "width": [1, 2], "over_18": [True, False]})
    root.write_table("raw_images", table, "carporn")
    pd.testing.assert_frame_equal(root.read_table("raw_images", "carporn"), table)
    assert root.has_table("raw_images", "carporn")


def test_a_missing_table_says_what_to_do(root):
    with pytest.raises(
        MissingTableError, match=r"raw_images of tanks is missing .*materialize raw_images of tanks first"
    ):
        root.read_table("raw_images", "tanks")


def test_a_failing_write_keeps_what_was_there(tmp_path, monkeypatch):
    path = UPath(tmp_path / "table.parquet")
    write_atomically(path, b"old")

    def disk_full(_handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", disk_full)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.parquet"]


@pytest.mark.slow
def test_a_kill_leaves_the_old_file_or_the_new(tmp_path):
    path = tmp_path / "value"
    program = (
        "import sys; from upath import UPath; from cic_assets.storage import write_atomically\n"
        "path = UPath(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for letter in b'ab': write_atomically(path, bytes([letter]) * 1_000_000)\n"
    )
    for delay in (0.01, 0.03, 0.07):
        process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE)
        process.stdout.readline()
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if path.exists():
            assert path.read_bytes() in (b"a" * 1_000_000, b"b" * 1_000_000)


def test_a_folder_arrives_whole_or_not_at_all(root):
    target = root.model("vgg")

    def fail_halfway():
        with local_directory(target) as folder:
            (folder / "model.keras").write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_halfway()
    assert not (target / "model.keras").exists()
    with local_directory(target) as folder:
        (folder / "model.keras").write_bytes(b"whole")
    assert (target / "model.keras").read_bytes() == b"whole"


def test_what_says_that_a_folder_is_whole_comes_last_and_goes_first(root, monkeypatch):
    target, seen = root.model("vgg"), []

    def write(text):
        with local_directory(target, last="card.json") as folder:
            for name in ("a.txt", "card.json", "model.keras"):
                (folder / name).write_text(text)
            if text == "full":
                raise OSError

    write("old")
    with pytest.raises(OSError):  # noqa: PT011 - raised above
        write("full")
    assert [file.read_text() for file in sorted(target.iterdir())] == ["old"] * 3
    move = Path.replace
    monkeypatch.setattr(
        Path, "replace", lambda path, to: (seen.append((target / "card.json").exists()), move(path, to))
    )
    write("new")
    assert seen == ([False] * 3 if is_local(target) else [])
    assert [file.read_text() for file in sorted(target.iterdir())] == ["new"] * 3


def test_a_folders_files_are_on_the_disk_before_their_names_and_these_before_what_is_written_next(
    tmp_path, monkeypatch
):
    target, seen, sync = UPath(tmp_path / "dataset"), [], atomic.sync_file_system

    def watched(folder):
        seen.append(sorted(path.name for path in target.iterdir()))
        sync(folder)

    monkeypatch.setattr(atomic, "sync_file_system", watched)
    with local_directory(target) as folder:
        for name in ("train.npy", "train_labels.npy"):
            (folder / name).write_bytes(b"whole")
    assert seen == [[], ["train.npy", "train_labels.npy"]]


@pytest.mark.parametrize("is_there", [False, True])
def test_a_new_folder_is_there_whole_or_not_at_all(tmp_path, is_there):
    target = tmp_path / "new"
    if is_there:
        target.mkdir()
    before = list(tmp_path.rglob("*"))

    def write(failure=None):
        with new_folder(target) as folder:
            (folder / "a").mkdir()
            (folder / "a" / "b.txt").write_text("b")
            assert list(tmp_path.rglob("*.txt")) == [folder / "a" / "b.txt"]
            if failure:
                raise failure

    with pytest.raises(RuntimeError, match="stop"):
        write(RuntimeError("stop"))
    assert list(tmp_path.rglob("*")) == before
    write()
    assert sorted(tmp_path.rglob("*")) == [target, target / "a", target / "a" / "b.txt"]
    with pytest.raises(OSError, match="not empty"):
        write()


def test_a_new_folder_may_be_the_one_where_somebody_stands(tmp_path, monkeypatch):
    target = tmp_path / "here"
    target.mkdir()
    monkeypatch.chdir(target)
    with new_folder(Path()) as folder:
        (folder / "a.txt").write_text("a")
    assert [path.name for path in Path().iterdir()] == ["a.txt"]
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_kill_left_of_a_folder_is_removed_at_the_next_use(tmp_path):
    target = UPath(tmp_path / "dataset")
    program = (
        "import sys; from upath import UPath; from cic_assets.storage import local_directory\n"
        "with local_directory(UPath(sys.argv[1])) as folder:\n"
        "    (folder / 'train.npy').write_bytes(bytes(1000))\n"
        "    print(folder, flush=True); sys.stdin.read()\n"
    )
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", program, str(target)], **pipes) as process:
        left = Path(process.stdout.readline().decode().strip())
        with local_directory(target):
            assert left.is_dir(), "who made it is still at work"
        process.kill()
    assert left.is_dir()
    with local_directory(target):
        assert not left.exists()
    assert [path.name for path in tmp_path.iterdir()] == ["dataset"]


def test_versions_tell_values_apart():
    table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert content_version(table, {"side": 256}) == content_version(table.copy(), {"side": 256})
    assert content_version(table) != content_version(table.rename(columns={"b": "c"}))
    assert content_version(table) != content_version(table.iloc[::-1])
    assert content_version("a", "b") != content_version("ab", "")
    assert len(content_version(table)) == 16


@pytest.mark.slow
def test_a_version_is_the_same_in_every_process():
    words = "frozenset({'noai', 'none', 'noindex', 'noimageai'})"
    code = f"from cic_assets.storage import content_version; print(content_version({{'robots': {words}}}))"
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in range(short_or_long(2, 4))
    }
    assert len(said) == 1


def test_equal_json_is_an_equal_file(tmp_path):
    write_json(UPath(tmp_path / "one.json"), {"b": 1, "a": 2})
    write_json(UPath(tmp_path / "two.json"), {"a": 2, "b": 1})
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def test_a_relative_root_means_the_same_place_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    root = DataRoot("data")
    monkeypatch.chdir("/")
    assert str(root.path) == str(tmp_path / "data")


@pytest.mark.parametrize("scheme", ["file", "local"])
def test_a_folder_written_as_a_url_is_that_folder(tmp_path, monkeypatch, scheme):
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    root = DataRoot(f"{scheme}://{tmp_path}/a b")
    assert root.is_local
    assert str(root.path) == str(tmp_path / "a b")
    sha256 = root.images.put(b"picture", "jpeg")
    assert (tmp_path / "a b" / "images" / sha256[:2] / f"{sha256}.jpg").read_bytes() == b"picture"
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.parametrize("url", ["floppy://a", "nowhere::s3://a", "sftp://host/a", "gs://a/b"])
def test_a_url_of_a_kind_that_nobody_tried_is_refused_at_once(url):
    with pytest.raises(DataRootError, match=r"^data root .*: expected a folder, or s3://BUCKET/PATH, not "):
        DataRoot(url)


def test_an_array_has_its_room_on_the_disk_before_it_is_written(tmp_path):
    array = create_array(tmp_path / "a.npy", (100, 64, 64), np.uint8)
    about = (tmp_path / "a.npy").stat()
    assert about.st_blocks * 512 >= about.st_size > 100 * 64 * 64
    array[:] = 7
    array.flush()
    assert (np.load(tmp_path / "a.npy") == 7).all()


def test_an_array_without_room_is_an_error_that_names_it_and_leaves_nothing(tmp_path):
    # A limit on the size of files is a full disk to the one who writes. In a process of its own: it cannot be undone.
    program = (
        "import resource, signal, sys; from pathlib import Path; from cic_assets.storage import create_array\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); create_array(Path(sys.argv[1]), (100, 100), 'u1')"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "a.npy")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.stderr.splitlines()[-1] == f"OSError: [Errno 27] File too large: '{tmp_path}/a.npy'"
    assert not list(tmp_path.iterdir())


@given(st.permutations([("a", 1), ("b", 2), ("ž", 2), ("", 0)]))
def test_rows_may_count_in_another_order_than_they_are_in(rows):
    table = pd.DataFrame(rows, columns=["name", "number"])
    order = np.argsort(table["name"].to_numpy())
    assert content_version(InOrder(table, order), "x") == content_version(table.sort_values("name"), "x")
