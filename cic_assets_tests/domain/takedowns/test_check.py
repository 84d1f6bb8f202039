import json
from datetime import timedelta

import pytest

from cic_assets.domain.dataset import load_manifest
from cic_assets.domain.reddit import UnexpectedAnswerError
from cic_assets.domain.sources import TOMBSTONES, load_tombstones
from cic_assets.domain.takedowns import ManyMissingError, PurgeError, knows_posts, purge_missing, turns
from cic_assets.domain.takedowns.check import LARGE_SHARE, MANY_POSTS
from cic_assets.storage import DataRoot

from .conftest import NOON

HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"removed_by_category": "moderator"}, "taken down: removed"),
        ({"removed_by_category": "deleted", "author": "[deleted]"}, "taken down: deleted by its author"),
    ],
)
def test_a_post_that_is_gone_leaves_a_blank_row_and_no_bytes(place, archive, jpeg, fields, reason):
    archive.add("stays", jpeg(1))
    archive.add("goes", jpeg(2))
    place.scrape()
    sha256 = place.sha("goes")
    archive.change("goes", **fields)
    check = place.check()
    assert check.found == {"removed" if "removed" in reason else "deleted": 1}
    assert check.asked == 2
    assert place.pictures() == {place.sha("stays")}
    row = place.raw().loc["goes"]
    assert (row["outcome"], row["reason"]) == ("skipped", reason)
    assert [row[name] for name in ("media_url", "title", "author", "permalink", "sha256", "flair", "final_url")] == [
        "", "", "", "", "", "", ""
    ]  # fmt: skip
    for trace in (jpeg(2), b"post goes", b"goes.jpg", sha256.encode()):
        assert trace not in place.everything()


def test_answers_count_as_given_once_what_they_found_is_written(place, archive, jpeg, monkeypatch):
    """Killed in between, posts would not be asked about again for a day, though they are gone."""
    monkeypatch.setattr(turns, "EACH_TIME", 0)
    archive.add("stays", jpeg(1))
    archive.add("goes", jpeg(2))
    place.scrape()
    archive.change("goes", removed_by_category="moderator")
    asked = place.root.scratch / "asked-cars.parquet"

    class Killed(BaseException):
        pass

    def killed(root, name, *_table):
        assert name == TOMBSTONES
        assert not asked.exists()
        raise Killed

    with monkeypatch.context() as dying:
        dying.setattr(DataRoot, "write_table", killed)
        with pytest.raises(Killed):
            place.check()
    assert not asked.exists()
    assert place.check().found == {"removed": 1}
    assert asked.exists()


def test_nothing_gone_changes_nothing(place, archive, jpeg):
    archive.add("one", jpeg(1))
    place.scrape()
    before = place.root.read_table("raw_images", "cars")
    check = place.check()
    assert (check.found, check.unconfirmed, check.returned) == ({}, 0, 0)
    assert place.root.read_table("raw_images", "cars").equals(before)
    assert place.check().tombstones.version == check.tombstones.version


def test_what_reddit_leaves_out_is_asked_for_again_before_it_counts_as_gone(place, archive, jpeg):
    archive.add("stays", jpeg(1))
    archive.add("lost", jpeg(2))
    place.scrape()
    archive.remove("lost")
    first = place.check()
    assert (first.found, first.unconfirmed) == ({}, 1)
    assert len(place.pictures()) == 2
    too_soon = place.check(now=NOON + HOUR / 2)
    assert (too_soon.found, too_soon.unconfirmed) == ({}, 1)
    then = place.check(now=NOON + HOUR)
    assert (then.found, then.unconfirmed) == ({"missing": 1}, 0)
    assert place.pictures() == {place.sha("stays")}


def test_what_nobody_was_asked_about_waits_for_its_second_look(place, archive, jpeg):
    archive.add("lost", jpeg(1))
    place.scrape()
    archive.remove("lost")
    place.check()
    unasked = place.check(now=NOON + HOUR, ask=False)
    assert (unasked.asked, unasked.found, unasked.unconfirmed) == (0, {}, 1)
    assert place.check(now=NOON + HOUR).found == {"missing": 1}


