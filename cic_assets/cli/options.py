"""Options that are environment variables too, and what commands make of them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from cic_assets.config.environment import SAMPLE, Environment, EnvironmentVariableError

if TYPE_CHECKING:
    from cic_assets.config.problem import Problem
    from cic_assets.storage import DataRoot


def _option(name: str, *flags: str, **kwargs: Any) -> Callable[[Any], Any]:
    """An option that is also an environment variable, with the words of `Environment`."""
    field = Environment.model_fields[name]
    given: dict[str, Any] = {"envvar": str(field.title), "show_envvar": True, "help": field.description, **kwargs}
    return click.option(*flags, name, **given)


data_root_option = _option("data_root", "--data-root", default=None, metavar="FOLDER|URL")
token_option = _option("token", "--token", default=None, metavar="TOKEN")
precision_option = click.option(
    "--precision",
    type=click.Choice(["float32", "float16", "int8"]),  # models.FULL and PRECISIONS: other commands do without models
    default="float32",
    show_default=True,
    help="of the model; others than the first where the problem file has them made (prediction: precisions)",
)
problem_option = _option("problem", "--problem", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE")
archive_option = _option("archive", "--archive", metavar="DIR")
preset_option = _option("preset", "--preset", metavar="NAME")
# The variable is read by `Environment`, so that a wrong one is the same error in every command.
device_option = _option(
    "device", "--device", type=click.Choice(get_args(Environment.model_fields["device"].annotation)), envvar=None
)


def environment_of(**options: Any) -> Environment:
    """The environment with the options of a command over it; also put where other processes see it.

    Raises:
        click.ClickException: a variable has a value that it cannot have.
    """
    given = {name: value for name, value in options.items() if value is not None}
    environment = environment_as_set().model_copy(update=given)
    os.environ.update(environment.variables())
    return environment


def environment_as_set() -> Environment:
    """The environment as a person set it.

    Raises:
        click.ClickException: a variable has a value that it cannot have.
    """
    try:
        return Environment.from_variables()
    except EnvironmentVariableError as error:
        raise click.ClickException(str(error)) from None


def data_root_of(environment: Environment) -> "DataRoot":
    """The data root that a command was given.

    Raises:
        click.ClickException: it is a URL of no known kind, or of a newer version.
    """
    from cic_assets.storage import DataRoot, DataRootError, refuse_newer

    try:
        root = DataRoot(environment.root_url)
        refuse_newer(root)
    except DataRootError as error:
        raise click.ClickException(str(error)) from None
    return root


def problem_of(environment: Environment) -> "Problem":
    """The problem that a command was given.

    Raises:
        click.UsageError: it has no such preset.
        click.ClickException: its file is not usable.
    """
    from cic_assets.config.problem_file import PresetError, ProblemError, load_problem

    try:
        return load_problem(environment.problem, environment.preset)
    except PresetError as error:
        raise click.UsageError(str(error)) from None
    except ProblemError as error:
        raise click.ClickException(str(error)) from None


def claim(root: "DataRoot", problem: "Problem", environment: Environment) -> None:
    """Make a data root that of a problem.

    Raises:
        click.ClickException: it is that of another.
    """
    from cic_assets.storage import OwnershipError, claim_root

    try:
        claim_root(root, problem.name, environment.problem)
    except OwnershipError as error:
        raise click.ClickException(str(error)) from None


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
