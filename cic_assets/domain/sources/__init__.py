"""Sources of pictures - subreddits, folders and zips, lists of URLs, dumps, Kaggle - and one scrape of one of them."""

from cic_assets.domain.sources.errors import SourceError
from cic_assets.domain.sources.guard import TakedownGuard, TakenDownMeanwhileError
from cic_assets.domain.sources.journal import JOURNALS, forget_fetched, remove_journal, remove_refused
from cic_assets.domain.sources.listing import Listing, list_media, request_for
from cic_assets.domain.sources.origins import archive_origin, is_sample, sample_origin
from cic_assets.domain.sources.presence import why_missing
from cic_assets.domain.sources.scraping import Connection, Scrape, ask_again, scrape
from cic_assets.domain.sources.source import Partition, Source, SourceKind, name_partitions
from cic_assets.domain.sources.table import COLUMNS, complete_row, empty_table
from cic_assets.domain.sources.tombstones import (
    GONE,
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
    "COLUMNS", "GONE", "JOURNALS", "TOMBSTONES", "TOMBSTONE_COLUMNS", "WHOLE_POST", "Connection", "Listing",
    "Partition", "Scrape", "Source", "SourceError", "SourceKind", "TakedownGuard", "TakedownReason",
    "TakenDownMeanwhileError", "Tombstones", "archive_origin", "ask_again", "blank_row", "complete_row", "empty_table",
    "forget_fetched", "is_blank", "is_sample", "list_media", "load_tombstones", "make_tombstones", "name_partitions",
    "remove_journal", "remove_refused", "request_for", "sample_origin", "scrape", "url_sha256", "why_missing",
]  # fmt: skip
