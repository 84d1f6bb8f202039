"""The versions of each model: the champion, whose files lie in the model's folder, and the others beside it."""

from cic_assets.domain.models.versions.places import (
    VERSIONS,
    Version,
    champion_folder,
    judged_of,
    judged_version,
    newest_version,
    read_champion,
    read_version,
    trained_folder,
    version_folders,
    versions_of,
)
from cic_assets.domain.models.versions.record import CHAMPION_FILE, Comparison, Decision, Record, read_record
from cic_assets.domain.models.versions.switching import (
    admit,
    change_champion,
    check_whole,
    deciding,
    note,
    prune,
    settle,
)

__all__ = [
    "CHAMPION_FILE", "VERSIONS", "Comparison", "Decision", "Record", "Version", "admit", "champion_folder",
    "change_champion", "check_whole", "deciding", "judged_of", "judged_version", "newest_version", "note", "prune",
    "read_champion", "read_record", "read_version", "settle", "trained_folder", "version_folders", "versions_of",
]  # fmt: skip
