"""Sources of pictures - subreddits, folders and zips, lists of URLs, dumps, Kaggle - and one scrape of one of them."""

from cic_assets.sources.errors import SourceError
from cic_assets.sources.listing import Listing, list_media
from cic_assets.sources.origins import archive_origin, is_sample, sample_origin
from cic_assets.sources.scraping import Connection, Scrape, scrape
from cic_assets.sources.source import Partition, Source, SourceKind, name_partitions
from cic_assets.sources.table import COLUMNS, empty_table

__all__ = [
    "COLUMNS",
    "Connection",
    "Listing",
    "Partition",
    "Scrape",
    "Source",
    "SourceError",
    "SourceKind",
    "archive_origin",
    "empty_table",
    "is_sample",
    "list_media",
    "name_partitions",
    "sample_origin",
    "scrape",
]
