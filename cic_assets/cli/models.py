"""`cic models`: the versions of each model, which of them answers, and another choice of it."""

import json
from typing import TYPE_CHECKING, Any

import click

from cic_assets.cli.options import data_root_of, data_root_option, environment_of

if TYPE_CHECKING:
    from cic_assets.domain.champions import ListedVersion
    from cic_assets.domain.models import Decision, Version
    from cic_assets.storage import DataRoot

_json_option = click.option("--json", "as_json", is_flag=True, help="the same as JSON")
_reason_option = click.option("--reason", default="", metavar="TEXT", help="why; it is kept with who and when")


@click.group()
def models() -> None:
    """Versions of the trained models: list, compare, choose which of them answers.

    Each training leaves a version. The champion of a model is the one that answers; a new version takes its place where
    a test on the same pictures allows it.
    """


@models.command("list")
@data_root_option
@_json_option
def list_(data_root: str | None, as_json: bool) -> None:
    """Every version of every model, the newest first; * is the one that answers."""
    from cic_assets.domain.champions import list_versions
    from cic_assets.domain.models import ModelError

    root = data_root_of(environment_of(data_root=data_root))
    try:
        found = list_versions(root)
    except ModelError as error:
        raise click.ClickException(str(error)) from None
    if not found:
        raise click.ClickException(f"no trained model in {root.url}: train one first, with `cic run` or `cic demo`")
    if as_json:
        click.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
    else:
        _print(found)


@models.command()
@click.argument("first", metavar="MODEL[@VERSION]")
@click.argument("second", metavar="MODEL[@VERSION]")
@data_root_option
@_json_option
def compare(first: str, second: str, data_root: str | None, as_json: bool) -> None:
    """Compare two versions, or models, on the test pictures that neither has learned from.

    A model without a version is its champion. What one has no answer on, it is asked about.
    """
    from cic_assets.domain.champions import ChampionError, NotComparableError, comparison_words
    from cic_assets.domain.champions import compare as compare_them
    from cic_assets.domain.models import ModelError

    root = data_root_of(environment_of(data_root=data_root))
    try:
        one, other = _named(root, first), _named(root, second)
        found = compare_them(root, one, other)
    except (ChampionError, NotComparableError, ModelError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from None
    if as_json:
        names = {"first": _as_json(one), "second": _as_json(other)}
        click.echo(json.dumps({**names, **found.model_dump(mode="json")}, indent=2))
        return
    words = comparison_words(found, f"{one.card.name} {one.id}", f"{other.card.name} {other.id}")
    click.echo(f"{words[0].upper()}{words[1:]}.")


@models.command()
@click.argument("model")
@click.argument("version")
@_reason_option
@data_root_option
@_json_option
def promote(model: str, version: str, reason: str, data_root: str | None, as_json: bool) -> None:
    """Make a version the champion, whatever the test said.

    VERSION is its id, or the beginning of it or of its hash. From then on only a version that is shown to be better
    takes its place by itself.
    """
    from cic_assets.domain.champions import ChampionError, promote_by_hand

    root = data_root_of(environment_of(data_root=data_root))
    try:
        decision = promote_by_hand(root, model, version, reason, _say)
    except ChampionError as error:
        raise click.ClickException(str(error)) from None
    _tell(root, model, decision, as_json=as_json)


@models.command()
@click.argument("model")
@_reason_option
@data_root_option
@_json_option
def rollback(model: str, reason: str, data_root: str | None, as_json: bool) -> None:
    """Make the champion before the champion again; done twice, the one before that."""
    from cic_assets.domain.champions import ChampionError, roll_back

    root = data_root_of(environment_of(data_root=data_root))
    try:
        decision = roll_back(root, model, reason, _say)
    except ChampionError as error:
        raise click.ClickException(str(error)) from None
    _tell(root, model, decision, as_json=as_json)


def _named(root: "DataRoot", written: str) -> "Version":
    from cic_assets.domain.champions import find_version

    name, _, version = written.partition("@")
    return find_version(root, name, version or None)


def _as_json(version: "Version") -> dict[str, Any]:
    return {"model": version.card.name, "version": version.id, "champion": version.is_champion}


def _say(line: str) -> None:
    click.echo(line, err=True)


def _tell(root: "DataRoot", model: str, decision: "Decision", *, as_json: bool) -> None:
    from cic_assets.domain.champions import find_version

    if as_json:
        click.echo(json.dumps({"model": model, **decision.model_dump(mode="json")}, indent=2))
    else:
        click.echo(f"{model}: {decision.version} answers from now on, in place of {decision.over}")
    if takedowns := find_version(root, model).card.takedowns:
        click.echo(takedowns.words, err=True)


def _print(found: "list[ListedVersion]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in ("model", "", "version", "trained", "data set", "pictures", "right in its test", "95 % interval",
                   "operations", "why"):  # fmt: skip
        table.add_column(column, overflow="fold", no_wrap=column in ("version", "95 % interval"))
    for one in found:
        low, high = (100 * end for end in one.accuracy_ci)
        gone = f"; {one.taken_down} of its pictures were taken down since" if one.taken_down else ""
        why = one.decision.reason.partition(":")[0] if one.decision else ""
        cells = (
            one.model, "*" if one.champion else "", one.version, (one.trained_at or "")[:16].replace("T", " "),
            one.data_version, f"{one.pictures:,}" if one.pictures else "", f"{one.right:,} of {one.n:,}",
            f"{low:.1f} to {high:.1f} %", f"{one.flops / 1e6:,.0f} M", f"{why}{gone}",
        )  # fmt: skip
        table.add_row(*map(Text, cells), style="bold" if one.champion else "")
    console = Console(highlight=False)
    console.width = max(console.width, 150)  # narrower, a version is cut rather than read
    console.print(table)
