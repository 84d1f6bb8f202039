"""What must be true of a trained model before anything is made from it."""

from typing import Any

from dagster import AssetCheckResult, AssetChecksDefinition, AssetCheckSeverity, asset_check

from cic_assets.config.problem import Problem
from cic_assets.defs.resources import DataRootResource
from cic_assets.domain.champions import ChampionError, find_version
from cic_assets.domain.models import Decision, ModelError, check_whole, read_champion, read_record


def build_checks(problem: Problem) -> list[AssetChecksDefinition]:
    """`promoted`, of each model."""
    return [_promoted(name) for name in problem.models]


def _promoted(name: str) -> AssetChecksDefinition:
    @asset_check(
        asset=f"{name}_model",
        name="promoted",
        blocking=True,
        description="The version that was trained last answers. Where it does not, the champion still does, and all "
        "that is made from the model goes on with that: a warning. What stops is a champion that is not whole.",
    )
    def promoted(data: DataRootResource) -> AssetCheckResult:
        folder = data.root.model(name)
        try:
            champion = find_version(data.root, name)
            read_champion(folder, check_whole)
        except (ChampionError, ModelError, FileNotFoundError) as error:
            return AssetCheckResult(passed=False, severity=AssetCheckSeverity.ERROR, description=str(error))
        decision = next((one for one in reversed(read_record(folder).decisions) if not one.by_hand), None)
        passed = decision is None or decision.version == champion.id
        return AssetCheckResult(
            passed=passed,
            severity=AssetCheckSeverity.WARN,
            description=None if decision is None else _words(decision, champion.id),
            metadata={"champion": champion.id, **(_numbers(decision) if decision else {})},
        )

    return promoted


def _words(decision: Decision, champion: str) -> str:
    answers = "answers" if decision.version == champion else f"does not answer, {champion} does"
    return f"version {decision.version} {answers}: {decision.reason}"


def _numbers(decision: Decision) -> dict[str, Any]:
    found = decision.comparison
    numbers = (
        {}
        if found is None
        else {
            "pictures": found.pictures,
            "units": found.units,
            "champion right": found.first_right,
            "new version right": found.second_right,
            "right by the champion alone": found.only_first,
            "right by the new version alone": found.only_second,
            "difference": found.difference,
            "difference, at least": found.difference_ci[0],
            "difference, at most": found.difference_ci[1],
            "p-value": found.p_value,
            "cost over the champion's": found.cost,
        }
    )
    return {"trained last": decision.version, "why": decision.reason, **numbers}
