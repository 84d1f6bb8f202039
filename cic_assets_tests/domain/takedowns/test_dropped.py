import shutil

import pytest

from cic_assets.domain.sources import TOMBSTONES, TakedownReason, make_tombstones
from cic_assets.domain.takedowns import PurgeError, dropped_sources, purge, remove_source
from cic_assets.domain.takedowns.rows import rows_of, tombstone_of

from .conftest import Killed


@pytest.fixture
def filled(place, archive, jpeg, tmp_path):
    """A subreddit, and a folder with a picture of its own and one that the subreddit has too."""
    archive.add("one", jpeg(1))
    archive.add("two", jpeg(2))
    place.scrape()
    place.scrape_boats(tmp_path / "boats", {f"{number}.jpg": jpeg(number) for number in (2, 3)})
    return place


def test_a_source_that_the_problem_names_no_more_is_found(filled):
    assert dropped_sources(filled.root, {"cars", "boats", "tanks"}) == []
    (left,) = dropped_sources(filled.root, {"cars", "tanks"})
    assert (left.key, left.pictures, left.kept) == ("boats", 1, 1)


def test_what_it_alone_has_goes_and_the_rest_stays(filled, jpeg):
    cars = filled.root.table_path("raw_images", "cars").read_bytes()
    done = remove_source(filled.root, "boats")
    assert (done.pictures, done.kept) == (1, 1)
    assert filled.root.table_partitions("raw_images") == ["cars"]
    assert filled.root.table_path("raw_images", "cars").read_bytes() == cars
    assert jpeg(3) not in filled.everything()
    assert b"3.jpg" not in filled.everything()
    assert filled.pictures() == {filled.sha("one"), filled.sha("two")}
    assert dropped_sources(filled.root, {"cars"}) == []


def test_it_comes_back_but_for_what_was_taken_down(filled):
    purge(filled.root, ["3.jpg"])
    remove_source(filled.root, "boats")
    assert filled.scrape("boats", filled.boats).outcomes == {"ok": 1, "skipped": 1}


def test_posts_that_another_source_lists_too_stay_in_its_tables(filled):
    filled.scrape("best", "r/cars")
    raw = filled.root.read_table("raw_images", "cars")
    for key in ("cars", "best"):
        filled.root.write_table("image_hashes", raw, key)
    remove_source(filled.root, "best")
    for name in ("raw_images", "image_hashes"):
        assert "best" not in filled.root.table_partitions(name)
        assert filled.root.read_table(name, "cars").equals(raw)
    assert len(filled.pictures()) == 3


def test_interrupted_anywhere_it_ends_whole(filled, jpeg, power_cut):
    raw = filled.root.read_table("raw_images", "boats")
    sha256 = raw.set_index("post_id").loc["3.jpg", "sha256"]
    for name in ("image_hashes", "resized_images"):  # one that comes before raw_images by its name, one after it
        filled.root.write_table(name, raw, "boats")
    small = filled.root.resized(72).path(sha256, "jpeg")
    small.parent.mkdir(parents=True)
    small.write_bytes(jpeg(3))
    whole = shutil.copytree(filled.folder, filled.folder.parent / "whole")
    cuts, done = 0, False
    while not done:
        shutil.rmtree(filled.folder)
        shutil.copytree(whole, filled.folder)
        power_cut.left = cuts
        try:
            remove_source(filled.root, "boats")
            done = True
        except Killed:
            cuts += 1
            power_cut.left = 10**6
            if filled.root.table_partitions("raw_images") != ["cars"]:
                remove_source(filled.root, "boats")
        assert {path.parent.name for path in filled.folder.rglob("boats.parquet")} == {"takedowns"}
        everything = filled.everything()
        assert jpeg(3) not in everything
        assert sha256.encode() not in everything
    assert cuts >= 6


def test_a_purge_that_was_interrupted_is_ended_with_it(filled, jpeg, power_cut):
    power_cut.left = 2  # the tombstone is written and the row emptied, the bytes are there
    with pytest.raises(Killed):
        purge(filled.root, ["3.jpg"])
    power_cut.left = 10**6
    assert jpeg(3) in filled.everything()
    remove_source(filled.root, "boats")
    assert jpeg(3) not in filled.everything()


def test_what_is_kept_but_not_used_goes_too(filled, jpeg):
    raw = filled.root.read_table("raw_images", "boats")
    filled.root.write_table("raw_images", raw.assign(outcome="too_small"), "boats")
    assert remove_source(filled.root, "boats").pictures == 1
    assert jpeg(3) not in filled.everything()


def test_what_another_source_keeps_but_does_not_use_stays(filled, jpeg):
    raw = filled.root.read_table("raw_images", "cars")
    filled.root.write_table("raw_images", raw.assign(outcome="too_small"), "cars")
    assert remove_source(filled.root, "boats").kept == 1
    assert jpeg(2) in filled.everything()


def test_a_source_under_a_new_name_leaves_the_report_as_it_is(filled):
    filled.scrape("ships", filled.boats)
    shown = filled.raw("boats").loc["3.jpg", "sha256"]
    page = filled.folder / "report" / "report.html"
    page.parent.mkdir()
    page.write_text(f'<header></header><figure data-picture="{shown}">ship</figure>')
    before = page.read_text()
    assert remove_source(filled.root, "boats").pictures == 0
    assert page.read_text() == before


def test_of_the_tombstones_those_stay_that_can_never_be_lifted(filled):
    raw = filled.root.read_table("raw_images", "boats")
    reasons = (
        TakedownReason.REMOVED,
        TakedownReason.MISSING,
        TakedownReason.UNCONFIRMED,
        TakedownReason.AUTHOR_GONE,
        TakedownReason.DELETED,
        TakedownReason.PURGED,
    )
    rows = [tombstone_of({**row, "post_id": reason}, reason, "now") for row in rows_of(raw[:1]) for reason in reasons]
    filled.root.write_table(TOMBSTONES, make_tombstones(rows), "boats")
    remove_source(filled.root, "boats")
    assert set(filled.root.read_table(TOMBSTONES, "boats")["reason"]) == {
        TakedownReason.DELETED,
        TakedownReason.PURGED,
    }


def test_one_that_is_not_there_changes_nothing(filled):
    with pytest.raises(PurgeError, match="source 'nowhere' is not there: expected one of boats, cars"):
        remove_source(filled.root, "nowhere")
    assert len(filled.pictures()) == 3
