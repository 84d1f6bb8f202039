"""The verdict: what is whole passes, what is cut does not, and nothing dangerous is ever decoded."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError

from cic_assets.domain.images import ImageLimits, decode, encode_jpeg, inspect
from cic_assets.domain.media import Outcome

ANY_SIZE = ImageLimits(min_side=1)


def test_a_whole_picture_is_ok(encoding):
    inspection = inspect(encoding.data, ANY_SIZE)
    assert (inspection.outcome, inspection.reason) == (Outcome.OK, "")
    assert (inspection.header.width, inspection.header.height) == encoding.size


def test_garbage_after_the_end_is_no_cut(encoding):
    for garbage in (b"\0", b"\r\n", b"\xff" * 9, bytes(5000), encoding.data[: len(encoding.data) // 2]):
        assert inspect(encoding.data + garbage, ANY_SIZE).outcome == Outcome.OK


def test_a_cut_picture_is_truncated_wherever_it_is_cut(encoding):
    length = len(encoding.data)
    cuts = {*range(14, length, max(1, length // 150)), *range(length - 20, length)}
    for cut in sorted(cuts):
        assert inspect(encoding.data[:cut], ANY_SIZE).outcome == Outcome.TRUNCATED, f"{cut} of {length} bytes"


def test_a_jpeg_with_an_end_but_without_all_its_pixels_is_truncated(synthetic_photo):
    data = encode_jpeg(synthetic_photo(400, 300))
    assert inspect(data).outcome == Outcome.OK
    for share in (0.5, 0.9, 0.99):
        cut = data[: int(len(data) * share)].rstrip(b"\xff")
        assert inspect(cut + b"\xff\xd9").outcome == Outcome.TRUNCATED
        assert inspect(cut + data).outcome == Outcome.TRUNCATED
        assert inspect(cut + bytes(len(data) - len(cut))).outcome == Outcome.TRUNCATED


def test_a_cut_jpeg_before_a_whole_one_is_truncated(saved, synthetic_photo):
    data = saved(Image.fromarray(synthetic_photo(400, 300)), "JPEG", progressive=True)
    inspection = inspect(data[: len(data) // 2] + data)
    assert (inspection.outcome, inspection.header.width) == (Outcome.TRUNCATED, 400)
    assert "another picture starts" in inspection.reason


def test_stray_bytes_between_the_segments_of_a_jpeg_do_no_harm(saved):
    data = saved(Image.new("RGB", (128, 128), "teal"), "JPEG")
    stray = data[:2] + b"\xff\xe1\0\x04ab" + b"stray" + data[2:]
    assert inspect(stray).outcome == Outcome.OK
    assert (decode(stray) == decode(data)).all()


def test_what_is_no_block_after_the_picture_of_a_gif_is_its_end(encodings):
    data = encodings["gif"].data
    assert inspect(data[:-1] + b"\x47junk", ANY_SIZE).outcome == Outcome.OK
    before = data.index(b"\x2c\0\0\0\0\x60\0\x40\0")
    assert inspect(data[:before] + b"\x47junk" + data[before:], ANY_SIZE).outcome == Outcome.NOT_AN_IMAGE


def test_the_end_of_a_thumbnail_is_not_the_end(saved, synthetic_photo):
    thumbnail = encode_jpeg(synthetic_photo(40, 30))
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0" + thumbnail
    data = saved(Image.fromarray(synthetic_photo(400, 300)), "JPEG", exif=exif)
    assert inspect(data).outcome == Outcome.OK
    assert inspect(data[: len(data) // 2]).outcome == Outcome.TRUNCATED


def test_a_png_with_an_end_but_without_all_its_pixels_is_truncated(saved, synthetic_photo, chunk):
    data = saved(Image.fromarray(synthetic_photo(300, 200)), "PNG")
    start = data.index(b"IDAT") + 4
    (length,) = struct.unpack_from(">I", data, start - 8)
    short = data[: start - 8] + chunk(b"IDAT", data[start : start + length // 2]) + chunk(b"IEND", b"")
    assert inspect(short).outcome == Outcome.TRUNCATED


def test_damage_inside_a_png_is_an_error(saved, synthetic_photo):
    data = bytearray(saved(Image.fromarray(synthetic_photo(300, 200)), "PNG"))
    data[len(data) // 2] ^= 0xFF
    inspection = inspect(bytes(data))
    assert inspection.outcome == Outcome.ERROR
    assert "png decoder" in inspection.reason


def test_no_bytes_are_empty():
    assert inspect(b"").outcome == Outcome.EMPTY


def test_a_page_is_not_an_image():
    inspection = inspect(b"<!doctype html><p>removed")
    assert (inspection.outcome, inspection.reason) == (Outcome.NOT_AN_IMAGE, "an HTML page")
    assert inspection.header is None


def test_limits_are_kept_at_the_pixel(saved):
    data = saved(Image.new("RGB", (200, 100)), "PNG")
    for limits, outcome in (
        (ImageLimits(min_side=100, max_pixels=20_000), Outcome.OK),
        (ImageLimits(min_side=101), Outcome.TOO_SMALL),
        (ImageLimits(max_pixels=19_999), Outcome.TOO_LARGE),
    ):
        assert inspect(data, limits).outcome == outcome
    assert inspect(data, ImageLimits(min_side=101)).reason == "200 x 100 pixels, a side under 101"


@pytest.mark.parametrize("wrong", [{"min_side": 0}, {"max_pixels": 0}, {"max_pixels": 10**9}, {"maximum": 5}])
def test_wrong_limits_are_refused(wrong):
    with pytest.raises(ValidationError):
        ImageLimits(**wrong)


@pytest.mark.parametrize(("width", "height"), [(24_000, 24_000), (2**31 - 1, 2**31 - 1), (1, 60_000_000)])
def test_a_bomb_is_too_large_by_its_header(chunk, width, height):
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    data = b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    assert inspect(data).outcome == Outcome.TOO_LARGE


def test_a_gif_whose_first_picture_outgrows_its_screen_is_too_large(encodings):
    data = bytearray(encodings["gif"].data)
    at = data.index(b"\x2c\0\0\0\0\x60\0\x40\0")
    struct.pack_into("<HHHH", data, at + 1, 0, 0, 65_535, 65_535)
    assert inspect(bytes(data)).outcome == Outcome.TOO_LARGE


@pytest.mark.parametrize("name", [b"zTXt", b"iTXt", b"iCCP"])
def test_compressed_metadata_is_never_unpacked(saved, chunk, name):
    bomb = zlib.compress(bytes(20_000_000), 9)  # Pillow refuses a picture with a text of more than 1 MB
    content = {b"zTXt": b"a\0\0", b"iTXt": b"a\0\1\0\0\0", b"iCCP": b"a\0\0"}[name] + bomb
    data = saved(Image.new("RGB", (128, 128), "teal"), "PNG")
    with_bomb = data[:33] + chunk(name, content) + data[33:]
    assert inspect(with_bomb).outcome == Outcome.OK


def test_thousands_of_empty_scans_are_refused(saved):
    data = saved(Image.new("RGB", (128, 128), "teal"), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    inspection = inspect(data[:-2] + data[at:-2] * 5000 + b"\xff\xd9")
    assert (inspection.outcome, inspection.reason) == (Outcome.ERROR, "jpeg with more than 100 scans")


def test_millions_of_empty_segments_are_refused(saved):
    data = saved(Image.new("RGB", (128, 128), "teal"), "JPEG")
    inspection = inspect(data[:2] + b"\xff\xfe\0\2" * 1_000_000 + data[2:])
    assert inspection.outcome == Outcome.NOT_AN_IMAGE
    assert "segments" in inspection.reason


def test_a_picture_of_noise_is_ok():
    rng = np.random.default_rng(1)
    assert inspect(encode_jpeg(rng.integers(0, 256, (150, 150, 3), np.uint8))).outcome == Outcome.OK
