"""Pictures in shards: found wherever they are, each concerning one shard, whatever comes between."""

import io
import itertools
import pickle
import random
import tarfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import numpy as np
import pandas as pd
import pytest

from cic_assets.storage import ContentStore, DataRoot, ShardedStore, sha256_hex, sharded_store
from cic_assets.storage.shards import as_keys, as_names, divide, list_shards, room_of

MOST = 40_000


def made_up(count, seed=0, size=(50, 1500)):
    """Bytes by SHA-256 of what they were made from."""
    draw = random.Random(seed)
    return {sha256_hex(draw.randbytes(8)): draw.randbytes(draw.randint(*size)) for _ in range(count)}


def put(store, pictures):
    for sha256, data in pictures.items():
        path = store.path(sha256, "jpeg")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)  # without waiting for the disk


def pack(store, pictures, **options):
    return store.pack("cars", {sha256: len(data) for sha256, data in pictures.items()}, MOST, **options)


def shards(root):
    return list_shards(root.path / "shards" / "64")


def files(store):
    return ContentStore(store.root).names()


def fresh(root):
    return root.resized(64)


@pytest.fixture
def store(root):
    return root.resized(64)


@pytest.fixture
def pictures(store):
    """100 of them, in four shards."""
    found = made_up(100)
    put(store, found)
    pack(store, found)
    return found


def test_what_is_packed_is_no_file_any_more_and_is_found(root, store, pictures):
    for one in (store, fresh(root), pickle.loads(pickle.dumps(store))):
        assert {sha256: one.get(sha256, "jpeg") for sha256 in pictures} == pictures
        assert one.get_all(list(pictures)) == list(pictures.values())
        assert one.names() == set(pictures)
        assert one.lacking([*pictures, "0" * 64]) == ["0" * 64]
        sha256 = next(iter(pictures))
        assert (one.has(sha256), one.holds(sha256), one.has("0" * 64), one.holds("0" * 64)) == (
            True,
            True,
            False,
            False,
        )
    assert files(store) == set()


def test_tars_are_read_by_who_knows_tars_and_are_not_too_large(root, pictures):
    found = {}
    for shard in shards(root):
        data = (root.path / "shards" / "64" / f"{shard}.tar").read_bytes()
        assert len(data) <= MOST + tarfile.RECORDSIZE
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            found |= {member.name: tar.extractfile(member).read() for member in tar}
    assert found == {f"{sha256}.jpg": data for sha256, data in pictures.items()}


def test_an_index_says_where_each_picture_is_and_what_it_is(root, pictures):
    for shard in shards(root):
        folder = root.path / "shards" / "64"
        index = pd.read_parquet(io.BytesIO((folder / f"{shard}.parquet").read_bytes()))
        tar = (folder / f"{shard}.tar").read_bytes()
        assert index["key"].is_monotonic_increasing
        for key, offset, size, sha256 in index.itertuples(index=False):
            assert tar[offset : offset + size] == pictures[key]
            assert sha256 == sha256_hex(pictures[key])


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:shardshuffle", "ignore::ResourceWarning")
def test_webdataset_reads_the_tars(tmp_path, root, pictures):
    webdataset = pytest.importorskip("webdataset")
    read = set()
    for place, shard in enumerate(sorted(shards(root))):
        copy = tmp_path / f"{place}.tar"
        copy.write_bytes((root.path / "shards" / "64" / f"{shard}.tar").read_bytes())
        read |= {(one["__key__"], one["jpg"]) for one in webdataset.WebDataset(str(copy), shardshuffle=False)}
    assert read == set(pictures.items())


def test_packing_again_writes_nothing(root, store, pictures):
    before = shards(root)
    assert pack(store, pictures) == 0
    assert pack(fresh(root), pictures) == 0
    assert shards(root) == before


def test_equal_pictures_are_equal_shards_whatever_the_order(root, store, pictures):
    other = root.resized(65)
    put(other, dict(reversed(pictures.items())))
    pack(other, dict(sorted(pictures.items())))
    assert list_shards(root.path / "shards" / "65") == shards(root)


def test_a_new_picture_is_a_file_until_they_are_a_sixteenth_of_a_shard(root, store):
    pictures, more = made_up(120, size=(1, 10)), made_up(12, seed=1, size=(1, 10))
    put(store, pictures | more)
    pack(store, pictures)
    before, changed = shards(root), []
    for count in range(1, 13):
        written = pack(store, pictures | dict(itertools.islice(more.items(), count)))
        now = shards(root)
        changed.append(len(before - now))
        assert written == len(now - before)
        before = now
    assert {sha256: store.get(sha256) for sha256 in pictures | more} == pictures | more
    assert changed[0] == 0
    assert max(changed) == 1
    assert files(store) < set(more)


