"""The exit codes of docs/exit-codes.md: for each row of its table one call at least, and no row more.

Calls of `cic` are made in this process, those of `make test-long` in processes of their own. That code and streams
arrive outside, the calls of test_cli, test_commands and test_mistakes show that are processes always.
"""

import fcntl
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pandas as pd
import pytest

from cic_assets_tests.fixtures.effort import short_or_long

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

BIN = Path(sys.executable).parent
PROJECT = Path(__file__).resolve().parents[2]
SAMPLE = PROJECT / "cic_assets" / "config" / "sample.yaml"
RUN = ("run", "--problem", "{problem}", "--archive", "{archive}", "--preset", "demo")
PETS = ("--class", "cat=r/cats", "--class", "dog=r/dogs")


class Row(NamedTuple):
    """A row of the table, and a call of which it is true."""

    command: str
    when: str
    code: int
    arguments: tuple[str, ...]
    said: str
    variables: Mapping[str, str] = MappingProxyType({})


ROWS = [
    Row("any", "a wrong call: no such command or option, too few arguments", 2, ("fly",), "No such command 'fly'"),
    Row("any", "a wrong call: no such command or option, too few arguments", 2, ("run", "--fly"), "No such option"),
    Row("any", "a wrong call: no such command or option, too few arguments", 2, ("predict",), "Missing argument"),
    Row("any", "a variable has a value that it cannot have", 1, RUN, "CIC_ALLOW_RANDOM_WEIGHTS: found 'maybe'",
        {"CIC_ALLOW_RANDOM_WEIGHTS": "maybe"}),
    Row("any", "the data root is of no known kind, or of a newer version", 1,
        ("export", "kaggle", "x", "--data-root", "floppy://a"),
        "data root floppy://a: expected a folder, or s3://BUCKET/PATH"),
    *(
        Row("any", "the data root is of no known kind, or of a newer version", 1, (*call, "--data-root", "newer"),
            "newer is of format 9, and this version of cic-assets knows")
        for call in (RUN, ("dev", *RUN[1:]), ("predict", "{files}"), ("serve",), ("purge", "--post", "x"),
            ("models", "rollback", "vgg"))
    ),
    Row("any", "a file or folder cannot be written", 1, ("sample", "{files}"), "Directory not empty: choose another"),
    Row("cic new", "the problem file is written", 0, ("new", "pets", *PETS), "Written: problems/pets/problem.yaml"),
    Row("cic new", "there is such a problem, or there can be none", 1, ("new", "pets", *PETS), "is there already"),
    Row("cic new", "there is such a problem, or there can be none", 1, ("new", "a b", *PETS), "name: found 'a b'"),
    Row("cic sample", "the pictures are copied", 0, ("sample", "drawn", "--count", "1"), "drawn/tank: 1 pictures"),
    Row("cic run, cic demo", "everything is up to date", 0, RUN, "6 assets materialized",
        {"CIC_ALLOW_RANDOM_WEIGHTS": "1"}),
    Row("cic rescrape", "what was asked for again has its answer", 0,
        ("rescrape", "--retry", "timeout", "--source", "carporn", *RUN[1:]), "Asking again for "),
    Row("cic rescrape", "there is no such outcome or source", 2, ("rescrape", "--retry", "ok"), "'ok' is not one of"),
    Row("cic rescrape", "there is no such outcome or source", 2,
        ("rescrape", "--retry", "error", "--source", "never", *RUN[1:]), "expected one of carporn, tankporn, tanks"),
    Row("cic run, cic dev", "there is no such preset", 2, (*RUN[:-1], "dmo"), "did you mean demo?"),
    Row("cic run, cic dev", "there is no such preset", 2, ("dev", "--preset", "x", *RUN[1:5]), "expected one of demo"),
    Row("cic run", "--select names no asset", 2, (*RUN, "--select", "duplicates,dogs"), "--select dogs: expected"),
    Row("cic run, cic demo", "the problem file has a mistake, or names a file or folder that is not there", 1,
        ("run", "--problem", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    Row("cic run, cic demo", "the problem file has a mistake, or names a file or folder that is not there", 1,
        ("run", "--problem", "gone.yaml"), "cats: there is no such folder"),
    Row("cic run, cic demo", "a GPU is asked for and there is none", 1, (*RUN, "--device", "gpu"), "a GPU is required",
        {"CUDA_VISIBLE_DEVICES": "-1"}),
    Row("cic run, cic demo", "there is no such archive", 1, ("run", "--archive", "nowhere"), "there is no such folder"),
    Row("cic run, cic demo", "a step failed", 1, ("run", "--problem", "problems/pets/problem.yaml"),
        "raw_images of cats: no way to reach Reddit", {"CIC_DATA_ROOT": ""}),
    Row("cic run, cic demo", "the data root is that of another problem", 1,
        ("run", "--problem", "problems/pets/problem.yaml"), "give each its own by --data-root"),
    Row("cic dev", "a problem file has a mistake, or several problems do not fit into one UI", 1,
        ("dev", "--problem", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    Row("cic dev", "a problem file has a mistake, or several problems do not fit into one UI", 1,
        ("dev", "--problem", "{sample}", "--problem", "{sample}"), "have the same dagster.asset_prefix",
        {"CIC_DATA_ROOT": ""}),
    Row("cic predict", "every picture has an answer", 0, ("predict", "{files}/a.jpg"), "a.jpg: "),
    Row("cic predict", "every picture has an answer", 0, ("predict", "--model", "peetz_net", "{files}/a.jpg"), "peetz"),
    Row("cic predict", "a file cannot be read as a picture", 1, ("predict", "{files}"), "bad.jpg: not_an_image"),
    Row("cic predict", "a file cannot be read as a picture", 1, ("predict", "nowhere.jpg"), "No such file"),
    Row("cic predict", "a file cannot be read as a picture", 1, ("predict", "a" * 300), "File name too long"),
    Row("cic predict", "a file cannot be read as a picture", 1, ("predict", "/dev/zero"), "not a regular file"),
    Row("cic predict", "a file cannot be read as a picture", 1, ("predict", os.fsdecode(b"\xff.jpg")), "No such file"),
    Row("cic predict", "there is no such model", 1, ("predict", "--model", "resnet", "{files}/a.jpg"),
        "expected one of peetz_net, vgg"),
    Row("cic predict", "there is no such model", 1, ("predict", "x.jpg"), "no trained model", {"CIC_DATA_ROOT": "no"}),
    Row("cic serve", "there is no trained model", 1, ("serve",), "no trained model", {"CIC_DATA_ROOT": "no"}),
    Row("cic serve", "others could reach it and there is no token, or one that is too short", 2,
        ("serve", "--host", "0.0.0.0"), "--host 0.0.0.0: others could reach it: give a token of 16 or more characters"),
    Row("cic serve", "others could reach it and there is no token, or one that is too short", 2,
        ("serve",), "token: expected 16 or more printable ASCII characters", {"CIC_TOKEN": "short"}),
    Row("cic review", "nothing was scraped there, or its port is taken", 1, ("review", "--problem", "{problem}"),
        "there is nothing to look at", {"CIC_DATA_ROOT": "no"}),
    Row("cic review", "others could reach it and there is no token, or one that is too short", 2,
        ("review", "--host", "0.0.0.0"), "--host 0.0.0.0: others could reach it: give a token of 16 or more"),
    Row("cic export", "the data set or the model is written", 0, ("export", "kaggle", "out"), "Written (kaggle)"),
    Row("cic export", "the data set or the model is written", 0, ("export", "model", "onnx", "model"),
        "Written (onnx)"),
    Row("cic export", "there is no data set, model or format of that name, or its place is in use", 1,
        ("export", "kaggle", "{files}"), "is in use"),
    Row("cic export", "there is no data set, model or format of that name, or its place is in use", 1,
        ("export", "kaggle", "{files}/a.jpg/out"), "a.jpg"),
    Row("cic export", "there is no data set, model or format of that name, or its place is in use", 1,
        ("export", "floppy", "new"), "floppy is not a layout"),
    Row("cic export", "there is no data set, model or format of that name, or its place is in use", 1,
        ("export", "kaggle", "new"), "no data set in", {"CIC_DATA_ROOT": "no"}),
    Row("cic export", "there is no data set, model or format of that name, or its place is in use", 1,
        ("export", "model", "onnx", "{files}"), "is in use: expected a folder that does not exist yet, or is empty"),
    Row("cic export", "there is no data set, model or format of that name, or its place is in use", 1,
        ("export", "model", "floppy", "new"), "floppy is not a format: expected one of keras, savedmodel, onnx"),
    Row("cic export", "there is no data set, model or format of that name, or its place is in use", 1,
        ("export", "model", "onnx", "new", "--model", "resnet"), "expected one of peetz_net, vgg"),
    Row("cic export", "there is no data set, model or format of that name, or its place is in use", 1,
        ("export", "model", "onnx", "new"), "no trained model", {"CIC_DATA_ROOT": "no"}),
    Row("cic decide", "the decision is written, or taken back", 0,
        ("decide", "label", "{sha256}", "tank", "--problem", "{problem}"), "is of tank"),
    Row("cic decide", "the decision is written, or taken back", 0,
        ("decide", "leave-out", "{sha256}", "--problem", "{problem}"), "is of no class"),
    Row("cic decide", "the decision is written, or taken back", 0, ("decide", "undo", "--problem", "{problem}"),
        "Taken back in"),
    Row("cic decide", "the decision is written, or taken back", 0,
        ("decide", "undo", "{sha256}", "--problem", "{problem}"), "is of tank"),
    Row("cic decide", "there is no such class, or no digits where some are expected", 2,
        ("decide", "label", "{sha256}", "plane", "--problem", "{problem}"), "expected one of car, tank"),
    Row("cic decide", "there is no such class, or no digits where some are expected", 2,
        ("decide", "leave-out", "tank.jpg", "--problem", "{problem}"), "expected 8 to 64 hexadecimal digits"),
    Row("cic decide", "no picture begins with the digits, or several, or there is nothing to take back", 1,
        ("decide", "label", "0123456789ab", "tank", "--problem", "{problem}"), "0123456789ab begins no picture under"),
    Row("cic decide", "no picture begins with the digits, or several, or there is nothing to take back", 1,
        ("decide", "undo", "--problem", "{problem}"), "there is no decision to take back"),
    Row("cic decide", "the problem or its overrides file has a mistake, or only a person can change it", 1,
        ("decide", "undo", "--problem", "nowhere.yaml"), "nowhere.yaml: cannot be read"),
    Row("cic models", "what was asked for is told or done", 0, ("models", "list"), "peetz_net"),
    Row("cic models", "what was asked for is told or done", 0, ("models", "compare", "vgg", "peetz_net"),
        "test pictures"),
    Row("cic models", "there is no such model or version, or none to go back to", 1, ("models", "list"),
        "no trained model", {"CIC_DATA_ROOT": "no"}),
    Row("cic models", "there is no such model or version, or none to go back to", 1,
        ("models", "promote", "resnet", "1"), "no model 'resnet'"),
    Row("cic models", "there is no such model or version, or none to go back to", 1,
        ("models", "promote", "vgg", "1999"), "vgg has no version 1999: expected one of"),
    Row("cic models", "there is no such model or version, or none to go back to", 1, ("models", "rollback", "vgg"),
        "vgg has no champion before this one"),
    Row("cic migrate", "the data root and Dagster's tables are of this version", 0, ("migrate", *RUN[1:3]),
        "Dagster's tables: up to date"),
    Row("cic migrate", "they are of a newer one, a command is at work on them, or the database is not there", 1,
        ("migrate", *RUN[1:3], "--data-root", "newer"), "newer is of format 9"),
    Row("cic migrate", "they are of a newer one, a command is at work on them, or the database is not there", 1,
        ("migrate", *RUN[1:3]), "start the server, and run the same command again",
        {"CIC_POSTGRES_URL": "postgresql://me@127.0.0.1:1/runs"}),
    Row("cic metrics", "they are told, or written; the process of --until ended", 0, ("metrics", "--once", *RUN[1:3]),
        "cic_model_train_seconds"),
    Row("cic metrics", "others could reach it and there is no token, or one that is too short", 2,
        ("metrics", "--host", "0.0.0.0", *RUN[1:3]), "--host 0.0.0.0: others could reach it: give a token of 16"),
    Row("cic metrics", "its port is taken, or of --once and --output the database is not there", 1,
        ("metrics", "--output", "x.prom", *RUN[1:3]), "start the server, and run the same command again",
        {"CIC_POSTGRES_URL": "postgresql://me@127.0.0.1:1/runs"}),
    Row("cic purge", "nothing is named, or no SHA-256 where one is expected", 2, ("purge",), "nothing to purge: give"),
    Row("cic purge", "nothing is named, or no SHA-256 where one is expected", 2, ("purge", "--sha256", "xyz"),
        "--sha256 xyz: expected a picture's 64 digits"),
    Row("cic purge", "nothing is named, or no SHA-256 where one is expected", 2,
        ("purge", "--whole-source", "cars", "--post", "x"), "--whole-source goes without --post"),
    Row("cic purge", "there is no such post, picture or source, or none of its posts is missing", 1,
        ("purge", "--post", "never"), "never"),
    Row("cic purge", "there is no such post, picture or source, or none of its posts is missing", 1,
        ("purge", "--whole-source", "never"), "expected one of carporn, tankporn, tanks"),
    Row("cic purge", "there is no such post, picture or source, or none of its posts is missing", 1,
        ("purge", "--missing", "carporn"), "carporn: Reddit left out none of its posts"),
    Row("cic purge", "the problem still names the source", 1, ("purge", "--whole-source", "carporn"),
        "carporn is a source of"),
    Row("cic archive record", "there is no API key, or Reddit's terms are not acknowledged", 1,
        ("archive", "record", "new", "--problem", "{problem}"), "no client id for Reddit's API"),
    Row("cic archive record", "there is no API key, or Reddit's terms are not acknowledged", 1,
        ("archive", "record", "new", "--problem", "{problem}"), "terms_acknowledged",
        {"REDDIT_CLIENT_ID": "x", "REDDIT_USERNAME": "somebody"}),
    Row("cic archive record", "no source of the problem is a subreddit", 1,
        ("archive", "record", "new", "--problem", "boats.yaml"), "boats has no source r/NAME"),
    Row("cic archive serve", "the folder is no archive", 1, ("archive", "serve", "{files}"), "subreddits"),
    Row("cic archive serve", "there is no such folder", 2, ("archive", "serve", "nowhere"), "nowhere"),
]  # fmt: skip


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.command}-{' '.join(row.arguments)[:40]}")
def test_a_row(finished, row):
    places = {"files": finished.files, "sample": SAMPLE, "problem": finished.problem, "archive": finished.archive}
    hashes = pd.read_parquet(finished.root / "tables" / "image_hashes" / "carporn.parquet", columns=["sha256"])
    places["sha256"] = hashes["sha256"].iloc[0]
    (finished.folder / "gone.yaml").write_text("name: x\nclasses: {cat: ['folder:cats'], dog: [r/dogs]}\n")
    (finished.folder / "newer").mkdir(exist_ok=True)
    (finished.folder / "newer" / "format.json").write_text('{"format": 9}')
    (finished.folder / "boats.yaml").write_text("name: boats\nclasses: {a: ['folder:a'], b: ['folder:b']}\n")
    result = finished.call(*(argument.format(**places) for argument in row.arguments), **row.variables)
    assert result.returncode == row.code, result.stderr
    assert row.said in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


def test_another_command_at_work(finished):
    with (finished.root / "cic.lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        results = [finished.run("cic", *finished.run_arguments), finished.call("demo")]
    assert [result.returncode for result in results] == [1, 1]
    assert all("another cic command is at work on" in result.stderr for result in results)


def test_ctrl_c(own_finished):
    command = [str(BIN / "cic"), *own_finished.run_arguments]
    with subprocess.Popen(
        command, env=own_finished.variables, cwd=own_finished.folder, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        for line in process.stderr:
            if "Scraping" in line:
                break
        process.send_signal(signal.SIGINT)
        said = process.stderr.read()
    assert process.returncode == 1
    assert said.endswith("Aborted!\n")
    assert "the same command goes on from there" in said


SERVING = {
    "serve": ("serve",),
    "ui": ("demo", "--ui"),
    "archive": ("archive", "serve", "{archive}"),
}
# The page and the UI are ended in the other ways too, by the tests that need them: of test_commands by SIGTERM, of
# test_several_problems by Ctrl+C.
ENDS = short_or_long(
    [("serve", signal.SIGINT), ("archive", signal.SIGINT), ("archive", signal.SIGTERM)],
    [(name, stop) for name in SERVING for stop in (signal.SIGINT, signal.SIGTERM)],
)


@pytest.mark.xdist_group("test_exit_codes: what serves")
@pytest.mark.parametrize(("name", "stop"), ENDS)
def test_what_serves_ends_well_when_it_is_told_to(finished, serving, name, stop):
    arguments = [argument.format(archive=finished.archive) for argument in SERVING[name]]
    with serving(*arguments, folder=finished.folder, variables=finished.variables) as server:
        server.wait()
        server.process.send_signal(stop)
        assert server.process.wait(60) == 0, server.said


DG = [
    Row("dg check defs", "the code location is sound", 0, ("check", "defs"), "All definitions loaded successfully."),
    Row("dg check defs", "it is not", 1, ("check", "defs"), "preset 'huge'", {"CIC_PRESET": "huge"}),
    Row("dg launch", "every step and blocking check passed", 0,
        ("launch", "--assets", "raw_images", "--partition", "carporn"), "RUN_SUCCESS"),
    Row("dg launch", "one did not, or there is no such asset or partition", 1,
        ("launch", "--assets", "raw_images", "--partition", "nothing"), "the passed partition key `nothing`"),
    Row("dg launch", "one did not, or there is no such asset or partition", 1,
        ("launch", "--assets", "raw_images", "--partition", "carporn"), "/nowhere: not an archive",
        {"CIC_ARCHIVE": "/nowhere"}),
    Row("dg launch", "one did not, or there is no such asset or partition", 1,
        ("launch", "--assets", "raw_images", "--partition", "carporn"), "no way to reach Reddit", {"CIC_ARCHIVE": ""}),
    Row("dg launch", "one did not, or there is no such asset or partition", 1, ("launch", "--assets", "nothing"),
        "AssetKey(s) ['nothing'] were selected"),
    Row("dg launch", "there is no such job", 2, ("launch", "--job", "nothing"), 'Job "nothing" not found'),
]  # fmt: skip


@pytest.mark.xdist_group("test_exit_codes: dg")
@pytest.mark.parametrize("row", DG, ids=lambda row: f"{' '.join(row.arguments)}-{row.code}")
def test_a_row_of_dg(own_finished, row):
    result = own_finished.dg(*row.arguments, **row.variables)
    assert result.returncode == row.code, result.stdout + result.stderr
    assert row.said in result.stdout + result.stderr


def test_a_purge(own_finished):
    table = pd.read_parquet(own_finished.root / "tables" / "raw_images" / "carporn.parquet")
    result = own_finished.call("purge", "--post", table["post_id"].iloc[-1])
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("Purged 1 posts and ")


ELSEWHERE = {
    ("cic run, cic demo", "another command is at work on the data root", 1),
    ("cic run, cic demo", "Ctrl+C", 1),
    ("any", "it needs TensorFlow, which is not installed", 1),
    ("cic dev", "its port or that of CIC_METRICS is taken, or a UI of the same runs is at work", 1),
    ("cic dev, cic serve, cic review, cic metrics, cic archive serve", "it was told to stop: Ctrl+C, SIGTERM", 0),
    ("cic purge", "it is gone", 0),
}
"""Rows whose tests are not calls that end by themselves."""


def test_the_table_of_the_documentation_has_these_rows_and_no_others():
    text = (PROJECT / "docs" / "exit-codes.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| (.+?) \| (.+?) \| (\d) \|$", text, re.MULTILINE)
    assert len(table) == len(set(table))
    documented = {(command.replace("`", ""), when.replace("`", ""), int(code)) for command, when, code in table}
    assert documented == {row[:3] for row in (*ROWS, *DG)} | ELSEWHERE
