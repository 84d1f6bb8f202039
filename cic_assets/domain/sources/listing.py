"""What each kind of source offers: media, and the files that hold them where they are here already."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from cic_assets.domain.download import FetchRequest
from cic_assets.domain.media import Medium
from cic_assets.domain.reddit import Known, Post, RedditSettings, direct_picture, media_of, read_listings
from cic_assets.domain.sources.dumps import dump_media
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.files import LocalFile
from cic_assets.domain.sources.folders import folder_media
from cic_assets.domain.sources.kaggle import kaggle_media
from cic_assets.domain.sources.lists import list_of_urls
from cic_assets.domain.sources.open_access import OpenAccess
from cic_assets.domain.sources.open_sources import open_media
from cic_assets.domain.sources.presence import why_missing
from cic_assets.domain.sources.selections import feed_of, most_posts, selection_of
from cic_assets.domain.sources.source import Partition, SourceKind

if TYPE_CHECKING:
    from praw import Reddit


@dataclass(frozen=True)
class Listing:
    """What a source offers now.

    Attributes:
        media: in the source's own order.
        posts: what Reddit sent; None where nothing of it is to be kept.
        is_whole: of Reddit: all listings were read, and not only what is new in them.
        files: by `media_url`, where the bytes are here already: of folders, zip archives and data sets of Kaggle.
    """

    media: list[Medium]
    files: Mapping[str, LocalFile] = field(default_factory=dict)
    posts: Sequence[Post] | None = None
    is_whole: bool = True


def request_for(medium: Medium) -> FetchRequest:
    """How the picture of a medium is asked for: itself where its page shows just one."""
    return FetchRequest(
        url=medium.media_url,
        asked_url=medium.asked_url or direct_picture(medium.media_url),
        fallback_url=medium.fallback_url,
    )


def list_media(
    partition: Partition,
    settings: RedditSettings,
    reddit: "Reddit | None",
    on_progress: Callable[[str], None],
    access: OpenAccess | None = None,
    known: Known = Known(),  # noqa: B008 - nothing changes it
) -> Listing:
    """All media that a source offers, or, where that is enough, what is new in it.

    Args:
        partition: which source, and its name in the tables.
        settings: of Reddit: listings and filters, for subreddits and dumps.
        reddit: connected client; needed for what Reddit is asked for.
        on_progress: called with a line now and then.
        access: how open sources are asked; needed for them alone.
        known: posts of Reddit that are here.

    Raises:
        SourceError: a file or folder is missing or is not what it should be, or an open source has no answer.
        RedditError: Reddit cannot list it; the message says what to do.
    """
    if why := why_missing(partition.source):
        raise SourceError(why)
    path = Path(partition.source.value)
    match partition.source.kind:
        case SourceKind.SUBREDDIT | SourceKind.USER | SourceKind.MULTIREDDIT:
            return _posts(partition, settings, reddit, on_progress, known)
        case SourceKind.FOLDER:
            return Listing(*folder_media(path, partition.key))
        case SourceKind.URLS:
            return Listing(list(list_of_urls(path, partition.key)))
        case SourceKind.DUMP:
            return Listing(list(dump_media(partition, settings, on_progress)))
        case SourceKind.KAGGLE:
            return Listing(*kaggle_media(partition.source.value, partition.key, on_progress))
        case SourceKind.COMMONS | SourceKind.INATURALIST | SourceKind.OPENVERSE:
            return Listing(open_media(partition, _needed(access, partition), on_progress))


def _posts(
    partition: Partition,
    settings: RedditSettings,
    reddit: "Reddit | None",
    on_progress: Callable[[str], None],
    known: Known,
) -> Listing:
    source, selection = partition.source, selection_of(partition.source)
    if reddit is None:
        raise SourceError(f"{source}: needs a connection to Reddit or to an archive")
    posts, is_whole = read_listings(
        reddit,
        feed_of(source),
        settings,
        lambda listing, posts: on_progress(f"{source}: {posts} posts, reading {listing}"),
        takes=selection.takes,
        most=most_posts(source),
        known=known,
    )
    media = [media_of(post, settings, subreddit=partition.key, selection=selection) for post in posts]
    together = [one for of_post in media for one in of_post]
    return Listing(together, posts=posts if settings.keep_json else None, is_whole=is_whole)


def _needed(access: OpenAccess | None, partition: Partition) -> OpenAccess:
    if access is None:
        raise SourceError(f"{partition.source}: needs a connection to its site or to an archive")
    return access
