"""`cic archive`: recorded archives of subreddits; and `cic sample`: drawn pictures to try things out with."""

import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cic_assets.cli.called import as_called
from cic_assets.cli.options import environment_of, problem_of, problem_option
from cic_assets.cli.progress import Progress

if TYPE_CHECKING:
    from cic_assets.domain.reddit import RedditCredentials

MOST_PICTURES = 150
"""So many pictures of each class are in the embedded sample at least."""


@click.group()
def archive() -> None:
    """Recorded archives of subreddits."""


@archive.command("serve")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", default=8765, show_default=True, help="0 takes any free one")
def serve_archive(directory: Path, port: int) -> None:
    """Replay an archive as Reddit and as the hosts that its posts link to."""
    from cic_assets.web.replay import ArchiveError, serve

    try:
        serve(directory, port, say=click.echo)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from None


@archive.command("record")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@problem_option
def record_archive(directory: Path, problem: Path | None) -> None:
    """Record a problem's subreddits and what their posts link to, with your API key, to be replayed.

    It holds what others posted, and nothing takes it down there: keep it to yourself, and not for long.
    """
    from rich.console import Console

    from cic_assets.domain.download import Network
    from cic_assets.domain.reddit import RedditError, connect
    from cic_assets.domain.sources import SourceKind
    from cic_assets.web.replay import record

    environment = environment_of(problem=problem)
    asked, proxy = problem_of(environment), environment.proxy
    sources = [partition.source for partition in asked.partitions.values()]
    joined = [source.value.split("+") for source in sources if source.kind is SourceKind.SUBREDDIT]
    names = list({name.lower(): name for some in joined for name in some}.values())
    if not names:
        raise click.ClickException(f"{asked.name} has no source r/NAME: expected one to record")
    try:
        with (
            connect(_credentials(), settings=asked.reddit, proxy=proxy) as reddit,
            Progress(Console(stderr=True)) as progress,
        ):
            done = record(
                directory, names, reddit, Network.public(proxy), asked.reddit, asked.download,
                on_progress=_seldom(progress.line),
            )  # fmt: skip
    except RedditError as error:
        raise click.ClickException(str(error)) from None
    lost = ", ".join(f"{count} {outcome}" for outcome, count in sorted(done.lost.items()))
    click.echo(
        f"Recorded {done.posts} posts and {done.files} pictures" + (f"; 404 when replayed: {lost}" if lost else "")
    )
    click.echo(f"Replay it: {as_called()} run --archive {shlex.quote(str(directory))} --data-root DIR")


def _credentials() -> "RedditCredentials":
    from cic_assets.domain.reddit import RedditCredentials

    given = {name: os.environ.get(f"REDDIT_{name.upper()}", "") for name in ("client_id", "client_secret", "username")}
    return RedditCredentials(
        client_id=given["client_id"], client_secret=given["client_secret"] or None, username=given["username"]
    )


def _seldom(say: Callable[[str], None], seconds: float = 2.0) -> Callable[[str], None]:
    """Of many lines one now and then."""
    last = -seconds

    def said(line: str) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            say(line)

    return said


@click.command()
@click.argument("directory", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--count", default=80, show_default=True, type=click.IntRange(1, MOST_PICTURES),
    help=f"pictures of each class; there are {MOST_PICTURES} at most",
)  # fmt: skip
def sample(directory: Path, count: int) -> None:
    """Copy drawn pictures of cars and tanks, a folder of each, to try things out with."""
    from cic_assets.web.replay import copy_pictures

    for klass, copied in copy_pictures(directory, count).items():
        click.echo(f"{directory / klass}: {copied} pictures")
