"""Pictures that go from a shard: overwritten where they lie, and after a kill as well."""

import io
import itertools
import os
import tarfile
from pathlib import Path

import pytest

from cic_assets.storage import DataRoot
from cic_assets.storage import shards as shards_module
from cic_assets.storage.shards import list_shards

from .test_sharded_store import fresh, made_up, put, shards


def in_one_shard(folder):
    """A data root on a disk, its store, and the 120 pictures that lie in one shard there."""
    root = DataRoot(str(folder / "root"))
    found = made_up(120, size=(1000, 1500))
    put(store := fresh(root), found)
    store.pack("cars", dict.fromkeys(found, 1500), 10**6)
    return root, store, found


def _tar_of(root, name):
    """The members of the shard that has a picture: name and bytes of each."""
    (found,) = (
        members
        for shard in shards(root)
        if f"{name}.jpg" in dict(members := _members((root.path / "shards" / "64" / f"{shard}.tar").read_bytes()))
    )
    return found


def _members(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return [(member.name, tar.extractfile(member).read()) for member in tar]


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:shardshuffle", "ignore::ResourceWarning")
@pytest.mark.parametrize("places", [[0], [1], [5, 6], [-1], [0, 1, -2, -1], [3, 5, 7]])
def test_what_goes_is_overwritten_where_it_lies_and_the_tar_stays_one(tmp_path, places):
    webdataset = pytest.importorskip("webdataset")
    root, store, found = in_one_shard(tmp_path)
    names = sorted(found)
    (tar,) = root.path.glob("shards/64/cars/*.tar")
    inode, length = tar.stat().st_ino, tar.stat().st_size
    gone = {names[place] for place in places}
    store.remove_all(gone)
    (tar,) = root.path.glob("shards/64/cars/*.tar")
    assert (tar.stat().st_ino, tar.stat().st_size) == (inode, length)
    assert len(list(tar.parent.iterdir())) == 2
    left = {name: data for name, data in found.items() if name not in gone}
    members = _members(tar.read_bytes())
    assert [one for one in members if one[0] != "__erased__"] == [(f"{name}.jpg", left[name]) for name in sorted(left)]
    assert not any(any(data) for name, data in members if name == "__erased__")
    read = webdataset.WebDataset(str(tar), shardshuffle=False)
    assert {one["__key__"]: one["jpg"] for one in read} == left
    for one in (store, fresh(root)):
        assert one.get_all(list(left)) == list(left.values())
        assert one.names() == set(left)


def test_a_tar_with_many_places_of_what_is_gone_is_written_anew(tmp_path):
    root, store, found = in_one_shard(tmp_path)
    left = dict(found)
    for name in sorted(found)[::7]:  # 18 of them, one after another
        store.remove(name)
        del left[name]
    members = _tar_of(root, next(iter(left)))
    assert sum(name == "__erased__" for name, _ in members) < 120 // 16 + 1
    assert {name: store.get(name) for name in left} == left
    # All at once: as it would be of the others alone.
    other = root.resized(65)
    put(other, left)
    other.pack("cars", dict.fromkeys(left, 1500), 10**6)
    store.remove_all(sorted(left)[::3])
    other.remove_all(sorted(left)[::3])
    assert list_shards(root.path / "shards" / "65") == shards(root)


class _Killed(BaseException):
    pass


_STEPS = {
    "before the tar has its second name": ("_name_once_more", 0),
    "when it has": ("_write_index", 0),
    "when the new shard is there": ("_erase", 0),
    "when the old one is gone": ("_header", 0),
    "after some zeros": ("_write_zeros", 1),
    "when all is overwritten and not on the disk": ("fsync", 0),
}


@pytest.mark.parametrize("step", _STEPS)
def test_a_kill_while_pictures_go_loses_no_other_and_they_go_after_it(tmp_path, monkeypatch, step):
    root, store, found = in_one_shard(tmp_path)
    gone, (name, after) = sorted(found)[10:50:10], _STEPS[step]
    left = {one: data for one, data in found.items() if one not in gone}

    def killed(*_args, **_options):
        raise _Killed

    if name == "fsync":
        monkeypatch.setattr(shards_module, "_write_zeros", _then(shards_module._write_zeros, killed, 4))
    elif after:
        monkeypatch.setattr(shards_module, name, _then(getattr(shards_module, name), killed, after))
    else:
        monkeypatch.setattr(shards_module, name, killed)
    with pytest.raises(_Killed):
        store.remove_all(gone)
    monkeypatch.undo()
    for one in (store, fresh(root)):
        assert {one_name: one.get(one_name) for one_name in left} == left
    fresh(root).remove_all(gone)
    assert fresh(root).names() == set(left)
    assert {one: fresh(root).get(one) for one in left} == left
    folder = root.path / "shards" / "64" / "cars"
    assert sorted(path.suffix for path in folder.iterdir()) == [".parquet", ".tar"]
    bytes_left = b"".join(path.read_bytes() for path in folder.iterdir())
    assert not any(found[one] in bytes_left or one.encode() in bytes_left for one in gone)


def _then(original, killed, after):
    """As it is, so many times."""
    calls = itertools.count()
    return lambda *args, **options: killed() if next(calls) >= after else original(*args, **options)


def test_a_kill_leaves_nothing_where_whoever_packs_next_goes_on(tmp_path, monkeypatch):
    root, store, found = in_one_shard(tmp_path)
    gone = sorted(found)[77]
    monkeypatch.setattr(shards_module, "_write_zeros", _then(shards_module._write_zeros, _raise, 0))
    with pytest.raises(_Killed):
        store.remove(gone)
    monkeypatch.undo()
    fresh(root).pack("cars", {}, 10**6)
    folder = root.path / "shards" / "64" / "cars"
    assert not list(folder.glob("*.erasing"))
    assert not any(found[gone] in path.read_bytes() for path in folder.iterdir())
    assert fresh(root).names() == found.keys() - {gone}


def _raise():
    raise _Killed


def test_whoever_reads_a_picture_while_it_goes_gets_it_or_an_error(tmp_path, monkeypatch):
    root, store, found = in_one_shard(tmp_path)
    reader, gone, pread = fresh(root), sorted(found)[7], os.pread
    reader.names()

    def late(*args):
        monkeypatch.undo()
        store.remove(gone)  # between a reader's opening the tar and its reading
        data = pread(*args)
        assert not any(data)
        return data

    monkeypatch.setattr(os, "pread", late)
    with pytest.raises(FileNotFoundError, match=gone):
        reader.get(gone)


def test_where_a_disk_knows_no_second_names_shards_are_written_anew(tmp_path, monkeypatch):
    root, store, found = in_one_shard(tmp_path)

    def refused(*_args):
        raise PermissionError

    monkeypatch.setattr(Path, "hardlink_to", refused)
    gone = sorted(found)[7]
    store.remove(gone)
    folder = root.path / "shards" / "64" / "cars"
    assert len(list(folder.iterdir())) == 2
    assert not any(found[gone] in path.read_bytes() for path in folder.iterdir())
    assert fresh(root).names() == found.keys() - {gone}
    assert "__erased__" not in dict(_tar_of(root, sorted(found)[8]))


def test_tars_are_those_that_tarfile_writes(tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    found = made_up(20, size=(0, 1500)) | {"a" * 64: b"", "b" * 64: bytes(512)}
    put(store := fresh(root), found)
    store.pack("cars", dict.fromkeys(found, 1500), 10**6)
    with tarfile.open(tmp_path / "x.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(found):
            entry = tarfile.TarInfo(f"{name}.jpg")
            entry.size = len(found[name])
            tar.addfile(entry, io.BytesIO(found[name]))
    (written,) = root.path.glob("shards/64/cars/*.tar")
    assert written.read_bytes() == (tmp_path / "x.tar").read_bytes()
