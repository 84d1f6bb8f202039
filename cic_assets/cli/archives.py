"""`cic archive`: recorded archives of subreddits."""

from pathlib import Path

import click


@click.group()
def archive() -> None:
    """Recorded archives of subreddits."""


@archive.command("serve")
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--port", default=8765, show_default=True, help="0 takes any free one")
def serve_archive(directory: Path, port: int) -> None:
    """Replay an archive as Reddit and as the hosts that its posts link to."""
    from cic_assets.reddit import ArchiveError, serve

    try:
        serve(directory, port)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from None
