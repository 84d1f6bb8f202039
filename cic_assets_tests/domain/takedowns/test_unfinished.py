import os

from cic_assets.domain.takedowns.unfinished import remove_unfinished
from cic_assets.storage import DataRoot


def test_leftovers_of_killed_writers_go_when_nobody_can_be_at_work_on_them(tmp_path):
    root = DataRoot(str(tmp_path))
    old = [tmp_path / "tables" / "t" / ".cars.parquet.ab12cd_4.part", tmp_path / ".dataset.ab12cd_4" / "train.npy"]
    stays = [
        tmp_path / "tables" / "t" / "cars.parquet",
        tmp_path / ".gitignore",
        tmp_path / ".hidden" / "file",
        tmp_path / "dagster" / ".history.ab12cd_4.part",
    ]
    young = tmp_path / "tables" / ".young.parquet.ab12cd_4.part"
    for path in (*old, *stays, young):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    for path in (*old, *stays, tmp_path / ".dataset.ab12cd_4"):
        os.utime(path, (0, 0))
    remove_unfinished(root)
    assert not any(path.exists() for path in old)
    assert all(path.exists() for path in (*stays, young))
