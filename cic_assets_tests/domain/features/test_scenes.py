"""Other cuts of a photo are found among strangers; no chain makes a scene of all pictures."""

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.features import find_scenes, scenes
from cic_assets_tests.domain.duplicates.conftest import crop, gamma, other_subject, photo

SIDE = 256


def square(rgb):
    return cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def table_of(pictures):
    """Features that are near where pictures are alike: a few pixels of each."""
    features = [cv2.resize(one, (6, 6), interpolation=cv2.INTER_AREA).astype(np.float16) for one in pictures.values()]
    return pd.DataFrame({"sha256": list(pictures), "features": [one.tobytes() for one in features]})


def found_in(pictures):
    scenes = find_scenes(table_of(pictures), pictures.__getitem__, workers=2)
    return {frozenset(pair) for pair in zip(scenes.pairs["one"], scenes.pairs["other"], strict=True)}


@pytest.fixture(scope="module")
def strangers():
    return {f"{seed:02}": square(photo(seed, 400, 400)) for seed in range(40)}


@pytest.mark.parametrize("block", [7, 1024])
def test_cuts_in_other_light_are_found_and_strangers_are_not(strangers, monkeypatch, block):
    monkeypatch.setattr(scenes, "_BLOCK", block)
    cuts = {}
    for seed in range(10):
        cut = crop(photo(seed, 400, 400), 0.7 + 0.02 * seed, seed % 2, seed // 2 % 2)
        cuts[f"{seed:02} cut"] = square(gamma(cut, 0.8 if seed % 2 else 1.25))
    assert found_in(strangers | cuts) == {frozenset({f"{seed:02}", f"{seed:02} cut"}) for seed in range(10)}


def test_the_same_place_with_another_subject_is_one_scene(strangers):
    again = square(other_subject(photo(3, 400, 400), photo(99)))
    assert found_in(strangers | {"again": again}) == {frozenset({"03", "again"})}


def test_a_scene_has_no_end_of_pictures(strangers, monkeypatch):
    whole = photo(5, 400, 400)
    cuts = {f"cut {number}": square(crop(whole, 0.8, number / 5, number / 5)) for number in range(6)}
    pictures = strangers | cuts
    assert len(find_scenes(table_of(pictures), pictures.__getitem__).pairs) > 6
    monkeypatch.setattr(scenes, "MOST", 3)
    few = find_scenes(table_of(pictures), pictures.__getitem__)
    assert few.left_out > 0
    sizes = scenes.Components(zip(few.pairs["one"], few.pairs["other"], strict=True))
    assert pd.Series([sizes.root(name) for name in [*cuts, "05"]]).value_counts().max() == 3


def test_a_picture_that_is_gone_or_shows_nothing_is_alone(strangers):
    grey = np.full((SIDE, SIDE, 3), 120, np.uint8)
    pictures = strangers | {"grey": grey, "also grey": grey}
    table = table_of(pictures)

    def read(name):
        if name == "01":
            raise FileNotFoundError(name)
        return pictures[name]

    assert find_scenes(table, read).pairs.empty
    for few in (table.head(0), table.head(1)):
        assert find_scenes(few, read).pairs.empty
