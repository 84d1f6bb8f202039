"""The data set's asset on tables that the real steps wrote: units over copies, posts and crossposts."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest
from dagster import AssetKey, AssetRecordsFilter, DagsterInstance, materialize

from cic_assets.config.problem import Problem
from cic_assets.defs.assets import deduplication, preparation
from cic_assets.defs.resources import AcceleratorResource, DataRootResource, WeightsResource
from cic_assets.domain.dataset import find_leaks, load_manifest
from cic_assets.domain.images import decode, encode_jpeg
from cic_assets.domain.sources import complete_row, empty_table
from cic_assets.storage import DataRoot
from cic_assets_tests.domain.duplicates.conftest import crop, photo

pytestmark = pytest.mark.slow

WRITTEN = {
    "name": "x", "classes": {"car": ["r/cars"], "tank": ["r/tanks"]}, "dataset": {"side": 32, "min_per_class": 3},
    "features": {"enabled": False},
}  # fmt: skip
PROBLEM = Problem.model_validate(WRITTEN)


class World:
    """A data root and a real instance."""

    def __init__(self, folder, instance):
        self.root, self.instance = DataRoot(str(folder)), instance
        self.assets = [*deduplication.build_assets(PROBLEM), *preparation.build_assets(PROBLEM)]

    def scrape(self, key, posts):
        """`posts`: by id, what it repeats and its pictures."""
        rows = [
            complete_row(
                {
                    "post_id": post_id,
                    "subreddit": key,
                    "permalink": f"https://www.reddit.com/{post_id}",
                    "crosspost_of": original,
                    "position": position,
                    "created_utc": 1.6e9,
                    "outcome": "ok",
                    "origin": "reddit",
                    "format": "jpeg",
                    "sha256": self.root.images.put(data, "jpeg"),
                    "bytes": len(data),
                    "width": 300,
                    "height": 220,
                }
            )
            for post_id, (original, pictures) in posts.items()
            for position, data in enumerate(pictures)
        ]
        self.root.write_table("raw_images", pd.DataFrame(rows)[list(empty_table())], key)

    def build(self):
        for asset, keys in (
            ("image_hashes", PROBLEM.partitions), ("duplicates", [None]), ("deduped_images", PROBLEM.partitions),
            ("resized_images", PROBLEM.partitions), ("image_features", PROBLEM.partitions),
            ("training_dataset", [None]),
        ):  # fmt: skip
            for key in keys:
                self.run(asset, key)
        return self.latest("training_dataset", None)

    def run(self, asset, key=None):
        result = materialize(
            self.assets,
            selection=[asset],
            partition_key=key,
            instance=self.instance,
            resources={
                "data": DataRootResource(url=self.root.url),
                "weights": WeightsResource(),
                "accelerator": AcceleratorResource(),
            },
        )
        assert result.success

    def latest(self, asset, key="cars"):
        """The metadata of an asset's latest materialization."""
        wanted = AssetRecordsFilter(AssetKey(asset), asset_partitions=[key] if key else None)
        (record,) = self.instance.fetch_materializations(wanted, limit=1).records
        return record.asset_materialization.metadata


@pytest.fixture
def world(tmp_path):
    (tmp_path / "home").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "home")) as instance:
        yield World(tmp_path / "root", instance)


def jpegs(*seeds):
    return [encode_jpeg(photo(seed)) for seed in seeds]


def test_a_chain_of_crops_a_gallery_and_its_crosspost_are_one_unit(world):
    whole = photo(0, 600, 440)
    chain = [encode_jpeg(np.ascontiguousarray(crop(whole, 0.93**number, 1, 1))) for number in range(4)]
    cars = {f"chain{number}": ("", [data]) for number, data in enumerate(chain)}
    cars["gallery"] = ("", [*jpegs(100, 101, 102), chain[3]])
    cars |= {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)}
    tanks = {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)} | {"repeats": ("gallery", jpegs(103))}
    world.scrape("cars", cars)
    world.scrape("tanks", tanks)
    metadata = world.build()
    manifest = load_manifest(world.root.dataset)
    assert metadata["moved to another split"].value == "none"
    sizes = manifest.groupby("unit_id").size()
    assert sorted(sizes)[-2:] == [1, 6]  # two of the chain are kept, three of the gallery, the crosspost
    together = manifest[manifest["unit_id"] == sizes.idxmax()]
    assert set(together["post_id"]) == {"chain0", "chain3", "gallery", "repeats"}
    assert together["split"].nunique() == 1
    assert find_leaks(manifest).empty


def test_a_post_that_joins_two_splits_says_what_it_moves(world):
    cars = {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)}
    world.scrape("cars", cars)
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    world.build()
    splits = load_manifest(world.root.dataset).set_index("post_id")["split"]
    posts = [next(post for post in cars if splits[post] == split) for split in ("train", "test")]
    world.scrape("cars", cars | {"album": ("", [cars[post][1][0] for post in posts])})
    metadata = world.build()
    told = "1 pictures move from train to test: of one post with pictures there"
    assert metadata["moved to another split"].value == told


