"""Every odd encoding comes out upright and in its colours, however it was stored."""

import io
import struct
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from cic_assets.domain.images import PIXEL_CEILING, TooManyPixels, UnreadableImage, decode, encode_jpeg, read_header


def _worst(decoded: np.ndarray, expected: np.ndarray) -> int:
    return int(np.abs(decoded.astype(int) - expected).max())


def test_is_upright_and_in_its_colours(encoding):
    decoded = decode(encoding.data)
    assert decoded.dtype == np.uint8
    assert decoded.shape == encoding.expected.shape
    assert decoded.flags.c_contiguous
    # Away from edges, where a lossy code rings, every area has its colour.
    for top, left in ((4, 4), (4, 84), (56, 4), (56, 84), (30, 38), (30, 54)):
        area = (slice(top, top + 4), slice(left, left + 4))
        assert _worst(decoded[area], encoding.expected[area]) <= min(encoding.tolerance, 6)
    assert _worst(decoded, encoding.expected) <= encoding.tolerance


def test_colours_hidden_under_full_transparency_do_not_appear(encodings):
    decoded = decode(encodings["rgba_png"].data)
    assert (decoded[:40, 80:] == 255).all()


def test_16_bit_grey_is_scaled_not_clipped(saved):
    ramp = np.linspace(0, 65535, 256 * 8).astype(np.uint16).reshape(8, 256)
    decoded = decode(saved(Image.fromarray(ramp), "PNG"))
    assert _worst(decoded[:, :, 0], np.round(ramp / 257)) == 0


def test_a_reduced_decode_leaves_enough(synthetic_photo):
    data = encode_jpeg(synthetic_photo(1210, 805))
    for shortest_side in (1, 40, 64, 100, 256, 400, 805, 2000):
        height, width = decode(data, shortest_side=shortest_side).shape[:2]
        assert height >= min(shortest_side, 805)
        assert abs(width / height - 1210 / 805) < 0.02
    assert decode(data, shortest_side=64).shape[0] == -(-805 // 8)
    assert decode(data, shortest_side=256).shape[0] == -(-805 // 2)
    assert decode(data, shortest_side=300).shape[0] == 805, "403 are too few to make 300 of"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_reduced_decode_is_upright_too(encodings, orientation, picture):
    big = np.kron(picture, np.ones((12, 12, 1), np.uint8))
    data = encodings[f"jpeg_exif_{orientation}"].data
    stored = Image.open(io.BytesIO(data))
    large = stored.resize((stored.width * 12, stored.height * 12), Image.Resampling.NEAREST)
    buffer = io.BytesIO()
    large.save(buffer, "JPEG", exif=stored.info["exif"], quality=95)
    small = decode(buffer.getvalue(), shortest_side=48)
    assert small.shape[:2] == (96, 144)
    for y, x in ((10, 10), (10, 130), (85, 10), (85, 130)):
        assert _worst(small[y, x], big[y * 8, x * 8]) <= 10


def test_many_threads_decode_the_same(encodings):
    files = [encoding.data for encoding in encodings.values()] * 4
    alone = [decode(data) for data in files]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(decode, files))
    assert all(np.array_equal(a, b) for a, b in zip(alone, together, strict=True))


def test_the_result_can_be_written_to(encoding):
    decode(encoding.data)[0, 0] = 0


def test_what_is_no_picture_says_so():
    for data in (b"", b"GIF89a", b"<html></html>", bytes(1000)):
        with pytest.raises(UnreadableImage, match=r"\w"):
            decode(data)


def test_no_decoder_sees_more_pixels_than_the_ceiling(saved):
    data = bytearray(saved(Image.new("L", (8, 8)), "BMP"))
    struct.pack_into("<ii", data, 18, 20_000, 20_000)
    assert read_header(bytes(data)).pixels > PIXEL_CEILING
    with pytest.raises(TooManyPixels, match="20000 x 20000"):
        decode(bytes(data))


def test_a_header_that_lies_about_the_size_is_found_out(encodings):
    data = bytearray(encodings["lossy_webp"].data)
    extended = b"VP8X" + struct.pack("<IB3xHBHB", 10, 0, 199, 0, 99, 0)
    body = b"WEBP" + extended + bytes(data[12:])
    with pytest.raises(UnreadableImage):
        decode(b"RIFF" + struct.pack("<I", len(body)) + body)
