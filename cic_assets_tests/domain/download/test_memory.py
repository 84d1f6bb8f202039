"""Thousands of URLs, large and hostile bodies among them, in a process that stays small."""

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cic_assets_tests.fixtures.effort import short_or_long

RUN = """
import json, sys
from collections import Counter
from pathlib import Path
from upath import UPath
from cic_assets.domain.download import DownloadSettings, FetchRequest, Network, download
from cic_assets.storage import ContentStore

port, folder, count, blocks = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
few = ["large", "unsaid", "endless", "packed", "page"]
fewer = ["png", "png16", "tiff", "gif", "webp", "webp49", "progressive", "cmyk"]
kinds = (["small"] * 245 + few) * (blocks - 1) + ["small"] * 237 + few + fewer
requests = [FetchRequest(url=f"http://h{n % 50}.example/{kinds[n % len(kinds)]}?{n}") for n in range(count)]
results = download(
    requests,
    store=ContentStore(UPath(folder)),
    settings=DownloadSettings(per_host=64),
    network=Network.replay("127.0.0.1", port),
)
outcomes = Counter(f"{one.url.split('/')[3].split('?')[0]} {one.outcome}" for one in results.values())
# Not ru_maxrss, which a process inherits from the one that started it.
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(json.dumps({"outcomes": outcomes, "peak": int(peak)}))
"""
COUNT = short_or_long(1000, 10_000)
BLOCKS = short_or_long(4, 10)
"""After how many 250s of URLs those come again that take most memory to decode."""
LIMIT_MEGABYTES = 400


def huge(image_format, side=7000, mode="RGB", **options):
    """A small file of many pixels."""
    colours = np.random.default_rng(side).integers(0, 256, (50, 50, 3), np.uint8)
    blocks = Image.fromarray(colours).resize((side, side), Image.Resampling.NEAREST)
    file = io.BytesIO()
    blocks.convert(mode).save(file, image_format, **options)
    return file.getvalue()


HUGE = {
    "png": lambda: huge("png", side=6000, compress_level=1),
    "png16": lambda: huge("png", mode="I;16", compress_level=1),
    "tiff": lambda: huge("tiff", side=6000, compression="tiff_adobe_deflate"),
    "gif": lambda: huge("gif", mode="L"),
    "webp": lambda: huge("webp", side=3000, method=0),
    "webp49": lambda: huge("webp", method=0),
    "progressive": lambda: huge("jpeg", side=6900, progressive=True),
    "cmyk": lambda: huge("jpeg", mode="CMYK", progressive=True),
}
"""What decoders take most memory for: just what the limits allow, or more and so refused."""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.timeout(280)
def test_thousands_of_urls_in_bounded_memory(host, tmp_path, picture):
    tail = bytes(15_000_000)  # bytes after the end of a picture are nothing to it
    small, large = picture(1), picture(2) + tail
    answers = {
        "small": host.answer(200, small),
        "large": host.answer(200, large),
        "unsaid": host.raw(b"HTTP/1.1 200 OK\r\n\r\n", large),
        "endless": host.endless(b"HTTP/1.1 200 OK\r\n\r\n", bytes(65536)),
        "packed": host.answer(200, gzip.compress(bytes(10**8)), Content_Encoding="gzip"),
        "page": host.answer(200, b"<html>"),
        **{kind: host.answer(200, make()) for kind, make in HUGE.items()},
    }

    async def any_of_them(headers, writer):
        await answers[headers[""].partition("/")[2].partition("?")[0]](headers, writer)

    host.handlers["*"] = any_of_them
    arguments = [sys.executable, "-c", RUN, str(host.port), str(tmp_path), str(COUNT), str(BLOCKS)]
    said = json.loads(subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=270).stdout)
    often, seldom = COUNT // 250, COUNT // 250 // BLOCKS
    assert said["outcomes"] == {
        "small ok": COUNT - 5 * often - len(HUGE) * seldom,
        "large ok": often,
        "unsaid ok": often,
        "endless too_large": often,
        "packed too_large": often,
        "page not_an_image": often,
        **dict.fromkeys((f"{kind} ok" for kind in ("png", "png16", "tiff", "gif", "webp", "progressive")), seldom),
        "webp49 too_large": seldom,
        "cmyk too_large": seldom,
    }
    assert said["peak"] / 1024 < LIMIT_MEGABYTES, said["peak"]
