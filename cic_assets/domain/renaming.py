"""Settings that had another name once: files and cards that have the old one are still read."""

from collections.abc import Mapping
from typing import Any


class RenamedSettingWarning(FutureWarning):
    """A person wrote a setting under its old name."""


def with_new_names(given: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Settings under the names of today.

    Args:
        given: settings as somebody wrote them.
        renamed: names of today by old ones.

    Raises:
        ValueError: a setting is given under both names.
    """
    for old, new in renamed.items():
        if old in given and new in given:
            raise ValueError(f"{old} is the old name of {new}: found both, expected {new} alone")
    return {renamed.get(name, name): value for name, value in given.items()}
