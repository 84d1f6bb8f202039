"""A recorded archive, replayed over loopback as Reddit and as every host that its posts link to."""

from cic_assets.web.replay.archive import Archive, ArchiveError, load_archive
from cic_assets.web.replay.server import ReplayServer, replay, serve

__all__ = ["Archive", "ArchiveError", "ReplayServer", "load_archive", "replay", "serve"]
