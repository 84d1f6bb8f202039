"""Other cuts of a photo are found among strangers; no chain makes a scene of all pictures."""

import hashlib

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.duplicates import without_pictures
from cic_assets.domain.features import NEAREST, NEAREST_COLUMNS, find_scenes, nearest, scenes
from cic_assets.storage import DataRoot
from cic_assets_tests.domain.duplicates.conftest import crop, gamma, other_subject, photo

SIDE = 256


def square(rgb):
    return cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)


def named(name):
    """As pictures are."""
    return hashlib.sha256(name.encode()).hexdigest()


def table_of(pictures):
    """Features that are near where pictures are alike: a few pixels of each."""
    features = [cv2.resize(one, (6, 6), interpolation=cv2.INTER_AREA).astype(np.float16) for one in pictures.values()]
    return pd.DataFrame({"sha256": list(map(named, pictures)), "features": [one.tobytes() for one in features]})


def reader(pictures):
    return {named(name): picture for name, picture in pictures.items()}.__getitem__


def pairs_of(scenes, pictures):
    """By the names that they have here."""
    names = {named(name): name for name in pictures}
    return {
        frozenset((names[one], names[other]))
        for one, other in zip(scenes.pairs["one"], scenes.pairs["other"], strict=True)
    }


def found_in(pictures):
    return pairs_of(find_scenes(table_of(pictures), reader(pictures), workers=2), pictures)


@pytest.fixture(scope="module")
def strangers():
    return {f"{seed:02}": square(photo(seed, 400, 400)) for seed in range(40)}


@pytest.mark.parametrize("block", [7, 1024])
def test_cuts_in_other_light_are_found_and_strangers_are_not(strangers, monkeypatch, block):
    monkeypatch.setattr(nearest, "_BLOCK", block)
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
    assert len(find_scenes(table_of(pictures), reader(pictures)).pairs) > 6
    monkeypatch.setattr(scenes, "MOST", 3)
    few = find_scenes(table_of(pictures), reader(pictures))
    assert few.left_out > 0
    sizes = scenes.Components(zip(few.pairs["one"], few.pairs["other"], strict=True))
    assert pd.Series([sizes.root(named(name)) for name in [*cuts, "05"]]).value_counts().max() == 3


def test_a_picture_that_is_gone_or_shows_nothing_is_alone(strangers):
    grey = np.full((SIDE, SIDE, 3), 120, np.uint8)
    pictures = strangers | {"grey": grey, "also grey": grey}
    table = table_of(pictures)

    def read(name):
        if name == named("01"):
            raise FileNotFoundError(name)
        return reader(pictures)(name)

    assert find_scenes(table, read).pairs.empty
    for few in (table.head(0), table.head(1)):
        assert find_scenes(few, read).pairs.empty


