import numpy as np
import pytest

from cic_assets.domain.duplicates.guesses import guesses
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.duplicates.windows import ORIENTATIONS, WHOLE, Guess, Orientation

from .conftest import crop, letterbox, photo


def looks_of(gallery, *pictures):
    for number, rgb in enumerate(pictures):
        gallery.add(f"picture {number}", rgb)
    return Looks.of(gallery.table)


def guesses_of(looks, one, other):
    (found,) = guesses(looks, np.array([[one, other]]), 8)
    return found


def test_guesses_say_which_part_is_which(gallery):
    rgb = photo(1)
    looks = looks_of(gallery, rgb, letterbox(rgb, 0.15), rgb[:, ::-1], crop(rgb, 0.9, 1, 1))
    boxed = guesses_of(looks, 0, 1)[0]
    assert boxed.one == WHOLE
    assert (boxed.other.top, boxed.other.bottom) == pytest.approx((0.15 / 1.3, 1.15 / 1.3), abs=0.02)
    assert guesses_of(looks, 0, 2)[0] == Guess(WHOLE, WHOLE, Orientation(is_mirrored=True))
    cropped = guesses_of(looks, 0, 3)[0]
    assert (cropped.one.left, cropped.one.right, cropped.other) == (pytest.approx(0.1, abs=0.051), 1.0, WHOLE)
    assert guesses_of(looks, 3, 0)[0] == cropped.reversed()


@pytest.mark.parametrize("held", ORIENTATIONS)
def test_guesses_say_how_the_other_is_to_be_held(gallery, held):
    rgb = photo(1)
    seen = np.rot90(rgb[:, ::-1] if held.is_mirrored else rgb, held.turns)
    looks = looks_of(gallery, rgb, seen)
    assert guesses_of(looks, 0, 1)[0] == Guess(WHOLE, WHOLE, held.undone())
    assert guesses_of(looks, 1, 0)[0] == Guess(WHOLE, WHOLE, held)


def test_different_pictures_give_no_guess(gallery):
    assert guesses_of(looks_of(gallery, photo(1), photo(2)), 0, 1) == []


def test_guesses_of_a_pair_are_the_same_among_others(gallery):
    rgb = photo(1)
    looks = looks_of(gallery, rgb, letterbox(rgb, 0.15), rgb[:, ::-1], crop(rgb, 0.9, 1, 1), photo(2))
    pairs = np.array([(one, other) for one in range(5) for other in range(5) if one != other])
    assert guesses(looks, pairs, 8) == [guesses_of(looks, *pair) for pair in pairs.tolist()]
    assert guesses(looks, pairs[:0], 8) == []
