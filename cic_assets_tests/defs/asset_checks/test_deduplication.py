"""Asset checks of deduplication: each passes on what the real steps made, and is tried by breaking it."""

import contextlib
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from dagster import AssetCheckSeverity, AssetSelection, DagsterInstance, materialize

from cic_assets.config.problem import Problem
from cic_assets.defs.asset_checks.deduplication import build_checks
from cic_assets.defs.assets import deduplication
from cic_assets.defs.resources import DataRootResource, EngineResource
from cic_assets.domain.duplicates.fingerprints import CARRIED
from cic_assets.storage import DataRoot

pytestmark = pytest.mark.slow

QUESTION = {"name": "x", "classes": {"car": ["r/cars"], "tank": ["r/tanks"]}}
PROBLEM = Problem.model_validate(QUESTION)


def body(seed, quality=95):
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    large = cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC)
    return cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


class World:
    """A data root, a real instance, and the steps that deduplicate."""

    def __init__(self, root, instance):
        self.root, self.instance = root, instance
        self.data = DataRootResource(url=root.url)
        self.ask(PROBLEM)

    def ask(self, problem):
        self.problem = problem
        self.assets = {asset.key.to_user_string(): asset for asset in deduplication.build_assets(problem)}

    def scrape(self, key, bodies):
        rows = [
            dict.fromkeys(CARRIED, "")
            | {"post_id": str(number), "created_utc": float(number), "sha256": self.root.images.put(data, "jpeg")}
            | {"subreddit": key, "format": "jpeg", "width": 160, "height": 120, "bytes": len(data), "outcome": "ok"}
            for number, data in enumerate(bodies)
        ]
        self.root.write_table("raw_images", pd.DataFrame(rows), key)

    def run(self, asset, key=None):
        result = materialize(
            list(self.assets.values()),
            selection=[asset],
            partition_key=key,
            resources={"data": self.data, "engine": EngineResource()},
            instance=self.instance,
        )
        assert result.success

    def deduplicate(self):
        for key in PROBLEM.partitions:
            self.run("image_hashes", key)
        self.run("duplicates")
        for key in PROBLEM.partitions:
            self.run("deduped_images", key)

    def check(self, asset):
        """The one check of an asset, run as Dagster runs it; that of `deduped_images` with what they all go into."""
        named = {"deduped_images": "no_copies_are_left", "duplicates": "duplicates_are_as_many_as_before"}[asset]
        checks = [check for check in build_checks(self.problem) if check.check_key.name == named]
        run = materialize(
            [*self.assets.values(), *checks],
            selection=AssetSelection.checks(*checks),
            resources={"data": self.data, "engine": EngineResource()},
            instance=self.instance,
        )
        (evaluation,) = run.get_asset_check_evaluations()
        return evaluation


@contextlib.contextmanager
def world_in(folder):
    with DagsterInstance.local_temp(str(folder / "home")) as instance:
        yield World(DataRoot(str(folder / "root")), instance)


@pytest.fixture(scope="module")
def deduplicated(tmp_path_factory):
    """A folder with a data root of deduplicated pictures and the instance that knows of them."""
    folder = tmp_path_factory.mktemp("deduplicated")
    (folder / "home").mkdir()
    with world_in(folder) as world:
        world.scrape("cars", [body(seed) for seed in range(12)] + [body(0, 60), body(1, 50)])
        world.scrape("tanks", [body(seed) for seed in range(20, 32)] + [body(20, 60)])
        world.deduplicate()
    return folder


@pytest.fixture
def world(deduplicated, tmp_path):
    shutil.copytree(deduplicated, tmp_path / "world")
    with world_in(tmp_path / "world") as world:
        yield world


def test_a_set_without_copies_passes(world):
    found = world.check("deduped_images")
    assert found.passed
    assert found.metadata["pictures"].value == 24


def test_of_fingerprints_it_reads_what_tells_them_apart_alone(world, monkeypatch):
    read, asked = DataRoot.read_table, []

    def watched(root, name, partition=None, columns=None):
        asked.extend(columns or ["all"] if name == "image_hashes" else [])
        return read(root, name, partition, columns)

    monkeypatch.setattr(DataRoot, "read_table", watched)
    assert world.check("deduped_images").passed
    assert "pixels_sha256" in asked
    assert not {"all", "thumbnail", "content_thumbnail", "phash256"} & set(asked)


def test_a_copy_that_was_left_is_named(world):
    hashes = world.root.read_table("image_hashes", "cars")
    kept = world.root.read_table("deduped_images", "cars")
    forgotten = hashes[~hashes["sha256"].isin(kept["sha256"])].head(1)
    world.root.write_table("deduped_images", pd.concat([kept, forgotten.assign(group_id="?")]), "cars")
    found = world.check("deduped_images")
    assert not found.passed
    assert found.severity is AssetCheckSeverity.WARN
    assert found.metadata["not as the groups say"].value == [f"{forgotten['sha256'].iloc[0][:12]} of cars"]
    assert found.description == "materialize all of deduped_images again"


def test_a_picture_that_was_lost_is_named(world):
    kept = world.root.read_table("deduped_images", "cars")
    world.root.write_table("deduped_images", kept[1:], "cars")
    assert world.check("deduped_images").metadata["not as the groups say"].value == [
        f"{kept['sha256'][0][:12]} of cars"
    ]


def test_groups_of_other_pictures_than_there_are_now_are_told(world):
    world.scrape("cars", [body(seed) for seed in range(13)] + [body(0, 60), body(1, 50)])
    world.run("image_hashes", "cars")
    world.run("deduped_images", "cars")
    found = world.check("deduped_images")
    assert not found.passed
    assert not found.metadata["duplicates were searched among these pictures"].value
    assert found.description == "materialize duplicates, then deduped_images"
    world.run("duplicates")
    assert world.check("deduped_images").passed


def test_what_a_person_says_is_different_is_explained(world, tmp_path):
    groups = world.root.read_table("duplicates")
    pair = groups[groups["subreddit"] == "tanks"]["sha256"].tolist()
    overrides = tmp_path / "overrides.yaml"
    overrides.write_text(f"different: [[{pair[0]}, {pair[1]}]]\n")
    world.ask(Problem.model_validate({**QUESTION, "duplicates": {"overrides": overrides}}))
    world.deduplicate()
    assert len(world.root.read_table("deduped_images", "tanks")) == 13
    assert world.check("deduped_images").passed


def test_a_share_of_copies_unlike_all_before_is_told(world):
    for _ in range(3):
        world.run("duplicates")
    assert world.check("duplicates").passed
    world.scrape("cars", [body(seed, quality) for seed in range(6) for quality in (95, 60)])
    world.run("image_hashes", "cars")
    world.run("duplicates")
    found = world.check("duplicates")
    assert not found.passed
    assert found.severity is AssetCheckSeverity.WARN
    unusual = found.metadata["share dropped, and its median before"].value
    assert unusual == {"cars": {"now": 0.5, "before": pytest.approx(2 / 14, abs=1e-4)}}


def test_a_short_history_is_none(world):
    world.scrape("cars", [body(seed, quality) for seed in range(6) for quality in (95, 60)])
    world.run("image_hashes", "cars")
    world.run("duplicates")
    assert world.check("duplicates").passed
