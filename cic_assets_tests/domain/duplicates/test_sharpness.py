"""What is measured of two copies that lie on each other."""

import cv2
import numpy as np
import pytest

from cic_assets.domain.duplicates.registration import whole_on_whole
from cic_assets.domain.duplicates.sharpness import Compression, Evidence, Finding, compare
from cic_assets.domain.images import decode, quantization_steps

from .conftest import encode
from .enlarged import resized, shipped


def grey(rgb):
    return cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32)


SMALL = resized(shipped(0), 0.6)


def compared(larger, smaller, compression=None):
    larger, smaller = grey(larger), grey(smaller)
    return compare(larger, smaller, whole_on_whole(larger.shape, smaller.shape), compression)


@pytest.mark.parametrize(
    ("unexplained", "fading", "finding"),
    [
        (-3.0, -0.3, Finding.ENLARGED),
        (-2.0, -0.1, Finding.ENLARGED),
        (-1.2, 0.0, Finding.ENLARGED),
        (-0.8, 0.1, Finding.ENLARGED),
        (-1.2, -0.1, Finding.UNSURE),
        (-0.8, 0.0, Finding.UNSURE),
        (-0.3, 0.1, Finding.OWN_DETAIL),
    ],
)
def test_what_follows(unexplained, fading, finding):
    assert Evidence(2.0, unexplained, fading).finding() is finding


@pytest.mark.parametrize("way", ["nearest", "linear", "cubic", "lanczos", "area"])
def test_each_way_of_enlarging_is_explained(way):
    evidence = compared(resized(SMALL, 2, way), SMALL)
    assert evidence.scale == pytest.approx(2)
    assert evidence.unexplained < -1.6


def test_enlarging_makes_the_finest_fade_and_shrinking_makes_it_stronger():
    linear, lanczos = (compared(resized(SMALL, 2, way), SMALL).fading for way in ("linear", "lanczos"))
    assert linear > lanczos > -0.03
    rgb = shipped(0)
    shrunk = compared(rgb, resized(rgb, 0.5))
    assert shrunk.fading < -0.05
    assert shrunk.unexplained > -0.7


@pytest.mark.parametrize("quality", [60, 75])
def test_what_compressing_adds_is_not_taken_for_detail(quality):
    data = encode(resized(SMALL, 2, "cubic"), quality)
    known = compared(decode(data), SMALL, Compression(quantization_steps(data)))
    assert known.finding() is Finding.ENLARGED
    assert known.unexplained < compared(decode(data), SMALL).unexplained - 0.2


def test_also_where_it_was_shrunk_after_it_was_compressed():
    data = encode(resized(SMALL, 4, "cubic"), 60)
    half = resized(decode(data), 0.5)
    known = compared(half, SMALL, Compression(quantization_steps(data), 2.0))
    assert known.unexplained < compared(half, SMALL).unexplained - 0.2


def test_where_there_is_nothing_to_go_by():
    assert compared(resized(SMALL, 1.1), SMALL) is None  # scales that are nearly the same
    assert compared(resized(SMALL[:40, :40], 2), SMALL[:40, :40]) is None  # hardly a tile
    flat = np.full((200, 300, 3), 90, np.uint8)
    assert compared(resized(flat, 2), flat) is None
    assert compared(resized(SMALL[:, ::-1], 2), SMALL) is None  # something else
