import collections
import csv
import hashlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from cic_assets.images import decode, fingerprint
from cic_assets.media import Outcome
from cic_assets.reddit import load_archive
from cic_assets.sample import (
    SAMPLE_SUBREDDITS,
    NotASampleError,
    archive,
    ensure_sample,
    posts,
    sample_version,
    write_sample,
)


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
    assert [path.name for path in tmp_path.iterdir()] == ["sample"]


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
