"""What decoders take is known before they start, and never more than that."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cic_assets.domain.images import ImageLimits, inspect, read_header
from cic_assets.domain.media import Outcome

SIDE = 3000
KINDS = {
    "png": ("RGB", {"compress_level": 1}),
    "png rgba": ("RGBA", {"compress_level": 1}),
    "png grey 16": ("I;16", {"compress_level": 1}),
    "gif": ("L", {}),
    "bmp": ("RGB", {}),
    "webp": ("RGB", {"method": 0}),
    "webp lossless": ("RGBA", {"lossless": True, "quality": 0, "method": 0}),
    "tiff": ("RGB", {"compression": "tiff_adobe_deflate"}),
    "tiff one strip": ("RGB", {"compression": "tiff_adobe_deflate", "tiffinfo": {278: SIDE}}),
    "tiff float": ("F", {"compression": "tiff_adobe_deflate"}),
    "tiff jpeg": ("RGB", {"compression": "jpeg"}),
    "jpeg": ("RGB", {}),
    "jpeg progressive": ("RGB", {"progressive": True}),
    "jpeg progressive 444": ("RGB", {"progressive": True, "subsampling": 0}),
    "jpeg cmyk": ("CMYK", {"progressive": True}),
}
MEASURE = """
import sys
from pathlib import Path
from cic_assets.domain.images import ImageLimits, inspect

def peak():
    # Not ru_maxrss, which a process inherits from the one that started it.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

data, small = (Path(name).read_bytes() for name in sys.argv[1:])
inspect(small)  # libraries load what they need
before = peak()
print(inspect(data, ImageLimits(max_decoding_bytes=10**9)).outcome, peak() - before)
"""
SLACK = 8_000_000


@pytest.fixture
def made(saved):
    def make(kind, side):
        mode, options = KINDS[kind]
        colours = np.random.default_rng(1).integers(0, 256, (side // 50, side // 50, 3), np.uint8)
        blocks = Image.fromarray(colours).resize((side, side), Image.Resampling.NEAREST)
        blocks = blocks.convert("L").convert(mode) if mode in ("F", "I;16") else blocks.convert(mode)
        return saved(blocks, kind.split()[0].upper(), **options)

    return make


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_decoding_takes_no_more_than_was_said(kind, made, tmp_path):
    """Measured in a process of its own; the copy of the file that the decoder gets is counted apart."""
    data, small = made(kind, SIDE), made(kind, 150)
    for name, content in (("large", data), ("small", small)):
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-c", MEASURE, str(tmp_path / "large"), str(tmp_path / "small")]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert said[0] == "ok"
    assert int(said[1]) <= read_header(data).decoding_bytes + 2 * len(data) + SLACK


@pytest.mark.parametrize("kind", KINDS)
def test_what_would_take_more_than_the_limit_is_not_decoded(kind, made, monkeypatch):
    data = made(kind, 300)
    needed = read_header(data).decoding_bytes
    assert inspect(data, ImageLimits(max_decoding_bytes=needed)).outcome is Outcome.OK
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    refused = inspect(data, ImageLimits(max_decoding_bytes=needed - 1))
    assert refused.outcome is Outcome.TOO_LARGE
    assert "MB to decode, more than" in refused.reason


def test_the_default_takes_the_pictures_of_cameras():
    """48 million pixels as JPEG, 24 in full colour and progressive, 36 as PNG, 8 in whatever form."""
    most = ImageLimits().max_decoding_bytes
    assert most >= 8000 * 6000 * 3.07
    assert most >= 6000 * 4000 * 6.07
    assert most >= 6000 * 6000 * 4
    assert most >= 3264 * 2448 * 16.5
