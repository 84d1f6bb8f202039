"""Databases of runs: made as Dagster makes them, in a fraction of the time."""

import errno
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from dagster import AssetKey, DagsterInstance, asset, materialize
from dagster._core.storage.event_log import SqliteEventLogStorage

from cic_assets.orchestration.sqlite_storage import PoolSafeEventLogStorage

RUN = "11111111-1111-1111-1111-111111111111"


def open_run(storage, run=RUN):
    with storage.run_connection(run) as connection:
        return connection.exec_driver_sql("SELECT count(*) FROM event_logs").scalar()


def made_as(folder, run=RUN):
    """What a database says of its own tables, indexes and version."""
    with closing(sqlite3.connect(folder / f"{run}.db")) as database:
        schema = set(database.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))
        version = database.execute("SELECT version_num FROM alembic_version").fetchall()
        return schema, version, database.execute("PRAGMA journal_mode").fetchall()


@pytest.fixture
def storage(tmp_path):
    return PoolSafeEventLogStorage(str(tmp_path / "ours"))


def test_tables_are_those_of_dagster(storage, tmp_path):
    open_run(storage)
    open_run(SqliteEventLogStorage(str(tmp_path / "theirs")))
    assert made_as(tmp_path / "ours") == made_as(tmp_path / "theirs")
    assert open_run(SqliteEventLogStorage(str(tmp_path / "ours"))) == 0


def test_others_may_read_them_as_far_as_any_new_file(storage, tmp_path):
    open_run(storage)
    (tmp_path / "new").touch()
    assert (tmp_path / "ours" / f"{RUN}.db").stat().st_mode == (tmp_path / "new").stat().st_mode


def test_a_disk_without_hard_links_has_them_too(storage, tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    open_run(storage)
    open_run(SqliteEventLogStorage(str(tmp_path / "theirs")))
    assert made_as(tmp_path / "ours") == made_as(tmp_path / "theirs")
    assert not list((tmp_path / "ours").glob("*.part"))


def test_migrations_are_read_once_for_all_runs(storage, monkeypatch):
    open_run(storage)
    monkeypatch.setattr(ScriptDirectory, "from_config", lambda _: pytest.fail("Dagster's migrations were read"))
    open_run(storage, RUN.replace("1", "2"))
    open_run(PoolSafeEventLogStorage(storage._base_dir))


def test_many_may_begin_a_run_at_once(tmp_path):
    storages = [PoolSafeEventLogStorage(str(tmp_path)) for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(open_run, storages)) == [0] * 8
    assert {path.suffix for path in tmp_path.iterdir()} <= {".db", ".db-shm", ".db-wal"}


def test_what_a_killed_process_left_half_made_is_made_whole(storage, tmp_path):
    open_run(storage, other := RUN.replace("1", "2"))
    with closing(sqlite3.connect(tmp_path / "ours" / f"{RUN}.db")) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    assert open_run(storage) == 0
    assert made_as(tmp_path / "ours")[1] == made_as(tmp_path / "ours", other)[1]


def test_a_database_that_is_none_is_an_error(storage, tmp_path):
    (tmp_path / "ours" / f"{RUN}.db").write_bytes(b"no database, and longer than its first page's header would be" * 20)
    with pytest.raises(Exception, match="file is not a database"):
        open_run(storage)


def test_runs_are_found_with_their_events(tmp_path):
    @asset
    def one():
        return 1

    settings = {"module": PoolSafeEventLogStorage.__module__, "class": PoolSafeEventLogStorage.__name__}
    overrides = {"event_log_storage": settings | {"config": {"base_dir": str(tmp_path / "events")}}}
    with DagsterInstance.local_temp(str(tmp_path), overrides=overrides) as instance:
        runs = [materialize([one], instance=instance).run_id for _ in range(2)]
        assert all("STEP_SUCCESS" in str(instance.all_logs(run)) for run in runs)
        assert instance.get_latest_materialization_event(AssetKey("one")).run_id == runs[1]
