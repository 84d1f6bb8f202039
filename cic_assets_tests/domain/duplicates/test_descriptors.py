import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.duplicates.descriptors import SIDE, descriptors_of, even_tones
from cic_assets.domain.images import examine

from .conftest import encode, letterbox, photo


def look_at(picture):
    """The look of a file, or of pixels without loss."""
    data = picture if isinstance(picture, bytes) else cv2.imencode(".png", picture[:, :, ::-1])[1].tobytes()
    found = examine(data)
    return descriptors_of(found.pixels, found.preview)


def edges(look):
    return look.content_left, look.content_top, look.content_right, look.content_bottom


@pytest.mark.parametrize("level", [0, 255, 90])
@pytest.mark.parametrize("share", [0.05, 0.12, 0.25])
def test_a_border_is_found_and_the_content_is_what_is_inside(share, level):
    rgb = photo(1)
    look = look_at(encode(letterbox(rgb, share, level)))
    of_all = share / (1 + 2 * share)
    assert edges(look) == pytest.approx((0, of_all, 1, 1 - of_all), abs=0.015)
    inside = np.frombuffer(look.content_thumbnail, np.uint8).astype(float)
    alone = np.frombuffer(look_at(encode(rgb)).thumbnail, np.uint8).astype(float)
    assert np.abs(inside - alone).mean() < 8
    assert look.thumbnail != look.content_thumbnail


def test_borders_on_all_sides():
    framed = np.pad(photo(2), ((20, 20), (40, 40), (0, 0)), constant_values=255)
    assert edges(look_at(framed)) == pytest.approx((40 / 380, 20 / 260, 340 / 380, 240 / 260), abs=0.01)


@pytest.mark.parametrize("seed", range(5))
def test_a_photo_has_no_border(seed):
    look = look_at(photo(seed))
    assert edges(look) == (0, 0, 1, 1)
    assert look.thumbnail == look.content_thumbnail


def test_a_sky_that_fades_is_no_border():
    rgb = photo(3)
    sky = np.linspace(250, 120, 120)[:, np.newaxis, np.newaxis]
    rgb[:120] = sky
    assert edges(look_at(rgb)) == (0, 0, 1, 1)


def test_what_leaves_too_little_is_no_border_but_a_ground():
    rgb = np.full((220, 300, 3), 255, np.uint8)
    rgb[80:140, 100:200] = photo(4, 100, 60)
    assert edges(look_at(rgb)) == (0, 0, 1, 1)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (7, 5)])
def test_pictures_of_any_size_and_of_one_colour_have_a_look(shape):
    look = look_at(np.full((*shape, 3), 7, np.uint8))
    assert edges(look) == (0, 0, 1, 1)
    assert len(look.thumbnail) == SIDE**2


@given(st.integers(0, 1000), st.floats(0.5, 2))
def test_evened_tones_hardly_see_gamma(seed, exponent):
    grey = photo(seed % 7, 64, 64)[..., 0]
    brighter = np.round(255 * (grey / 255) ** exponent).astype(np.uint8)
    assert np.abs(even_tones(grey).astype(int) - even_tones(brighter)).mean() < 20


def test_evened_tones_keep_the_order_of_levels_and_do_not_spread_a_white_ground():
    grey = np.full((32, 32), 255, np.uint8)
    grey[10:20, 10:20] = np.arange(100, dtype=np.uint8).reshape(10, 10)
    grey[::2, ::2][grey[::2, ::2] == 255] = 253
    evened = even_tones(grey).astype(int)
    levels = {level: evened[grey == level][0] for level in np.unique(grey)}
    assert list(levels.values()) == sorted(levels.values())
    assert levels[255] - levels[253] < 12
