"""Asset checks of what was scraped, run as Dagster runs them: in the run of each source."""

import pandas as pd
import pytest
from dagster import (
    AssetCheckKey,
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    MaterializeResult,
    asset,
    materialize,
)

from cic_assets.config.problem import Problem
from cic_assets.defs.asset_checks.scraping import build_checks
from cic_assets.defs.partitions import source_partitions
from cic_assets.defs.resources import DataRootResource
from cic_assets.storage import DataRoot

KEYS = [f"s{number}" for number in range(6)]
PROBLEM = Problem.model_validate(
    {
        "name": "x",
        "classes": {"a": [f"r/{key}" for key in KEYS[:3]], "b": [f"r/{key}" for key in KEYS[3:]]},
        "routine": {"stale_after_days": 1},
    }
)


@asset(partitions_def=source_partitions(PROBLEM))
def raw_images():
    return MaterializeResult()


class World:
    """A data root, an instance, and scrapes of which only the outcomes count."""

    def __init__(self, folder, instance):
        self.root, self.instance = DataRoot(str(folder / "root")), instance

    def scrape(self, key, outcomes=("ok",)):
        """The evaluations of the checks of one source's run, by name."""
        self.root.write_table("raw_images", pd.DataFrame({"outcome": list(outcomes)}), key)
        run = materialize(
            [raw_images, *build_checks(PROBLEM)],
            partition_key=key,
            resources={"data": DataRootResource(url=self.root.url)},
            instance=self.instance,
        )
        return {one.check_name: one for one in run.get_asset_check_evaluations()}

    def scraped(self, *keys):
        for key in keys:
            self.instance.report_runless_asset_event(AssetMaterialization("raw_images", partition=key))


@pytest.fixture
def world(tmp_path):
    with DagsterInstance.ephemeral() as instance:
        yield World(tmp_path, instance)


def test_each_run_judges_its_own_source_and_what_it_found_stays(world):
    """Other tables are not read: they are nothing that could be."""
    world.root.table_path("raw_images", "s1").parent.mkdir(parents=True)
    world.root.table_path("raw_images", "s1").write_bytes(b"no table")
    bad = world.scrape("s0", ["http_error"] * 3 + ["ok"] * 2 + ["skipped"] * 9)["most_media_gave_a_picture"]
    assert (bad.passed, bad.partition, bad.metadata["share without a picture"].value) == (False, "s0", 0.6)
    good = world.scrape("s2", ["http_error", "ok"])["most_media_gave_a_picture"]
    assert (good.passed, good.partition) == (True, "s2")
    key = AssetCheckKey(AssetKey("raw_images"), "most_media_gave_a_picture")
    history = world.instance.event_log_storage.get_asset_check_execution_history(key, limit=9)
    assert {one.partition: one.status.value for one in history} == {"s0": "FAILED", "s2": "SUCCEEDED"}


def test_a_source_without_media_lost_none(world):
    assert world.scrape("s0", ["skipped"])["most_media_gave_a_picture"].passed


def test_sources_that_were_not_scraped_lately_are_named(world, monkeypatch):
    world.scraped(*KEYS[:5])
    found = world.scrape("s0")["no_source_is_stale"]
    assert not found.passed
    assert found.metadata["days since scraped"].value == {"s5": None}
    world.scraped("s5")
    assert world.scrape("s0")["no_source_is_stale"].passed
    monkeypatch.setattr("cic_assets.defs.asset_checks.scraping._DAY", 1e-9)
    found = world.scrape("s0")["no_source_is_stale"]
    assert found.metadata["stale sources"].value == 6
