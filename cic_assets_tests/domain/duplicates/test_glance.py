"""What only looks alike to a hash is told apart by a glance, and no copy is."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cic_assets.domain.duplicates.descriptors import descriptors_of
from cic_assets.domain.duplicates.glance import ALIKE, correlations, correlations_of
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.duplicates.meetings import Meetings
from cic_assets.domain.duplicates.windows import ORIENTATIONS, WHOLE, WINDOWS, Box
from cic_assets.domain.images import decode

from .conftest import crop, encode, gamma, letterbox, photo

PHOTOS = [photo(seed) for seed in range(12)]


def thumbnail(rgb):
    grey = (rgb @ [0.299, 0.587, 0.114]).astype(np.uint8)
    return np.frombuffer(descriptors_of(rgb, grey).thumbnail, np.uint8).reshape(32, 32)


def correlation(seen, whole, window):
    """Of a thumbnail with a window of another."""
    ours, theirs = (one[np.newaxis].astype(np.float32) for one in (seen, whole))
    return correlations_of(ours, theirs, np.array([WINDOWS.index(window)]))[0]


CHANGES = {
    "nothing": lambda rgb: rgb,
    "light": lambda rgb: gamma(rgb, 1.7),
    "recompressed": lambda rgb: decode(encode(rgb, 15)),
    "small": lambda rgb: np.ascontiguousarray(rgb[::3, ::3]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("window", WINDOWS)
def test_a_part_of_a_picture_is_like_it_where_it_was_cut_and_a_stranger_is_not(window, change):
    rgb, stranger = PHOTOS[WINDOWS.index(window) % 12], PHOTOS[(WINDOWS.index(window) + 1) % 12]
    height, width = rgb.shape[:2]
    part = rgb[
        round(window.top * height) : round(window.bottom * height),
        round(window.left * width) : round(window.right * width),
    ]
    seen = thumbnail(CHANGES[change](np.ascontiguousarray(part)))
    assert correlation(seen, thumbnail(rgb), window) > 1.4 * ALIKE
    assert correlation(seen, thumbnail(stranger), window) < ALIKE


@settings(max_examples=200)
@given(
    seed=st.integers(0, 11), share=st.floats(0.82, 0.99), left=st.floats(0, 1), top=st.floats(0, 1),
)  # fmt: skip
def test_a_crop_is_like_its_picture_by_the_nearest_window_of_the_grid(seed, share, left, top):
    rgb = PHOTOS[seed]
    x, y = left * (1 - share), top * (1 - share)
    cut = Box(x, y, x + share, y + share)

    def off(window):
        return max(abs(window.left - cut.left), abs(window.right - cut.right),
                   abs(window.top - cut.top), abs(window.bottom - cut.bottom))  # fmt: skip

    nearest = min(WINDOWS, key=off)
    if off(nearest) <= 1.5 / 32:  # of the side: what a shift by two pixels, and a little scale, can make good
        assert correlation(thumbnail(crop(rgb, share, left, top)), thumbnail(rgb), nearest) >= ALIKE


@pytest.mark.parametrize("level", [0, 128, 255])
def test_an_even_picture_is_like_none(level):
    even = np.full((32, 32), level, np.uint8)
    assert correlation(even, thumbnail(PHOTOS[0]), WHOLE) < ALIKE
    assert correlation(thumbnail(PHOTOS[0]), even, WHOLE) < ALIKE
    assert correlation(even, even, WHOLE) < ALIKE


def test_two_that_share_a_strong_line_and_differ_everywhere_else_are_not_alike():
    random = np.random.default_rng(0)
    line = np.zeros((32, 32))
    line[15:17] = 120
    one, other = (np.clip(60 + line + random.normal(0, 12, line.shape), 0, 255).astype(np.uint8) for _ in range(2))
    assert correlation(one, other, WHOLE) < ALIKE
    assert correlation(one, one, WHOLE) > 1.4 * ALIKE


@pytest.fixture
def met(gallery):
    """A picture and itself held otherwise, boxed, and another; and every meeting of two of them."""
    rgb = photo(1, 240, 240)
    views = [np.rot90(rgb[:, ::-1] if held.is_mirrored else rgb, held.turns) for held in ORIENTATIONS]
    for number, view in enumerate([*views, letterbox(rgb, 0.2), photo(2)]):
        gallery.add(f"picture {number}", view)
    looks = Looks.of(gallery.table)
    asked, known, held, content = np.meshgrid(*(np.arange(size) for size in (10, 10, 8, 2)), indexing="ij")
    asked, known, held, content = (part.ravel() for part in (asked, known, held, content))
    no_window, no_distance = np.zeros(len(asked), np.uint8), np.zeros(len(asked), np.uint8)
    return looks, Meetings(asked, content > 0, held.astype(np.uint8), known, content > 0, no_window, no_distance)


def test_pictures_are_looked_at_as_they_are_held(met):
    looks, meetings = met
    alike = correlations(looks, meetings) >= ALIKE
    for number in range(len(meetings)):
        asked, known, held = int(meetings.asked[number]), int(meetings.known[number]), int(meetings.orientation[number])
        if asked == 9 or known == 9:
            assert alike[number] == (asked == known and held == 0)
        elif asked == 0 and known < 8:
            assert alike[number] == (held == known)
        elif asked == 0 and meetings.asked_content[number]:
            assert alike[number] == (held == 0)  # the content of the boxed one


def test_a_meeting_gives_the_same_among_others(met):
    looks, meetings = met
    places = np.random.default_rng(0).permutation(len(meetings))[:300]
    np.testing.assert_array_equal(
        correlations(looks, meetings.at(places), workers=1), correlations(looks, meetings, workers=3)[places]
    )