@pytest.fixture
def many_posts(place, archive, jpeg):
    """A scraped subreddit, from which as many posts can be taken as are too many."""
    count = int(MANY_POSTS / LARGE_SHARE)
    for number in range(count):
        archive.add(f"n{number}", jpeg(number))
    place.scrape()
    return [f"n{number}" for number in range(count)]


def without(archive, names):
    for name in names:
        archive.remove(name)


def test_answers_without_the_posts_remove_nothing_until_a_person_says_so(place, archive, many_posts):
    without(archive, many_posts)
    assert place.check().unconfirmed == len(many_posts)
    for hours in (1, 2):
        with pytest.raises(ManyMissingError, match=rf"^cars: .* left out {len(many_posts)} posts .*--missing cars "):
            place.check(now=NOON + hours * HOUR)
        assert len(place.pictures()) == len(many_posts)
    done = purge_missing(place.root, "cars")
    assert (done.posts, done.pictures, done.kept) == (len(many_posts), len(many_posts), 0)
    assert place.pictures() == set()
    assert place.check(now=NOON + 3 * HOUR).found == {}


def test_a_subreddit_that_opens_again_has_lost_nothing(place, archive, many_posts):
    posts = list(archive.posts["cars"])
    without(archive, many_posts)
    place.check()
    with pytest.raises(ManyMissingError):
        place.check(now=NOON + HOUR)
    archive.posts["cars"] = posts
    archive.write()
    check = place.check(now=NOON + 2 * HOUR)
    assert (check.found, check.unconfirmed) == ({}, 0)
    assert len(place.pictures()) == len(many_posts)
    with pytest.raises(PurgeError, match="cars: Reddit left out none of its posts"):
        purge_missing(place.root, "cars")


def test_fewer_posts_go_without_asking(place, archive, many_posts):
    without(archive, many_posts[: MANY_POSTS - 1])
    place.check()
    assert place.check(now=NOON + HOUR).found == {"missing": MANY_POSTS - 1}
    assert len(place.pictures()) == len(many_posts) - MANY_POSTS + 1


def test_what_is_said_to_be_removed_goes_even_where_others_are_missing(place, archive, many_posts):
    archive.change("n0", removed_by_category="moderator")
    without(archive, many_posts[1:])
    place.check()
    with pytest.raises(ManyMissingError):
        place.check(now=NOON + HOUR)
    assert "taken down: removed" in set(place.raw()["reason"])
    assert len(place.pictures()) == len(many_posts) - 1


def test_a_subreddit_that_closes_is_not_taken_for_one_whose_posts_are_gone(place, archive, many_posts):
    (archive.folder / "subreddits.json").write_text('{"cars": {"status": "private"}}')
    assert place.check().unconfirmed == len(many_posts)
    with pytest.raises(ManyMissingError):
        place.check(now=NOON + HOUR)
    assert len(place.pictures()) == len(many_posts)


def test_what_was_left_out_once_and_is_there_again_stays(place, archive, jpeg):
    archive.add("back", jpeg(1))
    place.scrape()
    archive.remove("back")
    assert place.check().unconfirmed == 1
    archive.add("back", jpeg(1))
    assert place.check(now=NOON + HOUR).unconfirmed == 0
    archive.remove("back")
    assert place.check(now=NOON + 2 * HOUR).found == {}


def test_bytes_stay_while_another_post_has_them(place, archive, jpeg):
    archive.add("one", jpeg(1))
    archive.add("two", jpeg(1))
    place.scrape()
    archive.change("one", removed_by_category="moderator")
    place.check()
    assert place.pictures() == {place.sha("two")}
    assert b"post one" not in place.everything()
    archive.change("two", removed_by_category="moderator")
    place.check()
    assert place.pictures() == set()


def test_bytes_stay_while_another_source_has_them(place, archive, jpeg):
    archive.add("one", jpeg(1))
    archive.add("other", jpeg(1), subreddit="tanks")
    place.scrape()
    place.scrape("tanks")
    archive.change("one", removed_by_category="moderator")
    archive.change("other", removed_by_category="moderator")
    place.check()
    assert len(place.pictures()) == 1
    place.check("tanks")
    assert place.pictures() == set()


