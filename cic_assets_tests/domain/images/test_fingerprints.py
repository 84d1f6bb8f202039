"""Fingerprints: imagehash's pHash, mirrors for free, and measures of quality that mean something."""

import hashlib
import io

import cv2
import imagehash
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cic_assets.domain.images import UnreadableImage, decode, encode_jpeg, fingerprint

ROUNDING = 4 * 64 / 2 / 12**0.5
"""Standard deviation of a coefficient of 64 by 64 pixels that are rounded to whole numbers, as scipy scales it."""


def _lossless(rgb: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "BMP")
    return buffer.getvalue()


def _by_imagehash(rgb: np.ndarray, hash_size: int) -> str:
    return str(imagehash.phash(Image.fromarray(rgb), hash_size=hash_size))


def _bits_apart(a: bytes, b: bytes) -> int:
    return (int.from_bytes(a) ^ int.from_bytes(b)).bit_count()


@pytest.mark.parametrize("size", [(64, 64), (200, 133), (377, 610), (640, 480), (31, 500)])
def test_is_imagehash_but_for_a_pair_of_bits(synthetic_photo, size):
    """But for one pair of bits near the median in one of some hundreds."""
    apart = []
    for seed in range(5):
        rgb = synthetic_photo(*size, seed)
        found = fingerprint(_lossless(rgb))
        assert found.phash == int(_by_imagehash(rgb, 8), 16)
        apart.append(_bits_apart(found.phash256, bytes.fromhex(_by_imagehash(rgb, 16))))
    assert max(apart) <= 2
    assert apart.count(0) >= 4


@given(st.integers(0, 2**32 - 1), st.integers(8, 120), st.integers(8, 120))
def test_is_imagehash_of_noise_too(seed, width, height):
    """But for bits whose coefficient is so near the median that rounding pixels to bytes decides: noise has many."""
    from scipy.fftpack import dct

    rgb = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    pixels = np.asarray(Image.fromarray(rgb).convert("L").resize((64, 64), Image.Resampling.LANCZOS))
    low = dct(dct(pixels, axis=0), axis=1)[:16, :16]
    from_median = (low - np.median(low)).ravel()
    expected = from_median > 0
    assert np.packbits(expected).tobytes().hex() == _by_imagehash(rgb, 16)
    found = np.unpackbits(np.frombuffer(fingerprint(_lossless(rgb)).phash256, np.uint8)).astype(bool)
    assert np.abs(from_median[found != expected]).max(initial=0) < 7 * ROUNDING


def test_a_reduced_decode_moves_next_to_no_bit(synthetic_photo):
    apart = []
    for seed in range(8):
        data = encode_jpeg(synthetic_photo(1101 + seed, 803 + seed, seed), 90)
        whole = decode(data)
        assert decode(data, shortest_side=256).shape[0] == whole.shape[0] // 2 + whole.shape[0] % 2
        found = fingerprint(data)
        apart.append((found.phash ^ int(_by_imagehash(whole, 8), 16)).bit_count())
        assert _bits_apart(found.phash256, bytes.fromhex(_by_imagehash(whole, 16))) <= 4
    assert max(apart) <= 2
    assert apart.count(0) >= 7


def test_the_part_of_a_last_column_that_is_no_picture_does_not_count(synthetic_photo):
    """At 1/8 the last of 385 columns is picture in one of eight."""
    apart = []
    for seed in range(3):
        large = cv2.resize(synthetic_photo(800, 800, seed), (3073, 3073), interpolation=cv2.INTER_CUBIC)
        data = encode_jpeg(large, 90)
        assert decode(data, shortest_side=256).shape[0] == 385
        apart.append(_bits_apart(fingerprint(data).phash256, bytes.fromhex(_by_imagehash(large, 16))))
    assert max(apart) <= 2


@pytest.mark.parametrize("size", [(200, 133), (377, 610)])
def test_the_mirrored_hash_is_the_hash_of_the_mirrored(synthetic_photo, size):
    for seed in range(5):
        rgb = synthetic_photo(*size, seed)
        here, there = fingerprint(_lossless(rgb)), fingerprint(_lossless(np.ascontiguousarray(rgb[:, ::-1])))
        assert here.phash != there.phash
        assert (here.phash_mirrored ^ there.phash).bit_count() <= 2
        assert _bits_apart(here.phash256_mirrored, there.phash256) <= 4
        assert (there.phash_mirrored ^ here.phash).bit_count() <= 2


