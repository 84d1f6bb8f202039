import numpy as np
import pytest

from cic_assets.domain.duplicates.windows import ORIENTATIONS, UPRIGHT, WHOLE, Box, Guess, Orientation


def held(square, orientation):
    return np.rot90(square[:, ::-1] if orientation.is_mirrored else square, orientation.turns)


def test_boxes_within_boxes():
    assert Box(0.5, 0.0, 1.0, 0.5).within(Box(0.5, 0.0, 1.0, 0.5)) == Box(0.75, 0.0, 1.0, 0.25)
    assert WHOLE.within(Box(0.25, 0.5, 0.75, 1)) == Box(0.25, 0.5, 0.75, 1)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_part_of_a_picture_that_is_held_otherwise(orientation):
    square = np.zeros((8, 8), int)
    square[1:3, 4:8] = 1  # rows, columns
    box = Box(4 / 8, 1 / 8, 8 / 8, 3 / 8).oriented(orientation)
    expected = np.zeros((8, 8), int)
    expected[round(box.top * 8) : round(box.bottom * 8), round(box.left * 8) : round(box.right * 8)] = 1
    np.testing.assert_array_equal(held(square, orientation), expected)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_what_is_undone_is_as_it_was(orientation):
    square = np.arange(16).reshape(4, 4)
    np.testing.assert_array_equal(held(held(square, orientation), orientation.undone()), square)
    guess = Guess(Box(0, 0, 0.5, 1), WHOLE, orientation)
    assert guess.reversed() == Guess(WHOLE, Box(0, 0, 0.5, 1), orientation.undone())
    assert guess.reversed().reversed() == guess


def test_there_are_eight_and_the_upright_come_first():
    assert len(set(ORIENTATIONS)) == 8
    assert [one.turns == 0 for one in ORIENTATIONS] == [True] * UPRIGHT + [False] * 6
    assert ORIENTATIONS[0] == Orientation()
