"""Pictures to classify: from files, from folders, and from URLs, which are fetched as safely as scraped ones."""

import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from upath import UPath

from cic_assets.domain.media import Outcome
from cic_assets.storage import EXTENSIONS, ContentStore

if TYPE_CHECKING:
    from cic_assets.domain.download import Network

SUFFIXES = frozenset({*EXTENSIONS.values(), ".jpeg", ".tiff", ".jfif", ".heif"})
"""Files of a folder that are looked at; a file that is named on its own is looked at whatever its name."""

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


def read_inputs(sources: Sequence[str], network: "Network | None" = None) -> Iterator[Input]:
    """The pictures that `sources` name, one after another; a folder gives the pictures in it, in order of their names.

    Other files in a folder are reported, hidden ones are not looked at: systems put theirs everywhere.

    Args:
        sources: files, folders and http(s) URLs.
        network: which hosts may be reached; the public internet unless given.
    """
    for source in sources:
        if "://" in source:
            yield _fetch(source, network)
        else:
            yield from _read_path(Path(source))


def _read_path(path: Path) -> Iterator[Input]:
    try:
        is_folder = stat.S_ISDIR(path.stat().st_mode)
    except OSError as error:
        yield Input(str(path), error=f"cannot be read: {error.strerror}")
    except ValueError as error:  # a null byte, which no path has
        yield Input(str(path), error=f"is no path: {error}")
    else:
        yield from _read_folder(path) if is_folder else [_read_file(path)]


def _read_folder(folder: Path) -> Iterator[Input]:
    files = sorted(file for file in folder.rglob("*") if file.is_file() and not _is_hidden(file.relative_to(folder)))
    expected = f"expected {', '.join(sorted(SUFFIXES))}"
    if not any(_is_picture_by_name(file) for file in files):
        yield Input(str(folder), error=f"no pictures in this folder: {expected}")
    for file in files:
        if _is_picture_by_name(file):
            yield _read_file(file)
        else:
            yield Input(str(file), error=f"not a picture by its name: {expected}", skipped=True)


def _is_picture_by_name(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part.lower() in _SYSTEM_FILES for part in path.parts)


def _read_file(path: Path) -> Input:
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
        store = ContentStore(UPath(folder))
        settings = DownloadSettings.model_validate({"limits": {"min_side": 1}})
        result = download([FetchRequest(url=url)], store=store, network=network or Network.public(), settings=settings)[
            url
        ]
        if result.sha256 is None or result.format is None:
            return Input(url, error=f"{result.outcome}: {result.reason}")
        return Input(url, store.get(result.sha256, result.format))
