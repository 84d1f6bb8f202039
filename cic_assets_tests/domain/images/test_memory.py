"""What decoders take is known before they start, and never more than that."""

import json
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
import json, os, sys
from pathlib import Path
from cic_assets.domain.images import ImageLimits, inspect

def peak():
    # Not ru_maxrss, which a process inherits from the one that started it.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

def measure(kind):
    data, small = ((folder / f"{size} {kind}").read_bytes() for size in ("large", "small"))
    inspect(small)  # libraries load what they need
    before = peak()
    return inspect(data, ImageLimits(max_decoding_bytes=10**9)).outcome, peak() - before

folder, kinds = Path(sys.argv[1]), sys.argv[2:]
for kind in kinds:
    # A process of its own, whose peak no other decoding has raised; forked, so that it starts at once.
    if (pid := os.fork()) == 0:
        (folder / f"said {kind}").write_text(json.dumps(measure(kind)))
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0, kind
"""
SLACK = 8_000_000


@pytest.fixture(scope="session")
def made(saved):
    def make(kind, side):
        mode, options = KINDS[kind]
        colours = np.random.default_rng(1).integers(0, 256, (side // 50, side // 50, 3), np.uint8)
        blocks = Image.fromarray(colours).resize((side, side), Image.Resampling.NEAREST)
        blocks = blocks.convert("L").convert(mode) if mode in ("F", "I;16") else blocks.convert(mode)
        return saved(blocks, kind.split()[0].upper(), **options)

    return make


@pytest.fixture(scope="module")
def measured(made, tmp_path_factory):
    """A folder with a file of each kind, and what was said of decoding it: outcome and bytes."""
    folder = tmp_path_factory.mktemp("measured")
    for kind in KINDS:
        (folder / f"large {kind}").write_bytes(made(kind, SIDE))
        (folder / f"small {kind}").write_bytes(made(kind, 150))
    subprocess.run([sys.executable, "-c", MEASURE, str(folder), *KINDS], check=True)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_decoding_takes_no_more_than_was_said(kind, measured):
    """The copy of the file that the decoder gets is counted apart."""
    outcome, taken = json.loads((measured / f"said {kind}").read_text())
    data = (measured / f"large {kind}").read_bytes()
    assert outcome == "ok"
    assert taken <= read_header(data).decoding_bytes + 2 * len(data) + SLACK


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
