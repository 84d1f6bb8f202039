"""`cic purge`: take-downs by hand."""

import re

import click

from cic_assets.cli.options import data_root_of, data_root_option, environment_of

_SHA256 = re.compile(r"[0-9a-f]{64}")


@click.command()
@click.option("--post", "posts", multiple=True, metavar="ID", help="as raw_images has it; may be given again")
@click.option("--sha256", "sha256s", multiple=True, metavar="HEX", help="a picture, under whatever post it is or comes")
@click.option("--source", default=None, metavar="KEY", help="where lists or folders have several items of one name")
@data_root_option
def purge(posts: tuple[str, ...], sha256s: tuple[str, ...], source: str | None, data_root: str | None) -> None:
    """Remove posts or pictures from everywhere under the data root, for good."""
    from cic_assets.instance import lock_root
    from cic_assets.takedowns import PurgeError
    from cic_assets.takedowns import purge as purge_from

    if not posts and not sha256s:
        raise click.UsageError("nothing to purge: give --post ID or --sha256 HEX")
    for sha256 in sha256s:
        if not _SHA256.fullmatch(sha256):
            raise click.UsageError(f"--sha256 {sha256}: expected a picture's 64 digits, 0 to 9 and a to f")
    root = data_root_of(environment_of(data_root=data_root))
    try:
        with lock_root(root):
            done = purge_from(root, posts, sha256s, source=source, on_progress=lambda line: click.echo(line, err=True))
    except PurgeError as error:
        raise click.ClickException(str(error)) from None
    kept = f", {done.kept} kept because another post has them too" if done.kept else ""
    click.echo(f"Purged {done.posts} posts and {done.pictures} pictures{kept}; `cic run` rebuilds what they were in")
