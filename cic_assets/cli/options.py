"""Options that are environment variables too, and what commands make of them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cic_assets.environment import SAMPLE, Environment


def _option(name: str, *flags: str, **kwargs: Any) -> Callable[[Any], Any]:
    """An option that is also an environment variable, with the words of `Environment`."""
    field = Environment.model_fields[name]
    return click.option(*flags, name, envvar=str(field.title), show_envvar=True, help=field.description, **kwargs)


data_root_option = _option("data_root", "--data-root", default=None, metavar="FOLDER|URL")
problem_option = _option("problem", "--problem", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
archive_option = _option("archive", "--archive", metavar="DIR")
preset_option = _option("preset", "--preset", metavar="full|demo")


def environment_of(**options: Any) -> Environment:
    """The environment with the options of a command over it; also put where other processes see it."""
    given = {name: value for name, value in options.items() if value is not None}
    environment = Environment.from_variables().model_copy(update=given)
    os.environ.update(environment.variables())
    return environment


def archive_folder(archive: str | None) -> str | None:
    """The absolute path of a recorded archive, or the word that stands for the embedded one.

    Raises:
        click.ClickException: there is no such folder.
    """
    if not archive or archive == SAMPLE:
        return archive
    if not Path(archive).is_dir():
        raise click.ClickException(f"--archive {archive}: there is no such folder: expected a recorded archive")
    return str(Path(archive).resolve())
