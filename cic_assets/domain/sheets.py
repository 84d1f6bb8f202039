"""Contact sheets as files under the data root, where take-downs find them: beside each, which pictures it may show."""

from collections.abc import Collection, Iterator

from upath import UPath

from cic_assets.storage import DataRoot, write_atomically


def write_sheet(
    root: DataRoot, name: str, partition: str | None, jpeg: bytes | None, shown: Collection[str] | None
) -> UPath | None:
    """Write a contact sheet in the place of the one before; returns its path, None where there is none.

    Args:
        root: the data root.
        name: of the asset or the check that it belongs to.
        partition: which partition of it; None for an unpartitioned one.
        jpeg: the sheet; None where there is nothing to show.
        shown: SHA-256 of the pictures that it may show, and maybe of others; None where that is not known: such a sheet
            goes with whatever is taken down.
    """
    path = root.sheet_path(name, partition)
    # First, so that a new sheet never stands beside the list of the one before.
    _list_of(path).unlink(missing_ok=True)
    if jpeg is None:
        path.unlink(missing_ok=True)
        return None
    write_atomically(path, jpeg)
    if shown is not None:
        write_atomically(_list_of(path), "".join(f"{sha256}\n" for sha256 in sorted(shown)).encode())
    return path


def remove_sheets_with(root: DataRoot, pictures: Collection[str]) -> None:
    """Remove each sheet that may show one of some pictures, by their SHA-256."""
    gone = set(pictures)
    for path in _sheets(root) if gone else ():
        known = _list_of(path)
        if not known.exists() or gone.intersection(known.read_text().split()):
            path.unlink(missing_ok=True)
            known.unlink(missing_ok=True)


def remove_sheets_of(root: DataRoot, partition: str) -> None:
    """Remove all sheets of one source."""
    for path in _sheets(root):
        if path.stem == partition and path.parent != root.sheets:
            path.unlink(missing_ok=True)
            _list_of(path).unlink(missing_ok=True)


def _sheets(root: DataRoot) -> Iterator[UPath]:
    yield from [*root.sheets.glob("*.jpg"), *root.sheets.glob("*/*.jpg")]


def _list_of(sheet: UPath) -> UPath:
    return sheet.parent / f"{sheet.name}.txt"
