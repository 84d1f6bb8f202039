"""What somebody removed under a data root is noticed by the UI too."""

from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from dagster import AssetMaterialization, DagsterInstance, build_sensor_context

from cic_assets.defs import sensors
from cic_assets.defs.build import build_definitions

KEYS = ("cars", "tanks", "boats")
TABLES = {
    "image_hashes": KEYS,
    "duplicates": (None,),
    "deduped_images": KEYS,
    "resized_images": KEYS,
    "image_features": KEYS,
}


class Looks:
    """The sensor's looks at a data root where all tables were made, of no pictures."""

    def __init__(self, world, instance):
        self.world, self.instance = world, instance
        self.definitions = build_definitions(world.environment)
        for name, partitions in TABLES.items():
            for partition in partitions:
                self.make(name, partition)

    def make(self, name, partition=None):
        for table in (name, "bridges") if name == "duplicates" else (name,):
            self.world.root.write_table(table, pd.DataFrame({"sha256": pd.Series([], dtype=str)}), partition)
        self.instance.report_runless_asset_event(AssetMaterialization(name, partition=partition))

    def look(self):
        """Assets and partitions that are asked for; the keys of these requests."""
        with build_sensor_context(
            self.instance,
            repository_def=self.definitions.get_repository_def(),
            resources={name: self.definitions.resources[name] for name in ("data", "weights")},
        ) as context:
            requests = self.definitions.resolve_sensor_def("restore_removed").evaluate_tick(context).run_requests
        asked = [(request.asset_selection[0].to_user_string(), request.partition_key) for request in requests]
        return asked, [request.run_key for request in requests]


@pytest.fixture
def looks(world, tmp_path):
    with DagsterInstance.ephemeral() as instance:
        yield Looks(world, instance)


def test_where_all_is_there_nothing_is_asked_for(looks):
    assert looks.look() == ([], [])


def test_what_is_gone_is_asked_for_once_and_upstream_first(looks):
    for name, partition in (("resized_images", "cars"), ("image_hashes", "cars"), ("image_hashes", "boats")):
        looks.world.root.remove_table(name, partition)
    asked, keys = looks.look()
    assert asked == [("image_hashes", "cars"), ("image_hashes", "boats")]
    assert looks.look()[1] == keys
    looks.make("image_hashes", "cars")
    looks.make("image_hashes", "boats")
    assert looks.look()[0] == [("resized_images", "cars")]
    looks.world.root.remove_table("image_hashes", "cars")
    assert not set(looks.look()[1]) & set(keys)


def test_what_failed_is_tried_again_the_next_day(looks, monkeypatch):
    looks.world.root.remove_table("image_hashes", "cars")
    asked, keys = looks.look()
    monkeypatch.setattr(sensors, "_today", lambda: datetime.now(UTC).date() + timedelta(days=1))
    assert looks.look()[0] == asked
    assert not set(looks.look()[1]) & set(keys)


def test_what_is_gone_of_one_source_holds_up_no_other(looks):
    for name, partition in (("image_hashes", "cars"), ("deduped_images", "cars"), ("resized_images", "tanks")):
        looks.world.root.remove_table(name, partition)
    assert looks.look()[0] == [("image_hashes", "cars"), ("resized_images", "tanks")]
    looks.world.root.remove_table("duplicates")
    assert looks.look()[0] == [("image_hashes", "cars"), ("resized_images", "tanks")]  # that needs all hashes


def test_what_was_never_made_is_not_gone(looks):
    assert not looks.world.root.dataset.exists()
    assert looks.look() == ([], [])


def test_a_report_waits_for_models_that_are_of_use(looks):
    looks.instance.report_runless_asset_event(AssetMaterialization("evaluation_report"))
    assert looks.look() == ([], [])
