"""What the UI loads: a code location a problem."""

from collections.abc import Mapping
from pathlib import Path

import yaml


def write_workspace(home: Path, problems: Mapping[str, Path | None]) -> Path:
    """Write what the UI loads into a home; returns the file's path.

    Args:
        home: the folder of the instance.
        problems: the problem file of each code location by its name; None for what the environment names.
    """
    path = home / "workspace.yaml"
    entries = [_location(home, name, problem) for name, problem in problems.items()]
    path.write_text(yaml.safe_dump({"load_from": entries}), encoding="utf-8")
    return path


def _location(home: Path, name: str, problem: Path | None) -> dict[str, dict[str, str]]:
    named = {"attribute": "defs", "location_name": name}
    if problem is None:
        return {"python_module": {"module_name": "cic_assets.definitions", **named}}
    # Dagster gives all locations one environment: which problem one is of stands in a file.
    file = home / "locations" / f"{name}.py"
    file.parent.mkdir(exist_ok=True)
    file.write_text(_LOCATION.format(problem=str(problem.resolve())), encoding="utf-8")
    return {"python_file": {"relative_path": str(file), **named}}


_LOCATION = """# Written by `cic dev`.
from pathlib import Path

from cic_assets.config.environment import Environment
from cic_assets.defs.build import build_definitions

defs = build_definitions(Environment.from_variables().of_problem(Path({problem!r})))
"""
