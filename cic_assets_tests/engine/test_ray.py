"""The engine on a cluster of three nodes: as the threads, also where workers and nodes die."""

import itertools
import os
import subprocess
import sys
import threading
import time

import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.duplicates import (
    DuplicateSettings,
    StoredPictures,
    count_compared,
    find_duplicates,
    fingerprint_pictures,
    verify,
)
from cic_assets.domain.overrides import Overrides
from cic_assets.engine import EngineError, TaskLostError, Threads, flight, open_engine
from cic_assets.storage import ContentStore
from cic_assets_tests.domain.duplicates.conftest import Gallery, crop, photo
from cic_assets_tests.fixtures.ray_cluster import wait_for

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900), pytest.mark.xdist_group("ray")]


@pytest.fixture(scope="module")
def connected(ray_session):
    """This process as one of the cluster's."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ray_session.variables.items():
            patch.setenv(name, value)
        yield
        import ray

        ray.shutdown()


@pytest.fixture
def engine(ray_cluster, connected):
    return open_engine("ray")


@pytest.mark.long
def test_it_gives_what_threads_give(engine):
    items = [f"item {number}" for number in range(500)]
    # Pickled by value: this module is not on the cluster.
    found = list(engine.each(lambda item: item.upper(), items, shard=7))
    assert sorted(found) == sorted(Threads(2).each(lambda item: item.upper(), items))


@pytest.mark.long
def test_what_is_done_first_comes_first(engine, tmp_path):
    later = tmp_path / "done"

    def task(item):
        if item == 0:
            end = time.monotonic() + 60
            while not later.exists() and time.monotonic() < end:
                time.sleep(0.05)
        return item

    results = engine.each(task, range(6), shard=1)
    assert next(results)[0] != 0
    later.touch()
    assert len(list(results)) == 5


@pytest.mark.long
def test_what_a_task_raises_names_the_item(engine):
    def task(item):
        if item == "bad":
            raise KeyError("nothing of that name")
        return item

    with pytest.raises(KeyError, match="nothing of that name") as raised:
        list(engine.each(task, [*map(str, range(30)), "bad"], shard=10))
    assert raised.value.__notes__ == ["at 'bad'"]


@pytest.mark.long
def test_what_cannot_be_pickled_is_raised_in_words(engine):
    def task(_item):
        class DeepError(Exception):
            def __init__(self, one, other):
                super().__init__(f"{one} and {other}")

        raise DeepError("this", "that")

    with pytest.raises(RuntimeError, match="DeepError: this and that") as raised:
        list(engine.each(task, [1]))
    assert raised.value.__notes__ == ["at 1"]


@pytest.mark.long
def test_an_item_that_kills_its_worker_is_found_among_those_of_its_shard(engine):
    task = lambda item: os._exit(139) if item == 7 else item  # noqa: E731 - pickled by value
    found = dict(engine.each(task, range(12), shard=6, instead=lambda item, why: f"{item}: {why}"))
    assert found.pop(7).startswith("7: what worked on it died of it: WorkerCrashedError 4 times")
    assert found == {item: item for item in range(12) if item != 7}
    with pytest.raises(TaskLostError, match="what worked on 7 died of it"):
        list(engine.each(task, [7], shard=6))


@pytest.mark.long
def test_of_endless_items_only_some_are_taken_ahead_and_who_stops_asking_stops_the_rest(engine):
    import ray

    taken = itertools.count()
    results = engine.each(lambda item: time.sleep(0.05) or item, taken, shard=2)
    for _ in range(20):
        next(results)
    results.close()
    assert next(taken) < 20 + 2 * 2 * 2 * 2
    wait_for(lambda: ray.available_resources().get("CPU") == ray.cluster_resources()["CPU"], "idle processors", 60)


@pytest.mark.long
@pytest.mark.parametrize("end", ["killed", "frozen"])
def test_a_node_that_is_lost_in_the_middle_of_fingerprints_makes_no_difference(
    engine, ray_cluster, jpeg, tmp_path, monkeypatch, end
):
    lose = {"killed": ray_cluster.kill, "frozen": ray_cluster.freeze}[end]
    monkeypatch.setattr("cic_assets.domain.duplicates.fingerprints.SHARD", 10)
    store = ContentStore(UPath(tmp_path))
    rows = [
        {
            "sha256": store.put(jpeg(seed, 2400, 1800), "jpeg"), "subreddit": "cars", "post_id": str(seed),
            "permalink": "", "title": "", "author": "", "created_utc": float(seed), "format": "jpeg", "width": 2400,
            "height": 1800, "bytes": 1, "outcome": "ok",
        }
        for seed in range(150)
    ]  # fmt: skip
    raw, lines, lost = pd.DataFrame(rows), [], []

    def lose_one():
        node = wait_for(lambda: len(lines) >= 20 and ray_cluster.node_at_work("ray::_work"), "a node at work")
        lose(node)
        lost.append(len(lines))

    killer = threading.Thread(target=lose_one)
    killer.start()
    table = fingerprint_pictures(raw, store, engine=engine, on_progress=lines.append)
    killer.join()
    assert lost[0] < len(rows)
    pd.testing.assert_frame_equal(table, fingerprint_pictures(raw, store))


@pytest.mark.long
@pytest.mark.parametrize("moment", ["before it is asked", "while workers are asked for", "at the first shard"])
def test_a_node_that_freezes_early_makes_no_difference(engine, ray_cluster, monkeypatch, tmp_path, moment):
    """A request for a worker that is on its way to it is never answered, and Ray counts it (ray-project/ray#63405)."""
    monkeypatch.setattr(flight, "LOOK_SECONDS", 2.0)
    monkeypatch.setattr(flight, "PATIENCE_AFTER_LOSS", 15.0)
    nodes, frozen = list(ray_cluster.workers), []

    def freeze(node):
        frozen.append(node)
        ray_cluster.freeze(node)

    def items():
        for number in range(24):
            # The first is taken before the cluster is asked, the second when the first was handed out.
            if number == {"before it is asked": 0, "while workers are asked for": 1}.get(moment):
                freeze(nodes[1])
            yield number

    def task(item):
        time.sleep(0.3)
        return item

    freezer = threading.Thread(
        target=lambda: freeze(wait_for(lambda: ray_cluster.node_at_work("ray::_work"), "a node at work"))
    )
    if moment == "at the first shard":
        freezer.start()
    began = time.monotonic()
    assert sorted(engine.each(task, items(), shard=1)) == [(item, item) for item in range(24)]
    assert time.monotonic() - began < 180
    if freezer.ident:
        freezer.join()
    assert len(frozen) == 1


@pytest.mark.long
def test_verdicts_of_a_cluster_one_of_whose_nodes_is_killed_are_those_of_here(
    engine, ray_cluster, tmp_path, monkeypatch
):
    monkeypatch.setattr(verify, "KEEP_SECONDS", 0.0)
    monkeypatch.setattr(verify, "_REST", 0)
    monkeypatch.setattr(verify, "SHARD", 1)
    gallery = Gallery()
    for seed in range(16):
        for share in (1, 0.97, 0.94, 0.91, 0.88):
            gallery.add(f"{seed} {share}", crop(photo(seed, 600, 440), share, 0.4, 0.7))
    store = ContentStore(UPath(tmp_path))
    for data in gallery.blobs.values():
        store.put(data, "jpeg")
    load = StoredPictures.of(store, gallery.table.assign(format="jpeg"))
    here = find_duplicates(gallery.table, load, DuplicateSettings(), Overrides())
    assert count_compared(here.verdicts) > 50

    def slowly(sha256):
        time.sleep(0.3)
        return load(sha256)

    monkeypatch.setattr(verify, "BLOCK", 2)
    kept = []
    killer = threading.Thread(
        target=lambda: ray_cluster.kill(
            wait_for(lambda: len(kept) >= 10 and ray_cluster.node_at_work("ray::_work"), "a node at work")
        )
    )
    killer.start()
    there = find_duplicates(gallery.table, slowly, DuplicateSettings(), Overrides(), keep=kept.append, engine=engine)
    killer.join()
    assert sum(worker.poll() is None for worker in ray_cluster.workers) == 1
    for found, expected in zip(there, here, strict=True):
        pd.testing.assert_frame_equal(found, expected, check_exact=True)


@pytest.fixture
def impatient(engine, monkeypatch):
    """Overdue is what would be so much later; on workers that were begun before, which takes half a minute."""
    assert len(list(engine.each(str, range(8), shard=1))) == 8
    monkeypatch.setattr(flight, "LOOK_SECONDS", 0.5)
    monkeypatch.setattr(flight, "PATIENCE", 8.0)
    monkeypatch.setattr(flight, "PATIENCE_AFTER_LOSS", 10.0)


@pytest.mark.long
def test_what_does_not_answer_is_handed_out_once_more(engine, impatient, tmp_path):
    def task(item):
        if item == 3 and not (tmp_path / "begun").exists():
            (tmp_path / "begun").touch()
            time.sleep(600)
        return item

    began = time.monotonic()
    assert sorted(engine.each(task, range(12), shard=2)) == [(item, item) for item in range(12)]
    assert time.monotonic() - began < 120


@pytest.mark.long
def test_an_answer_that_comes_after_it_was_handed_out_again_counts_once(engine, impatient, tmp_path):
    begun, again = tmp_path / "begun", tmp_path / "again"

    def task(item):
        if item == 3 and begun.exists():
            again.touch()
            time.sleep(1)
        elif item == 3:
            begun.touch()
            while not again.exists():
                time.sleep(0.05)
        return item

    assert sorted(engine.each(task, range(12), shard=2)) == [(item, item) for item in range(12)]
    assert again.exists()


@pytest.mark.long
def test_an_item_that_is_never_answered_is_found_among_those_of_its_shard(engine, impatient):
    task = lambda item: time.sleep(600) if item == 7 else item  # noqa: E731 - pickled by value
    found = dict(engine.each(task, range(12), shard=6, instead=lambda item, why: f"{item}: {why}"))
    assert found.pop(7) == "7: what worked on it did not answer, 3 times"
    assert found == {item: item for item in range(12) if item != 7}
    with pytest.raises(TaskLostError, match="what worked on 7 did not answer"):
        list(engine.each(task, [7]))


@pytest.mark.long
def test_what_waits_for_processors_that_others_have_is_not_lost(engine, impatient, monkeypatch, tmp_path, caplog):
    import ray

    monkeypatch.setattr(flight, "PROBE_SECONDS", 5.0)
    is_over = tmp_path / "over"

    def hold():
        while not is_over.exists():
            time.sleep(0.1)

    holding = [ray.remote(hold).options(num_cpus=1).remote() for _ in range(2)]
    wait_for(lambda: not ray.available_resources().get("CPU"), "processors that others have", 60)

    def release():
        wait_for(lambda: caplog.text.count("one after the other") == 2, "patience that ends twice")
        is_over.touch()

    releaser = threading.Thread(target=release)
    releaser.start()
    assert sorted(engine.each(lambda item: item, range(9), shard=3)) == [(item, item) for item in range(9)]
    releaser.join()
    ray.get(holding)


@pytest.mark.long
def test_a_cluster_without_any_processor_is_not_waited_for_without_end(engine, impatient, ray_cluster):
    for worker in ray_cluster.workers:
        ray_cluster.kill(worker)
    with pytest.raises(EngineError, match="the Ray cluster has had no processor to give for"):
        list(engine.each(str, range(3)))


@pytest.mark.long
def test_who_takes_part_shares_the_work_and_needs_nobody(engine, tmp_path):
    import ray

    assert list(engine.each(str, [1])) == [(1, "1")]  # so that it is connected
    sharing = open_engine("ray", takes_part=True)
    found = list(sharing.each(lambda _item: time.sleep(0.2) or os.getpid(), range(60), shard=2))
    assert sorted(item for item, _ in found) == list(range(60))
    by_others = {process for _, process in found} - {os.getpid()}
    assert 0 < sum(process == os.getpid() for _, process in found) < 60
    assert by_others
    is_over = tmp_path / "over"

    def hold():
        while not is_over.exists():
            time.sleep(0.1)

    holding = [ray.remote(hold).options(num_cpus=1).remote() for _ in range(2)]
    wait_for(lambda: not ray.available_resources().get("CPU"), "processors that others have", 60)
    found = list(sharing.each(lambda _item: os.getpid(), range(20), shard=2))
    assert sorted(found) == [(item, os.getpid()) for item in range(20)]
    is_over.touch()
    ray.get(holding)


@pytest.mark.long
def test_who_takes_part_does_not_try_what_killed_another(engine):
    here = os.getpid()
    assert (
        len(list(engine.each(str, range(8), shard=1))) == 8
    )  # so that workers are up before this process is at item 0

    def task(item):
        if item == 0:
            assert os.getpid() != here
            os._exit(139)
        return time.sleep(0.1) or item

    sharing = open_engine("ray", takes_part=True)
    found = dict(sharing.each(task, range(100), shard=2, instead=lambda item, _why: f"{item} is left out"))
    assert found == {0: "0 is left out", **{item: item for item in range(1, 100)}}


def test_without_a_cluster_it_says_what_to_do(monkeypatch):
    program = "from cic_assets.engine import open_engine; list(open_engine('ray').each(str, [1]))"
    environment = {**os.environ, "RAY_ADDRESS": "127.0.0.1:9", "RAY_AUTH_MODE": "disabled"}
    result = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True)
    assert result.returncode != 0
    assert "EngineError: no Ray cluster answers: start one, or name it by RAY_ADDRESS" in result.stderr


def test_on_one_machine_nothing_of_ray_is_imported(tmp_path):
    program = (
        "import sys; from cic_assets.engine import open_engine\n"
        "assert list(open_engine('local', 2).each(str, range(3))) == [(0, '0'), (1, '1'), (2, '2')]\n"
        "sys.exit(f'imported: {sorted(sys.modules)}' if 'ray' in sys.modules else 0)"
    )
    assert subprocess.run([sys.executable, "-c", program]).returncode == 0


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(EngineError, match=r"pip install 'cic-assets\[ray\]'"):
        next(open_engine("ray").each(str, [1]))
