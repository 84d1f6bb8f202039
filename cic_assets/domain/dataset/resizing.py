"""Resized copies of the pictures that are kept, each made once."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import cv2
import pandas as pd

from cic_assets.domain.dataset.settings import DatasetSettings
from cic_assets.domain.images import decode, is_encoded_here, prepared_jpeg
from cic_assets.domain.schema import Column, columns_of
from cic_assets.engine import Threads
from cic_assets.storage import ContentStore, sha256_hex, write_atomically

SEARCH_COLUMNS = (
    "phash", "phash_mirrored", "phash256", "phash256_mirrored", "thumbnail", "content_thumbnail", "colours",
    "fingerprint_version",
)  # fmt: skip
"""What the search for duplicates alone needs, 2 kB a picture; from here on it is left behind."""


class _Copy(NamedTuple):
    """What is known of a resized copy.

    Attributes:
        resized_sha256: SHA-256 of the copy's file.
        bytes_after: size of the copy's file.
        red, green, blue: mean of the channel in the copy, 0 to 1.
    """

    resized_sha256: str
    bytes_after: int
    red: float
    green: float
    blue: float


COPY_COLUMNS: Mapping[str, Column] = {
    **columns_of(_Copy),
    "upscaled": Column("bool", "the picture was smaller than the copy"),
    "jpeg_quality": Column("int64", "of the copy, 50 to 100"),
}
"""What is added to a table of pictures once they are resized."""


def resize_pictures(
    pictures: pd.DataFrame,
    source: ContentStore,
    target: ContentStore,
    settings: DatasetSettings,
    before: pd.DataFrame | None = None,
    *,
    workers: int = 2,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> pd.DataFrame:
    """Shortest side to `settings.side`, centre crop, for each picture that has no such copy yet.

    Decoding and resizing leave Python's lock, so threads use all cores. A picture that is such a copy itself (out of
    an export) is taken as it is, so that leaving and coming back loses nothing.

    Args:
        pictures: columns `sha256, format, width, height, bytes` and whatever else is to be kept.
        source: pictures as they came.
        target: where the copies go, under the SHA-256 of the picture that each was made from.
        settings: side and JPEG quality.
        before: the table of an earlier run, whose copies are taken on trust where they are of the same quality.
        workers: threads.
        on_progress: called with a line after each picture that is not known from `before`.

    Returns:
        `pictures` without `SEARCH_COLUMNS`, with what the copy is (`resized_sha256`, `bytes_after`, and `red`, `green`,
        `blue`, its mean colour from 0 to 1), `upscaled` (the picture was smaller), `made` (now, not before) and
        `jpeg_quality`.
    """
    known = {sha256: copy for sha256, copy in _known(before, settings).items() if target.has(sha256, "jpeg")}

    def resize(row: tuple[str, str]) -> tuple[_Copy, bool]:
        sha256, image_format = row
        path = target.path(sha256, "jpeg")
        if path.exists():
            # Written by a run that was killed before its table, or at another quality.
            jpeg = path.read_bytes()
            if is_encoded_here(jpeg, settings.side, settings.side, settings.jpeg_quality):
                return _describe(jpeg), False
        jpeg = prepared_jpeg(source.get(sha256, image_format), settings.side, settings.jpeg_quality)
        write_atomically(path, jpeg)
        if not source.has(sha256, image_format):  # taken down meanwhile: it was too early to remove the copy
            target.remove(sha256)
        return _describe(jpeg), True

    rows = pictures.loc[~pictures["sha256"].isin(known), ["sha256", "format"]]
    made: set[str] = set()
    items = list(rows.itertuples(index=False, name=None))
    resized = Threads(workers).map(resize, items)
    for done, ((sha256, _), (copy, is_made)) in enumerate(zip(items, resized, strict=True), 1):
        known[sha256] = copy
        made |= {sha256} if is_made else set()
        on_progress(f"{done} of {len(rows)} pictures resized")
    carried = pictures.drop(columns=list(SEARCH_COLUMNS), errors="ignore")
    columns = pd.DataFrame(
        [known[sha256] for sha256 in pictures["sha256"]], columns=list(_Copy._fields), index=pictures.index
    )
    upscaled = pictures[["width", "height"]].min(axis=1) < settings.side
    result = pd.concat([carried, columns], axis="columns")
    return result.assign(upscaled=upscaled, made=pictures["sha256"].isin(made), jpeg_quality=settings.jpeg_quality)


def _describe(jpeg: bytes) -> _Copy:
    red, green, blue, _ = cv2.mean(decode(jpeg))
    return _Copy(sha256_hex(jpeg), len(jpeg), red / 255, green / 255, blue / 255)


def _known(before: pd.DataFrame | None, settings: DatasetSettings) -> dict[str, _Copy]:
    if before is None or not {*_Copy._fields, "jpeg_quality"} <= set(before):
        return {}
    same = before[before["jpeg_quality"] == settings.jpeg_quality]
    copies = (_Copy(*row) for row in same[list(_Copy._fields)].itertuples(index=False, name=None))
    return dict(zip(same["sha256"], copies, strict=True))
