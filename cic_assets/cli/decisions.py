"""`cic decide`: what a picture is of, and which two are one, by a person's word."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cic_assets.cli.options import claim, data_root_of, data_root_option, environment_of, problem_of, problem_option

if TYPE_CHECKING:
    from cic_assets.config.environment import Environment
    from cic_assets.config.problem import Problem
    from cic_assets.domain.overrides import Decision, Different, Picture, Said, Same


def _digits(_context: click.Context, _argument: click.Parameter, written: str | None) -> str | None:
    from cic_assets.domain.overrides import OverridesError, digits_of

    try:
        return None if written is None else digits_of(written)
    except OverridesError as error:
        raise click.BadParameter(str(error)) from None


_by_option = click.option("--by", default=None, metavar="NAME", help="who decides; the user of this machine")


@click.group()
def decide() -> None:
    """Say what a picture is of, whatever its source says; `cic run` builds the data set with it.

    It is kept in overrides.yaml beside the problem file, and holds for the picture's copies too. SHA256 may be its
    first digits, eight or more, as the report shows them.
    """


@decide.command()
@click.argument("sha256", callback=_digits)
@click.argument("klass", metavar="CLASS")
@_by_option
@problem_option
@data_root_option
def label(sha256: str, klass: str, by: str | None, problem: Path | None, data_root: str | None) -> None:
    """A picture is of CLASS; of one under two classes, CLASS is right."""
    from cic_assets.domain.overrides import Label

    environment = environment_of(problem=problem, data_root=data_root)
    asked = problem_of(environment)
    if klass not in asked.classes:
        raise click.UsageError(f"there is no class {klass!r}: expected one of {', '.join(asked.classes)}")
    picture = _picture(environment, asked, sha256)
    _tell(_decided(asked, Label(picture.sha256, klass), by, picture), "Written in", asked)


@decide.command()
@click.argument("sha256", callback=_digits)
@_by_option
@problem_option
@data_root_option
def leave_out(sha256: str, by: str | None, problem: Path | None, data_root: str | None) -> None:
    """A picture is of no class, and never in the data set; its tables and files stay."""
    from cic_assets.domain.overrides import LeaveOut

    environment = environment_of(problem=problem, data_root=data_root)
    asked = problem_of(environment)
    picture = _picture(environment, asked, sha256)
    _tell(_decided(asked, LeaveOut(picture.sha256), by, picture), "Written in", asked)


@decide.command()
@click.argument("one", metavar="SHA256", callback=_digits)
@click.argument("other", metavar="SHA256", callback=_digits)
@_by_option
@problem_option
@data_root_option
def same(one: str, other: str, by: str | None, problem: Path | None, data_root: str | None) -> None:
    """Two pictures are one, whatever the measures say."""
    from cic_assets.domain.overrides import Same

    _decide_pair(Same, (one, other), by, environment_of(problem=problem, data_root=data_root))


@decide.command()
@click.argument("one", metavar="SHA256", callback=_digits)
@click.argument("other", metavar="SHA256", callback=_digits)
@_by_option
@problem_option
@data_root_option
def different(one: str, other: str, by: str | None, problem: Path | None, data_root: str | None) -> None:
    """Two pictures are not one, whatever the measures say."""
    from cic_assets.domain.overrides import Different

    _decide_pair(Different, (one, other), by, environment_of(problem=problem, data_root=data_root))


@decide.command()
@click.argument("sha256", required=False, callback=_digits)
@problem_option
@data_root_option
def undo(sha256: str | None, problem: Path | None, data_root: str | None) -> None:
    """Take back the latest decision that was made by `cic`, about one picture where it is named."""
    from cic_assets.domain.overrides import Undo
    from cic_assets.storage import claimed_by

    environment = environment_of(problem=problem, data_root=data_root)
    asked, root = problem_of(environment), data_root_of(environment)
    if claimed_by(root):
        claim(root, asked, environment)
    _tell(_decided(asked, Undo(sha256)), "Taken back in", asked)


def _picture(environment: "Environment", problem: "Problem", digits: str) -> "Picture":
    """One of the problem's own: what is decided stands beside its file, and no other follows it."""
    from cic_assets.domain.overrides import OverridesError, find_picture

    root = data_root_of(environment)
    try:
        found = find_picture(root, digits)
    except OverridesError as error:
        raise click.ClickException(str(error)) from None
    claim(root, problem, environment)
    return found


def _decided(
    problem: "Problem", decision: "Decision", by: str | None = None, picture: "Picture | None" = None
) -> "Said":
    from cic_assets.domain.overrides import OverridesError, decide
    from cic_assets.domain.people import user_name

    try:
        return decide(
            problem.duplicates.overrides,
            decision,
            by=by or user_name(),
            at=datetime.now(UTC),
            classes=problem.class_names,
            copies=picture.copies if picture else (),
        )
    except OverridesError as error:
        raise click.ClickException(str(error)) from None


def _decide_pair(
    kind: "type[Same | Different]", digits: tuple[str, str], by: str | None, environment: "Environment"
) -> None:
    asked = problem_of(environment)
    one, other = (_picture(environment, asked, name).sha256 for name in digits)
    _tell(_decided(asked, kind(one, other), by), "Written in", asked)


def _tell(said: "Said", done: str, problem: "Problem") -> None:
    from cic_assets.domain.overrides import in_words

    click.echo(f"{done} {problem.duplicates.overrides}: {in_words(said)}; `cic run` follows it")
