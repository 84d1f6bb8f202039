"""Whole scrapes of Openverse, over real HTTP: a search lists anew each time, so much depends on the rows of before."""

from functools import partial

import pytest

from cic_assets.domain.images import ImageLimits
from cic_assets.domain.sources import recheck_open
from cic_assets.domain.takedowns import check_takedowns, remove_source
from cic_assets.storage import DataRoot
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.open_collections import access_to, partition_of, scrape_open

KITES = "openverse:red kite"


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def check(openverse, root):
    """A check of what was taken down, as `kites` has it."""

    def check(**changes):
        openverse.write()
        with replay(openverse.folder) as server:
            access, partition = access_to(server, **changes), partition_of(KITES)
            found = check_takedowns(root, partition.key, partial(recheck_open, partition.source.kind, access))
            check.asked = [url.rstrip("/").rpartition("/")[2] for url in server.requests]
        return found

    return check


@pytest.fixture
def kites(openverse, root):
    """A scrape of them under some licences."""

    def scraped(*licenses, limits=None):
        openverse.write()
        with replay(openverse.folder) as server:
            scrape, _ = scrape_open(server, root, KITES, limits, licenses=licenses)
            scraped.asked = [url for url in server.requests if "pictures.example" in url]
        return scrape.table.set_index("post_id")

    return scraped


def test_other_licences_take_pictures_away_that_no_search_lists_and_bring_them_back(kites, openverse, jpeg, root):
    free, other = openverse.add(1, jpeg(1), "by"), openverse.add(2, jpeg(2), "by-nc")
    before = kites("cc-by", "cc-by-nc")
    assert list(before["outcome"]) == ["ok", "ok"]
    after = kites("cc-by")
    assert (after.loc[free, "outcome"], after.loc[other, "outcome"]) == ("ok", "skipped")
    assert after.loc[other, "reason"] == "licence CC-BY-NC-2.0 is none of `licenses`"
    assert after.loc[other, "sha256"] == before.loc[other, "sha256"]  # who removes it at its source finds it
    assert kites("cc-by").equals(after)
    del openverse.images[other]  # it falls off what the search shows
    back = kites("cc-by", "cc-by-nc")
    assert (back.loc[other, "outcome"], back.loc[other, "reason"]) == ("ok", "")
    assert kites.asked == []


def test_limits_that_change_with_the_licences_count_too(kites, openverse, jpeg):
    openverse.add(1, jpeg(1), "by")
    other = openverse.add(2, jpeg(2), "by-nc")
    both, free = ("cc-by", "cc-by-nc"), ("cc-by",)
    asked = [(both, 50), (free, 150), (both, 150), (free, 150), (free, 50), (both, 50)]
    outcomes = []
    for licenses, side in asked:
        outcomes.append(kites(*licenses, limits=ImageLimits(min_side=side)).loc[other, "outcome"])
        openverse.images.pop(other, None)
    assert outcomes == ["ok", "skipped", "too_small", "skipped", "skipped", "ok"]


def test_a_picture_whose_bytes_are_gone_does_not_come_back(kites, openverse, jpeg, root):
    openverse.add(1, jpeg(1), "by")
    other = openverse.add(2, jpeg(2), "by-nc")
    sha256 = kites("cc-by", "cc-by-nc").loc[other, "sha256"]
    kites("cc-by")
    root.images.remove(sha256)
    del openverse.images[other]
    assert kites("cc-by", "cc-by-nc").loc[other, "outcome"] == "skipped"


def test_what_a_check_does_not_ask_about_stays_as_it_is(kites, check, openverse, jpeg, monkeypatch):
    for number in range(5):
        openverse.add(number, jpeg(number))
    kites("cc-by")
    openverse.images.clear()
    assert check().found == {"removed": 5}
    monkeypatch.setattr("cic_assets.domain.sources.openverse._A_CHECK", 2)
    then = check()
    assert (then.asked, then.returned, len(then.tombstones.table)) == (2, 0, 5)
    assert len(check.asked) == 2


def test_each_picture_has_its_turn_whenever_checks_come(kites, check, openverse, jpeg, monkeypatch):
    for number in range(5):
        openverse.add(number, jpeg(number))
    kites("cc-by")
    monkeypatch.setattr("cic_assets.domain.sources.openverse._A_CHECK", 2)
    asked = [check() and check.asked for _ in range(3)]
    assert [len(names) for names in asked] == [2, 2, 2]
    assert len({name for names in asked for name in names}) == 5


def test_what_was_taken_down_is_asked_about_first_and_keeps_nobody_from_their_turn(
    kites, check, openverse, jpeg, monkeypatch, root
):
    names = [openverse.add(number, jpeg(number)).removeprefix("openverse-") for number in range(6)]
    kites("cc-by")
    gone = {f"openverse-{name}": openverse.images.pop(f"openverse-{name}") for name in names[2:5]}
    assert check().found == {"removed": 3}
    monkeypatch.setattr("cic_assets.domain.sources.openverse._A_CHECK", 2)
    asked = [check() and check.asked for _ in range(3)]
    assert [names.index(one) for one, _ in asked] == [2, 3, 4]
    assert {names.index(other) for _, other in asked} == {0, 1, 5}
    openverse.images |= gone
    assert check().returned == 1
    remove_source(root, partition_of(KITES).key)
    assert not list(root.path.rglob("asked-*"))


def test_a_check_that_runs_out_of_questions_takes_down_what_it_has_seen(
    kites, check, openverse, jpeg, monkeypatch, tmp_path
):
    for number in range(5):
        openverse.add(number, jpeg(number))
    kites("cc-by")
    openverse.images.clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("cic_assets.domain.sources.openverse._FOR_SEARCHES", 10)
    monkeypatch.setattr("cic_assets.domain.sources.openverse._A_DAY", 13)
    assert check(is_counted=True).found == {"removed": 3}
    nothing = check(is_counted=True)
    assert (nothing.asked, nothing.found, nothing.returned) == (0, {}, 0)
    monkeypatch.setattr("cic_assets.domain.sources.openverse._A_DAY", 17)
    then = check(is_counted=True)
    assert (then.asked, then.found) == (4, {"removed": 2})
