"""What decoders take is known before they start, and never more than that."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cic_assets.domain.images import ImageLimits, inspect, inspection, read_header
from cic_assets.domain.media import Outcome

SIDE = 3000
TURNED = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
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
    "jpeg turned": ("RGB", {"exif": TURNED}),
    "png turned": ("RGBA", {"compress_level": 1, "exif": TURNED}),
    "png grey": ("L", {"compress_level": 1}),
    "png grey alpha": ("LA", {"compress_level": 1}),
    "png palette": ("P", {"compress_level": 1}),
    "tiff big": ("RGB", {"compression": "tiff_lzw", "big_tiff": True}),
    "avif": ("RGB", {"speed": 10}),
    "avif alpha": ("RGBA", {"speed": 10, "subsampling": "4:4:4"}),
    "heif": ("RGB", {"quality": 50, "enc_params": {"preset": "ultrafast"}}),
    "heif alpha": ("RGBA", {"quality": 50, "enc_params": {"preset": "ultrafast"}}),
}
MEASURE = """
import json, os, sys
from pathlib import Path
from cic_assets.domain.images import decode, examine, inspect, prepare

USES = {"inspect": inspect, "decode": decode, "examine": examine, "prepare": prepare}

def peak():
    # Not ru_maxrss, which a process inherits from the one that started it.
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) * 1024

def measure(kind, use):
    data, small = ((folder / f"{size} {kind}").read_bytes() for size in ("large", "small"))
    use(small)  # libraries load what they need
    before = peak()
    use(data)
    return peak() - before

folder, kinds = Path(sys.argv[1]), sys.argv[2:]
for kind in kinds:
    for name, use in USES.items():
        # A process of its own, whose peak no other decoding has raised; forked, so that it starts at once.
        if (pid := os.fork()) == 0:
            (folder / f"{name} {kind}").write_text(json.dumps(measure(kind, use)))
            os._exit(0)
        assert os.waitpid(pid, 0)[1] == 0, kind
"""
SLACK = 8_000_000
"""What allocators keep, whatever the picture."""


@pytest.fixture(scope="session")
def made(saved):
    def make(kind, side):
        mode, options = KINDS[kind]
        colours = np.random.default_rng(1).integers(0, 256, (side // 50, side // 50, 3), np.uint8)
        blocks = Image.fromarray(colours).resize((side, side), Image.Resampling.NEAREST)
        blocks = blocks.convert("L").convert(mode) if mode in ("F", "I;16", "LA") else blocks.convert(mode)
        return saved(blocks, kind.split()[0].upper(), **options)

    return make


@pytest.fixture(scope="module")
def measured(made, tmp_path_factory):
    """A folder with a file of each kind, and how many bytes each use of it took."""
    folder = tmp_path_factory.mktemp("measured")
    for kind in KINDS:
        (folder / f"large {kind}").write_bytes(made(kind, SIDE))
        (folder / f"small {kind}").write_bytes(made(kind, 150))
    subprocess.run([sys.executable, "-c", MEASURE, str(folder), *KINDS], check=True)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_takes_more_than_was_said(kind, measured):
    header = read_header((measured / f"large {kind}").read_bytes())
    taken = {
        use: json.loads((measured / f"{use} {kind}").read_text()) for use in ("inspect", "decode", "examine", "prepare")
    }
    assert taken["inspect"] <= header.inspecting_bytes + SLACK
    assert max(taken.values()) <= header.decoding_bytes + SLACK
    # Nor is far more claimed than is taken, for what is claimed is turned away.
    assert header.decoding_bytes <= 2.5 * max(taken.values()) + SLACK


@pytest.mark.parametrize("kind", KINDS)
def test_what_would_take_more_than_the_limit_is_not_decoded(kind, made, monkeypatch):
    data = made(kind, 300)
    needed = read_header(data).decoding_bytes
    assert inspect(data, ImageLimits(max_decoding_bytes=needed)).outcome is Outcome.OK
    monkeypatch.setattr(inspection, "loaded", lambda *_, **__: pytest.fail("it was decoded"))
    refused = inspect(data, ImageLimits(max_decoding_bytes=needed - 1))
    assert refused.outcome is Outcome.TOO_LARGE
    assert "MB to decode, more than" in refused.reason


def test_the_default_takes_the_pictures_of_cameras(made):
    """50 million pixels as JPEG, progressive and in full colour too, PNG and HEIC, with a file of 20 MB."""
    for kind in ("jpeg turned", "jpeg progressive 444", "png", "heif"):
        data = made(kind, 900)
        of_pixels = (read_header(data).decoding_bytes - 2 * len(data)) / 900**2
        assert of_pixels * 50e6 + 40e6 <= ImageLimits().max_decoding_bytes