def test_a_crosspost_goes_with_the_post_that_it_repeats(place, archive, jpeg):
    archive.add("first", jpeg(1))
    archive.add("repeat", subreddit="tanks")
    original = next(post for post in archive.posts["cars"] if post["id"] == "first")
    archive.change("repeat", crosspost_parent="t3_first", crosspost_parent_list=[dict(original)])
    place.scrape("tanks")
    assert len(place.pictures()) == 1
    archive.change("first", removed_by_category="deleted")
    assert place.check("tanks").found == {"deleted": 1}
    assert place.pictures() == set()
    assert b"post repeat" not in place.everything()


def lay_out_manifest(place):
    """That of a data set of all pictures."""
    manifest = place.raw().reset_index().assign(split="train")
    manifest.attrs = {"split_seed": "x"}
    place.root.dataset.mkdir(parents=True)
    manifest.to_parquet(place.root.dataset / "manifest.parquet", index=False)


def test_an_author_who_closed_the_account_is_forgotten_and_the_picture_stays(place, archive, jpeg):
    archive.add("one", jpeg(1))
    archive.add("two", jpeg(2))
    archive.change("two", author="other_name")
    archive.change("one", author="some_name")
    place.scrape()
    lay_out_manifest(place)
    assert b"some_name" in place.everything()
    archive.change("one", author="[deleted]")
    check = place.check()
    assert check.found == {}
    assert place.raw().loc["one", "author"] == ""
    assert len(place.pictures()) == 2
    assert b"some_name" not in place.everything()
    manifest = load_manifest(place.root.dataset)
    assert manifest.set_index("post_id")["author"].to_dict() == {"one": "", "two": "other_name"}
    assert manifest.attrs == {"split_seed": "x"}
    # A dump still has the name.
    archive.change("one", author="some_name")
    place.scrape()
    assert place.raw().loc["one", "author"] == ""


@pytest.mark.parametrize("fields", [{"removed_by_category": "moderator"}, {"removed_by_category": "deleted"}])
def test_a_scrape_brings_nothing_back_that_is_gone(place, archive, jpeg, fields):
    archive.add("goes", jpeg(1))
    place.scrape()
    archive.change("goes", **fields)
    place.check()
    version = place.root.read_table("raw_images", "cars")
    # The listing still shows it, as a dump would, with all that there was.
    archive.change("goes", removed_by_category=None)
    again = place.scrape()
    assert place.fetched == []
    assert list(again.table["reason"]) == list(version["reason"])
    assert place.pictures() == set()
    assert b"post goes" not in place.everything()


def test_a_post_that_is_approved_again_returns(place, archive, jpeg):
    archive.add("goes", jpeg(1))
    place.scrape()
    archive.change("goes", removed_by_category="moderator")
    place.check()
    archive.change("goes", removed_by_category=None)
    assert place.check().returned == 1
    table = place.scrape().table
    assert list(table["outcome"]) == ["ok"]
    assert len(place.pictures()) == 1


def test_what_its_author_deleted_does_not_return(place, archive, jpeg):
    archive.add("goes", jpeg(1))
    place.scrape()
    archive.change("goes", removed_by_category="deleted")
    place.check()
    archive.change("goes", removed_by_category=None)
    assert place.check().returned == 0
    assert list(place.scrape().table["outcome"]) == ["skipped"]


def test_a_list_of_urls_neither_keeps_nor_fetches_what_is_gone(place, archive, jpeg, tmp_path):
    url = archive.add("goes", jpeg(1))
    (tmp_path / "list.txt").write_text(f"{url}\n")
    place.scrape()
    place.scrape("list", f"urls:{tmp_path / 'list.txt'}")
    archive.change("goes", removed_by_category="deleted")
    place.check()
    # The list has a check of its own; until then its row, and so the picture, is there.
    assert len(place.pictures()) == 1
    assert place.check("list", ask=False).found == {"deleted": 1}
    assert place.pictures() == set()
    assert list(place.scrape("list", f"urls:{tmp_path / 'list.txt'}").table["outcome"]) == ["skipped"]
    assert place.fetched == []
    assert list(place.scrape("late", f"urls:{tmp_path / 'list.txt'}").table["reason"]) == [
        "taken down: deleted by its author"
    ]
    assert place.fetched == []


