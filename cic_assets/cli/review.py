"""`cic review`: a page on which a person decides what the program is unsure of."""

import signal
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cic_assets.cli.options import (
    claim,
    data_root_of,
    data_root_option,
    environment_of,
    problem_of,
    problem_option,
    token_option,
)
from cic_assets.web.listening import REVIEW_PORT
from cic_assets.web.ports import url_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cic_assets.config.environment import Environment
    from cic_assets.domain.review import Problem as Asked
    from cic_assets.storage import DataRoot
    from cic_assets.web.listening import Listening
    from cic_assets.web.review import ReviewSite


@click.command()
@problem_option
@data_root_option
@click.option(
    "--by",
    default=None,
    metavar="NAME",
    help="who decides where a browser does not say; without a token the user of this machine",
)
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="address to listen at; this machine only unless told"
)
@click.option("--port", default=REVIEW_PORT, show_default=True, help="of the page")
@token_option
@click.option("--open", "opens", is_flag=True, help="show it in the browser")
def review(
    problem: Path | None, data_root: str | None, by: str | None, host: str, port: int, token: str | None, opens: bool
) -> None:
    """A page to decide what the program is unsure of: a key a picture.

    Copies near the limit, pictures under two classes, likely label errors, pictures of no class, answers that people
    called wrong. What is decided is written to overrides.yaml beside the problem file, and `cic run` follows it. It
    listens for others only with a token, and then for browsers at /review?token=TOKEN.
    """
    from cic_assets.domain.review import ReviewError
    from cic_assets.web.listening import Listening, is_loopback
    from cic_assets.web.review import OTHERS_RATE, serve_review

    # uvicorn raises the signal that ended it once more: who is told to end and does so has not failed.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    environment = environment_of(problem=problem, data_root=data_root, token=token)
    settings = Listening(host, port, environment.token, 0 if is_loopback(host) else OTHERS_RATE)
    if mistake := settings.mistake():
        raise click.UsageError(mistake)
    root = data_root_of(environment)
    site = _site_of(environment, root, settings, by)
    url = f"{url_of(host, port)}/review"

    def tell() -> None:
        click.echo(f"Look and decide at {url}{'?token=…' if settings.token else ''} (Ctrl+C ends it)")
        if opens:
            webbrowser.open(f"{url}?token={settings.token}" if settings.token else url)

    try:
        serve_review(site, settings, anew=_or_why_not(lambda: _site_of(environment, root, settings, by)), on_start=tell)
    except ReviewError as error:
        raise click.ClickException(str(error)) from None


def asked_of(environment: "Environment", root: "DataRoot") -> "Asked":
    """The problem whose decisions are made, as the page needs it.

    Raises:
        click.ClickException: the data root is another problem's, or nothing was scraped there.
    """
    from upath import UPath

    from cic_assets.domain.review import Problem as Asked
    from cic_assets.storage import FileState, claimed_by

    file = FileState(UPath(environment.problem))
    read = file.now()  # before it is read: what is written meanwhile is seen
    problem = problem_of(environment)
    if claimed_by(root):
        claim(root, problem, environment)
    if not root.table_partitions("image_hashes"):
        raise click.ClickException(f"there is nothing to look at under {root.url} yet: `cic run` first")
    return Asked(problem.classes_by_key, problem.class_names, problem.duplicates, lambda: file.now() == read)


def review_site(environment: "Environment", root: "DataRoot", settings: "Listening", *, named: bool) -> "ReviewSite":
    """The same page for another server.

    Args:
        environment: of its command.
        root: that it serves.
        settings: where it listens.
        named: the command was told which problem; else it is the one that the data root says it is of.

    Raises:
        ValueError: nothing can be decided, and why.
    """
    from cic_assets.config.environment import SAMPLE_PROBLEM
    from cic_assets.storage import claimed_by

    owner = claimed_by(root)
    if owner and not named:
        environment = environment.model_copy(update={"problem": owner})
    if environment.problem.resolve() == SAMPLE_PROBLEM.resolve():
        raise ValueError("the demo's problem is part of the program")
    return _or_why_not(lambda: _site_of(environment, root, settings, None))()


def _site_of(environment: "Environment", root: "DataRoot", settings: "Listening", by: str | None) -> "ReviewSite":
    from cic_assets.domain.review import ReviewBook
    from cic_assets.web.review import PATIENCE, ReviewSite

    return ReviewSite(ReviewBook(root, asked_of(environment, root), patience=PATIENCE), settings, by)


def _or_why_not(make: "Callable[[], ReviewSite]") -> "Callable[[], ReviewSite]":
    """The same for a server, which does not end by an error in the problem file."""

    def made() -> "ReviewSite":
        try:
            return make()
        except click.ClickException as error:
            raise ValueError(error.format_message()) from None

    return made
