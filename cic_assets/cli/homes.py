"""Problems that one Dagster instance records: where it is, and whether they can be told apart there."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cic_assets.cli.options import claim, data_root_of, environment_of, problem_of
from cic_assets.config.environment import Environment

if TYPE_CHECKING:
    from cic_assets.config.problem import Problem

Shown = Sequence[tuple[Environment, "Problem"]]

problems_option = click.option(
    "--problem",
    "problems",
    type=click.Path(dir_okay=False, path_type=Path),
    multiple=True,
    metavar="FILE",
    help="the question; given again: several in one UI  [env var: CIC_PROBLEM]",
)


def environments_of(problems: Sequence[Path], data_root: str | None, **options: Any) -> list[Environment]:
    """The environment of each problem, the first of which is put where other processes see it.

    Raises:
        click.UsageError: several problems were given one data root.
        click.ClickException: a variable has a value that it cannot have.
    """
    if len(problems) > 1 and data_root:
        raise click.UsageError("--data-root (CIC_DATA_ROOT) is of one problem: of several, each has its own")
    first, *others = problems or (None,)
    environment = environment_of(problem=first, data_root=data_root, **options)
    return [environment, *map(environment.of_problem, filter(None, others))]


def shown_together(environments: Sequence[Environment]) -> Shown:
    """Each with its problem.

    Raises:
        click.ClickException: a problem is not usable, or two of them would have the same assets.
    """
    shown = [(environment, problem_of(environment)) for environment in environments]
    prefix, times = Counter(problem.dagster.asset_prefix for _, problem in shown).most_common(1)[0]
    if times > 1:
        files = [str(environment.problem) for environment, problem in shown if problem.dagster.asset_prefix == prefix]
        raise click.ClickException(
            f"{' and '.join(files)} have the same dagster.asset_prefix, {prefix!r}: in one UI each needs its own"
        )
    return shown


def home_of_all(shown: Shown) -> Path:
    """The Dagster home of some problems, made where there is none.

    Raises:
        click.ClickException: they have several, or a data root is another problem's.
    """
    from cic_assets.orchestration.instance import ensure_home

    homes: dict[Path, Path] = {}
    for environment, problem in shown:
        root = data_root_of(environment)
        claim(root, problem, environment)
        homes[ensure_home(root, problem.dagster)] = environment.problem
    if len(homes) > 1:
        places = ", ".join(f"{file} in {home}" for home, file in homes.items())
        raise click.ClickException(
            f"these problems record their runs in different folders ({places}): give all the same dagster.home, or set "
            "DAGSTER_HOME, for `cic run` too"
        )
    return next(iter(homes))
