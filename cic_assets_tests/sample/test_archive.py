import collections
import csv
import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from cic_assets.config.environment import SAMPLE_PROBLEM
from cic_assets.config.problem_file import load_problem
from cic_assets.domain.download import Network
from cic_assets.domain.images import decode, fingerprint
from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, connect
from cic_assets.domain.sources import Connection, scrape
from cic_assets.sample import (
    SAMPLE_SUBREDDITS,
    NotASampleError,
    archive,
    ensure_sample,
    posts,
    sample_version,
    write_pictures,
    write_sample,
)
from cic_assets.storage import DataRoot
from cic_assets.web.replay import load_archive, replay


def read_truth(folder: Path) -> list[dict[str, str]]:
    with (folder / "truth.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def digest_of(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


@pytest.fixture
def small_plans(monkeypatch):
    """Few pictures in each subreddit, all kinds of posts."""
    plans = {
        name: posts.Plan(
            klass=plan.klass, first=plan.first, pictures=42, galleries=1, gallery_size=2, copied_from=plan.copied_from
        )
        for name, plan in posts.PLANS.items()
    }
    monkeypatch.setattr(posts, "PLANS", plans)
    monkeypatch.setattr(archive, "PLANS", plans)

    def draw(shot):
        klass, number = shot
        rng = np.random.default_rng((len(klass), number))
        picture = cv2.resize(rng.integers(0, 255, (5, 7, 3), np.uint8), (168, 120), interpolation=cv2.INTER_CUBIC)
        return cv2.imencode(".jpg", picture)[1].tobytes(), f"{klass} {number}"

    monkeypatch.setattr(archive, "_draw", draw)


@pytest.fixture(scope="session")
def sample(tmp_path_factory) -> Path:
    """The real sample, drawn once."""
    return ensure_sample(tmp_path_factory.mktemp("sample") / "drawn")


def test_the_same_bytes_every_time(small_plans, tmp_path):
    write_sample(tmp_path / "a")
    write_sample(tmp_path / "b")
    assert digest_of(tmp_path / "a") == digest_of(tmp_path / "b")


def test_is_left_alone_when_it_is_of_this_version(small_plans, tmp_path):
    folder = ensure_sample(tmp_path / "sample")
    before = (folder / "routes.jsonl").stat().st_mtime_ns
    assert ensure_sample(folder) == folder
    assert (folder / "routes.jsonl").stat().st_mtime_ns == before


def test_is_drawn_again_when_the_version_differs(small_plans, tmp_path):
    folder = ensure_sample(tmp_path / "sample")
    (folder / "sample.json").write_text('{"version": "old"}')
    (folder / "media" / "left-over.jpg").write_bytes(b"x")
    ensure_sample(folder)
    assert json.loads((folder / "sample.json").read_text()) == {"version": sample_version()}
    assert not (folder / "media" / "left-over.jpg").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"sample", ".sample.lock"}


def test_of_several_at_once_one_draws_and_the_others_wait(monkeypatch, small_plans, tmp_path):
    drawings, write = [], archive.write_sample

    def count(directory):
        drawings.append(directory)
        write(directory)

    monkeypatch.setattr(archive, "write_sample", count)
    with ThreadPoolExecutor(3) as pool:
        folders = list(pool.map(ensure_sample, [tmp_path / "sample"] * 3))
    assert folders == [tmp_path / "sample"] * 3
    assert len(drawings) == 1


