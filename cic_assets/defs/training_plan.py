"""Which models to train again, by what lies under the data root and by what Dagster recorded."""

from dagster import AssetKey, DagsterInstance

from cic_assets.config.problem import Problem
from cic_assets.defs.assets.training import build_assets
from cic_assets.domain.dataset import DECIDED
from cic_assets.domain.retraining import TrainingPlan, plan_training
from cic_assets.storage import DataRoot


def plan_of(problem: Problem, root: DataRoot, instance: DagsterInstance, *, has_weights: bool) -> TrainingPlan:
    """The plan for all models of a problem.

    Args:
        problem: its models, and how far the data set must have grown.
        root: the data root.
        instance: knows in which way each was trained.
        has_weights: there are pretrained weights for those that need some.
    """
    return plan_training(
        root.dataset,
        {name: root.model(name) for name in problem.models},
        problem.routine.train_after_growth,
        has_weights=has_weights,
        changed=_changed(problem, instance),
        decided=_decided(root),
    )


def _decided(root: DataRoot) -> set[str]:
    table = root.read_table_if_whole(DECIDED)
    return set() if table is None else set(table["sha256"])


def _changed(problem: Problem, instance: DagsterInstance) -> set[str]:
    """Models that were trained with another code version, which holds their settings too, than they have now."""
    of_today = {
        name: spec.code_version
        for name, asset in zip(problem.models, build_assets(problem), strict=True)
        for spec in asset.specs
    }
    keys = {name: AssetKey(problem.dagster.key(f"{name}_model")) for name in of_today}
    recorded = instance.get_latest_materialization_code_versions(list(keys.values()))
    return {name for name, key in keys.items() if recorded[key] not in (None, of_today[name])}
