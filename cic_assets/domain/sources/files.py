"""Files that are here already, in a folder or a zip archive: named, stamped, and read into the store."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from cic_assets.domain.download import (
    Download,
    DownloadSettings,
    FetchError,
    ImageValidator,
    Progress,
    large_blocks_returned,
)
from cic_assets.domain.media import Outcome
from cic_assets.engine import Threads
from cic_assets.storage import ContentStore


@dataclass(frozen=True)
class LocalFile:
    """One file.

    Attributes:
        url: the `media_url` of its row.
        size: in bytes, as announced.
        stamp: another one when the content is another; kept in the row's `etag`.
        read: gives the bytes, at most so many and one more; raises `FetchError` or OSError.
    """

    url: str
    size: int
    stamp: str
    read: Callable[[int], bytes]


def is_hidden(name: str) -> bool:
    """Whether a relative path is what systems leave beside pictures: `.DS_Store`, `__MACOSX/`, and their like."""
    parts = PurePosixPath(name).parts
    return any((part.startswith(".") and part != "..") or part == "__MACOSX" for part in parts)


def is_unchanged(file: LocalFile | None, before: Download) -> bool:
    """Whether what an earlier scrape says of a medium still holds; for media that are no files it always does."""
    return file is None or before.etag == file.stamp


def read_files(
    files: Sequence[LocalFile], store: ContentStore, settings: DownloadSettings, on_progress: Callable[[str], None]
) -> dict[str, Download]:
    """Put the pictures among some files into the store; what became of each, by its URL.

    Raises:
        OSError: the store cannot be written to. A file that cannot be read has an outcome of its own.
    """
    validator = ImageValidator(store, settings)
    progress = Progress(total=len(files), unit="files")
    with large_blocks_returned():
        results = Threads(settings.workers).map(lambda file: _read(file, validator, settings.max_bytes), files)
        return {result.url: result for result in _counted(results, progress, on_progress)}


def _counted(results: Iterable[Download], progress: Progress, on_progress: Callable[[str], None]) -> Iterable[Download]:
    started = time.monotonic()
    for result in results:
        progress.count(result, time.monotonic() - started)
        on_progress(str(progress))
        yield result


def _read(file: LocalFile, validator: ImageValidator, most: int) -> Download:
    unread = Download(url=file.url, outcome=Outcome.ERROR, bytes=file.size, etag=file.stamp)
    try:
        kept = validator.keep(_body(file, most))
    except FetchError as failure:
        return replace(unread, outcome=failure.outcome, reason=failure.reason)
    return replace(
        unread,
        outcome=Outcome.OK,
        sha256=kept.sha256,
        format=kept.format,
        width=kept.width,
        height=kept.height,
        bytes=kept.bytes,
        final_url=file.url,
    )


def _body(file: LocalFile, most: int) -> bytes:
    if file.size > most:
        raise FetchError(Outcome.TOO_LARGE, f"{file.size} bytes, more than {most}")
    try:
        data = file.read(most)
    except OSError as error:
        raise FetchError(Outcome.ERROR, f"cannot be read ({error.strerror or error})") from error
    if len(data) > most:
        raise FetchError(Outcome.TOO_LARGE, f"more than {most} bytes")
    return data
