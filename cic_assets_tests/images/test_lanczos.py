"""Small squares are Pillow's, to the bit."""

import numpy as np
import pytest
from PIL import Image

from cic_assets.images.lanczos import lanczos_squares


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (128, 128), (131, 170), (1001, 737), (127, 300), (40, 20)])
@pytest.mark.parametrize("beyond", [0, 0.375, 0.9])
def test_squares_are_pillow_s(size, beyond):
    width, height = size
    box = (0, 0, width - beyond, height - beyond / 2)
    for levels in (np.random.default_rng(1).integers(0, 256, (height, width)), np.indices((height, width)).sum(axis=0)):
        grey = Image.fromarray((levels % 256).astype(np.uint8))
        for square in lanczos_squares(np.asarray(grey), *box[2:], (32, 64)):
            expected = np.asarray(grey.resize(square.shape, Image.Resampling.LANCZOS, box=box))
            np.testing.assert_array_equal(square, expected)


def test_extremes_stay_within_levels():
    """Lanczos overshoots at the edge of black and white; Pillow cuts that off."""
    edge = np.zeros((300, 300), np.uint8)
    edge[:, 150:] = 255
    (square,) = lanczos_squares(edge, 300, 300, (32,))
    np.testing.assert_array_equal(square, np.asarray(Image.fromarray(edge).resize((32, 32), Image.Resampling.LANCZOS)))