def test_pictures_that_cannot_be_read_are_told_at_each_stage_and_the_rest_goes_on(world):
    world.scrape("cars", {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)})
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    raw = world.root.read_table("raw_images", "cars").set_index("post_id")["sha256"]
    world.root.images.path(raw["car1"], "jpeg").write_bytes(b"not a picture")
    world.root.images.path(raw["car2"], "jpeg").unlink()
    world.run("image_hashes", "cars")
    # Fingerprints that are known are taken over, though the file is gone by now.
    world.root.images.path(raw["car3"], "jpeg").unlink()
    world.build()
    manifest = load_manifest(world.root.dataset)
    assert len(manifest) == 57
    assert not set(manifest["post_id"]) & {"car1", "car2", "car3"}
    told = {asset: world.latest(asset)["left out"].value for asset in ("image_hashes", "resized_images")}
    assert told == {"image_hashes": 2, "resized_images": 1}
    rows = world.latest("resized_images")["left out, and why"].records
    assert [row.data for row in rows] == [{"sha256": raw["car3"], "why": "its file is missing"}]


def test_equal_pixels_of_which_a_person_says_that_they_differ_stay_on_one_side(world, tmp_path):
    cars = {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)}
    # The same pixels in other files: what trails is no part of a picture.
    again = {f"again{seed}": ("", [data + b"trailing" for data in jpegs(seed)]) for seed in range(1, 13)}
    world.scrape("cars", cars | again)
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    of_post = world.root.read_table("raw_images", "cars").set_index("post_id")["sha256"]
    pairs = [[of_post[f"car{seed}"], of_post[f"again{seed}"]] for seed in range(1, 13)]
    (tmp_path / "overrides.yaml").write_text(json.dumps({"different": pairs}))
    said = {"duplicates": {"overrides": str(tmp_path / "overrides.yaml")}}
    problem = Problem.model_validate({**WRITTEN, **said})
    world.assets = [*deduplication.build_assets(problem), *preparation.build_assets(problem)]
    world.build()
    manifest = load_manifest(world.root.dataset)
    assert len(manifest) == 30 + 12 + 30
    assert find_leaks(manifest).empty


LARGER = 128
"""Side of copies that show enough to be told apart."""


def ask(world, **splits):
    dataset = {**WRITTEN["dataset"], "side": LARGER, "splits": splits}
    problem = Problem.model_validate({**WRITTEN, "dataset": dataset})
    world.assets = [*deduplication.build_assets(problem), *preparation.build_assets(problem)]


def with_features(world):
    """As if there were weights: of each kept picture a few of its pixels, which are near where pictures are alike."""
    version = "drawn"
    for key in PROBLEM.partitions:
        kept = world.root.read_table("resized_images", key)
        pixels = [decode(world.root.resized(LARGER).get(sha256, "jpeg")) for sha256 in kept["sha256"]]
        features = [cv2.resize(one, (4, 4)).astype(np.float16).tobytes() for one in pixels]
        table = kept[["sha256", "resized_sha256"]].assign(features_version=version, features=features)
        world.root.write_table("image_features", table, key)
    world.run("training_dataset")
    return world.latest("training_dataset", None)


def test_another_cut_of_a_photo_is_on_its_side_and_says_so_in_a_root_of_before(world):
    cars = {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)}
    cuts = {
        f"cut{seed}": ("", [encode_jpeg(np.ascontiguousarray(crop(photo(seed), 0.72, seed % 2, 0)))])
        for seed in range(1, 16)
    }
    world.scrape("cars", cars | cuts)
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    ask(world)
    assert world.build()["pairs of one scene"].value == 0
    before = load_manifest(world.root.dataset).set_index("post_id")
    assert len(before) == 75  # cuts by so much are no copies
    metadata = with_features(world)
    after = load_manifest(world.root.dataset).set_index("post_id")
    pairs = metadata["pairs of one scene"].value
    assert 6 <= pairs <= 15
    together = [seed for seed in range(1, 16) if after["unit_id"][f"car{seed}"] == after["unit_id"][f"cut{seed}"]]
    assert len(together) == pairs
    assert after["unit_id"].value_counts().max() == 2
    moved = after.index[after["split"] != before["split"].reindex(after.index)]
    assert 0 < len(moved) < 15
    assert set(moved) <= {f"{kind}{seed}" for kind in ("car", "cut") for seed in together}
    lines = metadata["moved to another split"].value.splitlines()
    assert all(line.endswith("of one scene with pictures there") for line in lines)
    assert sum(int(line.split()[0]) for line in lines) == len(moved)
    assert metadata["of one scene, the least sure"].path.endswith("sheets/training_dataset_scenes.jpg")


def test_scenes_do_not_count_where_a_problem_says_so(world):
    cuts = {f"cut{seed}": ("", [encode_jpeg(np.ascontiguousarray(crop(photo(seed), 0.72)))]) for seed in range(1, 16)}
    world.scrape("cars", {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)} | cuts)
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    ask(world, scenes=False)
    world.build()
    before = load_manifest(world.root.dataset)
    assert with_features(world)["pairs of one scene"].value == 0
    pd.testing.assert_frame_equal(load_manifest(world.root.dataset), before)
