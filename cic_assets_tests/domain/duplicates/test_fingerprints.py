import pickle

import cv2
import numpy as np
import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.duplicates import fingerprints
from cic_assets.domain.duplicates.fingerprints import CARRIED, fingerprint_pictures
from cic_assets.domain.images import fingerprint
from cic_assets.engine import Threads
from cic_assets.storage import ContentStore


@pytest.fixture
def store(tmp_path):
    return ContentStore(UPath(tmp_path / "images"))


def jpeg(seed):
    noise = np.random.default_rng(seed).integers(0, 255, (9, 12, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(noise, (160, 120), interpolation=cv2.INTER_CUBIC))[1].tobytes()


def raw_row(store, post_id, data, created, outcome="ok"):
    sha256 = store.put(data, "jpeg") if outcome == "ok" else ""
    row = dict.fromkeys(CARRIED, "") | {"post_id": post_id, "created_utc": created, "sha256": sha256}
    return row | {"format": "jpeg", "width": 160, "height": 120, "bytes": len(data), "outcome": outcome}


def test_one_row_a_picture_of_its_earliest_post(store):
    raw = pd.DataFrame(
        [
            raw_row(store, "late", jpeg(1), 20.0),
            raw_row(store, "early", jpeg(1), 10.0),
            raw_row(store, "other", jpeg(2), 15.0),
            raw_row(store, "page", b"", 5.0, "not_an_image"),
        ]
    )
    table = fingerprint_pictures(raw, store)
    assert sorted(table["post_id"]) == ["early", "other"]
    assert list(table["sha256"]) == sorted(table["sha256"])
    row = table.set_index("post_id").loc["early"]
    expected = fingerprint(jpeg(1))
    assert (int(row["phash"]), row["phash256"], row["sharpness"]) == (
        expected.phash,
        expected.phash256,
        expected.sharpness,
    )


def test_known_pictures_are_not_decoded_again(store, tmp_path):
    raw = pd.DataFrame([raw_row(store, "one", jpeg(1), 1.0)])
    first = fingerprint_pictures(raw, store)
    raw_more = pd.concat([raw, pd.DataFrame([raw_row(store, "two", jpeg(2), 2.0)])], ignore_index=True)
    store.path(raw["sha256"][0], "jpeg").unlink()
    second = fingerprint_pictures(raw_more, store, [first])
    kept = second[second["post_id"] == "one"].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, first)
    anew = fingerprint_pictures(raw_more, store, [first.assign(fingerprint_version=0)])
    assert anew["post_id"].tolist() == ["two"]


@pytest.mark.parametrize("lacking", [fingerprints.FINGERPRINT_COLUMNS, ["sharpness"], ["fingerprint_version"]])
def test_tables_of_earlier_code_that_lack_columns_are_no_hindrance(store, lacking):
    raw = pd.DataFrame([raw_row(store, "one", jpeg(1), 1.0)])
    whole = fingerprint_pictures(raw, store)
    older = whole.drop(columns=list(lacking))
    for before in ([older.head(0)], [older], [older, whole], [whole, older]):
        pd.testing.assert_frame_equal(fingerprint_pictures(raw, store, before), whole)


def test_what_cannot_be_read_is_left_out_and_told(store):
    raw = pd.DataFrame(
        [
            raw_row(store, "good", jpeg(1), 1.0),
            raw_row(store, "no picture", b"\xff\xd8\xff and nothing else", 2.0),
            raw_row(store, "missing", jpeg(2), 3.0),
        ]
    )
    names = dict(zip(raw["sha256"], raw["post_id"], strict=True))
    store.path(raw["sha256"][2], "jpeg").unlink()
    told = {}
    table = fingerprint_pictures(raw, store, on_left_out=told.__setitem__)
    assert table["post_id"].tolist() == ["good"]
    assert {names[sha256]: why for sha256, why in told.items()} == {
        "no picture": "ends inside a jpeg segment, after 20 bytes",
        "missing": "its file is missing",
    }
    # Of nothing that can be read there is a table too, and what is mended is taken in.
    assert fingerprint_pictures(raw[1:], store).empty
    store.put(jpeg(2), "jpeg")
    assert sorted(fingerprint_pictures(raw, store, [table])["post_id"]) == ["good", "missing"]


def test_a_failure_that_is_no_pictures_fault_is_not_blamed_on_one(store):
    raw = pd.DataFrame([raw_row(store, "one", jpeg(1), 1.0)])
    store.path(raw["sha256"][0], "jpeg").unlink()
    store.path(raw["sha256"][0], "jpeg").mkdir()
    with pytest.raises(IsADirectoryError):
        fingerprint_pictures(raw, store)


def test_a_table_survives_parquet_with_all_64_bits(store, tmp_path):
    raw = pd.DataFrame([raw_row(store, str(seed), jpeg(seed), 1.0) for seed in range(8)])
    table = fingerprint_pictures(raw, store)
    assert table["phash"].dtype == np.uint64
    table.to_parquet(tmp_path / "t.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), table)


def test_no_pictures_are_an_empty_table(store):
    raw = pd.DataFrame([raw_row(store, "page", b"", 5.0, "not_an_image")])
    assert len(fingerprint_pictures(raw, store)) == 0


def test_what_was_computed_before_a_kill_is_not_decoded_again(store, monkeypatch):
    monkeypatch.setattr(fingerprints, "KEEP_SECONDS", -1)
    raw = pd.DataFrame([raw_row(store, f"post_{number}", jpeg(number), float(number)) for number in range(6)])
    whole, kept = fingerprint_pictures(raw, store), []

    def killed(line):
        if line.startswith("5 of"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fingerprint_pictures(raw, store, engine=Threads(1), keep=kept.append, on_progress=killed)
    pd.testing.assert_frame_equal(kept[-1], whole[:4])
    for sha256 in kept[-1]["sha256"]:
        store.remove(sha256)
    pd.testing.assert_frame_equal(fingerprint_pictures(raw, store, [kept[-1]]), whole)


def test_what_a_worker_elsewhere_returns_of_a_shard_is_small():
    """Of more than 100 kB Ray keeps an answer on the node that gave it, and it would be gone with that."""
    rows = [fingerprints._row(jpeg(seed)) for seed in range(fingerprints.SHARD)]
    assert len(pickle.dumps(rows)) < 100_000
