"""The data set's asset on tables that the real steps wrote: units over copies, posts and crossposts."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest
from dagster import AssetKey, AssetRecordsFilter, DagsterInstance, Failure, materialize

from cic_assets.config.problem import Problem
from cic_assets.defs.assets import dataset, deduplication, preparation
from cic_assets.defs.resources import AcceleratorResource, DataRootResource, EngineResource, WeightsResource
from cic_assets.domain.dataset import find_leaks, load_manifest
from cic_assets.domain.features import nearest, scenes
from cic_assets.domain.images import decode, encode_jpeg
from cic_assets.domain.sources import complete_row, empty_table
from cic_assets.domain.takedowns import purge
from cic_assets.storage import DataRoot
from cic_assets_tests.domain.duplicates.conftest import crop, photo

pytestmark = pytest.mark.slow

WRITTEN = {
    "name": "x", "classes": {"car": ["r/cars"], "tank": ["r/tanks"]}, "dataset": {"side": 32, "min_per_class": 3},
    "features": {"enabled": False},
}  # fmt: skip
PROBLEM = Problem.model_validate(WRITTEN)


def built(problem):
    """The assets from fingerprints to the data set."""
    return [asset for stage in (deduplication, preparation, dataset) for asset in stage.build_assets(problem)]


class World:
    """A data root and a real instance."""

    def __init__(self, folder, instance, problem=PROBLEM):
        self.root, self.instance = DataRoot(str(folder)), instance
        self.assets = built(problem)

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
                "engine": EngineResource(),
                "weights": WeightsResource(),
                "accelerator": AcceleratorResource(),
            },
        )
        assert result.success

    def version(self, asset, key):
        """The data version of an asset's latest materialization."""
        wanted = AssetRecordsFilter(AssetKey(asset), asset_partitions=[key] if key else None)
        (record,) = self.instance.fetch_materializations(wanted, limit=1).records
        return record.asset_materialization.tags["dagster/data_version"]

    def latest(self, asset, key="cars"):
        """The metadata of an asset's latest materialization."""
        wanted = AssetRecordsFilter(AssetKey(asset), asset_partitions=[key] if key else None)
        (record,) = self.instance.fetch_materializations(wanted, limit=1).records
        return record.asset_materialization.metadata


@pytest.fixture
def world(tmp_path):
    with DagsterInstance.ephemeral() as instance:
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


def test_pictures_in_shards_are_the_same_data_and_are_taken_down(world):
    steps = [("resized_images", "cars"), ("resized_images", "tanks"), ("training_dataset", None)]
    world.scrape("cars", {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)})
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    world.build()
    before = [world.version(*step) for step in steps]
    shards = {"above": 50, "megabytes": 1}
    problem = Problem.model_validate({**WRITTEN, "dataset": {**WRITTEN["dataset"], "shards": shards}})
    world.assets = built(problem)
    for step in steps:
        world.run(*step)
    assert [world.version(*step) for step in steps] == before
    assert sorted(path.parent.name for path in world.root.path.glob("shards/32/*/*.tar")) == ["cars", "tanks"]
    assert not list(world.root.path.glob("resized/32/??/*"))
    assert not list(world.root.dataset.glob("*.npy"))
    gone = world.root.read_table("raw_images", "cars")["sha256"][3]
    others = set(world.root.path.glob("shards/32/tanks/*"))
    purge(world.root, ["car4"])
    assert gone not in world.root.resized(32).names()
    assert others == set(world.root.path.glob("shards/32/tanks/*"))
    world.run(*steps[-1])
    assert len(load_manifest(world.root.dataset)) == 59


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
    world.assets = built(problem)
    world.build()
    manifest = load_manifest(world.root.dataset)
    assert len(manifest) == 30 + 12 + 30
    assert find_leaks(manifest).empty


