"""What the options of a source mean at Reddit and in dumps: where its posts are listed, and which of them it takes."""

from cic_assets.domain.reddit import Feed, Selection
from cic_assets.domain.sources.periods import bounds
from cic_assets.domain.sources.source import Source, SourceKind


def selection_of(source: Source) -> Selection:
    """Which posts a source takes; all, where it has no such options."""
    if not (source.kind.is_reddit or source.kind is SourceKind.DUMP):
        return Selection()
    since, until = source.option("since"), source.option("until")
    return Selection(
        flair=source.option("flair"),
        since=bounds(since)[0] if since else None,
        until=bounds(until)[1] if until else None,
        stills=source.option("stills") == "true",
    )


def most_posts(source: Source) -> int | None:
    """How many posts a scrape takes at most; None: all that there are."""
    limit = source.option("limit")
    return int(limit) if limit else None


def feed_of(source: Source) -> Feed:
    """Where Reddit lists the posts of a source."""
    search = source.option("search") if source.kind is SourceKind.SUBREDDIT else ""
    return Feed(str(source.kind), source.value, search)
