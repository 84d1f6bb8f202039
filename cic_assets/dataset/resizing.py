"""Resized copies of the pictures that are kept, each made once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pandas as pd

from cic_assets.dataset.settings import DatasetSettings
from cic_assets.images import encode_jpeg, is_encoded_here, prepare
from cic_assets.storage import ContentStore, sha256_hex, write_atomically

SEARCH_COLUMNS = (
    "phash", "phash_mirrored", "phash256", "phash256_mirrored", "thumbnail", "content_thumbnail", "colours",
    "fingerprint_version",
)  # fmt: skip
"""What the search for duplicates alone needs, 2 kB a picture; from here on it is left behind."""


class _Resized(NamedTuple):
    resized_sha256: str
    bytes_after: int
    upscaled: bool
    made: bool


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
        on_progress: called with a line after each picture.

    Returns:
        `pictures` without `SEARCH_COLUMNS`, with `resized_sha256` and `bytes_after` (of the copy), `upscaled` (the
        picture was smaller than the copy), `made` (now, not before) and `jpeg_quality`.
    """
    known = _known(before, settings)

    def resize(row: tuple[str, str, int, int]) -> _Resized:
        sha256, image_format, width, height = row
        path = target.path(sha256, "jpeg")
        upscaled = min(width, height) < settings.side
        if path.exists():
            if sha256 in known:
                return _Resized(*known[sha256], upscaled, made=False)
            # Written by a run that was killed before its table, or at another quality.
            jpeg = path.read_bytes()
            if is_encoded_here(jpeg, settings.side, settings.side, settings.jpeg_quality):
                return _Resized(sha256_hex(jpeg), len(jpeg), upscaled, made=False)
        jpeg = _copy_of(source.get(sha256, image_format), settings)
        write_atomically(path, jpeg)
        return _Resized(sha256_hex(jpeg), len(jpeg), upscaled, made=True)

    rows = list(pictures[["sha256", "format", "width", "height"]].itertuples(index=False, name=None))
    results: list[_Resized] = []
    with ThreadPoolExecutor(workers) as pool:
        for done, result in enumerate(pool.map(resize, rows), 1):
            results.append(result)
            on_progress(f"{done} of {len(rows)} pictures resized")
    columns = pd.DataFrame(results, columns=list(_Resized._fields), index=pictures.index)
    carried = pictures.drop(columns=list(SEARCH_COLUMNS), errors="ignore")
    return pd.concat([carried, columns.assign(jpeg_quality=settings.jpeg_quality)], axis="columns")


def _copy_of(data: bytes, settings: DatasetSettings) -> bytes:
    if is_encoded_here(data, settings.side, settings.side, settings.jpeg_quality):
        return data
    return encode_jpeg(prepare(data, settings.side), settings.jpeg_quality)


def _known(before: pd.DataFrame | None, settings: DatasetSettings) -> dict[str, tuple[str, int]]:
    if before is None or "jpeg_quality" not in before:
        return {}
    same = before[before["jpeg_quality"] == settings.jpeg_quality]
    return dict(zip(same["sha256"], zip(same["resized_sha256"], same["bytes_after"], strict=True), strict=True))
