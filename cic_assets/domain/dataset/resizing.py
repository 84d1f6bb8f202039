"""Resized copies of the pictures that are kept, each made once."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import pandas as pd

from cic_assets.domain.dataset.settings import DatasetSettings
from cic_assets.domain.images import CANNOT_BE_READ, OnLeftOut, decode, is_encoded_here, prepared_jpeg, why_left_out
from cic_assets.domain.places import are_among, places_of
from cic_assets.domain.schema import Column, columns_of, types_of
from cic_assets.engine import Engine, Threads
from cic_assets.storage import ContentStore, sha256_hex, write_atomically

SEARCH_COLUMNS = (
    "phash", "phash_mirrored", "phash256", "phash256_mirrored", "thumbnail", "content_thumbnail", "colours",
    "fingerprint_version",
)  # fmt: skip
"""What the search for duplicates alone needs, 2 kB a picture; from here on it is left behind."""

SHARD = 128
"""Pictures that a worker elsewhere gets together: a second's work."""

_HERE = Threads(2)


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

_KNOWN: Mapping[str, str] = {"sha256": "str", **types_of(columns_of(_Copy))}
"""Of a copy, by the SHA-256 of the picture that it was made from."""

KNOWN_BY = frozenset({*_KNOWN, "jpeg_quality", "side"})
"""Columns of the table of an earlier run that are asked for."""


def resize_pictures(
    pictures: pd.DataFrame,
    source: ContentStore,
    target: ContentStore,
    settings: DatasetSettings,
    before: pd.DataFrame | None = None,
    *,
    engine: Engine = _HERE,
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
        engine: where it is done.
        on_progress: called with a line after each picture that is not known from `before`.
        on_left_out: called for a picture that cannot be read.

    Returns:
        Those of `pictures` that can be read, without `SEARCH_COLUMNS`, with what the copy is (`resized_sha256`,
        `bytes_after`, and `red`, `green`, `blue`, its mean colour from 0 to 1), `upscaled` (the picture was smaller),
        `made` (now, not before), `jpeg_quality` and `side`.
    """
    known = _known(before, settings, pictures["sha256"])
    if lacking := target.lacking(list(known["sha256"]), "jpeg"):
        known = known[~known["sha256"].isin(lacking)]

    rows = pictures.loc[~are_among(pictures["sha256"], known["sha256"]), ["sha256", "format"]]
    copies: dict[str, _Copy] = {}
    made: set[str] = set()
    items = list(rows.itertuples(index=False, name=None))
    results = engine.each(_Resize(source, target, settings), items, shard=SHARD, instead=lambda _row, why: why)
    for done, ((sha256, _), copy) in enumerate(results, 1):
        if isinstance(copy, str):
            on_left_out(sha256, copy)
        else:
            copies[sha256], is_made = copy
            made |= {sha256} if is_made else set()
        on_progress(f"{done} of {len(rows)} pictures resized")
    new = pd.DataFrame([(sha256, *copy) for sha256, copy in copies.items()], columns=list(_KNOWN)).astype(_KNOWN)
    return _with_copies(pictures, pd.concat([known, new], ignore_index=True), made, settings)


@dataclass(frozen=True, slots=True)
class _Resize:
    """The copy of a picture, and whether it was made now; or why there is none."""

    source: ContentStore
    target: ContentStore
    settings: DatasetSettings

    def __call__(self, row: tuple[str, str]) -> tuple[_Copy, bool] | str:
        sha256, image_format = row
        side, quality = self.settings.side, self.settings.jpeg_quality
        if self.target.has(sha256, "jpeg"):
            # Written by a run that was killed before its table, or at another quality.
            with suppress(FileNotFoundError):  # removed meanwhile
                jpeg = self.target.get(sha256, "jpeg")
                if is_encoded_here(jpeg, side, side, quality):
                    return _describe(jpeg), False
        try:
            jpeg = prepared_jpeg(self.source.get(sha256, image_format), side, quality)
        except CANNOT_BE_READ as error:
            return why_left_out(error)
        write_atomically(self.target.path(sha256, "jpeg"), jpeg)
        if not self.source.has(sha256, image_format):  # taken down meanwhile: it was too early to remove the copy
            self.target.remove_file(sha256)
        return _describe(jpeg), True


def _with_copies(
    pictures: pd.DataFrame, copies: pd.DataFrame, made: Collection[str], settings: DatasetSettings
) -> pd.DataFrame:
    at = places_of(pictures["sha256"], copies["sha256"])
    carried = pictures[at >= 0].drop(columns=list(SEARCH_COLUMNS), errors="ignore")
    columns = copies.iloc[at[at >= 0]].drop(columns="sha256").set_axis(carried.index)
    return pd.concat([carried, columns], axis="columns").assign(
        upscaled=carried[["width", "height"]].min(axis=1) < settings.side,
        made=carried["sha256"].isin(made),
        jpeg_quality=settings.jpeg_quality,
        side=settings.side,
    )


def _describe(jpeg: bytes) -> _Copy:
    red, green, blue, _ = cv2.mean(decode(jpeg))
    return _Copy(sha256_hex(jpeg), len(jpeg), red / 255, green / 255, blue / 255)


def _known(before: pd.DataFrame | None, settings: DatasetSettings, sha256s: "pd.Series[str]") -> pd.DataFrame:
    if before is None or not set(before) >= KNOWN_BY:
        return pd.DataFrame(columns=list(_KNOWN)).astype(_KNOWN)
    same = (before["jpeg_quality"] == settings.jpeg_quality) & (before["side"] == settings.side)
    return before.loc[same & are_among(before["sha256"], sha256s), list(_KNOWN)].astype(_KNOWN)
