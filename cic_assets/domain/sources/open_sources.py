"""Open sources by their kind: what each offers, and whether what is kept of it is still there."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from cic_assets.domain.media import Medium
from cic_assets.domain.pacing import Allowance
from cic_assets.domain.reddit import CheckedPost
from cic_assets.domain.sources.commons import commons_media, recheck_commons
from cic_assets.domain.sources.inaturalist import MOST_BYTES_A_DAY, inaturalist_media, recheck_inaturalist
from cic_assets.domain.sources.open_access import OpenAccess
from cic_assets.domain.sources.openverse import openverse_media, recheck_openverse
from cic_assets.domain.sources.source import Partition, SourceKind


class _Site(NamedTuple):
    """One site: how it is listed, and how it is asked again."""

    media: Callable[[Partition, OpenAccess, Callable[[str], None]], list[Medium]]
    recheck: Callable[[OpenAccess, Collection[str]], dict[str, CheckedPost]]


_SITES: Mapping[SourceKind, _Site] = {
    SourceKind.COMMONS: _Site(commons_media, recheck_commons),
    SourceKind.INATURALIST: _Site(inaturalist_media, recheck_inaturalist),
    SourceKind.OPENVERSE: _Site(openverse_media, recheck_openverse),
}


def open_media(partition: Partition, access: OpenAccess, on_progress: Callable[[str], None]) -> list[Medium]:
    """What an open source offers.

    Raises:
        SourceError: it cannot be asked, or has no such thing.
    """
    return _SITES[partition.source.kind].media(partition, access, on_progress)


def recheck_open(kind: SourceKind, access: OpenAccess, ids: Collection[str]) -> dict[str, CheckedPost]:
    """Which of the kept items of an open source are still there, by their ids.

    The first of them alone where a site takes no more questions.

    Raises:
        SourceError: it cannot be asked.
    """
    return _SITES[kind].recheck(access, ids)


def bytes_allowance(kind: SourceKind, access: OpenAccess) -> Allowance | None:
    """How many bytes of pictures may be fetched of a source's site in a day; None where nobody says."""
    return access.allowance("inaturalist-bytes", MOST_BYTES_A_DAY) if kind is SourceKind.INATURALIST else None
