"""Candidates are what brute force over all crops finds, and leaders those that come before all of theirs."""

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.duplicates.candidates import Candidates
from cic_assets.domain.duplicates.crops import Crops
from cic_assets.domain.duplicates.descriptors import SIDE, even_tones

RADIUS = 8


@pytest.fixture(scope="module")
def pictures():
    """Forty pictures: some alone, some that differ by noise, some the very same, some flat."""
    random = np.random.default_rng(5)
    scenes = [random.integers(0, 256, (SIDE, SIDE)) for _ in range(25)]
    shown = [*range(25), *(0, 0, 0, 1, 1, 2, 3, 4), *(5, 5), *(6, 7, 8, 9, 10)]
    rows = []
    for number, scene in enumerate(shown):
        noise = random.normal(0, 8, (SIDE, SIDE)) if number >= 25 and scene != 5 else 0
        thumbnail = even_tones(np.clip(scenes[scene] + noise, 0, 255).astype(np.uint8)).tobytes()
        rows.append(
            {
                "thumbnail": thumbnail,
                "content_thumbnail": thumbnail,
                "phash": np.uint64(scene * 0x9E3779B97F4A7C15 % 2**64),
                "phash_mirrored": np.uint64(scene * 0xC2B2AE3D27D4EB4F % 2**64),
                "pixels_sha256": str(scene if number in (11, 34) else number),
                "width": 100,
                "height": 80,
            }
        )
    whole = {"content_left": 0.0, "content_top": 0.0, "content_right": 1.0, "content_bottom": 1.0}
    return pd.DataFrame(rows).assign(**whole)


@pytest.fixture(scope="module")
def is_flat(pictures):
    return np.isin(np.arange(len(pictures)), (11, 12, 34))


def _by_brute_force(crops, is_flat, picture):
    def near(one, other):
        return (np.bitwise_count(crops.asked[one][:, np.newaxis] ^ crops.known[other]) <= RADIUS).any()

    others = (other for other in range(len(is_flat)) if other != picture and not is_flat[other])
    return [other for other in others if near(picture, other) or near(other, picture)]


def test_candidates_are_those_of_brute_force(pictures, is_flat):
    crops = Crops(pictures)
    candidates = Candidates(pictures, crops, is_flat, RADIUS)
    found = {picture: candidates.of(picture).tolist() for picture in range(len(pictures)) if not is_flat[picture]}
    assert found == {picture: _by_brute_force(crops, is_flat, picture) for picture in found}
    assert 10 < sum(bool(others) for others in found.values()) < len(found)


def test_leaders_come_before_all_that_may_be_the_same(pictures, is_flat):
    candidates = Candidates(pictures, Crops(pictures), is_flat, RADIUS)
    expected = [
        (picture, other)
        for picture in np.flatnonzero(~is_flat).tolist()
        for other in candidates.of(picture).tolist()
        if picture < min(candidates.of(picture))
    ]
    assert list(candidates.of_leaders()) == expected
    assert expected
