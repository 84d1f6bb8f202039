"""An epoch out of tars by WebDataset, run by `benchmarks/shards.py` in the peer's own environment.

    python shard_readers.py TARS BUFFER MOST RESULT

RESULT.json gets pictures, seconds, processor seconds and peak memory. Tars are shuffled, and pictures in a buffer; the
decoding is OpenCV's, as ours.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import webdataset


def decoded(data: bytes) -> Any:
    """RGB."""
    return cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)


def peak() -> int:
    """Bytes of memory that this process had at most."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def main() -> None:
    """Read all once, or so many of them."""
    cv2.setNumThreads(1)
    tars = sorted(str(path) for path in Path(sys.argv[1]).glob("*/*.tar"))
    began, cpu, count = time.perf_counter(), time.process_time(), 0
    pipeline = webdataset.WebDataset(tars, shardshuffle=len(tars), seed=1).shuffle(int(sys.argv[2]))
    for sample in pipeline:
        decoded(sample["jpg"])
        count += 1
        if count == int(sys.argv[3]):
            break
    result = {
        "pictures": count,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "peak": peak(),
    }
    Path(sys.argv[4]).write_text(json.dumps(result))


main()
