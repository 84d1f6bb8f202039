"""A recorded archive, replayed over loopback as Reddit and as every host that its posts link to."""

from cic_assets.web.replay.archive import Archive, ArchiveError, load_archive
from cic_assets.web.replay.embedded import SAMPLE_ARCHIVE, SAMPLE_CARD, copy_pictures, sample_version
from cic_assets.web.replay.recording import Recording, record
from cic_assets.web.replay.server import ReplayServer, replay, serve

__all__ = [
    "SAMPLE_ARCHIVE", "SAMPLE_CARD", "Archive", "ArchiveError", "Recording", "ReplayServer", "copy_pictures",
    "load_archive", "record", "replay", "sample_version", "serve",
]  # fmt: skip
