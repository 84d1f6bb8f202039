"""When an asset is made again by itself, once a person has turned the sensor `follow_new_data` on."""

from collections.abc import Sequence
from typing import Any

from dagster import AssetSelection, AutomationCondition

_BUSY = AutomationCondition.in_progress() | AutomationCondition.will_be_requested()


def on_new_data(*parents: Sequence[str]) -> AutomationCondition[Any]:
    """Something that an asset is made from has other data than before, and nothing before it is at work.

    Being made again with the same data does not count: a scrape that found nothing new starts nothing. With what is two
    steps before at rest, a change that comes by several ways is followed once.

    Args:
        parents: keys of those that count; all unless given.
    """
    changed = AutomationCondition.any_deps_match(AutomationCondition.data_version_changed())
    return _when(changed.allow(AssetSelection.assets(*parents)) if parents else changed)


def after(parent: Sequence[str]) -> AutomationCondition[Any]:
    """Another asset was made again, with other data or not: for what follows from more than its data tells."""
    return _when(
        AutomationCondition.any_deps_match(AutomationCondition.newly_updated()).allow(AssetSelection.assets(parent))
    )


def _when(trigger: AutomationCondition[Any]) -> AutomationCondition[Any]:
    at_rest = ~AutomationCondition.any_deps_match(AutomationCondition.any_deps_match(_BUSY))
    return AutomationCondition.eager().replace("any_deps_updated", trigger) & at_rest
