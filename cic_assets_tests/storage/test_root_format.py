"""The number of a data root's format, and the way from one to the next."""

import json
import multiprocessing
import os
import threading

import pytest

from cic_assets.storage import FORMAT, DataRoot, DataRootError, claim_root, migrate_root, refuse_newer
from cic_assets.storage.root_format import FORMAT_FILE, format_of


@pytest.fixture(params=["folder", "remote"])
def root(request, tmp_path):
    return DataRoot(str(tmp_path / "root") if request.param == "folder" else f"memory://{tmp_path.name}/root")


def write_format(root, text):
    root.path.mkdir(parents=True, exist_ok=True)
    (root.path / FORMAT_FILE).write_text(text)


def test_a_new_data_root_is_of_the_newest_format(root, tmp_path):
    assert format_of(root) == 0
    claim_root(root, "cats", tmp_path / "cats.yaml")
    assert format_of(root) == FORMAT
    refuse_newer(root)


def test_one_of_before_there_were_numbers_is_read(root, tmp_path):
    table = root.table_path("raw_images", "cats")
    table.parent.mkdir(parents=True)
    table.write_bytes(b"rows")
    claim_root(root, "cats", tmp_path / "cats.yaml")
    assert format_of(root) == 0
    refuse_newer(root)


def test_a_newer_one_is_refused(root):
    write_format(root, json.dumps({"format": FORMAT + 1}))
    expected = rf"is of format {FORMAT + 1}, and this version of cic-assets knows {FORMAT}: install a newer one"
    with pytest.raises(DataRootError, match=expected):
        refuse_newer(root)
    with pytest.raises(DataRootError, match=expected):
        migrate_root(root, [lambda root: None] * FORMAT, lambda line: None)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", "{}", '{"format": null}', '{"format": "one"}'])
def test_a_damaged_number_is_no_number(root, text):
    write_format(root, text)
    with pytest.raises(DataRootError, match=r"format.json is damaged: expected"):
        refuse_newer(root)


def test_steps_are_done_in_order_and_once(root):
    done, lines = [], []
    steps = [lambda root, number=number: done.append(number) for number in range(3)]
    write_format(root, json.dumps({"format": 1}))
    assert migrate_root(root, steps, lines.append) == 2
    assert done == [1, 2]
    assert lines == ["Data root: from format 1 to 2", "Data root: from format 2 to 3"]
    assert (migrate_root(root, steps, lines.append), format_of(root)) == (0, 3)
    assert done == [1, 2]


def _append(root, name):
    with (root.path / name).open("a") as file:
        file.write("x")


def _killed_in_the_second(folder):
    def die(root):
        _append(root, "second")
        os._exit(9)

    migrate_root(DataRoot(folder), [lambda root: _append(root, "first"), die], lambda line: None)


def test_who_is_killed_in_a_step_does_that_one_again(tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    killed = multiprocessing.get_context("fork").Process(target=_killed_in_the_second, args=(root.url,))
    killed.start()
    killed.join(60)
    assert (killed.exitcode, format_of(root)) == (9, 1)
    steps = [lambda root: _append(root, "first"), lambda root: _append(root, "second")]
    assert migrate_root(root, steps, lambda line: None) == 1
    assert [(root.path / name).read_text() for name in ("first", "second")] == ["x", "xx"]


def test_of_two_at_once_one_waits_and_finds_nothing_to_do(root):
    begun, go_on, done, lines = threading.Event(), threading.Event(), [], []

    def slow(root):
        begun.set()
        assert go_on.wait(30)
        done.append("step")

    def second():
        done.append(migrate_root(root, [slow], lines.append))

    threads = [threading.Thread(target=lambda: done.append(migrate_root(root, [slow], lambda line: None)))]
    threads[0].start()
    assert begun.wait(30)
    threads.append(threading.Thread(target=second))
    threads[1].start()
    threads[1].join(0.3)
    assert threads[1].is_alive()
    go_on.set()
    for thread in threads:
        thread.join(30)
    assert sorted(done, key=str) == [0, 1, "step"]
    assert len(lines) == 1
    assert lines[0].startswith("Waiting for what else writes")