@pytest.fixture(scope="module")
def cuts():
    made = {}
    for seed in range(12):
        whole = photo(seed, 400, 400)
        made[f"{seed:02} cut"] = square(gamma(crop(whole, 0.75 + 0.01 * seed, seed % 2, seed // 2 % 2), 0.9))
        made[f"{seed:02} again"] = square(crop(whole, 0.85, 1 - seed % 2, 0.5))
    return made


class Counting:
    """Gives pictures, and counts which."""

    def __init__(self, pictures):
        self._read = reader(pictures)
        self.names = {named(name): name for name in pictures}
        self.read = []

    def __call__(self, name):
        self.read.append(self.names[name])
        return self._read(name)


def some(pictures, *names):
    return {name: pictures[name] for name in names}


def same_as_from_nothing(scenes, pictures):
    anew = find_scenes(table_of(pictures), reader(pictures))
    pd.testing.assert_frame_equal(scenes.pairs, anew.pairs)
    assert scenes.left_out == anew.left_out
    pd.testing.assert_frame_equal(
        scenes.compared.sort_values(["one", "other"], ignore_index=True),
        anew.compared.sort_values(["one", "other"], ignore_index=True),
        rtol=1e-6,
    )


def test_what_is_known_is_not_looked_at_again(strangers, cuts):
    pictures = strangers | cuts
    first = find_scenes(table_of(pictures), reader(pictures))
    assert len(first.pairs) > 12
    counting = Counting(pictures)
    again = find_scenes(table_of(pictures), counting, first.compared)
    assert counting.read == []
    pd.testing.assert_frame_equal(again.pairs, first.pairs)
    pd.testing.assert_frame_equal(again.compared, first.compared)


def test_a_picture_that_was_missing_once_is_looked_at_when_it_is_back(strangers, cuts):
    pictures = strangers | cuts
    counting = Counting(pictures)

    def read(name):
        if name == named("03 cut"):
            raise FileNotFoundError(name)
        return counting(name)

    before = find_scenes(table_of(pictures), read)
    assert not any("03 cut" in pair for pair in pairs_of(before, pictures))
    again = find_scenes(table_of(pictures), counting, before.compared)
    assert frozenset(("03", "03 cut")) in pairs_of(again, pictures)
    same_as_from_nothing(again, pictures)


@pytest.mark.parametrize("block", [3, 512])
@pytest.mark.parametrize("known", [1, 9, 14, 40, 60])
def test_what_came_is_compared_and_all_comes_out_as_if_it_had_been_there(strangers, cuts, monkeypatch, known, block):
    monkeypatch.setattr(nearest, "_BLOCK", block)
    pictures = strangers | cuts
    names = sorted(pictures, key=named)
    few = some(pictures, *names[::2], *names[1::2])  # neither the first nor the last are new
    few = some(few, *list(few)[:known])
    before = find_scenes(table_of(few), reader(few)).compared
    counting = Counting(pictures)
    scenes = find_scenes(table_of(pictures), counting, before)
    same_as_from_nothing(scenes, pictures)
    assert len(counting.read) == len(set(counting.read))


def test_one_that_came_is_compared_with_what_is_near_to_it_alone(strangers, cuts):
    few = {name: picture for name, picture in (strangers | cuts).items() if name != "03 cut"}
    before = find_scenes(table_of(few), reader(few)).compared
    counting = Counting(strangers | cuts)
    scenes = find_scenes(table_of(strangers | cuts), counting, before)
    same_as_from_nothing(scenes, strangers | cuts)
    assert frozenset(("03", "03 cut")) in pairs_of(scenes, strangers | cuts)
    assert "03 cut" in counting.read
    assert len(counting.read) < len(strangers | cuts)


def test_what_went_leaves_its_place_to_the_next(strangers, cuts):
    pictures = strangers | cuts
    before = find_scenes(table_of(pictures), reader(pictures)).compared
    gone = ["03", "05 cut", "07 again", "20", "21"]
    left = {name: picture for name, picture in pictures.items() if name not in gone}
    same_as_from_nothing(find_scenes(table_of(left), reader(left), before), left)
    taken_down = without_pictures(before, map(named, gone))
    same_as_from_nothing(find_scenes(table_of(left), reader(left), taken_down), left)
    # And comes back.
    same_as_from_nothing(find_scenes(table_of(pictures), reader(pictures), taken_down), pictures)


def test_other_features_of_a_picture_are_compared_again(strangers, cuts):
    pictures = strangers | cuts
    before = find_scenes(table_of(pictures), reader(pictures)).compared
    changed = pictures | {"03 cut": square(gamma(pictures["09 again"], 0.95))}
    scenes = find_scenes(table_of(changed), reader(changed), before)
    same_as_from_nothing(scenes, changed)
    assert frozenset(("03", "03 cut")) not in pairs_of(scenes, changed)


def test_another_way_of_counting_counts_all_anew(strangers, monkeypatch):
    before = find_scenes(table_of(strangers), reader(strangers)).compared
    monkeypatch.setattr(scenes, "POINTS_VERSION", 99)
    counting = Counting(strangers)
    find_scenes(table_of(strangers), counting, before)
    assert sorted(counting.read) == sorted(strangers)


def test_what_is_kept_outlives_its_table(strangers, cuts, tmp_path):
    pictures, root = strangers | cuts, DataRoot(str(tmp_path))
    first = find_scenes(table_of(pictures), reader(pictures))
    root.write_table(NEAREST, first.compared)
    counting = Counting(pictures)
    find_scenes(table_of(pictures), counting, root.read_table(NEAREST))
    assert counting.read == []
    assert {name: str(kind) for name, kind in first.compared.dtypes.items()} == {
        name: column.kind for name, column in NEAREST_COLUMNS.items()
    }


@pytest.mark.parametrize("count", [0, 1, 2, 5, 10, 11, 12])
def test_of_few_pictures_all_are_near(strangers, count):
    pictures = dict(list(strangers.items())[:count])
    first = find_scenes(table_of(pictures), reader(pictures))
    assert len(first.compared) == count * max(0, min(10, count - 1))
    same_as_from_nothing(find_scenes(table_of(pictures), reader(pictures), first.compared), pictures)
