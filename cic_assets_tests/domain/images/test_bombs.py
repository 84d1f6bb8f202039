"""Broken files and bombs, each measured: none takes more memory than the settings say, nor is blamed for a shortage."""

import ctypes
import struct
import subprocess
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cic_assets.domain.images import ImageLimits, UnreadableImage, decode, encode_jpeg, examine, inspect, prepare
from cic_assets.domain.media import Outcome
from cic_assets_tests.fixtures.effort import short_or_long

from .test_hostile_bytes import mutated

PROC = Path("/proc/self/clear_refs")
pytestmark = [
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning"),
    pytest.mark.skipif(not PROC.exists(), reason="peak memory is read from /proc"),
]
CAP = 40_000_000
LIMITS = ImageLimits(min_side=1, max_decoding_bytes=CAP)
SLACK = 8_000_000
"""What allocators and libraries keep, whatever the picture."""


def status(name):
    return int(Path("/proc/self/status").read_text().split(f"{name}:")[1].split()[0]) * 1024


def peak_of(use, data):
    """Bytes that came on top of those that were there."""
    ctypes.CDLL(None).malloc_trim(0)  # what was freed and kept would hide what is taken
    PROC.write_text("5")
    before = status("VmRSS")
    use(data)
    return status("VmHWM") - before


def judge_and_use(data):
    if inspect(data, LIMITS).outcome is Outcome.OK:
        with suppress(UnreadableImage):
            decode(data)
            examine(data)
            prepare(data, 224)


def test_no_broken_file_takes_more_than_the_cap(encodings):
    rng = np.random.default_rng(7)
    for encoding in encodings.values():
        judge_and_use(encoding.data)  # libraries load what they need
        for _ in range(short_or_long(4, 60)):
            data = mutated(encoding.data, rng)
            assert peak_of(judge_and_use, data) <= CAP + SLACK, encoding.name


def tiff_of(tags, size, kind=4):
    """A TIFF of some bytes, every one of whose tags claims all of them as its values."""
    width = {1: 1, 3: 2, 4: 4}[kind]
    entries = b"".join(struct.pack("<HHII", tag, kind, size // width, 8 + 2 + 12 * len(tags) + 4) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4) + b"\x01\x02\x03\x04" * (size // 4)


def png_of(chunk, width, height, *chunks):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    pixels = chunk(b"IDAT", zlib.compress(bytes(3 * 200 * 200 + 200)))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + pixels + chunk(b"IEND", b"")


@pytest.fixture
def bombs(encodings, chunk):
    pixels = [256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 322, 323, 324, 325]
    huge = struct.pack(">II", 16_384, 16_384)
    found = {f"tiff of {kind}": tiff_of(pixels, 20 << 20, kind) for kind in (1, 3, 4)}
    found["tiff of metadata"] = tiff_of([*range(700, 760), *range(33_000, 35_000)], 20 << 20)
    found["png of 20,000 squared"] = png_of(chunk, 20_000, 20_000)
    found["png in one row"] = png_of(chunk, 60_000_000, 1)
    found["png with packed text"] = png_of(
        chunk, 200, 200, chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(200_000_000), 9))
    )
    for name in ("rgba_avif", "rgba_heif"):
        data = bytearray(encodings[name].data)
        for at in [at for at in range(len(data)) if data.startswith(b"ispe", at)]:
            data[at + 8 : at + 16] = huge
        found[f"{name} that claims 16,384 squared"] = bytes(data)
    jpeg = bytearray(encodings["progressive_jpeg"].data)
    at = jpeg.index(b"\xff\xc2")
    jpeg[at + 5 : at + 9] = struct.pack(">HH", 60_000, 60_000)
    found["jpeg of 60,000 squared"] = bytes(jpeg)
    return found


def test_no_bomb_takes_more_than_the_cap(bombs, encodings):
    for encoding in encodings.values():
        judge_and_use(encoding.data)
    taken = {name: peak_of(judge_and_use, data) for name, data in bombs.items()}
    assert max(taken.values()) <= CAP + SLACK, taken


SHORT_OF_MEMORY = """
import resource, sys
from pathlib import Path
from cic_assets.domain.images import decode, inspect

large, small = [[(path.suffix, path.read_bytes()) for path in sorted(Path(sys.argv[1]).glob(f"{size}.*"))]
                for size in ("large", "small")]
for _, data in small:
    inspect(data), decode(data)
pages = int(Path("/proc/self/statm").read_text().split()[0])
resource.setrlimit(resource.RLIMIT_AS, (pages * 4096 + 20_000_000,) * 2)
for suffix, data in large:
    for use in (inspect, decode):
        try:
            print(suffix, use.__name__, use(data).outcome)
        except BaseException as error:
            print(suffix, use.__name__, type(error).__name__)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited there alone")
def test_a_shortage_of_memory_is_not_the_pictures_fault(saved, tmp_path):
    for name, side in (("large", 4000), ("small", 150)):
        image = Image.new("RGB", (side, side), "teal")
        (tmp_path / f"{name}.jpg").write_bytes(encode_jpeg(np.asarray(image)))
        (tmp_path / f"{name}.tif").write_bytes(saved(image, "TIFF", compression="tiff_lzw"))
        for suffix in ("png", "gif", "webp", "bmp", "avif", "heif"):
            (tmp_path / f"{name}.{suffix}").write_bytes(saved(image, suffix.upper()))
    told = subprocess.run(
        [sys.executable, "-c", SHORT_OF_MEMORY, tmp_path], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    blamed = [line for line in told if not line.endswith(("MemoryError", "inspect ok"))]
    assert blamed == [], told
    assert len([line for line in told if line.endswith("decode MemoryError")]) == 8, told
    assert any(line.endswith("inspect MemoryError") for line in told), told
