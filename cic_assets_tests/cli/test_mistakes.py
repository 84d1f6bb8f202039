"""What goes wrong for people, as `cic run` says it: a line that names what it is about and what to do."""

import contextlib
import json
import subprocess
from functools import partial

import pytest

from cic_assets_tests.fixtures.effort import short_or_long

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

FOLDERS = """
name: pets
classes: {cat: ["folder:cats"], dog: ["folder:dogs"]}
dataset: {side: 128}
features: {enabled: false}
models: {vgg: {variant: original, width: 0.05, input_size: 32, epochs: 1}, peetz_net: null, xception: null}
"""
SUBREDDITS = "name: pets\nclasses: {cat: [r/cats], dog: [r/dogs]}\nreddit: {attempts: 1, longest_wait: 1}\n"


@pytest.fixture
def pictures(tmp_path, jpeg):
    """Puts so many pictures into a folder."""

    def put(folder, count):
        (tmp_path / folder).mkdir()
        for number in range(count):
            (tmp_path / folder / f"{number}.jpg").write_bytes(jpeg([len(folder), ord(folder[0]), number]))

    return put


@pytest.fixture
def run(commands):
    """`cic run` on a problem file; gives what it said after it failed as it should."""
    return lambda *arguments, **variables: ran(commands, commands.call, *arguments, **variables)


@pytest.fixture
def run_process(commands):
    """The same as a process of its own."""
    return lambda *arguments, **options: ran(commands, partial(commands.run, "cic"), *arguments, **options)


def ran(commands, call, text, *arguments, code=1, **variables):
    (commands.folder / "problem.yaml").write_text(text)
    result = call("run", "--problem", "problem.yaml", *arguments, **variables)
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr
    return result.stderr


def test_a_wrong_key(run):
    said = run(FOLDERS.replace("classes:", "clases:"))
    assert "problem.yaml: clases is not a setting: did you mean classes?" in said


def test_an_empty_folder(run_process, pictures, tmp_path):
    pictures("cats", 20)
    pictures("dogs", 0)
    said = run_process(FOLDERS)
    assert f"failed raw_images of dogs: folder:{tmp_path}/dogs: is empty: expected pictures in it\n" in said


def test_a_folder_that_is_not_there(run, pictures, tmp_path):
    pictures("cats", 20)
    said = run(FOLDERS)
    missing = f"folder:{tmp_path}/dogs: there is no such folder: expected one with pictures in it"
    assert said.splitlines()[1:] == [f"Error: {missing}; in {tmp_path} there are cats"]


def test_a_class_with_three_pictures(run, pictures):
    pictures("cats", 20)
    pictures("dogs", 3)
    said = run(FOLDERS)
    assert "failed training_dataset: class dog has 3 pictures, at least 10 are needed: give it more sources" in said


def test_a_list_of_urls_that_all_fail(run, pictures, tmp_path):
    pictures("cats", 20)
    (tmp_path / "dogs.txt").write_text("http://127.0.0.1/1.jpg\nhttp://127.0.0.1/2.jpg\nftp://x/3.jpg\n")
    said = run(FOLDERS.replace("folder:dogs", "urls:dogs.txt"))
    assert "failed training_dataset: class dog has 0 pictures, at least 10 are needed: give it more sources" in said
    assert (
        f"    urls:{tmp_path}/dogs.txt: none of 3 media gave a picture (3 blocked): why is in {tmp_path}/data/" in said
    )


def test_a_private_subreddit(run, archive, jpeg):
    archive.add("c1", jpeg(), subreddit="cats")
    archive.add("d1", jpeg(1), subreddit="dogs")
    (archive.folder / "subreddits.json").write_text(json.dumps({"dogs": {"status": "private"}}))
    said = run(SUBREDDITS, "--archive", archive.folder)
    assert "failed raw_images of dogs: r/dogs is private: only its members see it; leave it out\n" in said
    assert "of cats" not in said.partition("failed")[2]


def test_a_missing_credential(run):
    said = run(SUBREDDITS)
    for key in ("cats", "dogs"):
        assert f"failed raw_images of {key}: no way to reach Reddit: set REDDIT_CLIENT_ID" in said
    assert "Dependencies for step" not in said, "Dagster's words for checks that wait for what failed"


def test_terms_that_nobody_read(run):
    assert "terms_acknowledged: true" in run(SUBREDDITS, REDDIT_CLIENT_ID="x", REDDIT_USERNAME="somebody")


def test_the_data_root_of_another_problem(run, pictures, tmp_path):
    pictures("cats", 20)
    pictures("dogs", 0)
    run(FOLDERS)
    (tmp_path / "problem.yaml").rename(tmp_path / "first.yaml")
    (tmp_path / "data" / "problem.json").write_text(json.dumps({"name": "first", "file": str(tmp_path / "first.yaml")}))
    said = run(FOLDERS)
    made = f"the data root {tmp_path}/data holds what {tmp_path}/first.yaml (first) made"
    assert f"{made}, not problem.yaml (pets): name that one by --problem, or give each its own by --data-root" in said


@contextlib.contextmanager
def disk(folder, kilobytes):
    """A real disk of a few kilobytes; gives a function that makes it larger."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small disk needs root: run the tests as root, outside of a locked-down container")
    try:
        yield lambda more: subprocess.run(["mount", "-o", f"remount,size={more}k", str(folder)], check=True)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.xdist_group("test_mistakes: full disks")
@pytest.mark.parametrize(
    ("kilobytes", "goes_on"),
    short_or_long([(64, False)], [(size, True) for size in (64, 600, 1500, 3000, 5000)]),
)
def test_a_full_disk_and_then_a_larger_one(run_process, pictures, tmp_path, kilobytes, goes_on):
    pictures("cats", 40)
    pictures("dogs", 40)
    with disk(tmp_path / "data", kilobytes) as enlarge:
        assert "make room there, then run the same command again: what is done is kept" in run_process(FOLDERS)
        if goes_on:
            enlarge(200_000)
            run_process(FOLDERS, code=0)
