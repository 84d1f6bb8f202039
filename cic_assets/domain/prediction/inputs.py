"""Pictures to classify: from files, from folders, and from URLs, which are fetched as safely as scraped ones."""

import glob
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cic_assets.domain.media import Outcome
from cic_assets.storage import EXTENSIONS, ContentStore, path_of

if TYPE_CHECKING:
    from cic_assets.domain.download import Network

SUFFIXES = frozenset({*EXTENSIONS.values(), ".jpeg", ".tiff", ".jfif", ".heif"})
"""Files of a folder that are looked at; a file that is named on its own is looked at whatever its name."""

_EXPECTED = f"expected {', '.join(sorted(SUFFIXES))}"
NO_PICTURE = f"not a picture by its name: {_EXPECTED}"

MAX_BYTES = 100 * 2**20
"""Of a file; the largest pictures that cameras make have about half of it."""

_SYSTEM_FILES = frozenset({"thumbs.db", "desktop.ini", "__macosx"})


class Input(NamedTuple):
    """One picture to classify: its bytes, or why there are none.

    `skipped` where nobody asked about it: another file beside pictures in a folder.
    """

    path: str
    data: bytes | None = None
    error: str | None = None
    skipped: bool = False


Unread = Callable[[], Input]
"""A picture that is known of, and read when it is called: on whatever thread, and when there is room for it."""


def read_inputs(sources: Iterable[str | Input], network: "Network | None" = None) -> Iterator[Input]:
    """The pictures that `sources` name, one after another, as `find_inputs` finds them."""
    return (read() for read in find_inputs(sources, network))


def find_inputs(sources: Iterable[str | Input], network: "Network | None" = None) -> Iterator[Unread]:
    """Find the pictures that `sources` name; a folder gives the pictures in it, in order of their names.

    Other files in a folder are reported, hidden ones are not looked at: systems put theirs everywhere.

    Args:
        sources: files, folders, patterns of them such as `photos/*.jpg`, http(s) URLs, and what was read already.
        network: which hosts may be reached; the public internet unless given.
    """
    for source in sources:
        if isinstance(source, Input):
            yield partial(_same, source)
        elif "://" in source:
            yield partial(_fetch, source, network)
        else:
            yield from _find_path(Path(source))


def count_inputs(sources: Iterable[str]) -> Iterator[int]:
    """Count what `find_inputs` finds: numbers that grow, of which the last is all of them.

    Nothing is opened or sorted: it takes a fraction of the time of finding them, and no more memory for more of them.
    """
    return (number for number, _ in enumerate(chain.from_iterable(map(_each_of, sources)), 1))


def _each_of(source: str) -> Iterator[object]:
    """Something for each picture of a source."""
    path = Path(source)
    if "://" in source or not glob.has_magic(source) or os.path.lexists(source):
        yield from _each_below(path) if path.is_dir() else [path]
        return
    matches = glob.iglob(source, recursive=True)  # noqa: PTH207 - as `_find_pattern`
    for found in chain([next(matches, source)], matches):
        yield from _each_below(Path(found)) if Path(found).is_dir() else [found]


def _each_below(folder: Path) -> Iterator[object]:
    waiting = [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if _is_hidden(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif entry.is_file():
                    yield entry


def _same(item: Input) -> Input:
    return item


def _failed(path: Path, error: str, *, skipped: bool = False) -> Unread:
    return partial(Input, str(path), error=error, skipped=skipped)


def _find_path(path: Path) -> Iterator[Unread]:
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and glob.has_magic(str(path)):
            yield from _find_pattern(path)
        else:
            yield _failed(path, f"cannot be read: {error.strerror}")
    except ValueError as error:  # a null byte, which no path has
        yield _failed(path, f"is no path: {error}")
    else:
        yield from _find_in(path) if is_folder else [partial(read_file, path)]


def _find_pattern(pattern: Path) -> Iterator[Unread]:
    """What a pattern matches; shells do so themselves, up to the length of a command."""
    found = sorted(glob.glob(str(pattern), recursive=True))  # noqa: PTH207 - absolute ones too
    if not found:
        yield _failed(pattern, "cannot be read: nothing matches this pattern")
    for path in found:
        yield from _find_path(Path(path))


def _find_in(folder: Path) -> Iterator[Unread]:
    if not any(is_picture_by_name(file) for file in files_in(folder)):
        yield _failed(folder, f"no pictures in this folder: {_EXPECTED}")
    for file in files_in(folder):
        if is_picture_by_name(file):
            yield partial(read_file, file)
        else:
            yield _failed(file, NO_PICTURE, skipped=True)


def files_in(folder: Path) -> Iterator[Path]:
    """All files below a folder in order of their names, one folder's names at a time: there may be millions of them."""
    try:
        with os.scandir(folder) as entries:
            shown = sorted((entry for entry in entries if not _is_hidden(entry.name)), key=lambda entry: entry.name)
    except OSError:  # it went, or is not ours to read
        return
    for entry in shown:
        if entry.is_dir(follow_symlinks=False):
            yield from files_in(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


def is_picture_by_name(file: Path) -> bool:
    """Whether a file of a folder is looked at."""
    return file.suffix.lower() in SUFFIXES


def _is_hidden(name: str) -> bool:
    return name.startswith(".") or name.lower() in _SYSTEM_FILES


def read_file(path: Path) -> Input:
    """The bytes of a file, or why there are none."""
    try:
        # Devices and pipes say that they are empty, and may never end.
        if not stat.S_ISREG(path.stat().st_mode):
            return Input(str(path), error="cannot be read: not a regular file")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        return Input(str(path), error=f"cannot be read: {error.strerror}")
    if len(data) > MAX_BYTES:
        return Input(str(path), error=f"{Outcome.TOO_LARGE}: more than {MAX_BYTES} bytes")
    return Input(str(path), data)


def _fetch(url: str, network: "Network | None") -> Input:
    from cic_assets.domain.download import DownloadSettings, FetchRequest, Network, download

    with tempfile.TemporaryDirectory() as folder:
        store = ContentStore(path_of(folder))
        settings = DownloadSettings.model_validate({"limits": {"min_side": 1}})
        result = download([FetchRequest(url=url)], store=store, network=network or Network.public(), settings=settings)[
            url
        ]
        if result.sha256 is None or result.format is None:
            return Input(url, error=f"{result.outcome}: {result.reason}")
        return Input(url, store.get(result.sha256, result.format))
