"""`cic purge`: take-downs by hand."""

import re
from typing import TYPE_CHECKING

import click

from cic_assets.cli.options import data_root_of, data_root_option, environment_of

if TYPE_CHECKING:
    from cic_assets.storage import DataRoot

_REBUILT = "`cic run` rebuilds what they were in"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@click.command()
@click.option("--post", "posts", multiple=True, metavar="ID", help="as raw_images has it; may be given again")
@click.option("--sha256", "sha256s", multiple=True, metavar="HEX", help="a picture, under whatever post it is or comes")
@click.option("--source", default=None, metavar="KEY", help="where lists or folders have several items of one name")
@click.option("--whole-source", default=None, metavar="KEY", help="all of one that the problem names no more")
@click.option("--missing", default=None, metavar="KEY", help="what Reddit left out of a source when it was last asked")
@data_root_option
def purge(
    posts: tuple[str, ...],
    sha256s: tuple[str, ...],
    source: str | None,
    whole_source: str | None,
    missing: str | None,
    data_root: str | None,
) -> None:
    """Remove posts, pictures or a source from everywhere under the data root.

    Posts and pictures stay away for good, also where a run is at work: it does again what had them in it. A source
    comes back where the problem names it again, and what was missing where Reddit has it again.
    """
    from cic_assets.domain.takedowns import PurgeError

    _check_options(posts, sha256s, source, whole_source, missing)
    root = data_root_of(environment_of(data_root=data_root))
    try:
        if whole_source is not None:
            said = _purge_source(root, whole_source)
        else:
            said = _purge_posts(root, posts, sha256s, source, missing)
    except PurgeError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{said}; {_REBUILT}")


def _check_options(
    posts: tuple[str, ...], sha256s: tuple[str, ...], source: str | None, whole_source: str | None, missing: str | None
) -> None:
    for name, value in (("--whole-source", whole_source), ("--missing", missing)):
        if value is not None and (posts or sha256s or source or {whole_source, missing} - {value, None}):
            raise click.UsageError(f"{name} goes without --post, --sha256, --source or another KEY")
    if not posts and not sha256s and whole_source is None and missing is None:
        raise click.UsageError("nothing to purge: give --post ID, --sha256 HEX, --whole-source KEY or --missing KEY")
    for sha256 in sha256s:
        if not _SHA256.fullmatch(sha256):
            raise click.UsageError(f"--sha256 {sha256}: expected a picture's 64 digits, 0 to 9 and a to f")


def _purge_source(root: "DataRoot", key: str) -> str:
    from cic_assets.domain.takedowns import remove_source

    _refuse_named(root, key)
    removed = remove_source(root, key, _say)
    kept = f", {removed.kept} kept because another source has them too" if removed.kept else ""
    return f"Removed {removed.key}: {removed.pictures} pictures{kept}"


def _purge_posts(
    root: "DataRoot", posts: tuple[str, ...], sha256s: tuple[str, ...], source: str | None, missing: str | None
) -> str:
    from cic_assets.domain.takedowns import purge, purge_missing

    if missing is not None:
        done = purge_missing(root, missing, on_progress=_say)
    else:
        done = purge(root, posts, sha256s, source=source, on_progress=_say)
    kept = f", {done.kept} kept because another post has them too" if done.kept else ""
    return f"Purged {done.posts} posts and {done.pictures} pictures{kept}"


def _refuse_named(root: "DataRoot", key: str) -> None:
    """A source that is still named may hold what cannot be scraped again: a subreddit lists its newest posts only."""
    from cic_assets.config.problem_file import ProblemError, load_problem
    from cic_assets.storage import claimed_by

    file = claimed_by(root)
    if file is None or not root.has_table("raw_images", key):
        return
    try:
        partition = load_problem(file).partitions.get(key)
    except ProblemError as error:
        raise click.ClickException(f"{error}: it has to be known that {key} is no source any more") from None
    # Another source may have come under the same name: it waits for this table to go.
    if partition and str(partition.source.canonical) in set(root.read_table("raw_images", key)["source"]):
        raise click.ClickException(f"{key} is a source of {file}: take it out there first")


def _say(line: str) -> None:
    click.echo(line, err=True)