def still_listed(archive):
    """Reddit's listings show for a while what is gone, emptied."""
    children = [{"kind": "t3", "data": post} for post in archive.posts["cars"]]
    body = json.dumps({"kind": "Listing", "data": {"after": None, "children": children}})
    archive.routes.append({"host": "oauth.reddit.com", "path": "/r/cars/new", "body": body, "type": "application/json"})
    archive.write()


def test_a_post_that_was_gone_when_it_was_first_seen_has_nothing_to_take_down(place, archive, jpeg):
    archive.add("gone", jpeg(1))
    archive.add("stays", jpeg(2))
    archive.change("gone", removed_by_category="moderator", title="what somebody wrote", author="some_name")
    still_listed(archive)
    first = place.scrape()
    assert first.outcomes == {"ok": 1, "skipped": 1}
    assert b"what somebody wrote" not in place.everything()
    assert b"some_name" not in place.everything()
    check = place.check()
    assert (check.asked, check.found) == (1, {})
    assert place.scrape().version == first.version


def test_a_crosspost_of_what_reddit_does_not_show_stays(place, archive, jpeg):
    archive.add("repeat", jpeg(1))
    original = dict(archive.posts["cars"][0], id="elsewhere", name="t3_elsewhere")
    archive.change("repeat", crosspost_parent="t3_elsewhere", crosspost_parent_list=[original])
    place.scrape()
    for hours in range(3):
        assert place.check(now=NOON + hours * HOUR).found == {}
    assert len(place.pictures()) == 1


def test_what_a_setting_left_out_later_is_found_too(place, archive, jpeg):
    archive.add("one", jpeg(1))
    place.scrape()
    archive.change("one", over_18=True)
    place.scrape()
    place.scrape()
    assert list(place.raw()["reason"]) == ["over 18"]
    archive.change("one", removed_by_category="moderator")
    place.check()
    assert place.pictures() == set()


def test_a_listing_that_shows_the_removal_first_does_not_hide_the_bytes(place, archive, jpeg):
    archive.add("one", jpeg(1))
    place.scrape()
    archive.change("one", removed_by_category="moderator")
    still_listed(archive)
    place.scrape()
    assert list(place.raw()["reason"]) == ["removed"]
    assert len(place.pictures()) == 1
    place.check()
    assert place.pictures() == set()


def test_an_answer_that_is_none_changes_nothing(place, archive, jpeg):
    archive.add("one", jpeg(1))
    place.scrape()
    archive.routes.append({"host": "oauth.reddit.com", "path": "/api/info", "status": 200, "body": "<html>"})
    archive.write()
    with pytest.raises(UnexpectedAnswerError):
        place.check()
    assert len(place.pictures()) == 1
    assert load_tombstones(place.root).table.empty


def test_only_where_posts_are_from_is_asked_about_them(place, archive, jpeg):
    archive.add("one", jpeg(1))
    place.scrape()
    assert knows_posts(place.root, "cars", "archive")
    assert not knows_posts(place.root, "cars", "archive:other")
    assert not knows_posts(place.root, "cars", "reddit")


def test_where_a_part_is_asked_about_a_subreddit_that_closed_takes_nothing_down(
    place, many_posts, archive, monkeypatch
):
    """Of the few that wait for a second look all are gone, and all others of the same answer too."""
    monkeypatch.setattr("cic_assets.domain.takedowns.turns.EACH_TIME", MANY_POSTS - 1)
    assert place.check().asked == len(many_posts)
    without(archive, many_posts)
    monkeypatch.setattr("cic_assets.domain.takedowns.check.MANY_POSTS", 2)
    monkeypatch.setattr("cic_assets.domain.takedowns.check.LARGE_SHARE", 0.5)
    assert place.check(now=NOON + HOUR).unconfirmed == MANY_POSTS - 1
    with pytest.raises(ManyMissingError):
        place.check(now=NOON + 3 * HOUR)
    assert len(place.pictures()) == len(many_posts)