def test_leaves_a_folder_of_other_things_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(NotASampleError, match="holds no sample"):
        ensure_sample(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_a_failure_leaves_nothing_behind(monkeypatch, small_plans, tmp_path):
    def fail(shot):
        raise RuntimeError("no ink")

    monkeypatch.setattr(archive, "_draw", fail)
    with pytest.raises(RuntimeError, match="no ink"):
        write_sample(tmp_path / "sample")
    assert list(tmp_path.iterdir()) == []


def test_every_row_of_the_truth_is_about_a_route_or_a_missing_page(small_plans, tmp_path):
    folder = ensure_sample(tmp_path / "sample")
    loaded, truth = load_archive(folder), read_truth(folder)
    urls = {row["url"] for row in truth}
    assert len(urls) == len(truth)
    assert {row["outcome"] for row in truth} <= set(Outcome)
    assert all(row["copy_of"] in urls for row in truth if row["copy_of"])
    assert {name.lower() for name in SAMPLE_SUBREDDITS} == set(loaded.subreddits)


def test_copies_are_of_another_class_only_in_conflicts(small_plans, tmp_path):
    truth = {row["url"]: row for row in read_truth(ensure_sample(tmp_path / "sample"))}
    for row in truth.values():
        if row["copy_of"]:
            same = truth[row["copy_of"]]["klass"] == row["klass"]
            assert same == (row["need"] != "conflict")


@pytest.mark.slow
def test_holds_about_eighty_posts_a_subreddit(sample):
    for name in SAMPLE_SUBREDDITS:
        assert 75 <= len(load_archive(sample).subreddits[name].posts) <= 90


@pytest.mark.slow
def test_holds_every_kind_of_dirt(sample):
    outcomes = collections.Counter(row["outcome"] for row in read_truth(sample))
    waited_for = set(Outcome) - {Outcome.TIMEOUT}  # a route that never answers would cost the demo its time
    assert set(outcomes) == waited_for
    needs = collections.Counter(row["need"] for row in read_truth(sample))
    assert needs["must"] >= 15
    assert needs["should"] >= 9
    assert needs["conflict"] == 2


@pytest.mark.slow
def test_pictures_that_are_not_copies_are_told_apart_by_their_hashes(sample):
    """At a distance of 8 of 64 bits a finder of duplicates begins to look."""
    loaded, prints = load_archive(sample), {}
    for row in read_truth(sample):
        if row["outcome"] == "ok" and row["kind"] in ("original", "gallery"):
            host, _, path = row["url"].removeprefix("http://").partition("/")
            route = loaded.route(host, f"/{path}", "")
            assert route is not None
            assert route.file is not None
            prints[row["url"]] = fingerprint((sample / "media" / route.file).read_bytes())
    words = np.array([value.phash for value in prints.values()], np.uint64)
    distances = np.bitwise_count(words[:, None] ^ words[None])[~np.eye(len(words), dtype=bool)]
    assert (distances <= 4).sum() == 0
    assert (distances <= 8).mean() < 1e-3


@pytest.mark.slow
def test_both_classes_come_in_the_same_sizes(sample):
    sides = collections.defaultdict(list)
    for row in read_truth(sample):
        if row["kind"] == "gallery":
            name = row["url"].rsplit("/", 1)[-1]
            sides[row["klass"]].append(decode((sample / "media" / name).read_bytes()).shape)
    ratios = {klass: np.mean([width / height for height, width, _ in shapes]) for klass, shapes in sides.items()}
    assert abs(ratios["car"] - ratios["tank"]) < 0.25


@pytest.mark.slow
def test_a_scrape_finds_what_the_truth_says(sample, tmp_path):
    """Real PRAW and downloads against the replayed sample; the demo's first step."""
    problem = load_problem(SAMPLE_PROBLEM)
    root, found = DataRoot(str(tmp_path)), collections.defaultdict(set)
    with replay(sample) as server, connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
        connection = Connection("sample", reddit, Network.replay("127.0.0.1", server.port))
        for partition in problem.partitions.values():
            table = scrape(partition, root, connection, problem.reddit, problem.download).table
            for row in table.itertuples():
                found[picture_name(row.media_url)].add(row.outcome)
    wrong = {
        row["url"]: (row["kind"], found[picture_name(row["url"])])
        for row in read_truth(sample)
        if found[picture_name(row["url"])] != {row["outcome"]}
    }
    assert wrong == {}


def picture_name(url: str) -> str:
    """The same for a picture on i.redd.it and its preview."""
    return url.partition("?")[0].rsplit("/", 1)[-1].rpartition(".")[0] or url.rsplit("/", 1)[-1]


def test_class_folders_hold_so_many_pictures_of_each(small_plans, tmp_path):
    assert write_pictures(tmp_path / "a", 3) == {"car": 3, "tank": 3}
    names = [path.relative_to(tmp_path / "a").as_posix() for path in sorted((tmp_path / "a").rglob("*.jpg"))]
    assert names == ["car/000.jpg", "car/001.jpg", "car/002.jpg", "tank/000.jpg", "tank/001.jpg", "tank/002.jpg"]
    with pytest.raises(OSError, match="not empty"):
        write_pictures(tmp_path / "a", 3)
    write_pictures(tmp_path / "b", 3)
    assert digest_of(tmp_path / "a") == digest_of(tmp_path / "b")
