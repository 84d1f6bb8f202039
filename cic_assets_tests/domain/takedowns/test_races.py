"""What is taken down while something else is at work stays down, and no row is left without its file."""

import contextlib
import threading
from datetime import timedelta

import pandas as pd
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from cic_assets.domain import sources
from cic_assets.domain.dataset import (
    COPIES,
    DatasetError,
    DatasetSettings,
    build_dataset,
    find_units,
    relations_of_posts,
    resize_pictures,
)
from cic_assets.domain.duplicates import (
    VERDICTS,
    DuplicateSettings,
    copy_pairs,
    find_duplicates,
    fingerprint_pictures,
    kept_pictures,
)
from cic_assets.domain.overrides import Overrides
from cic_assets.domain.sources import SourceError, TakedownGuard, TakenDownMeanwhileError, load_tombstones
from cic_assets.domain.takedowns import PurgeError, purge, remove_source
from cic_assets_tests.fixtures.effort import short_or_long

from .conftest import NOON, Place

HOUR = timedelta(hours=1)


def rows_without_file(root):
    return [
        (key, row["post_id"])
        for key in root.table_partitions("raw_images")
        for row in root.read_table("raw_images", key).to_dict("records")
        if row["outcome"] == "ok" and not root.images.has(row["sha256"], row["format"])
    ]


def test_a_purge_while_its_source_is_scraped_holds(place, archive, jpeg):
    archive.add("old", jpeg(1))
    place.scrape()
    archive.add("new", jpeg(2))
    place.scrape(meanwhile=lambda: purge(place.root, ["old"]))
    assert place.raw().loc["old", "reason"] == "taken down: purged by hand"
    assert place.raw().loc["new", "outcome"] == "ok"
    assert b"post old" not in place.everything()
    assert jpeg(1) not in place.everything()


def test_what_is_fetched_and_taken_down_before_it_is_written_down_leaves_no_bytes(place, archive, jpeg):
    archive.add("a", jpeg(1), subreddit="boats")
    place.scrape("boats")
    archive.add("x", jpeg(1))  # the same picture, refused from now on
    place.scrape(meanwhile=lambda: purge(place.root, sha256s=[place.sha("a", "boats")]))
    assert place.raw().loc["x", "outcome"] != "ok"
    assert place.pictures() == set()


def test_a_check_of_another_source_leaves_no_row_without_its_file(place, archive, jpeg):
    archive.add("b1", jpeg(1), subreddit="boats")
    place.scrape("boats")
    archive.change("b1", removed_by_category="deleted", author="[deleted]")
    archive.add("a1", jpeg(1))
    place.scrape(meanwhile=lambda: place.check("boats"))
    assert rows_without_file(place.root) == []
    place.scrape()
    assert place.raw().loc["a1", "outcome"] == "ok"
    assert rows_without_file(place.root) == []


def test_two_scrapes_of_one_source_at_once_lose_no_row(place, archive, jpeg):
    archive.add("one", jpeg(1))

    def another():
        archive.add("two", jpeg(2))
        place.scrape()

    place.scrape(meanwhile=another)
    assert set(place.raw().index) == {"one", "two"}
    assert rows_without_file(place.root) == []


def test_an_answer_does_not_lift_what_was_found_out_after_it(place, archive, jpeg):
    archive.add("goes", jpeg(1))
    place.scrape()

    def found_out():
        archive.change("goes", removed_by_category="moderator")
        place.check()

    place.check(meanwhile=found_out)
    assert place.raw().loc["goes", "reason"] == "taken down: removed"
    assert list(load_tombstones(place.root).table["reason"]) == ["removed"]


def test_two_checks_at_once_both_hold(place, archive, jpeg):
    for key in ("cars", "boats"):
        archive.add(f"{key}1", jpeg(len(key)), subreddit=key)
        place.scrape(key)
    tables = [place.root.read_table("raw_images", key) for key in ("cars", "boats")]
    place.root.write_table("duplicates", pd.concat(tables).assign(group_id="g"))
    for key in ("cars", "boats"):
        archive.change(f"{key}1", removed_by_category="moderator")
    place.check("cars", meanwhile=lambda: place.check("boats"))
    assert len(place.root.read_table("duplicates")) == 0
    assert place.pictures() == set()


def test_a_whole_source_that_is_removed_while_it_is_scraped_stays_away(place, archive, jpeg):
    archive.add("one", jpeg(1))
    place.scrape()
    archive.add("two", jpeg(2))
    with pytest.raises(SourceError, match="cars was removed while it was scraped"):
        place.scrape(meanwhile=lambda: remove_source(place.root, "cars"))
    assert place.pictures() == set()
    assert place.root.table_partitions("raw_images") == []