@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp", "tiff"])
def test_orientation_does_not_matter(encodings, image_format):
    found = [fingerprint(encodings[f"{image_format}_exif_{orientation}"].data) for orientation in range(1, 9)]
    for other in found[1:]:
        assert (other.width, other.height) == (96, 64)
        assert _bits_apart(found[0].phash256, other.phash256) <= (16 if image_format == "jpeg" else 0)
        assert image_format == "jpeg" or other.pixels_sha256 == found[0].pixels_sha256


def test_pixels_are_the_same_in_every_lossless_container(encodings):
    names = ("png_exif_1", "png_exif_6", "palette_png", "bmp", "tiff_deflate", "gif", "webp_exif_3")
    assert len({fingerprint(encodings[name].data).pixels_sha256 for name in names}) == 1


def test_pixels_are_the_same_without_metadata(saved, synthetic_photo):
    image = Image.fromarray(synthetic_photo(900, 800))
    with_text = saved(image, "JPEG", comment=b"from my telephone", quality=90)
    without = saved(image, "JPEG", quality=90)
    assert hashlib.sha256(with_text).digest() != hashlib.sha256(without).digest()
    assert fingerprint(with_text) == fingerprint(without)


def test_pixels_of_another_shape_are_others():
    flat = np.full((64, 96, 3), 7, np.uint8)
    assert fingerprint(_lossless(flat)).pixels_sha256 != fingerprint(_lossless(flat.reshape(96, 64, 3))).pixels_sha256


def test_blur_lowers_sharpness_whatever_the_size(synthetic_photo):
    rgb = synthetic_photo(1200, 900)
    crisp = fingerprint(encode_jpeg(rgb)).sharpness
    blurred = fingerprint(encode_jpeg(cv2.GaussianBlur(rgb, (0, 0), 12))).sharpness
    smaller = fingerprint(encode_jpeg(cv2.resize(rgb, (600, 450), interpolation=cv2.INTER_AREA))).sharpness
    assert blurred < crisp / 5
    assert 0.5 < smaller / crisp < 2


def test_flatness_tells_a_placeholder_from_a_photo(synthetic_photo):
    placeholder = np.full((200, 300, 3), 34, np.uint8)
    cv2.putText(placeholder, "removed", (40, 110), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (200, 200, 200), 2)
    assert fingerprint(encode_jpeg(placeholder)).flatness > 0.9
    assert fingerprint(_lossless(np.full((50, 50, 3), 255, np.uint8))).flatness == 1
    assert fingerprint(encode_jpeg(synthetic_photo(300, 200))).flatness < 0.3


def test_brightness_and_contrast_run_from_black_to_white():
    black, white = np.zeros((50, 50, 3), np.uint8), np.full((50, 50, 3), 255, np.uint8)
    half = np.concatenate([black, white])
    assert [fingerprint(_lossless(rgb)).brightness for rgb in (black, half, white)] == [0, 0.5, 1]
    assert [fingerprint(_lossless(rgb)).contrast for rgb in (black, half, white)] == [0, 0.5, 0]


def test_a_row_goes_through_parquet_unchanged(synthetic_photo):
    rows = [fingerprint(_lossless(synthetic_photo(80, 60, seed))).row() for seed in range(40)]
    assert any(row["phash"] >= 2**63 for row in rows)
    table = pd.DataFrame(rows).astype({"phash": "uint64", "phash_mirrored": "uint64"})
    buffer = io.BytesIO(table.to_parquet(index=False))
    back = pd.read_parquet(buffer)
    assert back["phash"].dtype == np.uint64
    assert back.to_dict("records") == rows
    words = np.frombuffer(b"".join(back["phash256"]), ">u8").reshape(-1, 4)
    assert int(words[0, 0]) == int(rows[0]["phash256"][:8].hex(), 16)


def test_flat_pictures_have_one_hash():
    """Nothing but rounding noise decides on their bits in imagehash; here it does not."""
    for level in (1, 77, 128, 255):
        for size in ((64, 64), (99, 301)):
            flat = fingerprint(_lossless(np.full((*size, 3), level, np.uint8)))
            assert flat.phash == 1 << 63
            assert flat.phash_mirrored == flat.phash


def test_no_picture_no_fingerprint():
    with pytest.raises(UnreadableImage):
        fingerprint(b"nothing")