def test_a_source_without_pictures_in_a_root_of_before_takes_no_column_from_the_others(tmp_path):
    root, (car, tank) = DataRoot(str(tmp_path)), PROBLEM.class_partitions
    raw = pd.DataFrame([complete_row({"outcome": "ok", "sha256": name, "post_id": name}) for name in "ab"])
    root.write_table("raw_images", raw, car)
    root.write_table("raw_images", raw.head(0), tank)
    root.write_table("resized_images", pd.DataFrame({"sha256": ["a", "b"], "pixels_sha256": "same"}), car)
    root.write_table("resized_images", pd.DataFrame({"sha256": pd.Series([], dtype=object)}), tank)
    root.write_table("duplicates", pd.DataFrame({"sha256": [], "group_id": []}))
    root.write_table("bridges", pd.DataFrame({"sha256": [], "verified_against": []}))
    units, _ = dataset._units(root, PROBLEM, pd.DataFrame({"one": [], "other": []}))
    assert units.iloc[:, -1].nunique() == 1


LARGER = 128
"""Side of copies that show enough to be told apart."""


def ask(world, **splits):
    dataset = {**WRITTEN["dataset"], "side": LARGER, "splits": splits}
    problem = Problem.model_validate({**WRITTEN, "dataset": dataset})
    world.assets = built(problem)


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


def test_another_cut_of_a_photo_is_on_its_side_and_says_so_in_a_root_of_before(world, monkeypatch):
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

    def forbidden(*_given):
        raise AssertionError("looked at again")

    monkeypatch.setattr(scenes, "_keypoints_of", forbidden)
    monkeypatch.setattr(nearest, "_compare", forbidden)
    world.run("training_dataset")  # where nothing changed, nothing is compared
    assert world.latest("training_dataset", None)["pairs of one scene"].value == pairs
    pd.testing.assert_frame_equal(load_manifest(world.root.dataset).set_index("post_id"), after)


def test_scenes_do_not_count_where_a_problem_says_so(world):
    cuts = {f"cut{seed}": ("", [encode_jpeg(np.ascontiguousarray(crop(photo(seed), 0.72)))]) for seed in range(1, 16)}
    world.scrape("cars", {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)} | cuts)
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    ask(world, scenes=False)
    world.build()
    before = load_manifest(world.root.dataset)
    assert with_features(world)["pairs of one scene"].value == 0
    pd.testing.assert_frame_equal(load_manifest(world.root.dataset), before)


def decide(world, tmp_path, **sections):
    """What a person wrote into the overrides file."""
    (tmp_path / "overrides.yaml").write_text(json.dumps(sections))
    said = {"duplicates": {"overrides": str(tmp_path / "overrides.yaml")}}
    problem = Problem.model_validate({**WRITTEN, **said})
    world.assets = built(problem)


def smaller(jpeg):
    return encode_jpeg(cv2.resize(decode(jpeg), None, fx=0.8, fy=0.8, interpolation=cv2.INTER_AREA))


def test_a_person_s_word_about_a_class_is_laid_over_and_taken_off_again(world, tmp_path):
    cars = {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)}
    copies = {f"copy{seed}": ("", [smaller(*jpegs(seed))]) for seed in (1, 2)}
    # One picture under two classes: whichever is right, nothing of it is trained on.
    world.scrape("cars", cars | copies | {"both": ("", jpegs(99))})
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)} | {"both_too": ("", jpegs(99))})
    raw = world.root.read_tables("raw_images", PROBLEM.partitions).set_index("post_id")["sha256"]
    metadata = world.build()
    before = load_manifest(world.root.dataset)
    assert len(before) == 60
    assert metadata["in two classes, and no label by hand"].value == 1
    kept = world.root.read_tables("deduped_images", PROBLEM.partitions)
    assert kept.loc[kept["label_conflict"], "sha256"].tolist() == [raw["both"]]

    decide(
        world,
        tmp_path,
        labels={raw["copy1"][:8]: "tank", raw["both"]: "tank", raw["tank40"]: "tank", "12345678": "car"},
        leave_out=[raw["copy2"], raw["tank41"]],
    )
    world.run("training_dataset")  # and nothing before it
    metadata, after = world.latest("training_dataset", None), load_manifest(world.root.dataset).set_index("sha256")
    assert set(before["sha256"]) - set(after.index) == {raw["car2"], raw["tank41"]}
    assert set(after.index) - set(before["sha256"]) == {raw["both"]}
    assert after.loc[raw["car1"], ["klass", "klass_given", "by_hand"]].tolist() == ["tank", "car", True]
    assert after.loc[raw["both"], "klass"] == "tank"
    assert set(after.index[after["by_hand"]]) == {raw["car1"], raw["both"], raw["tank40"]}
    splits = before.set_index("sha256")["split"]
    assert (after["split"] == splits.reindex(after.index).fillna(after["split"])).all()
    relabelled = int((after["klass"] != after["klass_given"]).sum())
    assert metadata["relabelled by hand"].value == relabelled
    assert metadata["left out by hand"].value == 2
    assert metadata["in two classes, and no label by hand"].value == 0
    assert metadata["decisions about pictures that are not there"].value == 1

    decide(world, tmp_path)
    world.run("training_dataset")
    pd.testing.assert_frame_equal(load_manifest(world.root.dataset), before)