class TestGuard:
    def test_nothing_is_written_of_what_was_taken_down_meanwhile(self, place, archive, jpeg):
        archive.add("goes", jpeg(1))
        place.scrape()
        guard = TakedownGuard(place.root)
        purge(place.root, ["goes"])
        with pytest.raises(TakenDownMeanwhileError, match="made again"), guard.publishing():
            pytest.fail("written")

    def test_other_changes_do_not_matter(self, place, archive, jpeg):
        archive.add("one", jpeg(1))
        place.scrape()
        guard = TakedownGuard(place.root)
        archive.add("two", jpeg(2))
        place.scrape()
        with guard.publishing():
            written = True
        assert written

    def test_a_whole_source_counts(self, place, archive, jpeg):
        archive.add("one", jpeg(1))
        place.scrape()
        guard = TakedownGuard(place.root)
        remove_source(place.root, "cars")
        with pytest.raises(TakenDownMeanwhileError), guard.publishing():
            pytest.fail("written")

    def test_one_that_is_made_while_something_is_taken_down_begins_after_it(self, place, archive, jpeg):
        archive.add("goes", jpeg(1))
        place.scrape()
        place.root.write_table("image_hashes", pd.DataFrame({"sha256": sorted(place.pictures())}), "cars")

        def write_again():
            guard = TakedownGuard(place.root)
            table = place.root.read_table("image_hashes", "cars")
            done.wait(20)
            with guard.publishing():
                place.root.write_table("image_hashes", table, "cars")

        def begin(_line):
            other.start()
            other.join(1)  # as far as it comes

        done, other = threading.Event(), threading.Thread(target=write_again)
        purge(place.root, ["goes"], on_progress=begin)
        done.set()
        other.join()
        assert place.root.read_table("image_hashes", "cars").empty

    def test_tombstones_are_read_again_only_where_some_were_written(self, place, archive, jpeg, monkeypatch):
        read = []
        load = sources.guard.load_tombstones
        monkeypatch.setattr(sources.guard, "load_tombstones", lambda root: read.append(1) or load(root))
        for name, key in (("goes", "cars"), ("stays", "cars")):
            archive.add(name, jpeg(len(name)))
            place.scrape(key)
        purge(place.root, ["goes"])
        for _ in range(3):
            with TakedownGuard(place.root).publishing():
                pass
        assert len(read) == 1
        guard = TakedownGuard(place.root)
        purge(place.root, ["stays"])
        assert guard.is_broken
        assert len(read) == 2


