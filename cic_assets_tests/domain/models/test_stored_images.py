"""Pictures that are read when they are asked for, in place of arrays: the same, in flat memory, each run read once."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from upath import UPath

from cic_assets.domain.images import decode, encode_jpeg
from cic_assets.domain.models import stored_images
from cic_assets.domain.models.data import fit_to_side, some
from cic_assets.domain.models.errors import TrainingDataError
from cic_assets.domain.models.stored_images import RUN, StoredImages, in_runs
from cic_assets.storage import ShardedStore, sha256_hex

COUNT, SIDE = 100, 40


class Counted(ShardedStore):
    """Counts what is read."""

    def __init__(self, *folders):
        super().__init__(*folders)
        self.asked = []

    def get_all(self, sha256s):
        self.asked.append(len(sha256s))
        return super().get_all(sha256s)


@pytest.fixture
def store(tmp_path):
    return Counted(UPath(tmp_path / "files"), UPath(tmp_path / "shards"))


@pytest.fixture
def copies(store):
    """JPEGs by the SHA-256 of what they would be of."""
    random = np.random.default_rng(0)
    found = {}
    for number in range(COUNT):
        jpeg = encode_jpeg(random.integers(0, 255, (SIDE, SIDE, 3), np.uint8))
        sha256 = sha256_hex(str(number).encode())
        store.path(sha256, "jpeg").parent.mkdir(parents=True, exist_ok=True)
        store.path(sha256, "jpeg").write_bytes(jpeg)
        found[sha256] = jpeg
    store.pack("cars", {sha256: len(jpeg) for sha256, jpeg in found.items()}, 2**20)
    return found


@pytest.fixture
def images(store, copies):
    names = sorted(copies)
    return StoredImages(store, names, [sha256_hex(copies[name]) for name in names], SIDE)


@pytest.fixture
def array(copies):
    return np.stack([decode(copies[name]) for name in sorted(copies)])


@pytest.mark.parametrize(
    "rows",
    [3, -1, np.int64(5), slice(2, 9), slice(None), np.array([7, 7, 99, 0]), np.arange(COUNT) % 3 == 0, np.arange(0)],
)
def test_they_are_indexed_as_an_array_is(images, array, rows):
    assert (images[rows] == array[rows]).all()
    assert images[rows].shape == array[rows].shape
    assert images[rows].dtype == np.uint8


def test_they_are_gone_through_one_after_another(images, array, store):
    assert (len(images), images.shape) == (COUNT, array.shape)
    assert all((one == other).all() for one, other in zip(images, array, strict=True))
    assert store.asked == [RUN, RUN, RUN, COUNT % RUN]


def test_a_row_that_is_not_there_is_an_error(images):
    with pytest.raises(IndexError):
        images[COUNT]


@pytest.mark.parametrize("side", [24, 40, 64])
def test_at_another_side_they_are_as_arrays_are(images, array, side):
    assert (fit_to_side(images, side)[:] == fit_to_side(array, side)).all()
    assert fit_to_side(images, side).shape == (COUNT, side, side, 3)


def test_some_are_still_read_when_asked_for(images, array, store):
    rows = np.array([0, 5, 50, 99])
    chosen = some(images, rows)
    assert store.asked == []
    assert (chosen[:] == some(array, rows)).all()
    both = StoredImages.joined([chosen, images])
    assert (both[:] == np.concatenate([array[rows], array])).all()


def test_all_rows_come_once_and_neighbours_not_far_apart(monkeypatch):
    monkeypatch.setattr(stored_images, "WINDOW", 4)
    count = 40 * RUN + 5
    rows = in_runs(count, np.random.default_rng(3))
    assert sorted(rows.tolist()) == list(range(count))
    assert (rows != np.sort(rows)).mean() > 0.9
    for run in range(count // RUN):
        places = np.flatnonzero(rows // RUN == run)
        assert np.ptp(places) < 4 * RUN
    assert not np.array_equal(rows, in_runs(count, np.random.default_rng(4)))
    assert np.array_equal(rows, in_runs(count, np.random.default_rng(3)))


@pytest.mark.parametrize("threads", [1, 4])
def test_an_epoch_reads_each_run_once_and_keeps_few(images, array, store, monkeypatch, threads):
    monkeypatch.setattr(stored_images, "WINDOW", 2)
    monkeypatch.setattr(stored_images, "_KEPT", 2 + 2 * threads)
    monkeypatch.setattr(stored_images, "RUN", 8)
    order = in_runs(COUNT, np.random.default_rng(0))
    batches = [np.sort(rows) for rows in np.array_split(order, COUNT // 5)]
    with ThreadPoolExecutor(threads) as pool:
        assert all(
            (got == array[rows]).all() for got, rows in zip(pool.map(images.__getitem__, batches), batches, strict=True)
        )
    # A thread that the system left waiting for long may come back to a run that the others were done with.
    assert sum(store.asked) == COUNT if threads == 1 else COUNT <= sum(store.asked) < 2 * COUNT


def test_one_thread_reads_a_run_and_others_wait_for_it(images, store):
    began = threading.Event()
    original = store.get_all

    def slowly(sha256s):
        began.wait(5)
        return original(sha256s)

    store.get_all = slowly
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(images.__getitem__, 3) for _ in range(4)]
        began.set()
        assert len({one.result().tobytes() for one in asked}) == 1
    assert len(store.asked) == 1


def test_another_copy_than_that_of_the_data_set_is_refused(images, store, copies):
    sha256 = sorted(copies)[2]
    store.path(sha256, "jpeg").write_bytes(encode_jpeg(np.zeros((SIDE, SIDE, 3), np.uint8)))
    store.pack("cars", {sha256: 1000}, 2**20, again={sha256})
    with pytest.raises(TrainingDataError, match=f"{sha256} is another one: materialize training_dataset again"):
        images[0]


def test_one_that_was_taken_down_is_named_and_asked_for_again(images, array, store, copies):
    sha256 = sorted(copies)[2]
    images[50]
    store.remove(sha256)
    for _ in range(2):
        with pytest.raises(TrainingDataError, match=f"{sha256}.*taken down"):
            images[0]
    assert (images[50] == array[50]).all()


def test_another_of_its_class_is_shown_in_the_place_of_one_that_was_taken_down(store, copies, array):
    names = sorted(copies)
    labels = np.arange(COUNT) % 3
    images = StoredImages(store, names, [sha256_hex(copies[name]) for name in names], SIDE, labels=labels)
    later = images.at_side(SIDE)
    assert (images[5] == array[5]).all()
    store.remove(names[5])
    assert (images[5] == array[5]).all()  # as long as its bytes are in memory
    assert (later[3:9] == array[[3, 4, 8, 6, 7, 8]]).all()
    chosen = StoredImages.joined([later, images]).of_rows(np.arange(COUNT + 5, 2 * COUNT))
    assert (chosen[0] == array[8]).all()
    assert images.gone == later.gone == chosen.gone == {names[5]}


def test_the_last_of_its_class_has_the_first_in_its_place(store, copies, array):
    names = sorted(copies)
    images = StoredImages(store, names, [sha256_hex(copies[name]) for name in names], SIDE, labels=np.arange(COUNT) % 3)
    store.remove(names[99])
    assert (images[99] == array[0]).all()


@pytest.mark.parametrize("labels", [np.zeros(COUNT, np.int64), np.arange(COUNT)])
def test_where_many_are_gone_or_none_of_a_class_is_left_it_is_an_error(store, copies, labels):
    names = sorted(copies)
    images = StoredImages(store, names, [sha256_hex(copies[name]) for name in names], SIDE, labels=labels)
    store.remove_all(names[5 : 7 - labels.any()])
    with pytest.raises(TrainingDataError, match="is gone: it was taken down"):
        images[0:10]
