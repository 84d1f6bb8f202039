"""One round of decoding and resizing by a data frame, run by `benchmarks/scale_engine.py` in an environment of its own.

    python frames.py daft FOLDER RESULT

RESULT.json gets the seconds of processor time and of wall time for all pictures of the folder, from their paths to
squares of 256 x 256 in memory.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SIDE = 256
WARM_UP = 16
Frame = Callable[[list[str]], Any]


def daft() -> Frame:
    """Daft's own `decode_image` and `resize` on its native runner, with a thread a core.

    Its squares are stretched, not cropped, and not turned as EXIF says; it averages as Pillow's bilinear filter does.
    """
    os.environ["DAFT_PROGRESS_BAR"] = "0"
    os.environ["DAFT_ANALYTICS_ENABLED"] = "0"
    os.environ["DO_NOT_TRACK"] = "1"
    import daft
    from daft.functions import decode_image, download, resize

    daft.set_runner_native()

    def run(paths: list[str]) -> Any:
        pictures = decode_image(download(daft.col("path")), mode="RGB")
        frame = daft.from_pydict({"path": paths}).select(resize(pictures, SIDE, SIDE).alias("square"))
        return frame.collect()

    return run


FRAMES = {"daft": daft}


def main(name: str, folder: str, result: str) -> None:
    """Run one round."""
    paths = sorted(map(str, Path(folder).glob("*.jpg")))
    run = FRAMES[name]()
    run(paths[:WARM_UP])
    run(paths[:WARM_UP])
    processor, wall = time.process_time(), time.perf_counter()
    count = len(run(paths))
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    assert count == len(paths)
    Path(result).write_text(json.dumps({"processor": processor, "wall": wall, "count": count}))


if __name__ == "__main__":
    main(*sys.argv[1:])
