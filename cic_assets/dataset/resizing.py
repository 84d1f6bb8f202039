"""Resized copies of the pictures that are kept, each made once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pandas as pd

from cic_assets.dataset.settings import DatasetSettings
from cic_assets.images import encode_jpeg, prepare
from cic_assets.storage import ContentStore, write_atomically


class _Resized(NamedTuple):
    sha256: str
    bytes_after: int
    upscaled: bool
    made: bool


def resize_pictures(
    pictures: pd.DataFrame,
    source: ContentStore,
    target: ContentStore,
    settings: DatasetSettings,
    *,
    workers: int = 2,
    on_progress: Callable[[str], None] = lambda _line: None,
) -> pd.DataFrame:
    """Shortest side to `settings.side`, centre crop, for each picture that has no such copy yet.

    Decoding and resizing leave Python's lock, so threads use all cores.

    Args:
        pictures: columns `sha256, format, width, height, bytes` and whatever else is to be kept.
        source: pictures as they came.
        target: where the copies go, under the SHA-256 of the picture that each was made from.
        settings: side and JPEG quality.
        workers: threads.
        on_progress: called with a line after each picture.

    Returns:
        `pictures` with `bytes_after`, `upscaled` (the picture was smaller than the copy) and `made` (now, not before).
    """

    def resize(row: tuple[str, str, int, int]) -> _Resized:
        sha256, image_format, width, height = row
        path = target.path(sha256, "jpeg")
        upscaled = min(width, height) < settings.side
        if path.exists():
            return _Resized(sha256, path.stat().st_size, upscaled, made=False)
        jpeg = encode_jpeg(prepare(source.get(sha256, image_format), settings.side), settings.jpeg_quality)
        write_atomically(path, jpeg)
        return _Resized(sha256, len(jpeg), upscaled, made=True)

    rows = list(pictures[["sha256", "format", "width", "height"]].itertuples(index=False, name=None))
    results: list[_Resized] = []
    with ThreadPoolExecutor(workers) as pool:
        for done, result in enumerate(pool.map(resize, rows), 1):
            results.append(result)
            on_progress(f"{done} of {len(rows)} pictures resized")
    columns = pd.DataFrame(results, columns=list(_Resized._fields), index=pictures.index).drop(columns="sha256")
    return pd.concat([pictures, columns], axis="columns")
