import numpy as np
import pytest

from cic_assets.domain.duplicates.alignment import SIDE, other_colours, overlap, picture_of, picture_of_pixels
from cic_assets.domain.duplicates.windows import ORIENTATIONS, WHOLE, Box, Guess, Orientation

from .conftest import crop, encode, gamma, letterbox, other_subject, painted, photo

SAME_PLACE = Guess(WHOLE, WHOLE)


def laid_on(one, other, guess=SAME_PLACE, content=WHOLE):
    return overlap(picture_of_pixels(one, WHOLE), picture_of_pixels(np.ascontiguousarray(other), content), guess)


@pytest.mark.parametrize("seed", range(4))
def test_a_crop_is_laid_on_its_place_though_the_guess_is_a_little_off(seed):
    rgb = photo(seed)
    guess = Guess(Box(0.05, 0.0, 0.95, 0.9), WHOLE)
    found = laid_on(rgb, crop(rgb, 0.92, 0.8, 0.2), guess)
    assert found.correlation > 0.9
    assert found.share == pytest.approx(0.92**2, abs=0.03)
    assert found.same_colours


def test_a_mirrored_crop():
    rgb = photo(1)
    guess = Guess(Box(0, 0, 0.9, 0.9), WHOLE, Orientation(is_mirrored=True))
    assert laid_on(rgb, crop(rgb, 0.9, 0, 0)[:, ::-1], guess).correlation > 0.9


@pytest.mark.parametrize("held", ORIENTATIONS)
def test_a_crop_that_is_mirrored_and_turned(held):
    rgb = photo(5, 300, 300)
    part = crop(rgb, 0.9, 0, 1)
    seen = np.rot90(part[:, ::-1] if held.is_mirrored else part, held.turns)
    assert laid_on(rgb, seen, Guess(Box(0, 0.1, 0.9, 1), WHOLE, held.undone())).correlation > 0.9
    assert laid_on(seen, rgb, Guess(Box(0, 0.1, 0.9, 1), WHOLE, held.undone()).reversed()).correlation > 0.9
    others = [other for other in ORIENTATIONS if other != held.undone()]
    found = [laid_on(rgb, seen, Guess(Box(0, 0.1, 0.9, 1), WHOLE, other)) for other in others]
    assert all(one is None or one.correlation < 0.5 for one in found)


def test_a_letterbox_is_compared_within_its_content():
    rgb = photo(2)
    content = Box(0, 0.2 / 1.4, 1, 1.2 / 1.4)
    found = laid_on(rgb, letterbox(crop(rgb, 0.9), 0.2), Guess(Box(0.05, 0.05, 0.95, 0.95), content), content)
    assert found.correlation > 0.85
    assert found.share == pytest.approx(0.81, abs=0.06)


@pytest.mark.parametrize("change", [lambda rgb: gamma(rgb, 0.6), lambda rgb: rgb // 2 + 60, lambda rgb: 20 + rgb // 3])
def test_light_and_contrast_make_no_difference(change):
    rgb = photo(3)
    found = laid_on(rgb, change(rgb))
    assert found.correlation > 0.9
    assert found.same_colours


def test_recompression_makes_little():
    one, other = (picture_of(encode(photo(4), quality), WHOLE) for quality in (90, 15))
    assert overlap(one, other, SAME_PLACE).correlation > 0.85


@pytest.mark.parametrize("seed", range(6))
def test_another_subject_in_the_same_scene_does_not_agree(seed):
    found = laid_on(photo(seed), other_subject(photo(seed), photo(seed + 100)))
    assert found is None or found.correlation < 0.6


@pytest.mark.parametrize("seed", range(6))
def test_another_scene_does_not_agree(seed):
    found = laid_on(photo(seed), photo(seed + 50))
    assert found is None or found.correlation < 0.4


def test_another_paint_is_another_colour():
    rgb = photo(5)
    assert not laid_on(painted(rgb, (1.4, 0.7, 0.6)), painted(rgb, (0.6, 0.8, 1.5))).same_colours
    assert laid_on(rgb, encode_and_back(rgb, 20)).same_colours


def encode_and_back(rgb, quality):
    from cic_assets.domain.images import decode

    return decode(encode(rgb, quality))


def test_nothing_in_common_where_hardly_anything_overlaps():
    rgb = photo(6)
    assert laid_on(rgb, rgb, Guess(Box(0, 0, 0.4, 0.4), Box(0.6, 0.6, 1, 1))) is None


def test_flat_pictures_say_nothing():
    flat = np.full((SIDE, SIDE, 3), 200, np.uint8)
    assert laid_on(flat, flat) is None


def cells(*colours):
    return np.array(colours * 16, np.float64)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (cells((30, -10), (0, 5)), cells((30, -10), (0, 5)), False),
        (cells((30, -10), (0, 5)), cells((0, 0), (0, 0)), False),  # black and white
        (cells((20, -10), (4, 5)), cells((36, -18), (7, 9)), False),  # more saturated
        (cells((20, -10), (4, 5), (2, 3)), cells((28, -20), (12, -5), (10, -7)), False),  # a tint over all
        (cells((60, -20), (0, 5), (0, 5)), cells((-20, 60), (0, 5), (0, 5)), True),  # red and blue
        (cells((60, -20), (0, 5), (0, 5)), cells((2, 2), (0, 5), (0, 5)), True),  # red and grey
    ],
)
def test_what_counts_as_another_colour(one, other, expected):
    assert other_colours(one, other) is expected
    assert other_colours(other, one) is expected
