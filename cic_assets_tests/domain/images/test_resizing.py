"""The one preprocessing: right for every size and shape, and a reduced decode does not show."""

import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from cic_assets.domain.images import (
    UnreadableImage,
    decode,
    encode_jpeg,
    prepare,
    prepared_jpeg,
    prepared_pixels,
    read_header,
    resize_and_crop,
)


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def _file(rgb: np.ndarray, orientation: int = 1, image_format: str = "JPEG", **options) -> bytes:
    exif = Image.Exif()
    exif[0x112] = orientation
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, image_format, exif=exif, **options)
    return buffer.getvalue()


def test_every_small_size_becomes_the_square():
    rng = np.random.default_rng(0)
    for height in range(1, 26):
        for width in range(1, 26):
            rgb = rng.integers(0, 256, (height, width, 3), np.uint8)
            for side in (1, 2, 7, 16):
                square = resize_and_crop(rgb, side)
                assert square.shape == (side, side, 3), (height, width, side)
                assert square.dtype == np.uint8
                assert square.flags.c_contiguous


@pytest.mark.parametrize(("height", "width"), [(1, 3_000_000), (3_000_000, 1), (2, 9_999), (3_001, 7), (100, 40_000)])
def test_extreme_strips_become_the_square(height, width):
    rgb = np.full((height, width, 3), (10, 200, 90), np.uint8)
    assert (resize_and_crop(rgb, 256) == (10, 200, 90)).all()


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 300), st.integers(0, 255))
def test_one_colour_stays_that_colour(height, width, side, level):
    assert (resize_and_crop(np.full((height, width, 3), level, np.uint8), side) == level).all()


@given(st.integers(1, 120), st.integers(1, 120), st.integers(1, 64))
def test_the_square_is_the_centre(height, width, side):
    """A picture symmetrical about its centre stays so, but for the half pixel that a crop of an odd rest is off."""
    rows, columns = np.mgrid[:height, :width]
    ramp = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2)
    rgb = np.repeat(np.round(ramp * 255 / max(ramp.max(), 1))[:, :, None], 3, axis=2).astype(np.uint8)
    square = resize_and_crop(rgb, side).astype(int)
    steepest = 255 / max(ramp.max(), 1) * min(height, width) / side + 2
    assert np.abs(square - square[::-1]).max() <= steepest * 1.5
    assert np.abs(square - square[:, ::-1]).max() <= steepest * 1.5


def test_the_ends_beyond_the_square_do_not_show():
    rgb = np.zeros((100, 300, 3), np.uint8)
    rgb[:, :90], rgb[:, 210:] = 255, 255
    assert resize_and_crop(rgb, 50).max() == 0


def test_down_is_the_mean_of_what_a_pixel_covers():
    rng = np.random.default_rng(2)
    rgb = rng.integers(0, 256, (64, 64, 3), np.uint8)
    means = rgb.reshape(16, 4, 16, 4, 3).mean(axis=(1, 3))
    assert np.abs(resize_and_crop(rgb, 16) - means).max() <= 0.51


def test_fine_stripes_do_not_alias():
    stripes = np.zeros((600, 600, 3), np.uint8)
    stripes[:, ::2] = 255
    assert np.abs(resize_and_crop(stripes, 130).astype(int) - 127).max() <= 28


def test_a_picture_of_the_right_size_is_left_alone(synthetic_photo):
    rgb = synthetic_photo(90, 64)
    assert np.array_equal(resize_and_crop(rgb, 64), rgb[:, 13:77])


def test_the_result_is_no_view_of_the_input(synthetic_photo):
    rgb = synthetic_photo(64, 64)
    resize_and_crop(rgb, 64)[:] = 0
    assert rgb.any()


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_other_arrays_are_refused(wrong):
    with pytest.raises(ValueError, match="expected pixels of shape"):
        resize_and_crop(wrong, 8)


@pytest.mark.parametrize("side", [0, -3])
def test_a_side_under_one_is_refused(side):
    with pytest.raises(ValueError, match="side"):
        resize_and_crop(np.zeros((4, 4, 3), np.uint8), side)
    with pytest.raises(ValueError, match="side"):
        prepare(encode_jpeg(np.zeros((4, 4, 3), np.uint8)), side)


def test_preparing_is_decoding_then_resizing(encoding):
    for side in (43, 64, 100):
        expected = resize_and_crop(decode(encoding.data), side)
        # Turned before or after resizing: halves are rounded to the other side.
        assert np.abs(prepare(encoding.data, side).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("size", [(400, 400), (601, 401), (401, 607), (999, 773), (1161, 769)])
@pytest.mark.parametrize("orientation", [1, 3, 6, 7])
def test_a_reduced_decode_does_not_show(synthetic_photo, size, orientation):
    data = _file(synthetic_photo(*size), orientation, quality=92)
    whole = resize_and_crop(decode(data), 64)
    assert decode(data, shortest_side=64).shape[0] < decode(data).shape[0]
    assert _psnr(prepare(data, 64), whole) > 42
    # Nor does it move: a shift of the whole one by half a pixel would be told.
    shifted = (whole[:, 1:].astype(float) + whole[:, :-1]) / 2
    assert _psnr(prepare(data, 64)[:, 1:], shifted) < _psnr(prepare(data, 64), whole) - 4


@pytest.mark.parametrize("factor", [1.55, 1.9, 2.3, 2.8])
def test_hard_edges_come_nearer_to_the_whole_than_by_plain_averaging(factor):
    cells = np.random.default_rng(0).integers(0, 256, (82, 109, 3))
    data = _file(np.kron(cells, np.ones((11, 11, 1))).astype(np.uint8), quality=95)
    side = int(902 / 2 / factor)
    whole, reduced = resize_and_crop(decode(data), side), decode(data, shortest_side=side)
    assert reduced.shape[0] == 451
    assert _psnr(prepare(data, side), whole) > _psnr(resize_and_crop(reduced, side), whole) + 2


def test_far_reductions_work_too(synthetic_photo):
    data = _file(synthetic_photo(999, 773), quality=92)
    for side in (1, 3, 16, 40, 50, 99):
        assert _psnr(prepare(data, side), resize_and_crop(decode(data), side)) > 36


def test_no_picture_no_square():
    with pytest.raises(UnreadableImage, match="HTML"):
        prepare(b"<html>")


@pytest.mark.parametrize("quality", [75, 95])
def test_prepared_pixels_are_those_of_the_prepared_jpeg(quality: int) -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (90, 140, 3)).astype(np.uint8)
    data = encode_jpeg(rgb, 90)
    jpeg = prepared_jpeg(data, 64, quality)

    for file in (data, jpeg):
        for header in (None, read_header(file)):
            np.testing.assert_array_equal(prepared_pixels(file, 64, quality, header), decode(jpeg))
