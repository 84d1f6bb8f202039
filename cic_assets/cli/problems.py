"""`cic new`: a question of one's own."""

import shlex
from collections.abc import Sequence

import click

from cic_assets.cli.called import as_called
from cic_assets.config.environment import Environment


@click.command()
@click.argument("name")
@click.option(
    "--class", "given", multiple=True, required=True, metavar="CLASS=SOURCE",
    help="such as cats=r/cats, kittens='r/cats|flair=Kitten', dogs=folder:pictures/dogs, tanks='commons:Tanks|depth=1' "
    "or kites='openverse:red kite' (a search of 240 pictures at most); once for each source of a class",
)  # fmt: skip
@click.option("--question", default="", help="as one would ask it; shown at the top of the report")
def new(name: str, given: tuple[str, ...], question: str) -> None:
    """Write a new problem file, problems/NAME/problem.yaml, and say what to do next."""
    from cic_assets.config.problem_file import ProblemError
    from cic_assets.config.scaffold import write_new_problem

    try:
        path, problem = write_new_problem(name, _classes(given), question)
    except ProblemError as error:
        raise click.ClickException(str(error)) from None
    root = Environment().of_problem(path).root_url
    click.echo(f"Written: {path}, with the classes {', '.join(problem.classes)}. Next:")
    for command in ("run", "dev"):
        click.echo(f"  {as_called()} {command} --preset demo --problem {shlex.quote(str(path))}")
    click.echo("The first takes a first look in minutes, the second shows it in the Dagster UI; without --preset it is")
    click.echo(f"larger and takes longer. Everything that is made lies in {root}")


def _classes(given: Sequence[str]) -> dict[str, list[str]]:
    """The sources of each class, from `CLASS=SOURCE`.

    Raises:
        click.UsageError: one is written in another way.
    """
    classes: dict[str, list[str]] = {}
    for one in given:
        klass, separator, source = one.partition("=")
        if not (klass and separator and source):
            raise click.UsageError(
                f"--class {one}: expected CLASS=SOURCE, such as cats=r/cats or dogs=folder:pictures/dogs"
            )
        classes.setdefault(klass, []).append(source)
    return classes
