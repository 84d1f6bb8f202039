"""Sources of pictures - subreddits, folders and zips, lists of URLs, dumps, Kaggle - and one scrape of one of them."""

from cic_assets.sources.errors import SourceError
from cic_assets.sources.listing import Listing, list_media
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
    "empty_table",
    "list_media",
    "name_partitions",
    "scrape",
]
