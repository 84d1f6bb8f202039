import fcntl
import os

import pytest

from cic_assets.domain import duplicates, features
from cic_assets.domain.takedowns.unfinished import remove_unfinished
from cic_assets.storage import DataRoot

OURS = [
    "tables/t/.cars.parquet.ab12cd_4.part", ".problem.json.ab12cd_4.part", "images/ab/.abcd.jpg.ab12cd_4.part",
    "models/vgg/.card.json.ab12cd_4.part", "report/.report.json.ab12cd_4.part", ".dataset.ab12cd_4/train.npy",
    "models/.vgg.ab12cd_4/model.keras", "models/vgg/versions/.trained.ab12cd_4/model.keras",
    "models/vgg/versions/2026-01-01-00000000/.model.onnx.ab12cd_4.part",
]  # fmt: skip
OTHERS = [
    "tables/t/cars.parquet", "dataset/manifest.parquet", "models/vgg/card.json", "report/report.html", ".gitignore",
    ".hidden/file", "dagster/.history.ab12cd_4.part", ".x.12345678/holiday.jpg", "photos/.x.12345678/holiday.jpg",
    "photos/.notes.ab12cd_4.part", ".venv.ab12cd_4/pyvenv.cfg", "models/.mine.12345678/thesis.txt",
    ".dataset.of-my-own/a.jpg", ".dataset.backup-1/a.jpg",
]  # fmt: skip
"""What a person may keep there, under names that look like ours, and what is finished."""


def make(folder, names):
    paths = [folder / name for name in names]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return paths


def grow_old(folder):
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (0, 0))


def test_what_killed_writers_left_goes_and_nothing_of_anybody_else(tmp_path):
    ours, others = make(tmp_path, OURS), make(tmp_path, OTHERS)
    grow_old(tmp_path)
    remove_unfinished(DataRoot(str(tmp_path)))
    assert [path for path in ours if path.exists()] == []
    assert [path for path in others if not path.exists()] == []


def test_what_is_young_or_locked_may_be_at_work(tmp_path):
    locked, *_ = make(tmp_path, [".dataset.ab12cd_4/train.npy", "dataset/manifest.parquet"])
    grow_old(tmp_path)
    without_lock = "tables/.adhoc_predictions.parquet.ab12cd_4.part"
    young = make(tmp_path, ["images/ab/.abcd.jpg.ab12cd_4.part", "report/report.html", without_lock])
    young += [tmp_path / ".report.ab12cd_4"]  # just made, and not locked yet
    young[-1].mkdir()
    handle = os.open(locked.parent, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        remove_unfinished(DataRoot(str(tmp_path)))
    finally:
        os.close(handle)
    assert all(path.exists() for path in (locked, *young))


def test_what_a_writer_left_that_was_just_killed_goes_where_its_lock_tells(tmp_path):
    (tmp_path / "report").mkdir()
    left = make(tmp_path, ["tables/t/.cars.parquet.ab12cd_4.part", ".report.ab12cd_4/report.html"])
    remove_unfinished(DataRoot(str(tmp_path)))
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("table", [duplicates.UNFINISHED, features.UNFINISHED, features.NEAREST])
def test_a_damaged_table_that_was_kept_for_a_killed_run_holds_up_nobody(tmp_path, table):
    root = DataRoot(str(tmp_path))
    key = None if table == features.NEAREST else "cars"
    make(tmp_path, [f"tables/{table}{f'/{key}' if key else ''}.parquet"])
    remove_unfinished(root)
    assert not root.has_table(table, key)
