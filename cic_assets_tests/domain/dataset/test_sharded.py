"""A set of more pictures than are kept as files and arrays: the same set, its copies in shards."""

import contextlib

import pytest

from cic_assets.domain.dataset import (
    DatasetSettings,
    ShardSettings,
    export_dataset,
    forget_pictures,
    is_complete,
    load_info,
    load_manifest,
    pack_all_copies,
    pack_copies,
    resize_pictures,
)
from cic_assets.domain.images import decode
from cic_assets.domain.missing_outputs import Remains
from cic_assets.domain.models import load_training_data
from cic_assets.storage import DataRoot, sharded_store
from cic_assets.storage.shards import list_shards
from cic_assets_tests.domain.dataset.conftest import build, keep

SHARDED = DatasetSettings(side=32, shards=ShardSettings(above=50, megabytes=1))


def packed(root, settings=SHARDED, **options):
    for source in ("cars", "tanks"):
        pack_copies(root, settings, source, contextlib.nullcontext, **options)


def prepare(root, count=60, settings=SHARDED):
    """Everything up to the data set, as the graph does it."""
    pictures = keep(root, count)
    for source, rows in pictures.groupby("subreddit"):
        root.write_table("image_hashes", rows, source)
    table = resize_pictures(pictures, root.images, root.resized(32), settings).drop(columns="made")
    for source, rows in table.groupby("subreddit"):
        root.write_table("resized_images", rows.reset_index(drop=True), source)
    packed(root, settings)
    return pictures, build(root, pictures, settings)


@pytest.fixture(params=["local", "memory"])
def sharded(request, tmp_path):
    root = DataRoot(str(tmp_path / "sharded") if request.param == "local" else f"memory://{tmp_path}")
    return root, *prepare(root)


def test_it_is_the_same_data_set_without_arrays(root, sharded):
    other, _, info = sharded
    before = load_info(root.dataset)
    assert info == before.model_copy(update={"sharded": True})
    assert load_info(other.dataset) == info
    assert is_complete(other.dataset)
    assert not list(other.dataset.glob("*.npy"))
    columns = ["sha256", "klass", "label", "split"]
    assert load_manifest(other.dataset)[columns].equals(load_manifest(root.dataset)[columns])


def test_a_small_set_says_nothing_of_shards(root):
    assert "sharded" not in (root.dataset / "dataset.json").read_text()
    assert not (root.path / "shards").exists()


def test_pictures_are_those_of_the_arrays(root, sharded):
    other, _, _ = sharded
    arrays, shards = load_training_data(root.dataset), load_training_data(other.dataset)
    for split in arrays.splits:
        of_arrays, of_shards = arrays.rows_of(split), shards.rows_of(split)
        assert set(of_arrays["sha256"]) == set(of_shards["sha256"])
        at = {sha256: row for row, sha256 in enumerate(of_shards["sha256"])}
        rows = [at[sha256] for sha256 in of_arrays["sha256"]]
        assert (shards.splits[split].images[rows] == arrays.splits[split].images).all()
        assert (shards.splits[split].labels[rows] == arrays.splits[split].labels).all()
        assert shards.splits[split].images.shape == arrays.splits[split].images.shape


def test_rows_are_in_the_order_in_which_copies_lie(sharded):
    manifest = load_manifest(sharded[0].dataset)
    for _, rows in manifest.groupby("split"):
        in_order = rows.sort_values("row")
        assert in_order["row"].tolist() == list(range(len(rows)))
        assert in_order.equals(rows.sort_values(["subreddit", "sha256"]))


def test_copies_are_in_shards_and_no_files(sharded):
    root, pictures, _ = sharded
    assert not list(root.path.glob("resized/32/??/*"))
    assert sorted(path.parent.name for path in root.path.glob("shards/32/*/*.tar")) == ["cars", "tanks"]
    assert decode(root.resized(32).get(pictures["sha256"][0], "jpeg")).shape == (32, 32, 3)
    assert [store.names() for store in root.all_resized] == [set(pictures["sha256"])]


def test_nothing_is_missing_then(sharded):
    root, _, _ = sharded
    remains = Remains(root, side=32, models=(), has_weights=False)
    assert not any(remains.lack("resized_images", source) for source in ("cars", "tanks"))
    assert not remains.lack("training_dataset", None)
    next(root.path.glob("shards/32/cars/*.tar")).unlink()
    remains = Remains(root, side=32, models=(), has_weights=False)
    assert [remains.lack("resized_images", source) for source in ("cars", "tanks")] == [True, False]


def test_copies_that_somebody_removed_are_made_again(sharded):
    root, pictures, info = sharded
    next(root.path.glob("shards/32/cars/*.tar")).unlink()
    assert prepare(root)[1] == info
    assert root.resized(32).lacking(list(pictures["sha256"])) == []


