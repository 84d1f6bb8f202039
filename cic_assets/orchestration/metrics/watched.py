"""What there is to look at: the graph of a problem as it is now, not what earlier ones left in the database."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from dagster import AssetCheckKey, AssetKey, DefaultScheduleStatus, DefaultSensorStatus

from cic_assets.config.environment import Environment
from cic_assets.config.problem import Problem
from cic_assets.config.problem_file import load_problem
from cic_assets.defs.build import build_definitions
from cic_assets.storage import DataRoot


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a schedule is due, and whether it is on where nobody has said otherwise."""

    cron: str
    timezone: str
    is_on: bool


@dataclass(frozen=True, slots=True)
class Watched:
    """A problem whose graph is looked at.

    Attributes:
        problem: as its file has it.
        root: its data root.
        assets: whether each is of one source at a time.
        checks: of these assets.
        jobs: by which they are made.
        schedules: by name.
        sensors: by name, whether each is on where nobody has said otherwise.
    """

    problem: Problem
    root: DataRoot
    assets: Mapping[AssetKey, bool]
    checks: frozenset[AssetCheckKey]
    jobs: frozenset[str]
    schedules: Mapping[str, Schedule]
    sensors: Mapping[str, bool]

    @classmethod
    def of(cls, environment: Environment) -> Self:
        """What an environment names.

        Raises:
            ProblemError: the problem file is not usable.
        """
        problem = load_problem(environment.problem, environment.preset)
        repository = build_definitions(environment).get_repository_def()
        graph = repository.asset_graph
        return cls(
            problem,
            DataRoot(environment.root_url),
            {key: graph.get(key).partitions_def is not None for key in graph.get_all_asset_keys()},
            frozenset(graph.asset_check_keys),
            frozenset(repository.job_names),
            {
                one.name: Schedule(
                    str(one.cron_schedule),
                    one.execution_timezone or "UTC",
                    one.default_status is DefaultScheduleStatus.RUNNING,
                )
                for one in repository.schedule_defs
            },
            {one.name: one.default_status is DefaultSensorStatus.RUNNING for one in repository.sensor_defs},
        )

    def key(self, asset: str) -> AssetKey:
        """The key of an asset."""
        return AssetKey(self.problem.dagster.key(asset))
