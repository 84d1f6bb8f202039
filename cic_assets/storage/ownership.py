"""Whose a data root is: two problems in one would write over each other's tables and models."""

from pathlib import Path

from cic_assets.storage.atomic import create_json, read_json, write_json
from cic_assets.storage.data_root import DataRoot
from cic_assets.storage.root_format import mark_new

CLAIM_FILE = "problem.json"


class OwnershipError(ValueError):
    """A data root is that of another problem; the message names both and what to do."""


def claimed_by(root: DataRoot) -> Path | None:
    """The problem file whose data root it is, where it was when it last ran; None where it is nobody's."""
    record = root.path / CLAIM_FILE
    return Path(read_json(record)["file"]) if record.exists() else None


def claim_root(root: DataRoot, name: str, file: Path) -> None:
    """Make a data root that of a problem. One that was renamed, or whose file was moved, is still the same.

    Args:
        root: nobody's, or this problem's.
        name: of the problem.
        file: in which it is written down.

    Raises:
        OwnershipError: it is another's: neither the name nor the file is the same.
    """
    record, own = root.path / CLAIM_FILE, {"name": name, "file": str(file.resolve())}
    if create_json(record, own):
        mark_new(root)
        return
    found = read_json(record)
    if found["name"] != name and found["file"] != own["file"]:
        raise OwnershipError(
            f"the data root {root.path} holds what {found['file']} ({found['name']}) made, not {file} ({name}): name "
            f"that one by --problem, or give each its own by --data-root (or remove {record} if it is the same problem "
            "under a new name and place)"
        )
    if found != own:
        write_json(record, own)
