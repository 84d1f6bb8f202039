"""A folder as one zip file."""

import zipfile
from pathlib import Path

ZIP = ".zip"

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that zip knows: equal exports are equal files."""


def zip_folder(folder: Path, target: Path) -> Path:
    """Put all files of a folder into a zip file, in the order of their names; returns it.

    Pictures are stored as they are, as they do not get smaller; the rest is compressed.
    """
    with zipfile.ZipFile(target, "w") as archive:
        for path in sorted(item for item in folder.rglob("*") if item.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_STORED if path.suffix == ".jpg" else zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as into:
                while chunk := source.read(1 << 20):
                    into.write(chunk)
    return target
