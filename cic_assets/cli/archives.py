"""`cic archive`: recorded archives of subreddits; and `cic sample`: drawn pictures to try things out with."""

from pathlib import Path

import click

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


@click.command()
@click.argument("directory", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--count",
    default=80,
    show_default=True,
    type=click.IntRange(1, MOST_PICTURES),
    help=f"pictures of each class; there are {MOST_PICTURES} at most",
)
def sample(directory: Path, count: int) -> None:
    """Copy drawn pictures of cars and tanks, a folder of each, to try things out with."""
    from cic_assets.web.replay import copy_pictures

    for klass, copied in copy_pictures(directory, count).items():
        click.echo(f"{directory / klass}: {copied} pictures")
