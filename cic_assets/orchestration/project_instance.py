"""The instance of Dagster's own commands, such as `dg launch`, where nobody set `DAGSTER_HOME`: that of the problem.

Dagster would record in a folder that it deletes at the end. It configures that one by the `dagster.yaml` of the
working folder, and ours names the class below.
"""

from collections.abc import Mapping
from typing import Any

from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef

from cic_assets.config.environment import Environment, EnvironmentVariableError
from cic_assets.config.problem_file import ProblemError, load_problem
from cic_assets.orchestration.instance import claim_database, ensure_home, make_instance
from cic_assets.storage import DataRoot


class ProjectInstance(DagsterInstance):
    """Stands for the instance of the problem that the environment names: whoever makes one gets that."""

    def __new__(cls, *_parts: Any, **_of_the_folder: Any) -> DagsterInstance:  # type: ignore[misc]
        """The problem's own; in a folder that is deleted where the problem is not usable, which Dagster says itself."""
        try:
            environment = Environment.from_variables()
            problem = load_problem(environment.problem, environment.preset)
        except (EnvironmentVariableError, ProblemError):
            return super().__new__(cls)
        root = DataRoot(environment.root_url)
        instance = make_instance(ensure_home(root, problem.dagster))
        claim_database(instance, root, problem.dagster)
        return instance

    @staticmethod
    def config_schema() -> Mapping[str, Any]:
        """Dagster asks which settings the class has: none."""
        return {}

    @staticmethod
    def config_defaults(base_dir: str) -> Mapping[str, Any]:
        """Dagster asks where things lie unless set otherwise."""
        return InstanceRef.config_defaults(base_dir)
