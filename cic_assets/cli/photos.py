"""`cic demo --photos`: the demo's question asked of photographs of Wikimedia Commons, where it can be reached."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click

from cic_assets.cli.options import environment_as_set

PHOTOS = Path("data/demo-photos")
"""Where its data root is unless another is given."""


def photos_demo(archive: str, data_root: str | None) -> dict[str, Any] | None:
    """What the environment of the demo with photographs is, its problem file written; None where there are none.

    Args:
        archive: a recording to replay in place of Commons; empty: Commons itself.
        data_root: that was asked for.

    Raises:
        click.ClickException: nobody says who runs this.
    """
    from cic_assets.config.photos import CATEGORIES, why_no_photos, write_photos_problem
    from cic_assets.domain.download import Network
    from cic_assets.domain.sources import NO_CONTACT, OpenAccess, SourceError, existing_categories
    from cic_assets.web.replay import ArchiveError, replay

    environment = environment_as_set()
    if not environment.contact:
        raise click.ClickException(f"Wikimedia Commons {NO_CONTACT}")
    names = [name for some in CATEGORIES.values() for name in some]
    try:
        with replay(archive) if archive else nullcontext() as server:
            network = Network.replay("127.0.0.1", server.port) if server else Network.public(environment.proxy)
            found = existing_categories(OpenAccess(network, environment.contact), names)
        why = why_no_photos(found)
    except SourceError as error:
        found, why = {}, str(error)
    except ArchiveError as error:
        raise click.ClickException(str(error)) from None
    if why:
        click.echo(
            f"No photographs of Wikimedia Commons: {why}. The drawn pictures are taken in their place.", err=True
        )
        return None
    root = data_root or str(PHOTOS)
    problem = (PHOTOS if "://" in root else Path(root)) / "problem.yaml"
    write_photos_problem(problem, found)
    return {"problem": problem, "archive": archive, "data_root": root}