def test_decisions_that_contradict_each_other_or_take_a_class_away_are_named(world, tmp_path):
    cars = {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)}
    world.scrape("cars", cars | {"copy1": ("", [smaller(*jpegs(1))])})
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    world.build()
    raw = world.root.read_table("raw_images", "cars").set_index("post_id")["sha256"]
    decide(world, tmp_path, labels={raw["car1"]: "tank"}, leave_out=[raw["copy1"]])
    with pytest.raises(Failure, match=f"{raw['copy1'][:12]} is under leave_out, and they are copies of one picture"):
        world.run("training_dataset")
    decide(world, tmp_path, labels=dict.fromkeys(raw[["car1", "car2"]], "tank"), leave_out=list(raw[3:30]))
    with pytest.raises(Failure) as raised:
        world.run("training_dataset")
    assert str(raised.value.description).splitlines()[:2] == [
        "class car has 1 pictures, at least 3 are needed: give it more sources, or lower dataset.min_per_class",
        "overrides: 2 pictures are of another class by labels, 27 of none by leave_out",
    ]


def test_a_word_about_a_class_makes_the_data_set_out_of_date_and_nothing_before_it(world, tmp_path):
    def versions():
        return {
            key.to_user_string(): version for one in world.assets for key, version in one.code_versions_by_key.items()
        }

    decide(world, tmp_path, different=[["a" * 64, "b" * 64]])
    plain = versions()
    decide(world, tmp_path, different=[["a" * 64, "b" * 64]], labels={"c" * 64: "car"}, leave_out=["d" * 64])
    decided = versions()
    assert {name for name in plain if plain[name] != decided[name]} == {"training_dataset"}
    decide(world, tmp_path, leave_out=["d" * 64], different=[["a" * 64, "b" * 64]], labels={"c" * 64: "car"})
    assert versions() == decided  # in whatever order it is written
    decide(world, tmp_path, same=[["a" * 64, "b" * 64]])
    assert {name for name, version in versions().items() if version != plain[name]} == {"duplicates"}


def test_a_word_about_a_picture_that_is_taken_down_holds_for_the_copy_that_takes_its_place(world, tmp_path):
    cars = {f"car{seed}": ("", jpegs(seed)) for seed in range(1, 31)}
    world.scrape("cars", cars | {f"copy{seed}": ("", [smaller(*jpegs(seed))]) for seed in (1, 2)})
    world.scrape("tanks", {f"tank{seed}": ("", jpegs(seed)) for seed in range(40, 70)})
    raw = world.root.read_table("raw_images", "cars").set_index("post_id")["sha256"]
    decide(world, tmp_path, labels={raw["car1"]: "tank"}, leave_out=[raw["car2"]])
    world.build()
    before = load_manifest(world.root.dataset).set_index("sha256")
    purge(world.root, ["car1", "car2"])
    rest = [path for path in (tmp_path / "root").rglob("*") if path.is_file()]
    for gone in raw[["car1", "car2"]]:
        assert [path for path in rest if gone.encode() in path.read_bytes() or gone in path.name] == []
    metadata = world.build()
    after = load_manifest(world.root.dataset).set_index("sha256")
    assert after.loc[raw["copy1"], ["klass", "klass_given", "by_hand"]].tolist() == ["tank", "car", True]
    assert after.loc[raw["copy1"], "split"] == before.loc[raw["car1"], "split"]
    assert raw["copy2"] not in after.index
    assert metadata["left out by hand"].value == 1
    assert metadata["decisions about pictures that are not there"].value == 0
