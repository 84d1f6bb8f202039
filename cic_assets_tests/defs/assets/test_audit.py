"""`dataset_audit` through Dagster: what the table and the UI show, and that nothing fails without features."""

import numpy as np
import pandas as pd
import pytest
from dagster import AssetKey, AssetRecordsFilter, DagsterInstance, materialize

from cic_assets.config.problem import Problem
from cic_assets.defs.assets import audit as stage
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain import audit
from cic_assets.domain.dataset import DatasetInfo
from cic_assets.domain.images import encode_jpeg
from cic_assets.domain.missing_outputs import Remains
from cic_assets.storage import DataRoot
from cic_assets_tests.domain.audit.conftest import Drawn
from cic_assets_tests.domain.duplicates.conftest import photo

PROBLEM = Problem.model_validate(
    {"name": "x", "classes": {"car": ["r/carporn"], "tank": ["r/tankporn"]}, "dataset": {"side": 128}}
)


class World:
    def __init__(self, folder, instance):
        self.root, self.instance = DataRoot(str(folder)), instance
        self.data = Drawn(each=40)
        self.data.labels[[3, 50]] = 1 - self.data.labels[[3, 50]]  # two under the other's class
        self.data.features[7] = self.data.around(np.full((1, 64), 5.0) * np.arange(64) / 64)[0]  # one of none
        manifest = self.data.manifest
        self.root.dataset.mkdir(parents=True)
        manifest.to_parquet(str(self.root.dataset / "manifest.parquet"), index=False)
        info = DatasetInfo(name="x", classes=["car", "tank"], class_weights={}, counts={}, side=128, version="v1")
        (self.root.dataset / "dataset.json").write_text(info.model_dump_json())
        for name in manifest["sha256"].iloc[:60]:  # of the others somebody removed the copies
            path = self.root.resized(128).path(name, "jpeg")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encode_jpeg(photo(1)))

    def write_features(self, table):
        for key in PROBLEM.partitions:
            own = self.data.manifest["subreddit"].eq(key)
            self.root.write_table("image_features", table[table["sha256"].isin(self.data.manifest["sha256"][own])], key)

    def run(self):
        result = materialize(
            stage.build_assets(PROBLEM), instance=self.instance, resources={"data": DataRootResource(url=self.root.url)}
        )
        assert result.success
        (record,) = self.instance.fetch_materializations(AssetRecordsFilter(AssetKey("dataset_audit")), limit=1).records
        return record.asset_materialization

    @property
    def lacks(self):
        return Remains(self.root, side=128, models=[], has_weights=False).lack("dataset_audit", None)


@pytest.fixture
def world(tmp_path):
    with DagsterInstance.ephemeral() as instance:
        yield World(tmp_path, instance)


def test_what_does_not_belong_is_listed_and_shown(world):
    world.write_features(world.data.table)
    made = world.run()
    table = world.root.read_table("audit")
    names = world.data.manifest["sha256"]
    assert set(audit.likely_label_errors(table)["sha256"]) >= set(names[[3, 50]])
    assert audit.of_no_class(table)["sha256"].iloc[0] == names[7]
    assert audit.read_summary(world.root).dataset_version == "v1"
    assert made.metadata["dagster/row_count"].value == 80
    assert made.metadata["likely label errors"].value == table["likely_error"].sum()
    waiting = made.metadata["to review"].value
    assert f"[{table['likely_error'].sum():,} likely label error" in waiting
    assert "](http://localhost:8001/review#off_topic)" in waiting
    shown = (world.root.sheets / "dataset_audit_label_errors.jpg.txt").read_text().split()
    assert set(shown) == set(table.loc[table["likely_error"], "sha256"])
    assert (world.root.sheets / "dataset_audit_off_topic.jpg").exists()
    assert not world.lacks
    again = world.run()
    assert again.tags["dagster/data_version"] == made.tags["dagster/data_version"]


def test_without_features_there_is_an_empty_table_and_a_line(world):
    world.write_features(world.data.table.head(0))
    made = world.run()
    assert world.root.read_table("audit").empty
    assert made.metadata["says"].value == "there are no features of its pictures"
    assert made.metadata["likely label errors, the surest"].value == "none"
    assert made.metadata["to review"].value == "nothing"
    assert not world.lacks
    logged = [entry.user_message for entry in world.instance.all_logs(world.instance.get_runs()[0].run_id)]
    assert any(line.startswith("Nothing is said of single pictures: ") for line in logged)


def test_what_was_taken_down_or_removed_is_made_again(world):
    world.write_features(world.data.table)
    world.run()
    table = world.root.read_table("audit")
    world.root.write_table("audit", table.iloc[1:])
    assert world.lacks
    world.root.write_table("audit", table)
    assert not world.lacks
    audit.summary_path(world.root).unlink()
    assert world.lacks
    pd.testing.assert_frame_equal(world.root.read_table("audit"), table)
