"""The promises that hold for real photos, on real photos: a recorded archive of them, with the odd files of the web."""

import csv
import io
import json
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import imagehash
import numpy as np
import pytest
from PIL import Image, ImageOps

from cic_assets.domain.images import ImageLimits, decode, fingerprint, inspect, prepare, read_header, resize_and_crop
from cic_assets.domain.media import Outcome

pytestmark = pytest.mark.shared
JUDGED_BY_THEIR_BYTES = {"ok", "not_an_image", "empty", "truncated", "too_large", "too_small"}


@dataclass(frozen=True)
class Recorded:
    """One link of the archive: what was done to the picture behind it, and what a perfect reader finds."""

    kind: str
    outcome: str
    url: str
    data: bytes


@pytest.fixture(scope="module")
def archive(shared_data: Path) -> dict[str, Recorded]:
    """Every link that leads to bytes, by its URL."""
    folder = shared_data / "archive"
    routes = [json.loads(line) for line in (folder / "routes.jsonl").read_text().splitlines()]
    files = {(route["host"], route["path"]): route["file"] for route in routes if "file" in route}
    found = {}
    with (folder / "truth.csv").open() as truth:
        for row in csv.DictReader(truth):
            parts = urlsplit(row["url"])
            if file := files.get((parts.netloc, parts.path)):
                data = (folder / "media" / file).read_bytes()
                found[row["url"]] = Recorded(row["kind"], row["outcome"], row["url"], data)
    return found


@pytest.fixture(scope="module")
def photos(archive) -> list[bytes]:
    """The distinct good pictures."""
    return list({item.data for item in archive.values() if item.outcome == "ok"})


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / max(np.mean((a.astype(np.float64) - b) ** 2), 1e-9)))


def test_every_file_gets_the_outcome_that_is_true(archive):
    judged = [item for item in archive.values() if item.outcome in JUDGED_BY_THEIR_BYTES]
    wrong = [(item.kind, item.url, inspect(item.data)) for item in judged if inspect(item.data).outcome != item.outcome]
    assert len(judged) > 700
    assert not wrong


def test_every_photo_cut_anywhere_is_truncated(photos):
    rng = np.random.default_rng(0)
    for data in photos:
        cut = data[: int(rng.integers(200, len(data) - 1))]
        assert inspect(cut, ImageLimits(min_side=1)).outcome == Outcome.TRUNCATED
        if data[:2] == b"\xff\xd8" and len(cut) < len(data) * 0.9 and b"\xff\xda" in cut:
            mended = inspect(cut.rstrip(b"\xff") + b"\xff\xd9").outcome
            assert mended == Outcome.TRUNCATED or b"\xff\xc2" in data  # a progressive one is whole, only coarse


def _as_a_viewer_shows_it(data: bytes) -> np.ndarray:
    """By another way than ours: Pillow on all of the file, its own orientation, alpha by hand."""
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if image.mode == "I;16":
        return np.repeat(np.round(np.asarray(image) / 257)[:, :, None], 3, axis=2)
    rgba = np.asarray(image.convert("RGBA")).astype(float)
    alpha = rgba[:, :, 3:] / 255
    return rgba[:, :, :3] * alpha + 255 * (1 - alpha)


@pytest.mark.parametrize(
    "kind",
    [
        "cmyk",
        "exif_rotated",
        "gray16_png",
        "rgba_png",
        "palette_png",
        "webp_named_jpg",
        "gif_still",
        "progressive_jpeg",
    ],
)
def test_odd_encodings_are_upright_and_in_their_colours(archive, kind):
    odd = [item.data for item in archive.values() if item.kind == kind]
    assert len(odd) == 3
    for data in odd:
        header, decoded = read_header(data), decode(data)
        assert decoded.shape == (header.height, header.width, 3)
        assert np.abs(decoded - _as_a_viewer_shows_it(data)).max() <= 1


def test_every_odd_encoding_of_the_archive_is_upright_and_in_its_colours(archive):
    """Whatever is not an upright JPEG of 8 bits a colour, by what its header says: nothing odd goes unseen."""
    odd = {}
    for item in archive.values():
        if item.outcome == "ok":
            header = read_header(item.data)
            kind = (header.format, header.mode, header.bits, header.orientation)
            if kind != ("jpeg", "rgb", 8, 1):
                odd.setdefault(kind, set()).add(item.data)
    assert set(odd) == {
        ("jpeg", "rgb", 8, 6), ("jpeg", "grey", 8, 1), ("jpeg", "cmyk", 8, 1), ("webp", "rgb", 8, 1),
        ("gif", "palette", 8, 1), ("png", "palette", 8, 1), ("png", "rgb", 8, 1), ("png", "rgba", 8, 1),
        ("png", "grey", 16, 1),
    }  # fmt: skip
    for files in odd.values():
        for data in files:
            whole = decode(data)
            assert np.abs(whole - _as_a_viewer_shows_it(data)).max() <= 1
            # What is trained on is made by another way, of less than the whole picture.
            assert _psnr(prepare(data, 256), resize_and_crop(whole, 256)) >= 36


def test_a_reduced_decode_does_not_show(photos):
    quality = []
    for data in photos:
        header = read_header(data)
        if header.format == "jpeg" and header.shorter_side >= 768:
            quality.append(_psnr(prepare(data, 256), resize_and_crop(decode(data), 256)))
    assert len(quality) > 50
    assert np.median(quality) >= 42
    assert min(quality) >= 36


def test_nor_where_every_photo_is_reduced(photos):
    reduced = [data for data in photos[::2] if decode(data, shortest_side=128).shape != decode(data).shape]
    quality = [_psnr(prepare(data, 128), resize_and_crop(decode(data), 128)) for data in reduced]
    assert len(quality) > 150
    assert np.median(quality) >= 43
    assert np.mean(np.array(quality) < 34) < 0.01


def test_the_filter_of_reductions_is_nearer_than_area_averaging(photos):
    gains = []
    for data in photos[::3]:
        header = read_header(data)
        side = int(header.shorter_side / 4 / 1.6)
        if header.format == "jpeg" and side >= 60:
            whole, reduced = resize_and_crop(decode(data), side), decode(data, shortest_side=side)
            gains.append(_psnr(prepare(data, side), whole) - _psnr(resize_and_crop(reduced, side), whole))
    assert len(gains) > 70
    assert np.median(gains) > 1.5


def test_hashes_are_imagehash_s_on_a_full_decode(photos):
    """The stated share: all of the 64-bit hashes but 1 %, all of the 256-bit ones but 4 %, and never far off."""
    apart64, apart256 = [], []
    for data in photos[::3]:
        found, image = fingerprint(data), Image.fromarray(decode(data))
        apart64.append((found.phash ^ int(str(imagehash.phash(image)), 16)).bit_count())
        expected = int(str(imagehash.phash(image, hash_size=16)), 16)
        apart256.append((int.from_bytes(found.phash256) ^ expected).bit_count())
    assert len(apart64) > 200
    assert np.mean(np.array(apart64) == 0) >= 0.99
    assert np.mean(np.array(apart256) == 0) >= 0.96
    assert max(apart64) <= 2
    assert max(apart256) <= 4
