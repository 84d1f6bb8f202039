"""Small squares are Pillow's, but for a level in a pixel of some thousands."""

import numpy as np
import pytest
from PIL import Image

from cic_assets.domain.images.lanczos import lanczos_squares

SIZES = [(640, 480), (480, 640), (128, 128), (131, 170), (1001, 737), (127, 300), (40, 20)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("beyond", [0, 0.375, 0.9])
def test_squares_are_pillow_s(size, beyond):
    for square, expected in _both(np.random.default_rng(1).integers(0, 256, size[::-1], np.uint8), beyond):
        apart = np.abs(square.astype(int) - expected)
        assert apart.max() <= 1
        assert np.count_nonzero(apart) <= 1 + square.size // 2000


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("beyond", [0, 0.375, 0.9])
def test_a_ramp_is_off_by_no_more_than_a_level(size, beyond):
    """Where all levels are as regular as this, many sums are half a level, which either rounding may take."""
    for square, expected in _both((np.indices(size[::-1]).sum(axis=0) % 256).astype(np.uint8), beyond):
        assert np.abs(square.astype(int) - expected).max() <= 1


def _both(levels, beyond):
    """Squares by us and by Pillow."""
    grey = Image.fromarray(levels)
    box = (0, 0, grey.width - beyond, grey.height - beyond / 2)
    for square in lanczos_squares(levels, *box[2:], (32, 64)):
        yield square, np.asarray(grey.resize(square.shape, Image.Resampling.LANCZOS, box=box))


def test_extremes_stay_within_levels():
    """Lanczos overshoots at the edge of black and white; Pillow cuts that off."""
    edge = np.zeros((300, 300), np.uint8)
    edge[:, 150:] = 255
    (square,) = lanczos_squares(edge, 300, 300, (32,))
    np.testing.assert_array_equal(square, np.asarray(Image.fromarray(edge).resize((32, 32), Image.Resampling.LANCZOS)))
