"""Pictures to classify: found in files, folders and patterns, and read when it is their turn."""

import os
from pathlib import Path

import pytest

from cic_assets.domain.prediction import find_inputs, inputs, read_inputs


def test_an_empty_folder_is_said_to_be_empty(tmp_path):
    (item,) = read_inputs([str(tmp_path)])
    assert "no pictures in this folder" in item.error


def test_a_folder_without_any_picture_is_a_mistake_whatever_else_it_holds(tmp_path):
    (tmp_path / "notes.txt").touch()
    first, second = read_inputs([str(tmp_path)])
    assert "no pictures in this folder" in first.error
    assert (first.skipped, second.skipped) == (False, True)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("a" * 300, "cannot be read: File name too long"),
        ("a\0b", "is no path: embedded null byte"),
        ("/dev/zero", "cannot be read: not a regular file"),
        ("/dev/null/x", "cannot be read: Not a directory"),
    ],
)
def test_what_is_no_file_has_a_reason(source, reason):
    (item,) = read_inputs([source])
    assert item.error == reason


def test_files_of_a_folder_come_in_order_of_their_parts(tmp_path):
    for name in ("b.png", "a/z.png", "a/b/c.png", "a.png", "a-b/x.png", "B.png", "a/.hid/x.png", "__MACOSX/x.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "a" / "up").symlink_to(tmp_path)  # which has no end
    (tmp_path / "c.png").symlink_to(tmp_path / "b.png")
    found = [item.path for item in read_inputs([str(tmp_path)])]
    names = ["B.png", "a/b/c.png", "a/z.png", "a-b/x.png", "a.png", "b.png", "c.png"]
    assert found == [str(tmp_path / name) for name in names]
    assert found == sorted(found, key=lambda path: Path(path).parts)


def test_a_pattern_is_what_it_matches(tmp_path):
    for name in ("b.png", "a.png", "a.txt", "deep/er/c.png", "[x].png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [item.path for item in read_inputs([str(tmp_path / "*.png"), str(tmp_path / "**" / "c.png")])]
    assert found == [str(tmp_path / name) for name in ("[x].png", "a.png", "b.png", "deep/er/c.png")]
    (named,) = read_inputs([str(tmp_path / "[x].png")])  # a file that is called like a pattern is a file
    assert (named.path, named.error) == (str(tmp_path / "[x].png"), None)
    (nothing,) = read_inputs([str(tmp_path / "*.bmp")])
    assert "nothing matches" in nothing.error
    (folder,) = read_inputs([str(tmp_path / "de*")])
    assert folder.path == str(tmp_path / "deep" / "er" / "c.png")


def test_nothing_is_read_before_its_turn(tmp_path):
    (tmp_path / "a.png").write_bytes(b"early")
    (read,) = find_inputs([str(tmp_path / "a.png")])
    (tmp_path / "a.png").write_bytes(b"late")
    assert read().data == b"late"


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.jpg")
    (item,) = read_inputs([str(tmp_path / "x.jpg")])
    assert "not a regular file" in item.error


def test_no_more_is_read_than_a_picture_may_have(tmp_path, monkeypatch):
    monkeypatch.setattr(inputs, "MAX_BYTES", 1000)
    for size in (1000, 1001):
        (tmp_path / f"{size}.jpg").write_bytes(bytes(size))
    fits, too_long = read_inputs([str(tmp_path / "1000.jpg"), str(tmp_path / "1001.jpg")])
    assert len(fits.data) == 1000
    assert too_long.error == "too_large: more than 1000 bytes"
