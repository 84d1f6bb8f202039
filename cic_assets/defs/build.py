"""Puts the graph together for one problem and one environment."""

from dagster import AssetKey, AssetsDefinition, Definitions

from cic_assets.config.dagster_settings import DagsterSettings
from cic_assets.config.environment import Environment
from cic_assets.config.problem_file import load_problem
from cic_assets.defs.asset_checks import build_checks
from cic_assets.defs.assets import build_assets
from cic_assets.defs.executors import executor_of
from cic_assets.defs.jobs import build_jobs
from cic_assets.defs.loggers import loggers_of
from cic_assets.defs.resources import build_resources
from cic_assets.defs.schedules import build_schedules
from cic_assets.defs.sensors import build_sensors


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
        sensors=build_sensors(problem, environment.alerts, environment.sensor_seconds),
        resources=build_resources(environment),
        loggers=loggers_of(environment),
        executor=executor_of(environment),
    )


def _prefixed(asset: AssetsDefinition, settings: DagsterSettings) -> AssetsDefinition:
    """An asset or a check with the prefix of its problem before its own key and the keys that it depends on.

    Its step keeps its short name: what the launchpad and messages show.
    """
    before = {dep.asset_key for spec in asset.specs for dep in spec.deps}
    keys = {*asset.keys, *before, *(check.asset_key for check in asset.check_specs)}
    return asset.with_attributes(asset_key_replacements={key: AssetKey(settings.key(key.path[-1])) for key in keys})
