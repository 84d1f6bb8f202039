"""Where one copy lies on another is found to a small part of a pixel."""

import cv2
import numpy as np
import pytest

from cic_assets.domain.duplicates.registration import in_pixels, inverse, refined, whole_on_whole

from .conftest import photo


def grey(rgb):
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32)


LARGE = cv2.GaussianBlur(grey(photo(3, 960, 720)), (0, 0), 1.2)


def test_shares_and_pixels():
    warp = in_pixels(np.array([[0.5, 0, 0.25], [0, 1, 0]]), (100, 200), (50, 80))
    # The left edge of the first, half a pixel before the middle of its first one, is a quarter in on the second.
    assert (warp @ [-0.5, -0.5, 1]).tolist() == pytest.approx([0.25 * 80 - 0.5, -0.5])
    assert (warp @ [199.5, 99.5, 1]).tolist() == pytest.approx([0.75 * 80 - 0.5, 49.5])
    assert inverse(warp) @ [*(warp @ [7, 9, 1]), 1] == pytest.approx([7, 9])


@pytest.mark.parametrize("scale", [0.8, 0.5])
def test_a_whole_picture_lies_where_it_must(scale):
    small = cv2.resize(LARGE, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    expected = whole_on_whole(LARGE.shape, small.shape)
    found = refined(LARGE, small, expected + np.array([[0, 0, 1.3], [0, 0, -0.9]]))
    assert (found == expected).all()


@pytest.mark.parametrize(("left", "top"), [(31.0, 12.0), (9.5, 40.25)])
def test_one_that_was_cut_is_found_to_a_tenth_of_a_pixel(left, top):
    truth = np.array([[0.5, 0, -left / 2], [0, 0.5, -top / 2]])  # of the larger to the smaller
    small = cv2.warpAffine(LARGE, truth, (420, 310), flags=cv2.INTER_LINEAR)
    found = refined(LARGE, small, truth + np.array([[0.002, 0, 1.5], [0, -0.002, 1]]))
    corners = np.array([(x, y, 1) for x in (left, left + 800) for y in (top, top + 600)])
    assert np.abs(corners @ (found - truth).T).max() < 0.1


def test_what_does_not_lie_there_is_refused():
    assert refined(LARGE, grey(photo(8, 480, 360)), whole_on_whole(LARGE.shape, (360, 480))) is None
