"""A set that grows by a twentieth: what was there stays where it was, and only what is new is prepared."""

import pandas as pd
import pytest

from cic_assets.domain.dataset import MANIFEST, DatasetSettings, SplitSettings, build_dataset, resize_pictures
from cic_assets.storage import DataRoot

from .conftest import keep


def prepare(root, pictures, settings, before=None):
    resized = resize_pictures(pictures, root.images, root.resized(settings.side), settings, before)
    copies = root.resized(settings.side)
    build_dataset(
        resized.drop(columns="made"), copies, root.dataset, settings, name="x", classes=["car", "tank"]
    )  # fmt: skip
    return resized, pd.read_parquet(root.dataset / MANIFEST).set_index("sha256")["split"]


@pytest.mark.parametrize("by", ["hash", "class"])
def test_a_twentieth_more_moves_nothing_and_prepares_a_twentieth(tmp_path, by):
    root, settings = DataRoot(str(tmp_path / "root")), DatasetSettings(side=32, splits=SplitSettings(by=by))
    first, before = prepare(root, keep(root, 200), settings)
    files = {path: path.stat().st_mtime_ns for path in root.resized(32).root.rglob("*.jpg")}
    grown, after = prepare(root, keep(root, 210), settings, first)
    assert grown["made"].sum() == 10
    assert after[before.index].equals(before)
    assert len(after) == 210
    assert {path: path.stat().st_mtime_ns for path in files} == files
