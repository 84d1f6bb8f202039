"""Where pictures come from, as the column `origin` says it, and which of them may stand in one table."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from cic_assets.domain.media import Medium
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.options import without_filters
from cic_assets.domain.sources.source import Partition

_SAMPLE = "sample:"
_ARCHIVE = "archive:"
_NEVER_MIXED = ("r/", "u/", "user/", "openverse:")
"""How sources begin that do not list all that they have."""


def sample_origin(version: str) -> str:
    """The origin of the drawn pictures of one version of the sample."""
    return f"{_SAMPLE}{version}"


def is_sample(origin: str) -> bool:
    """Whether pictures of this origin are drawn; versions were not named in older tables."""
    return f"{origin}:".startswith(_SAMPLE)


def archive_origin(folder: Path) -> str:
    """The origin of what an archive replays."""
    return f"{_ARCHIVE}{folder.resolve()}"


def carried_over(
    table: pd.DataFrame, partition: Partition, origin: str, media: Iterable[Medium], name: str
) -> pd.DataFrame:
    """The rows of an earlier table that a scrape may go on from.

    Another version of the sample has other pictures, so its rows go. An archive that has a post of the table is the one
    that it came from, even if it was moved or recorded again.

    Args:
        table: the earlier one.
        partition: the source that is scraped.
        origin: where its pictures come from now.
        media: what it offers now.
        name: of the table, for the message.

    Raises:
        SourceError: it holds pictures of another origin, or what a subreddit or a search no longer lists would be
            mixed with the pictures of another source.
    """
    if is_sample(origin) and all(map(is_sample, table["origin"].unique())):
        table = table[table["origin"] == origin]
    offered = [medium.post_id for medium in media]
    if _are_archives({origin, *table["origin"].unique()}) and table["post_id"].isin(offered).any():
        table = table.assign(origin=origin)
    _refuse_others(set(table["origin"].unique()) - {origin}, origin, name)
    source = str(partition.source.canonical)
    # What a source of Reddit takes of its posts, its rows are judged by anew.
    known = set(table["source"].unique())
    same = {other for other in known if without_filters(other) == without_filters(source)}
    others = known - {source, ""} - (same if partition.source.kind.is_reddit else set())
    if not partition.source.kind.lists_all or any(other.startswith(_NEVER_MIXED) for other in others):
        _refuse_others(others, source, name)
    return table


def _are_archives(origins: Iterable[str]) -> bool:
    return all(origin.startswith(_ARCHIVE) for origin in origins)


def _refuse_others(others: set[str], this: str, name: str) -> None:
    if others:
        raise SourceError(
            f"{name} holds pictures from {', '.join(sorted(others))}, which are not mixed with those from {this}: "
            "use another data root, or remove that table"
        )
