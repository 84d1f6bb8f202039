"""What docs/upgrading.md says of copies: all is deleted, brought back by its commands, and nothing is made anew."""

import os
import shutil
import subprocess

import pytest

from cic_assets.storage import DataRoot
from cic_assets_tests.fixtures.states import assert_same, data_versions_of, materialized_in

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]


def assert_nothing_is_made_anew(world, before):
    """By the next run, but for what asks the world outside."""
    versions, made = before
    result = world.run("cic", *world.run_arguments)
    assert result.returncode == 0, result.stderr
    assert {name for name, _ in materialized_in(world)[len(made) :]} == {"takedowns", "raw_images"}
    assert data_versions_of(world) == versions


def state_before(world):
    return data_versions_of(world), materialized_in(world)


@pytest.mark.skipif(not shutil.which("zstd"), reason="tar needs zstd")
def test_a_folder(own_finished):
    world, before = own_finished, state_before(own_finished)
    for command in ("--create", "--extract"):
        subprocess.run(["tar", command, "--zstd", "--file", "cic.tar.zst", "root"], cwd=world.folder, check=True)
        if command == "--create":
            shutil.rmtree(world.root)
    assert_nothing_is_made_anew(world, before)


@pytest.mark.long
def test_a_bucket_and_a_database(elsewhere, finished_first, s3_server, postgres_server, tmp_path):
    world, copy = elsewhere("here"), tmp_path / "copy"
    result = world.run("cic", *world.run_arguments)
    assert result.returncode == 0, result.stderr
    before = state_before(world)

    dumped = postgres_server.dump(world.variables["CIC_POSTGRES_URL"])
    sync(world.url, copy, s3_server)

    postgres_server.drop(world.variables["CIC_POSTGRES_URL"])
    DataRoot(world.url).path.fs.rm(str(DataRoot(world.url).path), recursive=True)
    assert not [path for path in DataRoot(world.url).path.rglob("*") if path.is_file()]
    shutil.rmtree(world.folder / ".local")

    world.variables["CIC_POSTGRES_URL"] = postgres_server.new_database()
    postgres_server.restore(world.variables["CIC_POSTGRES_URL"], dumped)
    sync(copy, world.url, s3_server)
    assert_nothing_is_made_anew(world, before)
    assert_same(world, finished_first)


def sync(source, target, server):
    """By Amazon's program where it is installed, or in its place."""
    if aws := shutil.which("aws"):
        command = [aws, "s3", "sync", "--no-progress", str(source), str(target)]
        done = subprocess.run(command, env=os.environ | server.environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return
    from cic_assets.storage import path_of

    start, end = path_of(str(source)), path_of(str(target))
    for file in (path for path in start.rglob("*") if path.is_file()):
        place = end / str(file.relative_to(start))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
