import cv2
import numpy as np
import pytest

from cic_assets.domain.duplicates.crops import oriented_hashes, window_hashes
from cic_assets.domain.duplicates.descriptors import SIDE, even_tones
from cic_assets.domain.duplicates.windows import ORIENTATIONS, WHOLE, WINDOWS

from .conftest import crop, photo


def thumbnail(rgb):
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY)
    return even_tones(cv2.resize(grey, (SIDE, SIDE), interpolation=cv2.INTER_AREA))


def distance(one, other):
    return int(np.bitwise_count(one ^ other))


@pytest.mark.parametrize("held", ORIENTATIONS)
def test_the_hash_of_a_picture_held_otherwise_is_that_of_the_mirrored_and_turned_thumbnail(held):
    thumbnails = np.stack([thumbnail(photo(seed)) for seed in range(8)])
    seen = np.rot90(thumbnails[:, :, ::-1] if held.is_mirrored else thumbnails, held.turns, (1, 2))
    asked = oriented_hashes(thumbnails)[:, ORIENTATIONS.index(held)]
    assert np.bitwise_count(asked ^ oriented_hashes(np.ascontiguousarray(seen))[:, 0]).max() <= 2


def test_the_whole_is_a_window():
    thumbnails = np.stack([thumbnail(photo(seed)) for seed in range(8)])
    upright, known = oriented_hashes(thumbnails)[:, 0], window_hashes(thumbnails)[:, WINDOWS.index(WHOLE)]
    assert np.bitwise_count(upright ^ known).max() <= 2


@pytest.mark.parametrize("window", [window for window in WINDOWS if window != WHOLE][::5])
def test_the_hash_of_a_window_is_that_of_the_part_cut_out(window):
    near = []
    for seed in range(6):
        rgb = photo(seed, 400, 400)
        edges = [round(edge * 400) for edge in (window.left, window.top, window.right, window.bottom)]
        part = rgb[edges[1] : edges[3], edges[0] : edges[2]]
        known = window_hashes(thumbnail(rgb)[np.newaxis])[0, WINDOWS.index(window)]
        near.append(distance(known, oriented_hashes(thumbnail(part)[np.newaxis])[0, 0]))
    assert np.median(near) <= 4


def test_random_crops_of_up_to_a_tenth_come_near_a_window():
    rng = np.random.default_rng(0)
    near = []
    for seed in range(60):
        rgb = photo(seed, 200, 150)
        part = crop(rgb, rng.uniform(0.9, 0.99), *rng.uniform(0, 1, 2))
        asked = oriented_hashes(thumbnail(part)[np.newaxis])[0, 0]
        near.append(int(np.bitwise_count(window_hashes(thumbnail(rgb)[np.newaxis])[0] ^ asked).min()))
    assert np.mean(np.array(near) <= 8) >= 0.95


def test_no_pictures_have_no_hashes():
    none = np.empty((0, SIDE, SIDE), np.uint8)
    assert oriented_hashes(none).shape == (0, len(ORIENTATIONS))
    assert window_hashes(none).shape == (0, len(WINDOWS))


def test_many_pictures_have_the_hashes_that_each_has_alone():
    thumbnails = np.random.default_rng(0).integers(0, 256, (700, SIDE, SIDE)).astype(np.uint8)
    for hashed in (oriented_hashes, window_hashes):
        alone = np.concatenate([hashed(one[np.newaxis]) for one in thumbnails[500:530]])
        np.testing.assert_array_equal(hashed(thumbnails)[500:530], alone)
