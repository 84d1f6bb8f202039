"""`cic migrate` on data roots and instances of earlier versions."""

import sqlite3

import pytest
from dagster import DagsterInstance

from cic_assets.config.dagster_settings import DagsterSettings
from cic_assets.orchestration.errors import InstanceError
from cic_assets.orchestration.instance import ensure_home, lock_root, make_instance, open_instance
from cic_assets.orchestration.migration import STEPS, migrate
from cic_assets.storage import FORMAT, DataRoot

EARLIER = "6b7fb194ff9c"
"""A revision of Dagster's tables: the last before the one of 1.13."""


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", "")
    return DataRoot(str(tmp_path / "root"))


def migrated(root):
    lines = []
    migrate(root, DagsterSettings(), lines.append)
    return lines


def test_there_is_a_step_for_each_format():
    assert len(STEPS) == FORMAT


def test_what_an_earlier_demo_drew_goes_and_what_else_is_called_so_stays(root, tmp_path):
    drawn, other = tmp_path / "root" / "sample", DataRoot(str(tmp_path / "other"))
    for folder in (drawn, tmp_path / "other" / "sample"):
        (folder / "media").mkdir(parents=True)
        (folder / "routes.jsonl").write_text("")
    (tmp_path / "other" / "sample" / "mine.txt").write_text("")
    for step in STEPS:
        step(root)
        step(other)
    assert not drawn.exists()
    assert (tmp_path / "other" / "sample" / "routes.jsonl").exists()


@pytest.mark.slow
def test_an_instance_of_an_earlier_dagster_is_brought_up_to_date(root):
    with open_instance(root) as instance:
        newest = instance.run_storage.alembic_version()[1]
    file = root.dagster_home / "history" / "runs.db"
    with sqlite3.connect(str(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", [EARLIER])
    assert migrated(root) == ["Data root: from format 0 to 1", f"Dagster's tables: from {EARLIER} to {newest}"]
    assert migrated(root) == ["Data root: up to date", "Dagster's tables: up to date"]
    with DagsterInstance.from_config(str(root.dagster_home)) as instance:
        assert instance.run_storage.alembic_version() == (newest, newest)
    with sqlite3.connect(str(file)) as database:
        database.execute("UPDATE alembic_version SET version_num = 'of_the_future'")
    with pytest.raises(InstanceError, match="of a newer version than the one that is installed: install that"):
        migrated(root)


def test_nobody_migrates_what_a_command_works_on(root):
    with lock_root(root), pytest.raises(InstanceError, match="another cic command is at work"):
        migrated(root)


@pytest.mark.long
def test_a_database_of_an_earlier_dagster_is_brought_up_to_date(postgres_server, postgres_url, root):
    database = postgres_url.rpartition("/")[2]
    postgres_server.tell(database, f"UPDATE alembic_version SET version_num = '{EARLIER}'")
    with pytest.raises(InstanceError, match="run cic migrate"):
        make_instance(ensure_home(root))
    assert migrated(root)[-1].startswith(f"Dagster's tables: from {EARLIER} to ")
    with open_instance(root) as instance:
        assert instance.get_runs() == []
    postgres_server.tell(database, "UPDATE alembic_version SET version_num = 'of_the_future'")
    with pytest.raises(InstanceError, match="of a newer version"):
        migrated(root)
