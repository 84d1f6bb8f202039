import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.duplicates.crops import WHOLE, WINDOWS, Box, Crops, Guess, view_hashes
from cic_assets.domain.duplicates.descriptors import SIDE, even_tones

from .conftest import crop, letterbox, photo


def thumbnail(rgb):
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    return even_tones(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def distance(one, other):
    return int(np.bitwise_count(one ^ other))


def test_the_hash_of_the_mirrored_content_is_that_of_the_mirrored_thumbnail():
    thumbnails = np.stack([thumbnail(photo(seed)) for seed in range(8)])
    asked, known = view_hashes(thumbnails)
    mirrored, _ = view_hashes(np.ascontiguousarray(thumbnails[:, :, ::-1]))
    assert np.bitwise_count(asked[:, 1] ^ mirrored[:, 0]).max() <= 2
    np.testing.assert_array_equal(asked[:, 0], known[:, WINDOWS.index(WHOLE)])


@pytest.mark.parametrize("window", [window for window in WINDOWS if window != WHOLE][::5])
def test_the_hash_of_a_window_is_that_of_the_part_cut_out(window):
    near = []
    for seed in range(6):
        rgb = photo(seed, 400, 400)
        edges = [round(edge * 400) for edge in (window.left, window.top, window.right, window.bottom)]
        part = rgb[edges[1] : edges[3], edges[0] : edges[2]]
        known = view_hashes(thumbnail(rgb)[np.newaxis])[1][0, WINDOWS.index(window)]
        near.append(distance(known, view_hashes(thumbnail(part)[np.newaxis])[0][0, 0]))
    assert np.median(near) <= 4


def test_random_crops_of_up_to_a_tenth_come_near_a_window():
    rng = np.random.default_rng(0)
    near = []
    for seed in range(60):
        rgb = photo(seed, 200, 150)
        part = crop(rgb, rng.uniform(0.9, 0.99), *rng.uniform(0, 1, 2))
        asked = view_hashes(thumbnail(part)[np.newaxis])[0][0, 0]
        near.append(int(np.bitwise_count(view_hashes(thumbnail(rgb)[np.newaxis])[1][0] ^ asked).min()))
    assert np.mean(np.array(near) <= 8) >= 0.95


def test_boxes_within_boxes_and_mirrored():
    outer = Box(0.5, 0.0, 1.0, 0.5)
    assert Box(0.5, 0.5, 1.0, 1.0).within(outer) == Box(0.75, 0.25, 1.0, 0.5)
    assert outer.mirrored() == Box(0.0, 0.0, 0.5, 0.5)
    assert WHOLE.within(outer) == outer


def views_of(gallery, *pictures):
    for number, rgb in enumerate(pictures):
        gallery.add(f"picture {number}", rgb)
    return Crops(gallery.table)


def test_guesses_say_which_part_is_which(gallery):
    rgb = photo(1)
    crops = views_of(gallery, rgb, letterbox(rgb, 0.15), rgb[:, ::-1], crop(rgb, 0.9, 1, 1))
    boxed = crops.guesses(0, 1, 8)[0]
    assert boxed.one == WHOLE
    assert (boxed.other.top, boxed.other.bottom) == pytest.approx((0.15 / 1.3, 1.15 / 1.3), abs=0.02)
    assert crops.guesses(0, 2, 8)[0] == Guess(WHOLE, WHOLE, is_mirrored=True)
    cropped = crops.guesses(0, 3, 8)[0]
    assert (cropped.one.left, cropped.one.right, cropped.other) == (pytest.approx(0.1, abs=0.051), 1.0, WHOLE)
    assert crops.guesses(3, 0, 8)[0] == Guess(cropped.other, cropped.one, is_mirrored=False)


def test_different_pictures_give_no_guess(gallery):
    crops = views_of(gallery, photo(1), photo(2))
    assert crops.guesses(0, 1, 8) == []


def test_no_pictures_have_no_views(gallery):
    gallery.add("one", photo(1))
    assert Crops(gallery.table.iloc[:0]).known.shape == (0, 1 + 2 * len(WINDOWS))
    assert isinstance(gallery.table, pd.DataFrame)
