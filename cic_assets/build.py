"""Puts the graph together for one problem and one environment."""

import os
from typing import TYPE_CHECKING

from dagster import (
    AssetKey,
    AssetsDefinition,
    AssetSelection,
    Definitions,
    EnvVar,
    define_asset_job,
    multiprocess_executor,
)

from cic_assets.assets import build_assets
from cic_assets.automation import build_schedules, build_sensors
from cic_assets.checks import build_checks
from cic_assets.dagster_settings import DagsterSettings
from cic_assets.environment import Environment
from cic_assets.logs import LOGGERS
from cic_assets.problem import load_problem
from cic_assets.resources import AcceleratorResource, DataRootResource, RedditResource, WeightsResource

if TYPE_CHECKING:
    # What `define_asset_job` returns; Dagster does not export its name.
    from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

_EXECUTION = {
    # Decoding takes all cores already: more steps at once than two would only cost memory.
    "max_concurrent": 2,
    # What a step needs is loaded once a run, and each step's process forked from there: alone, each would take seconds
    # to load the graph, and again to load what Dagster keeps its tables with.
    "start_method": {
        "forkserver": {"preload_modules": ["cic_assets.definitions", "dagster._core.storage.sqlite_storage"]}
    },
}


def build_definitions(environment: Environment) -> Definitions:
    """Assets, checks, jobs, schedules and resources.

    Args:
        environment: what is set from outside.

    Raises:
        ProblemError: the problem file is not usable.
    """
    problem = load_problem(environment.problem, environment.preset)
    return Definitions(
        assets=[_prefixed(asset, problem.dagster) for asset in build_assets(problem)],
        asset_checks=[_prefixed(check, problem.dagster).coerce_to_checks_def() for check in build_checks(problem)],
        jobs=build_jobs(problem.dagster),
        schedules=build_schedules(problem),
        sensors=build_sensors(environment.alerts),
        resources=build_resources(environment),
        loggers=LOGGERS,
        executor=multiprocess_executor.configured(_EXECUTION),
    )


def _prefixed(asset: AssetsDefinition, settings: DagsterSettings) -> AssetsDefinition:
    """An asset or a check with the prefix of its problem before its own key and the keys that it depends on.

    Its step keeps its short name: what the launchpad and messages show.
    """
    before = {dep.asset_key for spec in asset.specs for dep in spec.deps}
    keys = {*asset.keys, *before, *(check.asset_key for check in asset.check_specs)}
    return asset.with_attributes(asset_key_replacements={key: AssetKey(settings.key(key.path[-1])) for key in keys})


def build_resources(environment: Environment) -> dict[str, object]:
    """What the steps are given."""
    environment = environment.absolute()
    data = DataRootResource(url=environment.root_url)
    return {
        "data": data,
        "reddit": RedditResource(
            data=data,
            archive=environment.archive,
            client_id=_secret("REDDIT_CLIENT_ID"),
            client_secret=_secret("REDDIT_CLIENT_SECRET"),
            username=_secret("REDDIT_USERNAME"),
        ),
        "weights": WeightsResource(path=environment.xception_weights, allow_random=environment.allow_random_weights),
        "accelerator": AcceleratorResource(device=environment.device),
    }


def _secret(name: str) -> str | EnvVar:
    # An EnvVar that is not set stops every step; ours have a better message for that.
    return EnvVar(name) if os.environ.get(name) else ""


def build_jobs(settings: DagsterSettings) -> "list[UnresolvedAssetJobDefinition]":
    """The jobs that people launch, in the order of the data."""

    def assets(*names: str) -> AssetSelection:
        return AssetSelection.assets(*map(settings.key, names))

    return [
        define_asset_job(
            "check_takedowns",
            assets("takedowns"),
            description="Ask Reddit which posts of a source are gone, and remove what was kept of them.",
        ),
        define_asset_job(
            "rescrape",
            assets("takedowns", "raw_images", "image_hashes"),
            description="Look for take-downs, then scrape a source again: what is new is added, nothing fetched twice.",
        ),
        define_asset_job("find_duplicates", assets("duplicates"), description="Compare the pictures of all sources."),
        define_asset_job(
            "prepare",
            assets("deduped_images", "resized_images"),
            description="Keep one of each picture of a source, and resize it.",
        ),
        define_asset_job(
            "build_dataset",
            assets("training_dataset"),
            description="Split, weigh and pack the pictures.",
        ),
        define_asset_job(
            "train_all", AssetSelection.groups("training"), description="Train every model on the data set."
        ),
        define_asset_job("evaluate", assets("evaluation_report"), description="Write the report of all models."),
        define_asset_job(
            "predict",
            assets("adhoc_predictions"),
            description="Classify pictures with the best model: give paths, folders or URLs in the launchpad.",
        ),
    ]