class RacingWriters(RuleBasedStateMachine):
    """Scrapes, checks, purges and what is made of tables, each interrupted by others between reading and writing."""

    make_place = None
    posts = Bundle("posts")

    def __init__(self):
        super().__init__()
        self.stack = contextlib.ExitStack()
        self.place, self.jpeg = self.stack.enter_context(self.make_place())
        self.now, self.number = NOON, 0
        self.gone, self.refused = set(), set()

    def teardown(self):
        self.stack.close()

    def scrape(self, key, meanwhile=None):
        self.post(self.number % 10, key)  # something to fetch, and so to write
        self.place.scrape(key, meanwhile=meanwhile)

    def check(self, key, meanwhile=None):
        self.place.check(key, now=self.now, meanwhile=meanwhile)
        self.now += HOUR

    def purge(self, post_id):
        with contextlib.suppress(PurgeError):  # it was not scraped yet
            purge(self.place.root, [post_id])
            self.gone.add(post_id)

    def build(self, meanwhile=None):
        """All that is made of tables, with a break before each is written."""
        breaks = [meanwhile] if meanwhile else []
        root = self.place.root
        keys = root.table_partitions("raw_images")

        def published(names, make, partition=None):
            """Tables that are made together."""
            guard = TakedownGuard(root)
            tables = make()
            if breaks:
                breaks.pop()()
            with contextlib.suppress(TakenDownMeanwhileError), guard.publishing():
                for name, table in zip(names, tables, strict=True):
                    root.write_table(name, table, partition)
                return
            published(names, make, partition)

        if not keys:
            return
        read = root.read_table
        for key in keys:
            published(["image_hashes"], lambda k=key: [fingerprint_pictures(read("raw_images", k), root.images)], key)
        self._groups(root, keys, published)
        self._dataset(root, keys, meanwhile)

    @staticmethod
    def _groups(root, keys, published):
        def find():
            images = root.read_tables("image_hashes", keys).assign(klass="car")
            formats = dict(zip(images["sha256"], images["format"], strict=True))
            return find_duplicates(
                images, lambda one: root.images.get(one, formats[one]), DuplicateSettings(), Overrides()
            )

        published(["duplicates", "bridges", VERDICTS], find)
        for key in keys:
            published(
                ["resized_images"],
                lambda k=key: [
                    resize_pictures(
                        kept_pictures(root.read_table("image_hashes", k), root.read_table("duplicates")),
                        root.images,
                        root.resized(64),
                        DatasetSettings(side=64),
                    )
                ],
                key,
            )

    @staticmethod
    def _dataset(root, keys, meanwhile):
        guard = TakedownGuard(root)
        pictures = root.read_tables("resized_images", keys)
        if meanwhile:
            meanwhile()
        raw = root.read_tables("raw_images", keys)
        raw = raw[raw["outcome"] == "ok"]
        copies = copy_pairs(root.read_table("duplicates"), root.read_table("bridges"))
        with contextlib.suppress(TakenDownMeanwhileError, DatasetError, FileNotFoundError):
            build_dataset(
                pictures.assign(klass="car"),
                root.resized(64),
                root.dataset,
                DatasetSettings(side=64, min_per_class=3),
                name="x",
                classes=["car"],
                units=find_units(raw["sha256"], {COPIES: copies, **relations_of_posts(raw)}),
                publishing=guard.publishing,
            )

    @initialize(target=posts)
    def some_posts(self):
        """Enough for a data set; the same pictures in both sources."""
        found = [self.post(picture, key) for picture in range(4) for key in ("cars", "boats")]
        self.scrape("cars")
        return multiple(*found)

    def post(self, picture, key):
        self.number += 1
        post_id = f"p{self.number}x"
        self.place.archive.add(post_id, self.jpeg(picture), subreddit=key)
        return post_id

    @rule(post_id=posts, how=st.sampled_from(["deleted", "moderator"]))
    def goes(self, post_id, how):
        self.place.archive.change(post_id, removed_by_category=how, author="[deleted]")

    acts = st.sampled_from(["purge", "check", "scrape", "build"])
    keys = st.sampled_from(["cars", "boats"])

    @rule(key=keys, other=acts, post_id=posts)
    def scrape_and(self, key, other, post_id):
        self.scrape(key, lambda: self.act(other, key, post_id))

    @rule(key=keys, other=acts, post_id=posts)
    def check_and(self, key, other, post_id):
        self.check(key, lambda: self.act(other, key, post_id))

    @rule(key=keys, other=acts, post_id=posts)
    def build_and(self, key, other, post_id):
        self.build(lambda: self.act(other, key, post_id))

    def act(self, what, key, post_id):
        {"purge": lambda: self.purge(post_id), "build": self.build}.get(what, lambda: getattr(self, what)(key))()

    @invariant()
    def no_row_is_without_its_file(self):
        assert rows_without_file(self.place.root) == []

    @invariant()
    def what_was_taken_down_stays_down(self):
        everything = self.place.everything()
        for post_id in self.gone | self.tombstoned():
            assert f"post {post_id}".encode() not in everything
            assert f"/{post_id}.jpg".encode() not in everything

    @invariant()
    def every_picture_has_a_post(self):
        root = self.place.root
        tables = [root.read_table("raw_images", key) for key in root.table_partitions("raw_images")]
        named = {sha256 for table in tables for sha256 in table["sha256"]}
        assert self.place.pictures() <= named
        assert {path.stem for path in (self.place.folder / "resized").rglob("*.jpg")} <= named

    def tombstoned(self):
        table = load_tombstones(self.place.root).table
        return set(table.loc[table["reason"].isin(["deleted", "removed", "purged"]), "post_id"])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_races_of_all_kinds(make_archive, jpeg, tmp_path):
    numbers = iter(range(1_000_000))

    @contextlib.contextmanager
    def make_place():
        folder = tmp_path / str(next(numbers))
        folder.mkdir()
        (folder / "archive").mkdir()
        yield Place(make_archive(folder / "archive"), folder / "root"), jpeg

    machine = type("Races", (RacingWriters,), {"make_place": staticmethod(make_place)})
    run_state_machine_as_test(
        machine,
        settings=settings(max_examples=short_or_long(8, 150), stateful_step_count=short_or_long(10, 20), deadline=None),
    )
