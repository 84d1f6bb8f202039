"""Sources of pictures - subreddits, folders, lists, dumps, Kaggle, open collections - and one scrape of one of them."""

from cic_assets.domain.sources.commons import CategoryInfo, existing_categories
from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.guard import TakedownGuard, TakenDownMeanwhileError
from cic_assets.domain.sources.journal import JOURNALS, forget_fetched, remove_journal, remove_refused
from cic_assets.domain.sources.listing import Listing, list_media, request_for
from cic_assets.domain.sources.open_access import NO_CONTACT, OpenAccess, checked_licenses
from cic_assets.domain.sources.open_sources import recheck_open
from cic_assets.domain.sources.origins import archive_origin, is_sample, sample_origin
from cic_assets.domain.sources.posts import POST_COLUMNS, POSTS, forget_posts
from cic_assets.domain.sources.presence import why_missing
from cic_assets.domain.sources.scraping import Connection, Scrape, ask_again, scrape
from cic_assets.domain.sources.source import BACKGROUND, Partition, Source, SourceKind, name_background, name_partitions
from cic_assets.domain.sources.table import COLUMNS, complete_row, empty_table
from cic_assets.domain.sources.tombstones import (
    GONE,
    KEPT_OF_BLANKS,
    TOMBSTONE_COLUMNS,
    TOMBSTONES,
    WHOLE_POST,
    TakedownReason,
    Tombstones,
    blank_row,
    is_blank,
    load_tombstones,
    make_tombstones,
    url_sha256,
)

__all__ = [
    "BACKGROUND", "COLUMNS", "GONE", "JOURNALS", "KEPT_OF_BLANKS", "NO_CONTACT", "POSTS", "POST_COLUMNS", "TOMBSTONES",
    "TOMBSTONE_COLUMNS", "WHOLE_POST", "CategoryInfo", "Connection", "Listing", "OpenAccess", "Partition", "Scrape",
    "Source", "SourceError", "SourceKind", "TakedownGuard", "TakedownReason", "TakenDownMeanwhileError", "Tombstones",
    "archive_origin", "ask_again", "blank_row", "checked_licenses", "complete_row", "empty_table",
    "existing_categories", "forget_fetched", "forget_posts", "is_blank", "is_sample", "list_media", "load_tombstones",
    "make_tombstones", "name_background", "name_partitions", "recheck_open", "remove_journal", "remove_refused",
    "request_for", "sample_origin", "scrape", "url_sha256", "why_missing",
]  # fmt: skip
