"""Bytes, tables and versions under a data root, on a disk or an object store. No knowledge of what they mean."""

from cic_assets.storage.atomic import (
    create_array,
    is_local,
    local_directory,
    locked,
    new_folder,
    read_json,
    remove_abandoned_directories,
    sync_file_system,
    write_atomically,
    write_json,
)
from cic_assets.storage.content_store import EXTENSIONS, ContentStore, sha256_hex
from cic_assets.storage.data_root import DataRoot, DataRootError, MissingTableError
from cic_assets.storage.locks import FolderLock, Lock
from cic_assets.storage.ownership import OwnershipError, claim_root, claimed_by
from cic_assets.storage.text import storable_text
from cic_assets.storage.versions import content_version

__all__ = [
    "EXTENSIONS", "ContentStore", "DataRoot", "DataRootError", "FolderLock", "Lock", "MissingTableError",
    "OwnershipError", "claim_root", "claimed_by", "content_version", "create_array", "is_local", "local_directory",
    "locked", "new_folder", "read_json", "remove_abandoned_directories", "sha256_hex", "storable_text",
    "sync_file_system", "write_atomically", "write_json",
]  # fmt: skip