def test_one_that_goes_concerns_one_shard(root, store, pictures):
    before, sha256 = shards(root), sorted(pictures)[57]
    store.remove(sha256)
    assert (len(before - shards(root)), len(shards(root) - before)) == (1, 1)
    for one in (store, fresh(root)):
        assert not one.has(sha256)
        with pytest.raises(FileNotFoundError, match=sha256):
            one.get(sha256)
        del (rest := dict(pictures))[sha256]
        assert {sha256: one.get(sha256) for sha256 in rest} == rest


def test_no_byte_of_what_goes_stays(root, store, pictures):
    gone = sorted(pictures)[::25]
    store.remove_all(gone)
    left = b"".join(path.read_bytes() for path in root.path.glob("**/*.*") if path.suffix in (".tar", ".parquet"))
    assert not any(pictures[sha256] in left or sha256.encode() in left for sha256 in gone)


def test_all_may_go(root, store, pictures):
    store.remove_all(list(pictures))
    assert shards(root) == frozenset()
    assert fresh(root).names() == set()


def test_readers_that_know_older_shards_find_pictures(root, store, pictures):
    reader = fresh(root)
    reader.names()
    more = made_up(100, seed=2)
    put(store, more)
    pack(store, pictures | more)
    assert {sha256: reader.get(sha256) for sha256 in pictures | more} == pictures | more
    reader = fresh(root)
    reader.names()
    store.remove_all(sorted(pictures)[:5])
    rest = sorted(pictures)[5:]
    assert reader.get_all(rest) == [pictures[sha256] for sha256 in rest]


@pytest.fixture(params=["local", pytest.param("bucket", marks=[pytest.mark.slow, pytest.mark.long])])
def atomic_root(request, tmp_path):
    """Where writes are atomic: fsspec's memory:// is not such a place, where a reader may see half a file."""
    return DataRoot(str(tmp_path / "root") if request.param == "local" else request.getfixturevalue("s3_url"))


def test_pictures_are_read_while_they_are_moved(atomic_root):
    store, found = fresh(atomic_root), made_up(120, seed=3)
    put(store, found)

    def read(seed):
        reader, draw = fresh(atomic_root), random.Random(seed)
        return all(reader.get(one) == found[one] for one in draw.choices(sorted(found), k=200))

    with ThreadPoolExecutor(4) as pool:
        reading = [pool.submit(read, seed) for seed in range(3)]
        for count in (40, 80, 120):
            pack(store, dict(itertools.islice(found.items(), count)))
        assert all(one.result() for one in reading)


def test_another_copy_takes_the_place_of_that_in_a_shard(root, store, pictures):
    sha256 = sorted(pictures)[3]
    put(store, {sha256: b"new"})
    assert store.get(sha256) == pictures[sha256]  # as the tables say, until the step is done
    pack(store, pictures | {sha256: b"new"}, again={sha256})
    assert (store.get(sha256), fresh(root).get(sha256), files(store)) == (b"new", b"new", set())


def test_another_copy_takes_that_place_also_in_a_shard_of_another_group(root, store, pictures):
    sha256 = sorted(pictures)[3]
    put(store, {sha256: b"new"})
    store.pack("tanks", {sha256: 3}, MOST, again={sha256})
    assert [fresh(root).get(one) for one in sorted(pictures)[2:4]] == [pictures[sorted(pictures)[2]], b"new"]


def test_shards_of_others_are_left_alone(root, store, pictures):
    before, others = shards(root), made_up(20, seed=4)
    put(store, others)
    store.pack("tanks", {sha256: len(data) for sha256, data in others.items()}, MOST)
    assert before < shards(root)
    assert {sha256: store.get(sha256) for sha256 in pictures | others} == pictures | others


def _dying(original, calls):
    def die_at_last(*args, **options):
        if next(calls) == 0:
            raise KeyboardInterrupt
        return original(*args, **options)

    return die_at_last