def test_resizing_again_makes_nothing_and_moves_nothing(sharded):
    root, pictures, _ = sharded
    before = {str(path) for path in root.path.glob("shards/32/*/*")}
    table = resize_pictures(pictures, root.images, root.resized(32), SHARDED)
    assert not table["made"].any()
    packed(root)
    assert {str(path) for path in root.path.glob("shards/32/*/*")} == before


def test_another_quality_takes_the_place_of_the_copies(sharded):
    root, pictures, _ = sharded
    other = SHARDED.model_copy(update={"jpeg_quality": 70})
    table = resize_pictures(pictures, root.images, root.resized(32), other)
    assert table["made"].all()
    for source, rows in table.groupby("subreddit"):
        pack_copies(root, other, source, contextlib.nullcontext, table=rows)
    again = resize_pictures(pictures, root.images, root.resized(32), other)
    assert not again["made"].any()
    assert again["resized_sha256"].equals(table["resized_sha256"])
    assert not list(root.path.glob("resized/32/??/*"))


def test_a_set_that_grows_beyond_gives_its_arrays_up(tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    small, large = SHARDED.model_copy(update={"shards": ShardSettings(above=60)}), SHARDED
    _, info = prepare(root, settings=small)
    assert (info.sharded, len(list(root.dataset.glob("*.npy")))) == (False, 6)
    _, grown = prepare(root, settings=large)
    assert (grown.sharded, list(root.dataset.glob("*.npy"))) == (True, [])
    assert grown.version == info.version
    _, again = prepare(root, settings=small)
    assert again == info
    assert len(load_training_data(root.dataset).splits["train"]) == sum(info.counts["train"].values())


def test_a_take_down_makes_it_incomplete(sharded):
    root, pictures, _ = sharded
    gone = pictures["sha256"][0]
    assert forget_pictures(root.dataset, {gone}, set(), {})
    assert not is_complete(root.dataset)
    for store in root.all_resized:
        store.remove_all({gone})
    assert gone not in root.resized(32).names()
    rest = keep(root).query("sha256 != @gone")
    info = build(root, rest, SHARDED)
    assert (info.sharded, len(load_manifest(root.dataset))) == (True, len(rest))
    assert gone not in set(load_manifest(root.dataset)["sha256"])


def test_copies_of_pictures_are_not_counted(tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    pictures = keep(root, 60)
    groups = pictures[["sha256"]].assign(keep=[number > 9 for number in range(60)])
    root.write_table("duplicates", groups)
    prepare(root)
    assert not (root.path / "shards").exists()
    root.write_table("duplicates", groups[1:])
    packed(root)
    assert len(list(root.path.glob("shards/32/*/*.tar"))) == 2


def test_exports_read_shards(root, sharded, tmp_path):
    for number, one in enumerate((root, sharded[0])):
        export_dataset(one, "imagefolder", tmp_path / str(number))
    files = [
        {path.relative_to(tmp_path / str(n)): path.read_bytes() for path in (tmp_path / str(n)).rglob("*.jpg")}
        for n in (0, 1)
    ]
    assert files[0] == files[1]


def test_a_damaged_description_is_no_complete_data_set(sharded):
    root, _, _ = sharded
    (root.dataset / "dataset.json").write_text("{")
    assert not is_complete(root.dataset)


def test_each_index_is_read_once_for_all_sources(sharded, monkeypatch):
    root, _, _ = sharded
    read, original = [], sharded_store.read_members

    def counted(folder, shard):
        read.append(shard)
        return original(folder, shard)

    monkeypatch.setattr(sharded_store, "read_members", counted)
    shards = sorted(list_shards(root.path / "shards" / "32"))
    store = pack_all_copies(root, SHARDED, ["cars", "tanks"], contextlib.nullcontext)
    assert store.names() == root.resized(32).names()
    assert sorted(read) == sorted(2 * shards)  # once here, and once for what it is compared with
    read.clear()
    remains = Remains(root, side=32, models=(), has_weights=False)
    assert not any(remains.lack("resized_images", source) for source in ("cars", "tanks"))
    assert sorted(read) == shards


def test_all_sources_together_are_packed_as_one_by_one(tmp_path):
    names = []
    for name, pack in (("one by one", packed), ("together", pack_together)):
        root = DataRoot(str(tmp_path / name))
        few = SHARDED.model_copy(update={"shards": ShardSettings(above=1000)})
        prepare(root, settings=few)
        assert not list_shards(root.path / "shards" / "32")
        pack(root)
        names.append(list_shards(root.path / "shards" / "32"))
    assert names[0] == names[1]
    assert {name.partition("/")[0] for name in names[0]} == {"cars", "tanks"}


def pack_together(root):
    pack_all_copies(root, SHARDED, ["cars", "tanks"], contextlib.nullcontext)
