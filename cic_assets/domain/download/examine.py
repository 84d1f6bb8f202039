"""From a body to a verdict, and to a file in the store: the work for which downloads have threads."""

import zlib
from dataclasses import dataclass

from cic_assets.domain.download.budget import DecodingBudget
from cic_assets.domain.download.placeholders import known_placeholder
from cic_assets.domain.download.results import FetchError, nothing_unforeseen
from cic_assets.domain.download.settings import DownloadSettings
from cic_assets.domain.images import Header, Inspection, inspect, inspect_header
from cic_assets.domain.media import Outcome
from cic_assets.storage import ContentStore, sha256_hex

_WINDOW_BITS = {"gzip": 31, "x-gzip": 31, "deflate": 47}
"""zlib's `wbits` for each Content-Encoding: gzip's header; zlib's or gzip's, whichever is there."""


@dataclass(frozen=True, slots=True)
class ValidatedImage:
    """A picture that is in the store.

    Attributes:
        sha256: of its bytes.
        format: a key of `cic_assets.storage.EXTENSIONS`.
        width: in pixels, as displayed.
        height: in pixels, as displayed.
        bytes: its length.
    """

    sha256: str
    format: str
    width: int
    height: int
    bytes: int


class ImageValidator:
    """Looks into bodies and keeps the pictures among them. Meant to be called from several threads."""

    def __init__(self, store: ContentStore, settings: DownloadSettings) -> None:
        self._store = store
        self._settings = settings
        self._decoding = DecodingBudget(settings.max_decoding_bytes_in_flight)

    def keep(self, body: bytes, encoding: str = "") -> ValidatedImage:
        """Put a body into the store, if it is a picture within the limits.

        Args:
            body: as it came.
            encoding: the Content-Encoding header; none is asked for, some hosts send one anyway.

        Raises:
            FetchError: it is no picture to keep.
            OSError: the store cannot be written to.
        """
        with nothing_unforeseen():
            # zlib makes room for its output by doubling it.
            with self._decoding.claim(2 * self._settings.max_bytes if encoding else 0):
                data = unpacked(body, encoding, self._settings.max_bytes)
            refuse_placeholder(data, self._settings)
            header = self._inspected(data)
        sha256 = self._store.put(data, header.format)
        return ValidatedImage(sha256, header.format, header.width, header.height, len(data))

    def _inspected(self, data: bytes) -> Header:
        found = inspect_header(data, self._settings.limits)
        if found.header and found.outcome is not Outcome.TOO_LARGE:
            with self._decoding.claim(found.header.inspecting_bytes):
                found = self._proven(data, found)
        if found.outcome is not Outcome.OK or found.header is None:
            raise FetchError(found.outcome, found.reason)
        return found.header

    def _proven(self, data: bytes, found: Inspection) -> Inspection:
        try:
            return inspect(data, self._settings.limits, by_header=found)
        except MemoryError:
            raise FetchError(Outcome.ERROR, "no memory was left to decode it", transient=True) from None


def refuse_placeholder(data: bytes, settings: DownloadSettings) -> None:
    """Raise a `placeholder` failure for pictures that are known to stand for a removed one."""
    host = known_placeholder(data)
    if host is not None:
        raise FetchError(Outcome.PLACEHOLDER, f"{host}'s picture for removed ones")
    if settings.placeholders and sha256_hex(data) in settings.placeholders:
        raise FetchError(Outcome.PLACEHOLDER, "a picture that is marked as a placeholder")


def unpacked(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """A body without its Content-Encoding, unpacked no further than `max_bytes`.

    Raises:
        FetchError: `too_large`, `truncated`, or `not_an_image` for an encoding that we do not read.
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding not in _WINDOW_BITS:
        raise FetchError(Outcome.NOT_AN_IMAGE, f"packed as {encoding[:40]!r}, which was not asked for")
    unpacker = zlib.decompressobj(_WINDOW_BITS[encoding])
    try:
        data = unpacker.decompress(body, max_bytes + 1)
    except zlib.error as error:
        raise FetchError(Outcome.NOT_AN_IMAGE, f"said to be packed as {encoding}, but is not: {error}") from error
    if len(data) > max_bytes:
        raise FetchError(Outcome.TOO_LARGE, f"more than {max_bytes} bytes when unpacked")
    if not unpacker.eof:
        raise FetchError(Outcome.TRUNCATED, f"ends inside the {encoding} packing")
    return data
