"""A folder is scraped like any other source; what is in it is looked at each time."""

import os
from contextlib import contextmanager
from pathlib import Path

import pytest

from cic_assets.domain.download import DownloadSettings, Network
from cic_assets.domain.reddit import RedditSettings
from cic_assets.domain.sources import Connection, Partition, Source, SourceError, scrape
from cic_assets.storage import DataRoot

QUICK = DownloadSettings(backoff_seconds=0.01, answer_seconds=1)


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@contextmanager
def offline():
    yield Connection("folder", None, Network.public())


def test_a_folder_is_read_like_any_other_source(tmp_path, root, jpeg):
    folder = tmp_path / "cars"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.jpg").write_bytes(jpeg(1))
    (folder / "sub" / "b.png").write_bytes(jpeg(2))
    (folder / "notes.txt").write_text("not a picture")
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "huge.jpg").write_bytes(jpeg(3) + b"\0" * 10_000)
    (folder / ".hidden.jpg").write_bytes(jpeg(4))
    (folder / "link.jpg").symlink_to(folder / "a.jpg")
    partition = Partition("cars", "car", Source.model_validate(f"folder:{folder}"))
    settings = DownloadSettings(max_bytes=10_000)
    with offline() as connection:
        result = scrape(partition, root, connection, RedditSettings(), settings)
    outcomes = result.table.set_index("post_id")["outcome"].to_dict()
    assert outcomes == {
        "a.jpg": "ok",
        "sub/b.png": "ok",
        "notes.txt": "not_an_image",
        "empty.jpg": "empty",
        "huge.jpg": "too_large",
        "link.jpg": "skipped",
    }
    assert result.table.set_index("post_id").loc["sub/b.png", "format"] == "jpeg"


@pytest.fixture
def scrape_folder(tmp_path, root):
    """Scrapes `tmp_path/cars` as a folder; gives the result, and whether the table's file was written."""

    def run():
        path = root.table_path("raw_images", "cars")
        before = path.stat().st_mtime_ns if path.exists() else None
        partition = Partition("cars", "car", Source.model_validate(f"folder:{tmp_path / 'cars'}"))
        with offline() as connection:
            result = scrape(partition, root, connection, RedditSettings(), QUICK)
        return result, path.stat().st_mtime_ns != before

    (tmp_path / "cars" / "sub").mkdir(parents=True)
    return run


def test_an_unchanged_folder_is_neither_read_nor_written_again(scrape_folder, tmp_path, jpeg):
    (tmp_path / "cars" / "sub" / "a.jpg").write_bytes(jpeg(1))
    (tmp_path / "cars" / "link.jpg").symlink_to("sub/a.jpg")
    first, written = scrape_folder()
    assert written
    assert first.fetched_bytes == len(jpeg(1))
    second, written = scrape_folder()
    assert not written
    assert (second.version, second.new_rows, second.gone_rows, second.fetched_bytes) == (first.version, 0, 0, 0)
    assert second.table.equals(first.table)


def test_a_file_that_changed_is_read_again_and_one_that_was_taken_out_is_gone(scrape_folder, tmp_path, jpeg):
    for name in ("kept", "changed", "removed"):
        (tmp_path / "cars" / f"{name}.jpg").write_bytes(jpeg(len(name)))
    first, _ = scrape_folder()
    (tmp_path / "cars" / "changed.jpg").write_bytes(jpeg(99, 200, 150))
    (tmp_path / "cars" / "removed.jpg").unlink()
    second, written = scrape_folder()
    assert written
    assert second.version != first.version
    assert (second.new_rows, second.gone_rows) == (0, 1)
    assert second.fetched_bytes == len(jpeg(99, 200, 150))
    assert second.table.set_index("post_id")["width"].to_dict() == {"changed.jpg": 200, "kept.jpg": 160}


def test_another_folder_under_the_same_key_takes_the_place_of_the_first(tmp_path, root, jpeg):
    for number, name in enumerate(("x", "y")):
        (tmp_path / name / "photos").mkdir(parents=True)
        (tmp_path / name / "photos" / f"{name}.jpg").write_bytes(jpeg(number))
        partition = Partition("photos", "car", Source.model_validate(f"folder:{tmp_path / name / 'photos'}"))
        with offline() as connection:
            result = scrape(partition, root, connection, RedditSettings(), QUICK)
        assert list(result.table["post_id"]) == [f"{name}.jpg"]
        assert set(result.table["source"]) == {str(partition.source)}
    assert (result.new_rows, result.gone_rows) == (1, 1)


def test_a_file_that_cannot_be_read_is_a_row(scrape_folder, tmp_path, monkeypatch, jpeg):
    (tmp_path / "cars" / "a.jpg").write_bytes(jpeg(1))
    real = Path.open

    def refusing(self, *arguments, **more):
        if self.name == "a.jpg":
            raise PermissionError(13, "Permission denied")
        return real(self, *arguments, **more)

    monkeypatch.setattr(Path, "open", refusing)  # tests may run as root, whom no permission stops
    result, _ = scrape_folder()
    assert result.table[["outcome", "reason"]].to_numpy().tolist() == [["error", "cannot be read (Permission denied)"]]


def test_a_file_that_is_gone_before_it_is_looked_at_is_a_row(scrape_folder, tmp_path, monkeypatch, jpeg):
    (tmp_path / "cars" / "a.jpg").write_bytes(jpeg(1))
    (tmp_path / "cars" / "b.jpg").write_bytes(jpeg(2))
    real = Path.lstat

    def too_late(self):
        if self.name == "a.jpg":
            self.unlink(missing_ok=True)
        return real(self)

    monkeypatch.setattr(Path, "lstat", too_late)
    result, _ = scrape_folder()
    assert result.table.set_index("post_id")["outcome"].to_dict() == {"a.jpg": "error", "b.jpg": "ok"}
    assert "cannot be read (No such file or directory)" in set(result.table["reason"])


def close_folder(monkeypatch, name):
    real = os.scandir

    def refusing(path="."):
        if Path(os.fspath(path)).name == name:
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)  # tests may run as root, whom no permission stops


def test_a_folder_that_cannot_be_looked_into_is_a_row(scrape_folder, tmp_path, monkeypatch, jpeg):
    (tmp_path / "cars" / "a.jpg").write_bytes(jpeg(1))
    (tmp_path / "cars" / "sub" / "b.jpg").write_bytes(jpeg(2))
    close_folder(monkeypatch, "sub")
    result, _ = scrape_folder()
    rows = result.table.set_index("post_id")[["outcome", "reason"]].to_dict("index")
    assert rows["a.jpg"]["outcome"] == "ok"
    assert rows["sub"] == {"outcome": "error", "reason": "cannot be read (Permission denied)"}


def test_a_source_that_cannot_be_looked_into_is_an_error(scrape_folder, monkeypatch):
    close_folder(monkeypatch, "cars")
    with pytest.raises(SourceError, match=r"folder:/.*/cars: cannot be read \(Permission denied\)"):
        scrape_folder()


def test_links_and_what_is_no_file_are_rows_and_neither_is_followed(scrape_folder, tmp_path):
    (tmp_path / "cars" / "up").symlink_to("..")
    (tmp_path / "cars" / "broken").symlink_to("nowhere")
    os.mkfifo(tmp_path / "cars" / "pipe")
    result, _ = scrape_folder()
    reason = "; only files that are in the folder itself are read"
    assert result.table.set_index("post_id")["reason"].to_dict() == {
        "up": f"a link{reason}",
        "broken": f"a link{reason}",
        "pipe": f"no file{reason}",
    }
    assert result.outcomes == {"skipped": 3}
