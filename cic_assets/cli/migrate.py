"""`cic migrate`: what an earlier version made, brought to the newest format."""

from pathlib import Path

import click

from cic_assets.cli.options import (
    data_root_of,
    data_root_option,
    environment_of,
    preset_option,
    problem_of,
    problem_option,
)


@click.command()
@problem_option
@data_root_option
@preset_option
def migrate(problem: Path | None, data_root: str | None, preset: str | None) -> None:
    """Bring a data root and Dagster's tables to the format of this version; call it after an upgrade.

    Make a copy first. Stopped in the middle, call it again.
    """
    environment = environment_of(problem=problem, data_root=data_root, preset=preset)
    root, settings = data_root_of(environment), problem_of(environment).dagster
    # Dagster takes seconds to import.
    from cic_assets.orchestration.migration import migrate as migrate_all

    migrate_all(root, settings, lambda line: click.echo(line, err=True))
