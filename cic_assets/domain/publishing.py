"""What is written for other programs: a new folder, or one zip file, that is there whole or not at all."""

import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cic_assets.storage import sync_file_system

ZIP = ".zip"

_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The oldest time that zip knows: equal exports are equal files."""


class InUseError(ValueError):
    """A place holds something already; the message says what was expected."""


@contextmanager
def published(out: Path) -> Iterator[Path]:
    """An empty folder whose content is at `out` when the block ends without an error; nothing is there otherwise.

    Args:
        out: a folder that does not exist yet, or is empty; or a file that does not exist yet, ending in .zip, for the
            same in one zip file.

    Raises:
        InUseError: something is there; before the block, or where it came up while it lasted.
    """
    _refuse_what_is_in_use(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        whole = Path(name) / "export"
        whole.mkdir()
        yield whole
        if out.suffix == ZIP:
            whole = _zip_folder(whole, Path(name) / f"export{ZIP}")
        sync_file_system(out.parent)  # all of it is on the disk before it has its name
        _give_name(whole, out)


def _refuse_what_is_in_use(out: Path) -> None:
    if out.suffix == ZIP:
        if out.exists():
            raise InUseError(f"{out} is in use: expected the name of a zip file that does not exist yet")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InUseError(f"{out} is in use: expected a folder that does not exist yet, or is empty")


def _give_name(whole: Path, out: Path) -> None:
    if whole.is_file():
        # A link, unlike a renaming, never takes the place of a file that has come up meanwhile.
        try:
            os.link(whole, out)
        except FileExistsError:
            raise InUseError(f"{out} is in use: it came up while this was written") from None
        except OSError:  # a file system without links
            shutil.move(whole, out)
    else:
        os.replace(whole, out)  # noqa: PTH105 - over an empty folder, which Path.rename does not say it allows


def _zip_folder(folder: Path, target: Path) -> Path:
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
