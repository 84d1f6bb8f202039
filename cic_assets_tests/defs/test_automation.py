"""What starts by itself, judged by Dagster's own evaluation of the conditions and schedules of the real graph."""

from datetime import UTC, datetime

import pandas as pd
import pytest
from dagster import (
    AssetKey,
    AssetMaterialization,
    DagsterInstance,
    build_schedule_context,
    evaluate_automation_conditions,
)

from cic_assets.config.problem_file import load_problem
from cic_assets.defs.build import build_definitions
from cic_assets.domain.dataset import MANIFEST, DatasetInfo, Split
from cic_assets.storage import write_json

# Dagster's own evaluation for tests passes a parameter that it calls beta.
pytestmark = pytest.mark.filterwarnings("ignore:Parameter `include_sources`")

KEYS = ("cars", "tanks", "boats")


@pytest.fixture
def automation(world):
    with DagsterInstance.ephemeral() as instance:
        yield Automation(build_definitions(world.environment), instance)


class Automation:
    """The daemon's work, tick by tick: `made` says what was materialized, `tick` gives what would be started."""

    def __init__(self, definitions, instance):
        self.definitions, self.instance, self.cursor = definitions, instance, None
        self.tick()  # what was there before the sensor was turned on starts nothing

    def made(self, asset, version, *partitions):
        for partition in partitions or [None]:
            event = AssetMaterialization(asset, partition=partition, tags={"dagster/data_version": version})
            self.instance.report_runless_asset_event(event)

    def tick(self):
        result = evaluate_automation_conditions(self.definitions, self.instance, cursor=self.cursor)
        self.cursor = result.cursor
        names = (key.to_user_string() for key in self.definitions.resolve_asset_graph().get_all_asset_keys())
        return {
            name: {key.partition_key for key in result.get_requested_partitions_keys(name)}
            if hasattr(result, "get_requested_partitions_keys")
            else set(result.get_requested_partitions(AssetKey(name)))
            for name in names
            if result.get_num_requested(AssetKey(name))
        }


def follow(automation, *wave):
    """Everything that a tick asks for is made, until a tick asks for nothing; gives what was asked for."""
    asked = []
    while requested := automation.tick():
        asked.append(requested)
        assert len(asked) < 12, asked
        for asset, partitions in requested.items():
            automation.made(asset, wave[0], *(key for key in partitions if key is not None))
    return asked


def names(asked):
    return {name for requested in asked for name in requested}


DOWN_TO_THE_DATA_SET = {
    "image_hashes",
    "duplicates",
    "deduped_images",
    "resized_images",
    "image_features",
    "training_dataset",
    "dataset_audit",
}


def test_new_data_flows_to_the_data_set_and_training_waits_for_its_schedule(automation):
    automation.made("raw_images", "1", *KEYS)
    asked = follow(automation, "1")
    assert asked[0] == {"image_hashes": set(KEYS)}
    assert names(asked) == DOWN_TO_THE_DATA_SET


def test_an_unchanged_scrape_starts_nothing(automation):
    automation.made("raw_images", "1", *KEYS)
    follow(automation, "1")
    automation.made("raw_images", "1", *KEYS)
    assert automation.tick() == {}


def test_a_change_in_one_source_starts_each_asset_once(automation):
    automation.made("raw_images", "1", *KEYS)
    follow(automation, "1")
    automation.made("raw_images", "2", "cars")
    asked = []
    while requested := automation.tick():
        asked.append(requested)
        for asset, partitions in requested.items():
            for partition in partitions:  # other sources come out as they were
                automation.made(asset, "2" if partition in ("cars", None) else "1", partition)
    assert asked == [
        {"image_hashes": {"cars"}},
        {"duplicates": {None}},
        {"deduped_images": set(KEYS)},
        {"resized_images": {"cars"}},
        {"image_features": {"cars"}},
        {"training_dataset": {None}},
        {"dataset_audit": {None}},
    ]


def test_what_a_command_made_is_not_made_again(automation):
    """`cic run` beside a sensor that is on: parents and children are all new at the next tick."""
    automation.made("raw_images", "1", *KEYS)
    follow(automation, "1")
    for asset in ("raw_images", "image_hashes", "deduped_images", "resized_images", "image_features"):
        automation.made(asset, "2", *KEYS)
    for asset in ("duplicates", "training_dataset", "dataset_audit", "vgg_model", "peetz_net_model", "xception_model"):
        automation.made(asset, "2")
    automation.made("evaluation_report", "2")
    assert automation.tick() == {}


def test_a_new_model_is_reported_on(automation):
    automation.made("raw_images", "1", *KEYS)
    follow(automation, "1")
    for model in ("vgg_model", "peetz_net_model", "xception_model"):
        automation.made(model, "1")
    assert names(follow(automation, "1")) == {"evaluation_report"}


@pytest.mark.parametrize("name", ["daily_rescrape", "takedown_check"])
def test_a_tick_starts_one_run_a_source_and_each_once(world, automation, name):
    schedule = automation.definitions.resolve_schedule_def(name)
    moment = datetime(2026, 11, 22, 5, tzinfo=UTC)
    keys = []
    for _ in range(2):
        context = build_schedule_context(
            instance=automation.instance,
            scheduled_execution_time=moment,
            repository_def=automation.definitions.get_repository_def(),
        )
        requests = schedule.evaluate_tick(context).run_requests
        assert [request.partition_key for request in requests] == list(
            load_problem(world.environment.problem).partitions
        )
        keys.append([request.run_key for request in requests])
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 3


@pytest.fixture
def scheduled_training(automation, tmp_path):
    """What a tick of the schedule gives."""
    schedule = automation.definitions.resolve_schedule_def("scheduled_training")
    (tmp_path / "home").mkdir()
    with (
        DagsterInstance.local_temp(str(tmp_path / "home")) as instance,  # it sees one on a disk only
        build_schedule_context(
            instance=instance,
            scheduled_execution_time=datetime(2026, 11, 22, 6, tzinfo=UTC),
            repository_def=automation.definitions.get_repository_def(),
            resources={name: automation.definitions.resources[name] for name in ("data", "weights")},
        ) as context,
    ):
        yield lambda: schedule.evaluate_tick(context)


def test_scheduled_training_says_why_not(scheduled_training):
    tick = scheduled_training()
    assert tick.run_requests == []
    assert tick.skip_message == "there is no data set yet"


def test_scheduled_training_starts_one_run_that_says_why(scheduled_training, automation, world):
    info = DatasetInfo(name="three", classes=["car", "tank", "boat"], class_weights={}, counts={}, side=72, version="1")
    write_json(world.root.dataset / "dataset.json", info.model_dump())
    pd.DataFrame({"sha256": ["a"]}).to_parquet(str(world.root.dataset / MANIFEST))
    for split in Split:
        for file in (f"{split}.npy", f"{split}_labels.npy"):
            (world.root.dataset / file).touch()
    tick = scheduled_training()
    (request,) = tick.run_requests
    assert automation.definitions.resolve_schedule_def("scheduled_training").job_name == "train_all"
    assert request.run_key == "2026-11-22T06:00"
    assert request.tags["cic/reason"] == "vgg was not trained yet (so with peetz_net and xception)"
    assert [key.to_user_string() for key in request.asset_selection] == [
        "vgg_model",
        "peetz_net_model",
        "xception_model",
    ]
    assert tick.skip_message is None