@pytest.mark.parametrize("step", ["write_shard", "remove_shard", "read_members", "publishing"])
@pytest.mark.parametrize("after", [0, 2])
def test_who_is_killed_loses_nothing_and_goes_on(root, store, pictures, monkeypatch, step, after):
    more = made_up(60, seed=5)
    put(store, more)
    calls = itertools.count(after, -1)

    @contextmanager
    def publishing():
        if step == "publishing" and next(calls) == 0:
            raise KeyboardInterrupt
        yield

    if step != "publishing":
        monkeypatch.setattr(sharded_store, step, _dying(getattr(sharded_store, step), calls))
    with pytest.raises(KeyboardInterrupt):
        pack(store, pictures | more, publishing=publishing)
    monkeypatch.undo()
    again = fresh(root)
    assert {sha256: again.get(sha256) for sha256 in pictures | more} == pictures | more
    pack(again, pictures | more)
    assert {sha256: again.get(sha256) for sha256 in pictures | more} == pictures | more
    assert again.names() == set(pictures | more)
    tars = sum(len(pd.read_parquet(io.BytesIO(path.read_bytes()))) for path in root.path.glob("shards/64/*/*.parquet"))
    assert tars + len(files(again)) == len(pictures | more)  # each once
    assert len(list(root.path.glob("shards/64/*/*"))) == 2 * len(shards(root))


def test_what_a_killed_writer_left_is_no_shard_and_goes(root, store, pictures):
    folder = root.path / "shards" / "64" / "cars"
    (folder / "0101-half.tar").write_bytes(b"half")
    (folder / ".0101-half.tar.xyz.part").write_bytes(b"half")
    assert "cars/0101-half" not in shards(root)
    pack(store, pictures)
    assert not list(folder.glob("*half*"))


def test_a_guard_that_is_broken_keeps_all_as_it_is(root, store, pictures):
    before, more = shards(root), made_up(100, seed=6)
    put(store, more)

    @contextmanager
    def broken():
        raise ValueError("taken down")
        yield

    with pytest.raises(ValueError, match="taken down"):
        pack(store, pictures | more, publishing=broken)
    assert (shards(root), files(store)) == (before, set(more))


@pytest.mark.parametrize("was_in_a_shard", [True, False])
def test_what_others_remove_between_does_not_come_back(root, store, pictures, was_in_a_shard):
    more, turns = made_up(60, seed=7), itertools.count()
    put(store, more)
    gone = sorted(pictures if was_in_a_shard else more)[10]

    @contextmanager
    def publishing():
        if next(turns) == 1:  # when it is planned what is written
            fresh(root).remove(gone)
        yield

    with nullcontext() if was_in_a_shard else pytest.raises(FileNotFoundError):
        pack(store, pictures | more, publishing=publishing)
    pack(store, pictures | more)
    for one in (store, fresh(root)):
        assert not one.has(gone)
        assert one.names() == (pictures | more).keys() - {gone}


def test_pictures_are_divided_by_the_first_bits_of_their_keys():
    keys = np.unique(as_keys(made_up(3000)))
    sizes = np.random.default_rng(0).integers(1, 3000, len(keys))
    parts = list(divide(keys, sizes, MOST))
    assert sum(place.stop - place.start for _, place in parts) == len(keys)
    for bits, place in parts:
        assert room_of(sizes[place]).sum() <= MOST
        assert all(f"{int(name, 16):0256b}".startswith(bits) for name in as_names(keys[place]))
    names = [bits for bits, _ in parts]
    # Whole: no two that one could be made of.
    for (bits, place), (others, next_place) in itertools.pairwise(parts):
        if bits[:-1] == others[:-1] and len(bits) == len(others):
            assert room_of(sizes[place.start : next_place.stop]).sum() > MOST
    assert names == sorted(names)


def test_one_picture_may_be_larger_than_a_shard():
    keys = np.unique(as_keys(made_up(3)))
    assert len(list(divide(keys, np.full(3, 10**6), MOST))) == 3


def test_a_small_set_has_no_shards_and_asks_for_none(tmp_path, root):
    store = root.resized(64)
    put(store, found := made_up(3))
    assert isinstance(store, ShardedStore)
    assert store.get_all(list(found)) == list(found.values())
    assert not (root.path / "shards").exists()


def test_a_removal_takes_what_killed_writers_left_of_shards_too(root, store, pictures):
    folder = root.path / "shards" / "64" / "cars"
    tar = next(folder.glob("*.tar"))
    tar.with_suffix(".parquet").unlink()  # killed between the two of a shard
    (folder / ".0000-1.tar.abcdefgh.part").write_bytes(b"a picture")
    fresh(root).remove_all(["0" * 64])
    assert not tar.exists()
    assert not list(folder.glob(".*"))


def test_a_copy_that_was_made_anew_is_never_given_up_for_an_older_one(root, store, pictures):
    sha256 = next(iter(pictures))
    put(store, {sha256: b"at another quality"})
    pack(fresh(root), {sha256: b"at another quality"})  # nobody says that it is another one
    assert fresh(root).get(sha256) == b"at another quality"
    assert fresh(root).names() == set(pictures)
