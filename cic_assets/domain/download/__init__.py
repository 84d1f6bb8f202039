"""Fetching pictures from hosts nobody vouches for: complete, fast, polite, and without harm.

What goes in are URLs; what comes out is a `Download` for each, and the bytes of the pictures in a `ContentStore`.
Nothing here knows of posts, tables or Dagster.
"""

from cic_assets.domain.download.budget import large_blocks_returned
from cic_assets.domain.download.downloader import download
from cic_assets.domain.download.examine import ImageValidator, ValidatedImage
from cic_assets.domain.download.network import Network, require_proxy
from cic_assets.domain.download.results import Download, FetchError, FetchRequest, Progress
from cic_assets.domain.download.settings import DownloadSettings, default_user_agent

__all__ = [
    "Download", "DownloadSettings", "FetchError", "FetchRequest", "ImageValidator", "Network", "Progress",
    "ValidatedImage", "default_user_agent", "download", "large_blocks_returned",
    "require_proxy",
]  # fmt: skip
