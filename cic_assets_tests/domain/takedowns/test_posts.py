"""What Reddit sent of each post is kept, and goes with its post."""

import json
from datetime import timedelta

import pandas as pd
import pytest

from cic_assets.domain.takedowns import purge, remove_source

from .conftest import NOON, Killed


def kept(place, key="cars"):
    """What is kept, by post; no other file has it either."""
    table = place.root.read_table("posts", key)
    assert set(table["subreddit"]) <= {key}
    return dict(zip(table["post_id"], map(json.loads, table["json"]), strict=True))


def test_what_was_sent_is_kept_with_what_fell_off_and_only_the_newest_of_it(place, archive, jpeg):
    archive.add("one", jpeg(1))
    archive.change("one", secret="\ud800\x00<script>", link_flair_text="Old")
    archive.add("two", jpeg(2))
    place.scrape()
    sent = kept(place)
    assert sorted(sent) == ["one", "two"]
    assert (sent["one"]["secret"], sent["one"]["author"]) == ("\ud800\x00<script>", "somebody")
    archive.remove("two")
    archive.change("one", link_flair_text="New")
    place.scrape()
    after = kept(place)
    assert after["two"] == sent["two"]
    assert after["one"]["link_flair_text"] == "New"


@pytest.mark.parametrize("fields", [{"removed_by_category": "moderator"}, {"removed_by_category": "deleted"}])
@pytest.mark.parametrize("body", [True, False])
def test_it_goes_with_its_post_also_where_there_was_no_picture(place, archive, jpeg, fields, body):
    archive.add("stays", jpeg(1))
    archive.add("goes", jpeg(2) if body else None)
    place.scrape()
    assert sorted(kept(place)) == ["goes", "stays"]
    archive.change("goes", **fields)
    place.check()
    assert sorted(kept(place)) == ["stays"]
    place.scrape()
    assert sorted(kept(place)) == ["stays"]


def test_of_a_post_that_is_gone_when_it_is_first_seen_nothing_is_kept(place, archive, jpeg):
    archive.add("one", jpeg(1))
    archive.add("gone", jpeg(2))
    archive.change("gone", selftext="[removed]")
    place.scrape()
    assert sorted(kept(place)) == ["one"]


def test_who_closed_the_account_is_named_no_more(place, archive, jpeg):
    archive.add("one", jpeg(1))
    archive.change("one", author="Jo_Example", author_fullname="t2_jo")
    archive.add("again", jpeg(1))
    original = {**archive.posts["cars"][-1], "author": "Jo_Example"}
    archive.change("again", crosspost_parent="t3_one", crosspost_parent_list=[original], author="other")
    place.scrape()
    before = kept(place)
    assert before["one"]["author"] == "Jo_Example"
    assert "author" not in before["again"]["crosspost_parent_list"][0]
    archive.change("one", author="[deleted]")
    place.check()
    texts = " ".join(place.root.read_table("posts", "cars")["json"])
    assert "Jo_Example" not in texts
    assert "t2_jo" not in texts
    archive.change("one", author="Jo_Example")  # an answer of before
    place.scrape()
    assert "author" not in kept(place)["one"]


def test_of_a_profile_s_posts_no_name_is_kept_either(place, archive, jpeg):
    named = {"author": "Jo_X", "author_fullname": "t2_jo", "subreddit": "u_jo_x", "permalink": "/user/Jo_X/comments/1/"}
    named |= {"subreddit_name_prefixed": "u/Jo_X", "url": "https://www.reddit.com/user/Jo_X/comments/1/"}
    nested = {"media": [{"by": "https://x.example/u/jo_x/"}, {"height": 3}], "title": "Ask u/Jo_Xyz"}
    archive.add("own", jpeg(1))
    archive.add("again", jpeg(2))
    original = {**archive.posts["cars"][-1], **named, **nested, "id": "far", "anything": "else"}
    archive.change("own", **named, **nested)
    archive.change("again", crosspost_parent="t3_far", crosspost_parent_list=[original, None], author="other")
    archive.change("again", selftext="by u/Jo\\_X", url="https://x.example/?of=%2Fuser%2Fjo_x")
    place.scrape()
    (shown,) = kept(place)["again"]["crosspost_parent_list"]
    assert (shown["id"], shown["title"], shown["media"]) == ("far", "Ask u/Jo_Xyz", [{}, {"height": 3}])
    assert not {"subreddit", "permalink", "url", "anything"} & set(shown)
    assert not {"selftext", "url"} & set(kept(place)["again"])
    assert kept(place)["own"]["permalink"] == named["permalink"]
    archive.change("own", author="[deleted]")
    place.check()
    texts = " ".join(place.root.read_table("posts", "cars")["json"]).lower().replace("jo_xyz", "")
    assert "jo_x" not in texts
    assert kept(place)["own"]["media"] == [{}, {"height": 3}]


def test_what_is_purged_by_hand_does_not_come_back(place, archive, jpeg):
    for number in range(3):
        archive.add(f"p{number}", jpeg(number))
    place.scrape()
    purge(place.root, posts=["p0"], sha256s=[place.sha("p1")])
    assert sorted(kept(place)) == ["p2"]
    place.scrape()
    assert sorted(kept(place)) == ["p2"]
    remove_source(place.root, "cars")
    assert not place.root.has_table("posts", "cars")


def test_a_power_cut_at_any_moment_leaves_nothing_of_what_is_gone(place, archive, jpeg, power_cut):
    archive.add("stays", jpeg(1))
    archive.add("goes", jpeg(2))
    place.scrape()
    archive.change("goes", removed_by_category="moderator")
    for cuts in range(50):
        power_cut.left = cuts
        try:
            place.check(now=NOON + timedelta(hours=cuts))
        except Killed:
            continue
        break
    power_cut.left = 10**6
    place.check(now=NOON + timedelta(hours=60))
    assert sorted(kept(place)) == ["stays"]


def test_a_damaged_table_is_made_anew(place, archive, jpeg):
    archive.add("one", jpeg(1))
    place.scrape()
    path = place.folder / "tables" / "posts" / "cars.parquet"
    path.write_bytes(path.read_bytes()[:-40])
    place.check()
    assert not path.exists()
    place.scrape()
    assert sorted(kept(place)) == ["one"]
    assert isinstance(pd.read_parquet(path), pd.DataFrame)
