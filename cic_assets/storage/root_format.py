"""The format of a data root: a number that says which version of the program may read it, and which steps are due."""

from collections.abc import Callable, Sequence

from cic_assets.storage.atomic import create_json, read_json, write_json
from cic_assets.storage.data_root import DataRoot, DataRootError

FORMAT_FILE = "format.json"

FORMAT = 1
"""What this version writes. It reads all before, so that `cic migrate` is for whoever has time for it."""

Step = Callable[[DataRoot], None]
"""From one format to the next. Killed in the middle, it is done again from its beginning."""


def format_of(root: DataRoot) -> int:
    """The format of a data root; 0 of one from before there were numbers, and of one that nothing is in.

    Raises:
        DataRootError: its file cannot be read.
    """
    record = root.path / FORMAT_FILE
    try:
        return int(read_json(record)["format"])
    except (FileNotFoundError, NotADirectoryError):  # what is no folder, whoever makes folders in it says
        return 0
    except (ValueError, TypeError, LookupError):
        raise DataRootError(
            f'the data root {root.url}: {record} is damaged: expected {{"format": {FORMAT}}}, or the number of the '
            "version that wrote it"
        ) from None


def refuse_newer(root: DataRoot) -> None:
    """Let nobody work on what a newer version made: this one would misread it, or write over what it does not know.

    Raises:
        DataRootError: it is of a newer format.
    """
    found = format_of(root)
    if found > FORMAT:
        raise DataRootError(
            f"the data root {root.url} is of format {found}, and this version of cic-assets knows {FORMAT}: install a "
            "newer one"
        )


def mark_new(root: DataRoot) -> None:
    """Write the format into a data root that nothing is in yet."""
    if not root.table_names():
        create_json(root.path / FORMAT_FILE, {"format": FORMAT})


def migrate_root(root: DataRoot, steps: Sequence[Step], on_line: Callable[[str], None]) -> int:
    """Bring a data root to the newest format; returns how many steps that took.

    Of several that do so at once, the others wait, and find nothing to do.

    Args:
        root: of a format that is known.
        steps: the first from format 0 to 1, and so on.
        on_line: called with a line for each step, and where it is waited.

    Raises:
        DataRootError: it is of a newer format.
    """
    with root.lock.held(on_line):
        first = format_of(root)
        if first > len(steps):
            refuse_newer(root)
        for number in range(first, len(steps)):
            on_line(f"Data root: from format {number} to {number + 1}")
            steps[number](root)
            write_json(root.path / FORMAT_FILE, {"format": number + 1})
        return len(steps) - first
