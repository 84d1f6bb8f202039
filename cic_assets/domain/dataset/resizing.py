"""Resized copies of the pictures that are kept, each made once."""

from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

import cv2
import pandas as pd

from cic_assets.domain.dataset.settings import DatasetSettings
from cic_assets.domain.images import CANNOT_BE_READ, OnLeftOut, decode, is_encoded_here, prepared_jpeg, why_left_out
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
    "side": Column("int64", "of the copy, in pixels"),
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
    on_left_out: OnLeftOut = lambda _sha256, _why: None,
) -> pd.DataFrame:
    """Shortest side to `settings.side`, centre crop, for each picture that has no such copy yet.

    Decoding and resizing leave Python's lock, so threads use all cores. A picture that is such a copy itself (out of
    an export) is taken as it is, so that leaving and coming back loses nothing.

    Args:
        pictures: columns `sha256, format, width, height, bytes` and whatever else is to be kept.
        source: pictures as they came.
        target: where the copies go, under the SHA-256 of the picture that each was made from.
        settings: side and JPEG quality.
        before: the table of an earlier run, whose copies are taken on trust where side and quality are the same.
        workers: threads.
        on_progress: called with a line after each picture that is not known from `before`.
        on_left_out: called for a picture that cannot be read.

    Returns:
        Those of `pictures` that can be read, without `SEARCH_COLUMNS`, with what the copy is (`resized_sha256`,
        `bytes_after`, and `red`, `green`, `blue`, its mean colour from 0 to 1), `upscaled` (the picture was smaller),
        `made` (now, not before), `jpeg_quality` and `side`.
    """
    known = {sha256: copy for sha256, copy in _known(before, settings).items() if target.has(sha256, "jpeg")}

    def resize(row: tuple[str, str]) -> tuple[_Copy, bool] | str:
        sha256, image_format = row
        path = target.path(sha256, "jpeg")
        if path.exists():
            # Written by a run that was killed before its table, or at another quality.
            jpeg = path.read_bytes()
            if is_encoded_here(jpeg, settings.side, settings.side, settings.jpeg_quality):
                return _describe(jpeg), False
        try:
            jpeg = prepared_jpeg(source.get(sha256, image_format), settings.side, settings.jpeg_quality)
        except CANNOT_BE_READ as error:
            return why_left_out(error)
        write_atomically(path, jpeg)
        if not source.has(sha256, image_format):  # taken down meanwhile: it was too early to remove the copy
            target.remove(sha256)
        return _describe(jpeg), True

    rows = pictures.loc[~pictures["sha256"].isin(known), ["sha256", "format"]]
    made: set[str] = set()
    items = list(rows.itertuples(index=False, name=None))
    for done, ((sha256, _), copy) in enumerate(zip(items, Threads(workers).map(resize, items), strict=True), 1):
        if isinstance(copy, str):
            on_left_out(sha256, copy)
        else:
            known[sha256], is_made = copy
            made |= {sha256} if is_made else set()
        on_progress(f"{done} of {len(rows)} pictures resized")
    return _with_copies(pictures[pictures["sha256"].isin(known)], known, made, settings)


def _with_copies(
    pictures: pd.DataFrame, known: Mapping[str, _Copy], made: Collection[str], settings: DatasetSettings
) -> pd.DataFrame:
    carried = pictures.drop(columns=list(SEARCH_COLUMNS), errors="ignore")
    copies = [known[sha256] for sha256 in pictures["sha256"]]
    columns = pd.DataFrame(copies, columns=list(_Copy._fields), index=pictures.index)
    return pd.concat([carried, columns], axis="columns").assign(
        upscaled=pictures[["width", "height"]].min(axis=1) < settings.side,
        made=pictures["sha256"].isin(made),
        jpeg_quality=settings.jpeg_quality,
        side=settings.side,
    )


def _describe(jpeg: bytes) -> _Copy:
    red, green, blue, _ = cv2.mean(decode(jpeg))
    return _Copy(sha256_hex(jpeg), len(jpeg), red / 255, green / 255, blue / 255)


def _known(before: pd.DataFrame | None, settings: DatasetSettings) -> dict[str, _Copy]:
    if before is None or not {*_Copy._fields, "jpeg_quality", "side"} <= set(before):
        return {}
    same = before[(before["jpeg_quality"] == settings.jpeg_quality) & (before["side"] == settings.side)]
    copies = (_Copy(*row) for row in same[list(_Copy._fields)].itertuples(index=False, name=None))
    return dict(zip(same["sha256"], copies, strict=True))
