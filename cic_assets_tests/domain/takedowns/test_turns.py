"""Who is asked about at a check: by age and by the last answer, and within 48 hours whoever it is."""

from datetime import timedelta

import pandas as pd
import pytest

from cic_assets.domain.takedowns import turns
from cic_assets.domain.takedowns.turns import in_turn, remember_asked
from cic_assets.storage import DataRoot

from .conftest import NOON

HOUR = timedelta(hours=1)
DAY = 24 * HOUR


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr(turns, "EACH_TIME", 2)
    return DataRoot(str(tmp_path))


def posted(ages):
    return pd.Series([(NOON - age).timestamp() for age in ages.values()], pd.Index(list(ages), dtype="str"))


POSTS = posted({**{f"new{at}": HOUR for at in range(4)}, "week": 7 * DAY, **{f"old{at}": 99 * DAY for at in range(4)}})


def test_what_is_young_is_asked_about_each_time_and_what_is_old_once_a_day(root):
    assert set(in_turn(root, "cars", POSTS, [], NOON)) == set(POSTS.index)
    remember_asked(root, "cars", POSTS.index, POSTS.index, NOON)
    found = {hours: set(in_turn(root, "cars", POSTS, [], NOON + hours * HOUR)) for hours in (6, 12, 24)}
    young = {"new0", "new1", "new2", "new3"}
    assert found == {6: young, 12: young | {"week"}, 24: set(POSTS.index)}


def test_what_waits_or_may_return_is_asked_about_each_time_and_keeps_nobody_from_the_turn(root):
    old = POSTS[POSTS.index.str.startswith("old")]
    remember_asked(root, "cars", old.index, old.index, NOON)
    assert in_turn(root, "cars", old, ["old3", "away"], NOON + 24 * HOUR) == ["away", "old0", "old3", "old1", "old2"]
    assert in_turn(root, "cars", old, ["old3", "away"], NOON + HOUR) == ["away", "old0", "old3", "old1"]


def test_each_post_is_asked_about_within_the_hours_that_leave_time_for_a_second_look(root):
    """Checks as the schedules come, three a day at most 12 hours apart, for a week of posts of all ages."""
    posts = posted({f"p{days}": days * DAY for days in range(60)})
    last, most, asked = dict.fromkeys(posts.index, NOON), timedelta(0), 0
    times = [NOON + day * DAY + hour * HOUR for day in range(7) for hour in (0, 6, 18)]
    for now in times:
        turn = in_turn(root, "cars", posts, [], now)
        remember_asked(root, "cars", posts.index, turn, now)
        most = max(most, *(now - last[name] for name in turn))
        last |= dict.fromkeys(turn, now)
        asked += len(turn)
    assert max(most, times[-1] - min(last.values())) <= 35 * HOUR
    assert asked < 0.6 * len(posts) * len(times)


def test_a_few_are_all_asked_about_and_nothing_is_written(tmp_path):
    root = DataRoot(str(tmp_path / "root"))
    for _ in range(2):
        assert len(in_turn(root, "cars", POSTS, ["gone"], NOON)) == len(POSTS) + 1
        remember_asked(root, "cars", POSTS.index, POSTS.index, NOON)
    assert not root.scratch.exists()


def test_turns_outlast_damage_and_forget_who_is_gone(root):
    remember_asked(root, "cars", ["old0", "old1"], ["old0"], NOON)
    path = root.scratch / "asked-cars.parquet"
    assert pd.read_parquet(str(path))["post_id"].tolist() == ["old0"]
    remember_asked(root, "cars", ["old1", "old2"], ["old1"], NOON)
    assert pd.read_parquet(str(path))["post_id"].tolist() == ["old1"]
    path.write_bytes(b"PAR1 not")
    assert len(in_turn(root, "cars", POSTS, [], NOON)) == len(POSTS)
