import sqlite3
from pathlib import Path

import click
import psycopg2
import pytest
from click.testing import CliRunner

from cic_assets.cli.faults import Commands, in_one_line
from cic_assets.defs.failure_messages import MAKE_ROOM
from cic_assets.storage import DataRoot
from cic_assets.storage.object_store import get_tagged


def error_of(work):
    with pytest.raises(Exception) as caught:  # noqa: PT011 - which one it is is what the tests are about
        work()
    return caught.value


def fill_the_disk():
    with Path("/dev/full").open("wb") as file:
        file.write(b"x")


def fill_the_database():
    with sqlite3.connect(":memory:") as database:
        database.execute("PRAGMA max_page_count = 1")
        database.execute("CREATE TABLE events (body)")


def test_a_full_disk_says_to_make_room():
    assert in_one_line(error_of(fill_the_disk)).startswith("No space left on device: make room there")


def test_a_postgresql_that_went_away_is_told_with_what_to_do():
    def run():
        try:
            psycopg2.connect(host="127.0.0.1", port=1, user="me", password="secret", dbname="runs")
        except psycopg2.OperationalError as error:
            raise RuntimeError("the run failed") from error

    line = in_one_line(error_of(run))
    assert line.startswith("PostgreSQL, which CIC_POSTGRES_URL or dagster.yaml names: connection to server at")
    assert line.endswith("start the server, and run the same command again: what is done is kept")
    assert "secret" not in line


@pytest.mark.slow
@pytest.mark.parametrize("ask", [lambda root: root.path.exists(), lambda root: get_tagged(root.path / "lease.json")])
def test_a_bucket_that_refuses_is_told_with_what_to_do(ask, s3_url, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another-than-it-knows")
    line = in_one_line(error_of(lambda: ask(DataRoot(s3_url.replace("pictures", "unknown")))))
    assert "\n" not in line
    assert line.startswith("the bucket of the data root: ")
    assert line.endswith("and a key that it knows; then run the same command again: what is done is kept")


def test_a_full_database_under_an_error_of_dagster_says_to_make_room():
    def run():
        try:
            fill_the_database()
        except sqlite3.Error as error:
            raise RuntimeError("the run failed") from error

    assert in_one_line(error_of(run)).startswith(
        "Dagster's database under the data root: database or disk is full: make"
    )


def test_a_database_that_cannot_write_its_log_names_the_likely_cause():
    line = in_one_line(sqlite3.OperationalError("disk I/O error"))
    assert line.endswith("disk I/O error: the disk is full, or broken: " + MAKE_ROOM)


def test_a_place_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    line = in_one_line(error_of((tmp_path / "file" / "folder").mkdir))
    assert line == f"{tmp_path}/file/folder: Not a directory: expected a folder"
    assert in_one_line(error_of(Path("/proc/nope").mkdir)).startswith("/proc/nope: No such file or directory: ")


@pytest.mark.parametrize("error", [ValueError("ours"), OSError("no number"), ConnectionResetError(104, "reset")])
def test_a_fault_of_ours_keeps_its_traceback(error):
    @click.group(cls=Commands)
    def commands():
        pass

    @commands.command()
    def fail():
        raise error

    assert CliRunner().invoke(commands, ["fail"]).exception is error


def test_a_command_says_one_line_and_ends_with_1():
    @click.group(cls=Commands)
    def commands():
        pass

    commands.command("fail")(fill_the_disk)
    result = CliRunner().invoke(commands, ["fail"])
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: No space left on device: ")
