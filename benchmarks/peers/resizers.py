"""One round of one way to prepare pictures, run by `benchmarks/resize.py` in that peer's own environment.

    python resizers.py NAME FOLDER THREADS RESULT

RESULT.json gets the seconds of processor time and of wall time for all pictures of the folder, from bytes in memory to
the 256 x 256 square; RESULT.npy gets the squares, to be compared. Each imports only its own library.
"""

import io
import json
import os
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

SIDE = 256
Prepare = Callable[[bytes], Any]


def original() -> tuple[Prepare, Prepare]:
    """The original project's loop: decode all of it, resize by OpenCV's default, crop."""
    import cv2
    import numpy as np

    cv2.setNumThreads(1)

    def prepare(data: bytes) -> Any:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        height, width = image.shape[:2]
        scale = SIDE / min(height, width)
        image = cv2.resize(image, (round(width * scale), round(height * scale)))
        top, left = (image.shape[0] - SIDE) // 2, (image.shape[1] - SIDE) // 2
        return image[top : top + SIDE, left : left + SIDE, ::-1]

    return prepare, prepare


def pillow() -> tuple[Prepare, Prepare]:
    """Pillow with draft: a reduced decode, then `ImageOps.fit`."""
    from PIL import Image, ImageOps

    def prepare(data: bytes) -> Any:
        image = Image.open(io.BytesIO(data))
        image.draft("RGB", (SIDE, SIDE))
        return ImageOps.fit(image, (SIDE, SIDE), Image.Resampling.LANCZOS)

    return prepare, prepare


def img2dataset() -> tuple[Prepare, Prepare]:
    """img2dataset's resizer, which gives an encoded file: JPEG where it is timed, PNG where its pixels are compared."""
    os.environ["NO_ALBUMENTATIONS_UPDATE"] = "1"
    import cv2
    import numpy as np
    from img2dataset.resizer import Resizer

    fast = Resizer(SIDE, "center_crop", resize_only_if_bigger=False)
    exact = Resizer(SIDE, "center_crop", resize_only_if_bigger=False, encode_format="png", encode_quality=1)

    def pixels(data: bytes) -> Any:
        return cv2.imdecode(np.frombuffer(exact(io.BytesIO(data))[0], np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]

    return lambda data: fast(io.BytesIO(data)), pixels


def libvips() -> tuple[Prepare, Prepare]:
    """`vips_thumbnail` with a centre crop, one thread a picture."""
    os.environ["VIPS_CONCURRENCY"] = "1"
    import pyvips

    pyvips.cache_set_max(0)  # or the second round would time a look-up

    def prepare(data: bytes) -> Any:
        return pyvips.Image.thumbnail_buffer(data, SIDE, height=SIDE, crop="centre").numpy()

    return prepare, prepare


def ours() -> tuple[Prepare, Prepare]:
    """`cic_assets.domain.images.prepare`."""
    import cv2

    from cic_assets.domain.images import prepare

    cv2.setNumThreads(1)
    return prepare, prepare


def limit() -> tuple[Prepare, Prepare]:
    """No peer but the floor: a decode that finds every code of the file and makes next to no pixels of them."""
    import cv2
    import numpy as np

    cv2.setNumThreads(1)
    flags = cv2.IMREAD_REDUCED_GRAYSCALE_8 | cv2.IMREAD_IGNORE_ORIENTATION

    def prepare(data: bytes) -> Any:
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags)

    return prepare, prepare


RESIZERS = {function.__name__: function for function in (original, pillow, img2dataset, libvips, ours, limit)}


@cache
def resizer_of(name: str) -> tuple[Prepare, Prepare]:
    """What is timed, and what is compared; made once."""
    return RESIZERS[name]()


def main(name: str, folder: str, threads: str, result: str) -> None:
    """Run one round, or keep the squares."""
    import numpy as np

    files = [path.read_bytes() for path in sorted(Path(folder).glob("*.jpg"))]
    timed, exact = resizer_of(name)
    if result.endswith(".npy"):
        np.save(result, np.stack([np.asarray(exact(data)) for data in files]))
        return
    timed(files[0])
    with ThreadPoolExecutor(int(threads)) as pool:
        processor, wall = time.process_time(), time.perf_counter()
        list(pool.map(timed, files))
        processor, wall = time.process_time() - processor, time.perf_counter() - wall
    Path(result).write_text(json.dumps({"processor": processor, "wall": wall, "count": len(files)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
