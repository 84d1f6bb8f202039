"""The embedded sample, as it lies in the package: whole, sound, and as dirty as it says."""

import collections
import csv
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pytest

from cic_assets.cli.archives import MOST_PICTURES
from cic_assets.config.environment import SAMPLE_PROBLEM
from cic_assets.config.problem_file import load_problem
from cic_assets.domain.download import Network
from cic_assets.domain.images import decode, fingerprint
from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, connect
from cic_assets.domain.sources import Connection, scrape
from cic_assets.storage import DataRoot
from cic_assets.web.replay import SAMPLE_ARCHIVE, copy_pictures, load_archive, replay, sample_version
from tools.draw_sample import content_of

SUBREDDITS = ("carporn", "tankporn", "tanks")


@pytest.fixture(scope="module")
def truth() -> dict[str, dict[str, str]]:
    """The rows of truth.csv by their URL."""
    with (SAMPLE_ARCHIVE / "truth.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["url"] for row in rows}) == len(rows)
    return {row["url"]: row for row in rows}


@pytest.fixture(scope="module")
def file_of():
    """The file behind a URL; none for a page that is missing."""
    archive = load_archive(SAMPLE_ARCHIVE)

    def find(url: str) -> Path | None:
        parts = urlsplit(url)
        route = archive.route(parts.netloc, parts.path, parts.query)
        return None if route is None or route.file is None else SAMPLE_ARCHIVE / "media" / route.file

    return find


def names_and_bytes(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_takes_ten_megabytes_at_most():
    assert sum(map(len, names_and_bytes(SAMPLE_ARCHIVE).values())) <= 10e6


def test_each_file_is_used_and_none_is_there_twice():
    archive = load_archive(SAMPLE_ARCHIVE)
    routed = {route.file for answers in archive.routes.values() for route in answers.values()} - {None}
    media = names_and_bytes(SAMPLE_ARCHIVE / "media")
    assert set(media) == routed
    assert len(set(media.values())) == len(media)


def test_its_version_is_that_of_its_content():
    """Written down by the program that drew it, so that no run has to read it all."""
    assert sample_version() == content_of(SAMPLE_ARCHIVE)


def test_every_row_of_the_truth_is_about_a_possible_outcome_and_copies_are_of_rows(truth):
    assert {row["outcome"] for row in truth.values()} <= set(Outcome)
    assert all(row["copy_of"] in truth for row in truth.values() if row["copy_of"])
    assert {name.lower() for name in SUBREDDITS} == set(load_archive(SAMPLE_ARCHIVE).subreddits)


def test_copies_are_of_another_class_only_in_conflicts(truth):
    for row in truth.values():
        if row["copy_of"]:
            same = truth[row["copy_of"]]["klass"] == row["klass"]
            assert same == (row["need"] != "conflict")


def test_holds_about_eighty_posts_a_subreddit():
    for name in SUBREDDITS:
        assert 75 <= len(load_archive(SAMPLE_ARCHIVE).subreddits[name].posts) <= 90


def test_holds_every_kind_of_dirt(truth):
    outcomes = {row["outcome"] for row in truth.values()}
    waited_for = set(Outcome) - {Outcome.TIMEOUT}  # a route that never answers would cost the demo its time
    assert outcomes == waited_for
    needs = collections.Counter(row["need"] for row in truth.values())
    assert needs["must"] >= 15
    assert needs["should"] >= 9
    assert needs["conflict"] == 2


def test_pictures_that_are_not_copies_are_told_apart_by_their_hashes(truth, file_of):
    """At a distance of 8 of 64 bits a finder of duplicates begins to look."""
    originals = [url for url, row in truth.items() if row["kind"] in ("original", "gallery")]
    words = np.array([fingerprint(file_of(url).read_bytes()).phash for url in originals], np.uint64)
    distances = np.bitwise_count(words[:, None] ^ words[None])[~np.eye(len(words), dtype=bool)]
    assert (distances <= 4).sum() == 0
    assert (distances <= 8).mean() < 1e-3


def test_both_classes_come_in_the_same_sizes(truth, file_of):
    sides = collections.defaultdict(list)
    for url, row in truth.items():
        if row["kind"] == "gallery":
            sides[row["klass"]].append(decode(file_of(url).read_bytes()).shape)
    ratios = {klass: np.mean([width / height for height, width, _ in shapes]) for klass, shapes in sides.items()}
    assert abs(ratios["car"] - ratios["tank"]) < 0.25
    # The full preset trains on 256 pixels.
    assert min(min(height, width) for shapes in sides.values() for height, width, _ in shapes) >= 256


@pytest.mark.slow
def test_a_scrape_finds_what_the_truth_says(truth, tmp_path):
    """Real PRAW and downloads against the replayed sample; the demo's first step. Nothing is written to the sample."""
    problem = load_problem(SAMPLE_PROBLEM)
    root, found = DataRoot(str(tmp_path)), collections.defaultdict(set)
    before = stamps(SAMPLE_ARCHIVE)
    with replay(SAMPLE_ARCHIVE) as server, connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
        connection = Connection("sample", reddit, Network.replay("127.0.0.1", server.port))
        for partition in problem.partitions.values():
            table = scrape(partition, root, connection, problem.reddit, problem.download).table
            for row in table.itertuples():
                found[picture_name(row.media_url)].add(row.outcome)
    wrong = {
        row["url"]: (row["kind"], found[picture_name(row["url"])])
        for row in truth.values()
        if found[picture_name(row["url"])] != {row["outcome"]}
    }
    assert wrong == {}
    assert stamps(SAMPLE_ARCHIVE) == before


def stamps(folder: Path) -> dict[Path, int]:
    """When each folder and file was last written to."""
    return {path: path.stat().st_mtime_ns for path in [folder, *folder.rglob("*")]}


def picture_name(url: str) -> str:
    """The same for a picture on i.redd.it and its preview."""
    return url.partition("?")[0].rsplit("/", 1)[-1].rpartition(".")[0] or url.rsplit("/", 1)[-1]


def test_class_folders_hold_so_many_pictures_of_each(tmp_path):
    assert copy_pictures(tmp_path / "a", 3) == {"car": 3, "tank": 3}
    assert sorted(names_and_bytes(tmp_path / "a")) == [
        "car/000.jpg", "car/001.jpg", "car/002.jpg", "tank/000.jpg", "tank/001.jpg", "tank/002.jpg"
    ]  # fmt: skip
    with pytest.raises(OSError, match="not empty"):
        copy_pictures(tmp_path / "a", 3)
    copy_pictures(tmp_path / "b", 3)
    assert names_and_bytes(tmp_path / "a") == names_and_bytes(tmp_path / "b")


def test_as_many_pictures_of_each_class_are_there_as_the_command_offers(truth, tmp_path):
    assert copy_pictures(tmp_path / "all", MOST_PICTURES) == {"car": MOST_PICTURES, "tank": MOST_PICTURES}
    copied = names_and_bytes(tmp_path / "all")
    assert len(set(copied.values())) == len(copied)
    plain = collections.Counter(row["klass"] for row in truth.values() if row["kind"] in ("original", "gallery"))
    assert min(plain.values()) >= MOST_PICTURES


def test_of_pictures_that_cannot_be_copied_none_is_left(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cic_assets.web.replay.embedded.shutil.copyfile", fail)
    with pytest.raises(OSError, match="No space left"):
        copy_pictures(tmp_path / "a", 3)
    assert list(tmp_path.iterdir()) == []
