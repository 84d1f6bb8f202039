"""The dirt of the real web: links that fail in every way there is, and pictures in odd formats. Two tables."""

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import cv2
import numpy as np
from PIL import Image

from cic_assets.domain.images import decode, encode_jpeg

_PAGE = "<!doctype html><title>Gallery</title><p>This is a page and no picture, whatever its name says.</p>"


@dataclass(frozen=True, slots=True)
class Fault:
    """A link without a usable picture behind it.

    Attributes:
        kind: its word in truth.csv.
        outcome: what a scraper should make of it.
        url: with NAME where a new name goes.
        answer: its route.
        body: makes the file that the route sends, from a good picture.
        extension: of that file.
        fields: more for the post.
    """

    kind: str
    outcome: str
    url: str
    answer: dict[str, Any] = field(default_factory=dict)
    body: Callable[[bytes], bytes] | None = None
    extension: str = ".jpg"
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Oddity:
    """A good picture that comes in an unusual way: as `Fault`, but its outcome is "ok"."""

    kind: str
    url: str
    answer: dict[str, Any] = field(default_factory=dict)
    body: Callable[[bytes], bytes] = lambda data: data
    extension: str = ".jpg"


def _tiny(data: bytes) -> bytes:
    picture = decode(data)
    height, width = picture.shape[:2]
    return encode_jpeg(
        cv2.resize(picture, (max(1, width * 70 // height), 70), interpolation=cv2.INTER_AREA).astype(np.uint8)
    )


def _half_the_file(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _bomb(_: bytes) -> bytes:
    """A PNG of a few kilobytes that unpacks to 144 million pixels."""
    side = 12_000
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", rows), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _with_pillow(data: bytes, image_format: str, **options: Any) -> bytes:
    buffer = BytesIO()
    Image.fromarray(decode(data)).save(buffer, image_format, **options)
    return buffer.getvalue()


def _turned_with_exif(data: bytes) -> bytes:
    """Stored lying on its side, with the EXIF tag 274 that tells to turn it back."""
    exif = Image.Exif()
    exif[274] = 6
    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(np.rot90(decode(data)))).save(buffer, "JPEG", quality=88, exif=exif)
    return buffer.getvalue()


def _cmyk(data: bytes) -> bytes:
    buffer = BytesIO()
    Image.fromarray(decode(data)).convert("CMYK").save(buffer, "JPEG", quality=88)
    return buffer.getvalue()


def _with_alpha(data: bytes) -> bytes:
    """A PNG with rounded corners."""
    picture = decode(data)
    half = cv2.resize(picture, (picture.shape[1] // 2, picture.shape[0] // 2), interpolation=cv2.INTER_AREA)
    height, width = half.shape[:2]
    cover = np.zeros((height, width), np.uint8)
    radius = height // 12
    cv2.rectangle(cover, (radius, 0), (width - radius, height), 255, -1)
    cv2.rectangle(cover, (0, radius), (width, height - radius), 255, -1)
    for x in (radius, width - 1 - radius):
        for y in (radius, height - 1 - radius):
            cv2.circle(cover, (x, y), radius, 255, -1, cv2.LINE_AA)
    buffer = BytesIO()
    Image.fromarray(np.dstack([half, cover])).save(buffer, "PNG", compress_level=6)
    return buffer.getvalue()


FAULTS: tuple[Fault, ...] = (
    Fault(
        "404",
        "http_error",
        "http://i.redd.it/NAME.jpg",
        {"status": 404, "body": "<h1>Not found</h1>", "type": "text/html"},
    ),
    Fault("403", "http_error", "http://i.redd.it/NAME.jpg", {"status": 403}),
    Fault("410", "http_error", "http://i.redd.it/NAME.png", {"status": 410}),
    Fault(
        "html_behind_jpg",
        "not_an_image",
        "http://www.example.com/NAME.jpg",
        {"status": 200, "body": _PAGE, "type": "image/jpeg"},
    ),
    Fault(
        "html_with_jpg_in_path",
        "not_an_image",
        "http://www.example.com/files/NAME-jpg-gallery",
        {"status": 200, "body": _PAGE, "type": "text/html"},
    ),
    Fault(
        "gifv",
        "skipped",
        "http://i.imgur.com/NAME.gifv",
        {"status": 200, "body": _PAGE, "type": "text/html"},
    ),
    Fault(
        "video",
        "skipped",
        "http://v.redd.it/NAME",
        {"status": 200, "body": _PAGE, "type": "text/html"},
        fields={"is_video": True},
    ),
    Fault(
        "imgur_album",
        "skipped",
        "http://imgur.com/a/NAME",
        {"status": 200, "body": _PAGE, "type": "text/html"},
    ),
    Fault(
        "removed_redirect", "placeholder", "http://i.imgur.com/NAME.jpg", {"redirect": "http://i.imgur.com/removed.png"}
    ),
    Fault("redirect_loop", "error", "http://i.redd.it/NAME.jpg", {"redirect": "self"}),
    Fault(
        "ssrf_metadata",
        "blocked",
        "http://i.redd.it/NAME.jpg",
        {"redirect": "http://169.254.169.254/latest/meta-data/"},
    ),
    Fault("ssrf_private", "blocked", "http://i.redd.it/NAME.jpg", {"redirect": "http://10.0.0.1/secret.jpg"}),
    Fault("ssrf_file", "blocked", "http://i.redd.it/NAME.jpg", {"redirect": "file:///etc/passwd"}),
    Fault("empty_body", "empty", "http://i.redd.it/NAME.jpg", {"status": 200, "body": "", "type": "image/jpeg"}),
    Fault("cut_no_length", "truncated", "http://i.redd.it/NAME.jpg", {"no_length": True}, _half_the_file),
    Fault("decompression_bomb", "too_large", "http://i.redd.it/NAME.png", {}, _bomb, ".png"),
    Fault("endless_body", "too_large", "http://i.redd.it/NAME.jpg", {"endless": True, "type": "image/jpeg"}),
    Fault("thumbnail_sized", "too_small", "http://i.redd.it/NAME.jpg", {}, _tiny),
    Fault("over_18", "skipped", "http://i.redd.it/NAME.jpg", {}, lambda data: data, fields={"over_18": True}),
)
"""Every way to fail, dealt out to the subreddits in turn."""

ODDITIES: tuple[Oddity, ...] = (
    Oddity("429_seconds", "http://i.redd.it/NAME.jpg", {"fail": [429], "retry_after": "1"}),
    Oddity("500_ok", "http://i.redd.it/NAME.jpg", {"fail": [500]}),
    Oddity("exif_rotated", "http://i.redd.it/NAME.jpg", body=_turned_with_exif),
    Oddity("rgba_png", "http://i.redd.it/NAME.png", body=_with_alpha, extension=".png"),
    Oddity(
        "webp_named_jpg",
        "http://i.redd.it/NAME.jpg",
        {"type": "image/jpeg"},
        lambda data: _with_pillow(data, "WEBP", quality=80, method=2),
    ),
    Oddity(
        "progressive_jpeg",
        "http://i.redd.it/NAME.jpg",
        body=lambda data: _with_pillow(data, "JPEG", quality=86, progressive=True),
    ),
    Oddity("upper_case_ext", "http://www.example.com/IMG_NAME.JPG", extension=".JPG"),
    Oddity("query_string_case", "http://www.example.com/sites/2022-12/NAME-3.jpg?itok=YvE6AErL"),
    Oddity("no_extension", "http://images.example.com/NAME", {"type": "image/jpeg"}),
    Oddity("wrong_type", "http://i.redd.it/NAME.jpg", {"type": "application/octet-stream"}),
    Oddity("429_date", "http://i.redd.it/NAME.jpg", {"fail": [429], "retry_after": "date"}),
    Oddity("cmyk", "http://i.redd.it/NAME.jpg", body=_cmyk),
)
"""Every odd way to succeed, dealt out to the subreddits in turn."""
