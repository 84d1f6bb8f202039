"""Bytes, tables and versions under a data root, on a disk or an object store. No knowledge of what they mean."""

from cic_assets.storage.atomic import (
    create_array,
    create_json,
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
from cic_assets.storage.data_root import (
    DataRoot,
    DataRootError,
    MissingTableError,
    write_parquet,
    write_parquet_atomically,
    write_parquet_if_new,
)
from cic_assets.storage.file_state import ASK_AGAIN_SECONDS, FileState
from cic_assets.storage.lease import LeaseLostError
from cic_assets.storage.locks import FolderLock, Lock
from cic_assets.storage.object_store import ObjectStoreError, path_of
from cic_assets.storage.object_store import refusal as refusal_of_bucket
from cic_assets.storage.ownership import OwnershipError, claim_root, claimed_by
from cic_assets.storage.root_format import FORMAT, Step, migrate_root, refuse_newer
from cic_assets.storage.sharded_store import Publishing, ShardedStore
from cic_assets.storage.table_rows import edit_rows, rows_naming
from cic_assets.storage.text import storable_text
from cic_assets.storage.versions import InOrder, content_version

__all__ = [
    "ASK_AGAIN_SECONDS", "EXTENSIONS", "FORMAT", "ContentStore", "DataRoot", "DataRootError", "FileState",
    "FolderLock", "InOrder", "LeaseLostError", "Lock", "MissingTableError", "ObjectStoreError", "OwnershipError",
    "Publishing", "ShardedStore", "Step", "claim_root", "claimed_by", "content_version", "create_array",
    "create_json", "edit_rows", "is_local", "local_directory", "locked", "migrate_root", "new_folder", "path_of",
    "read_json", "refusal_of_bucket", "refuse_newer", "remove_abandoned_directories", "rows_naming", "sha256_hex",
    "storable_text",
    "sync_file_system", "write_atomically", "write_json", "write_parquet", "write_parquet_atomically",
    "write_parquet_if_new",
]  # fmt: skip
