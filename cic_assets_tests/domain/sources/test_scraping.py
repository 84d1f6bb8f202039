import io
from datetime import UTC, datetime, timedelta

import pillow_heif
import pytest
from PIL import Image

from cic_assets.domain.download import Download, DownloadSettings, Network
from cic_assets.domain.images import ImageLimits
from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import REPLAY_CREDENTIALS, RedditSettings, connect
from cic_assets.domain.sources import COLUMNS, Connection, Partition, Source, SourceError, ask_again, scrape
from cic_assets.domain.sources.asking import MOST_ASKS
from cic_assets.domain.sources.journal import Journal
from cic_assets.domain.sources.limits import limits_version
from cic_assets.storage import DataRoot
from cic_assets.web.replay import replay

CARS = Partition("cars", "car", Source.model_validate("r/cars"))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
QUICK = DownloadSettings(backoff_seconds=0.01, answer_seconds=1)


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def scrape_archive(archive, root):
    """Scrapes the archive over real HTTP with a real PRAW client; gives the result and what was asked of the hosts."""

    def run(origin="archive", now=None, **changed):
        with replay(archive.folder) as server, connect(REPLAY_CREDENTIALS, server.endpoint) as reddit:
            connection = Connection(origin, reddit, Network.replay("127.0.0.1", server.port))
            result = scrape(CARS, root, connection, RedditSettings(), QUICK.model_copy(update=changed), now=now)
            # The API is asked under the address of the server, the hosts under their names.
            return result, {url: n for url, n in server.requests.items() if "//127.0.0.1/" not in url}

    return run


def test_every_medium_has_a_row_and_pictures_are_kept(archive, scrape_archive, root, jpeg):
    archive.add("good", jpeg(1))
    archive.add("gone", status=404)
    result, _ = scrape_archive()
    assert result.outcomes == {"ok": 1, "http_error": 1}
    row = result.table.set_index("post_id").loc["good"]
    assert root.images.get(row["sha256"], row["format"]) == jpeg(1)
    assert (row["width"], row["height"], row["bytes"]) == (160, 120, len(jpeg(1)))
    assert list(result.table.columns) == list(COLUMNS)
    assert root.read_table("raw_images", "cars").equals(result.table)


def test_a_second_scrape_asks_for_nothing_and_has_the_same_version(archive, scrape_archive, jpeg):
    archive.add("good", jpeg(1))
    archive.add("gone", status=404)
    first, asked = scrape_archive()
    assert sum(asked.values()) == 2
    second, asked = scrape_archive()
    assert asked == {}
    assert second.version == first.version
    assert (second.new_rows, second.fetched_bytes) == (0, 0)
    assert second.table.drop(columns="fetched_at").equals(first.table.drop(columns="fetched_at"))


def test_what_failed_in_passing_is_asked_again(archive, scrape_archive, jpeg):
    archive.add("slow", delay=30)
    first, _ = scrape_archive()
    assert first.outcomes == {"timeout": 1}
    archive.routes.clear()
    archive.posts["cars"].clear()
    archive.add("slow", jpeg(1))
    second, _ = scrape_archive()
    assert second.outcomes == {"ok": 1}
    assert second.version != first.version


@pytest.mark.parametrize(
    ("failing", "outcome"),
    [({"status": 503}, "http_error"), ({"status": 429}, "http_error"), ({"cut": True}, "truncated")],
)
def test_one_bad_hour_of_a_host_loses_no_picture(archive, scrape_archive, jpeg, failing, outcome):
    body = jpeg(1) if failing.pop("cut", None) else None
    archive.add("busy", body, **failing, **({"claim_length": len(body) + 100} if body else {}))
    first, _ = scrape_archive()
    assert first.outcomes == {outcome: 1}
    assert first.table["transient"].all()
    archive.routes.clear()
    archive.posts["cars"].clear()
    archive.add("busy", jpeg(1))
    second, _ = scrape_archive()
    assert second.outcomes == {"ok": 1}
    assert not second.table["transient"].any()


HOTEL = {"body": b"<!DOCTYPE html><html>log in to the hotel's network</html>", "type": "text/html"}


@pytest.mark.parametrize("refusal", [{"status": 401}, {"status": 403}, {"status": 451}, HOTEL])
def test_a_refusal_is_not_for_ever(archive, scrape_archive, jpeg, refusal):
    archive.add("one", **refusal)
    first, _ = scrape_archive(now=NOON)
    assert scrape_archive(now=NOON + timedelta(hours=20))[1] == {}
    archive.routes.clear()
    archive.posts["cars"].clear()
    archive.add("one", jpeg(1))
    later, asked = scrape_archive(now=NOON + timedelta(days=1))
    assert list(asked) == ["http://i.redd.it/one.jpg"]
    assert (first.outcomes.keys() | later.outcomes.keys()) - {"ok"} < {"http_error", "not_an_image"}
    assert later.table[["outcome", "asks", "asked_at"]].to_numpy().tolist() == [["ok", 0, ""]]


def test_what_always_fails_is_asked_for_ever_less_often_and_in_the_end_by_a_person_alone(archive, scrape_archive, root):
    archive.add("dead", status=503)
    times = [NOON + timedelta(days=day) for day in (0, 1, 2, 3, 4, 8, 15, 16, 32, 63, 64, 128, 256)]
    asked = [sum(scrape_archive(now=now, retries=0)[1].values()) for now in times]
    assert sum(asked) == MOST_ASKS
    assert asked[:3] == [1, 1, 1]
    version = scrape_archive(now=times[-1])[0].version
    assert ask_again(root, [Outcome.HTTP_ERROR], "cars") == 1
    again, requests = scrape_archive(now=times[-1], retries=0)
    assert sum(requests.values()) == 1
    assert again.version == version


def test_asking_again_leaves_alone_what_ended_otherwise(archive, scrape_archive, root, jpeg):
    archive.add("good", jpeg(1))
    archive.add("gone", status=404)
    scrape_archive()
    assert ask_again(root, [Outcome.TIMEOUT, Outcome.NOT_AN_IMAGE], "cars") == 0
    assert ask_again(root, [Outcome.HTTP_ERROR], "cars") == 1
    assert list(scrape_archive()[1]) == ["http://i.redd.it/gone.jpg"]


def test_of_a_page_of_imgur_the_picture_is_asked_for(archive, scrape_archive, jpeg):
    archive.add("page", jpeg(1))
    archive.posts["cars"][0]["url"] = "http://imgur.com/aBc12"
    archive.routes[0] |= {"host": "i.imgur.com", "path": "/aBc12.jpg"}
    archive.write()
    result, asked = scrape_archive()
    assert result.table[["media_url", "final_url", "outcome"]].to_numpy().tolist() == [
        ["http://imgur.com/aBc12", "http://i.imgur.com/aBc12.jpg", "ok"]
    ]
    assert asked == {"http://i.imgur.com/aBc12.jpg": 1}


def test_the_urls_of_a_host_that_was_given_up_are_asked_again(archive, scrape_archive, jpeg):
    for number in range(4):
        archive.add(f"busy{number}", status=429)
    first, asked = scrape_archive(host_failures=2, per_host=1, retries=0)
    assert len(asked) < 4
    assert first.table["transient"].all()
    archive.routes.clear()
    archive.posts["cars"].clear()
    for number in range(4):
        archive.add(f"busy{number}", jpeg(number))
    assert scrape_archive()[0].outcomes == {"ok": 4}


def test_a_loosened_limit_is_for_what_was_turned_away_too(archive, scrape_archive, jpeg):
    archive.add("small", jpeg(1, 80, 60))
    archive.add("long", jpeg(2, 300, 200))
    archive.add("gone", status=404)
    few = len(jpeg(2, 300, 200)) - 1
    assert scrape_archive(max_bytes=few)[0].outcomes == {"too_small": 1, "too_large": 1, "http_error": 1}
    assert scrape_archive(max_bytes=few)[1] == {}
    result, asked = scrape_archive(limits=ImageLimits(min_side=20))
    assert set(asked) == {"http://i.redd.it/small.jpg", "http://i.redd.it/long.jpg"}
    assert result.outcomes == {"ok": 2, "http_error": 1}


@pytest.mark.parametrize("image_format", ["AVIF", "HEIF"])
def test_what_an_earlier_version_did_not_read_is_asked_again(archive, scrape_archive, root, image_format):
    pillow_heif.register_heif_opener()
    body = io.BytesIO()
    Image.new("RGB", (160, 120), "teal").save(body, image_format)
    archive.add("photo", body.getvalue())
    archive.add("gone", status=404)
    first, _ = scrape_archive()
    assert first.outcomes == {"ok": 1, "http_error": 1}
    (sha256,) = set(first.table["sha256"]) - {""}
    assert root.images.get(sha256, image_format.lower()) == body.getvalue()
    is_photo = first.table["sha256"] == sha256
    told = {
        "outcome": "not_an_image",
        "reason": "a video, or avif or heic, none of which is read (kind 'avif')",
        "sha256": "",
    }
    before = first.table.assign(limits="of earlier")
    before.loc[is_photo, list(told)] = list(told.values())
    root.write_table("raw_images", before, "cars")
    again, asked = scrape_archive()
    assert list(asked) == ["http://i.redd.it/photo.jpg"]
    assert again.outcomes == first.outcomes


@pytest.mark.parametrize(
    ("tightened", "outcome", "reason"),
    [
        ({"limits": ImageLimits(min_side=130)}, "too_small", "160 x 120 pixels, a side under 130"),
        ({"limits": ImageLimits(max_pixels=10_000)}, "too_large", "160 x 120 pixels, more than 10,000"),
        ({"max_bytes": 1024}, "too_large", "{bytes} bytes, more than 1024"),
        ({"placeholders": True}, "placeholder", "a picture that is marked as a placeholder"),
    ],
)
def test_a_tightened_limit_is_for_kept_pictures_too_and_can_be_taken_back(
    archive, scrape_archive, jpeg, tightened, outcome, reason
):
    archive.add("off", jpeg(1))
    archive.add("listed", jpeg(1))
    first, _ = scrape_archive()
    archive.remove("off")
    if "placeholders" in tightened:
        tightened = {"placeholders": frozenset(first.table["sha256"])}
    tight, asked = scrape_archive(**tightened)
    assert asked == {}
    assert tight.outcomes == {outcome: 2}
    assert set(tight.table["reason"]) == {reason.format(bytes=len(jpeg(1)))}
    assert tight.version != first.version
    back, asked = scrape_archive()
    assert asked == {}
    assert back.version == first.version


def test_failures_in_a_table_of_an_older_version_are_asked_again_once(archive, scrape_archive, root, jpeg):
    archive.add("good", jpeg(1))
    archive.add("gone", status=404)
    first, _ = scrape_archive()
    root.write_table("raw_images", first.table.drop(columns="transient"), "cars")
    again, asked = scrape_archive()
    assert list(asked) == ["http://i.redd.it/gone.jpg"]
    assert again.table.equals(first.table)
    assert scrape_archive()[1] == {}


def test_new_posts_are_added_and_old_ones_kept_when_they_fall_off(archive, scrape_archive, jpeg):
    archive.add("one", jpeg(1))
    archive.add("two", jpeg(2))
    first, _ = scrape_archive()
    archive.remove("one")
    archive.add("three", jpeg(3), created=1_800_000_000.0)
    second, asked = scrape_archive()
    assert list(asked) == ["http://i.redd.it/three.jpg"]
    assert list(second.table["post_id"]) == ["three", "two", "one"]
    assert second.new_rows == 1
    assert second.version != first.version


def test_pictures_missing_from_the_store_are_fetched_again(archive, scrape_archive, root, jpeg):
    archive.add("one", jpeg(1))
    first, _ = scrape_archive()
    sha256 = first.table["sha256"].iloc[0]
    root.images.path(sha256, "jpeg").unlink()
    second, asked = scrape_archive()
    assert sum(asked.values()) == 1
    assert root.images.has(sha256, "jpeg")
    assert second.version == first.version


def test_pictures_of_another_origin_are_neither_mixed_in_nor_lost(archive, scrape_archive, root, jpeg):
    archive.add("real", jpeg(1))
    scrape_archive("reddit")
    with pytest.raises(SourceError, match=r"cars\.parquet holds pictures from reddit, .* use another data root"):
        scrape_archive("sample:1")
    assert list(root.read_table("raw_images", "cars")["origin"]) == ["reddit"]


def test_the_sample_of_another_version_takes_the_place_of_the_old_one(archive, scrape_archive, jpeg):
    archive.add("old", jpeg(1))
    archive.add("same", jpeg(2))
    scrape_archive("sample:1")
    archive.posts["cars"].clear()
    archive.add("same", jpeg(3))
    redrawn, asked = scrape_archive("sample:2")
    assert list(asked) == ["http://i.redd.it/same.jpg"]
    assert redrawn.table[["post_id", "origin"]].to_numpy().tolist() == [["same", "sample:2"]]
    assert redrawn.gone_rows == 1


def test_an_archive_is_known_by_its_posts_wherever_it_lies(archive, scrape_archive, jpeg):
    archive.add("one", jpeg(1))
    archive.add("two", jpeg(2))
    scrape_archive("archive:/here/cars")
    archive.remove("one")
    moved, asked = scrape_archive("archive:/there/recorded again")
    assert asked == {}
    assert set(moved.table["post_id"]) == {"one", "two"}
    assert set(moved.table["origin"]) == {"archive:/there/recorded again"}
    archive.remove("two")
    archive.add("three", jpeg(3))
    with pytest.raises(SourceError, match=r"from archive:/there/recorded again, .* not mixed with .*/elsewhere/cars"):
        scrape_archive("archive:/elsewhere/cars")


def test_a_subreddit_is_not_mixed_with_a_list_of_the_same_name(archive, scrape_archive, root, tmp_path, jpeg):
    archive.add("one", jpeg(1))
    scrape_archive("web")
    (tmp_path / "cars.txt").write_text("http://127.0.0.1/never-asked.jpg")
    partition = Partition("cars", "car", Source.model_validate(f"urls:{tmp_path / 'cars.txt'}"))
    connection = Connection("web", None, Network.public())
    with pytest.raises(SourceError, match=r"cars\.parquet holds pictures from r/cars, .* those from urls:/.*cars\.txt"):
        scrape(partition, root, connection, RedditSettings(), QUICK)
    root.table_path("raw_images", "cars").unlink()
    scrape(partition, root, connection, RedditSettings(), QUICK)
    with pytest.raises(SourceError, match=r"cars\.parquet holds pictures from urls:/.*, .* those from r/cars"):
        scrape_archive("web")


def test_the_same_picture_in_two_posts_is_two_rows_and_one_file(archive, scrape_archive, root, jpeg):
    archive.add("one", jpeg(1))
    archive.add("two", jpeg(1))
    result, _ = scrape_archive()
    assert len(result.table) == 2
    assert len(result.pictures) == 1
    assert len(list((root.path / "images").rglob("*.jpg"))) == 1


def test_what_a_killed_scrape_left_is_removed(archive, scrape_archive, root, jpeg):
    archive.add("one", jpeg(1))
    folder = root.path / "tables" / "raw_images"
    folder.mkdir(parents=True)
    (folder / ".cars.parquet.x1.part").write_bytes(b"half")
    (folder / ".tanks.parquet.x1.part").write_bytes(b"somebody else's")
    scrape_archive()
    assert {path.name for path in folder.iterdir()} == {"cars.parquet", ".tanks.parquet.x1.part"}


def test_what_a_killed_scrape_fetched_of_posts_that_are_not_listed_any_more_is_removed(
    archive, scrape_archive, root, jpeg
):
    archive.add("one", jpeg(1))
    scrape_archive()
    for number, limits in enumerate([limits_version(QUICK), "others"]):
        write_down(root, "http://i.redd.it/deleted.jpg", jpeg(10 + number), limits)
    write_down(root, "http://i.redd.it/copy.jpg", jpeg(1), "others")
    result, _ = scrape_archive()
    assert root.images.names() == set(result.table["sha256"])


def test_what_a_killed_scrape_settled_is_not_asked_for_in_vain_any_more(archive, scrape_archive, root, jpeg):
    archive.add("busy", status=503)
    first, _ = scrape_archive(now=NOON)
    assert first.table["asks"].tolist() == [1]
    write_down(root, "http://i.redd.it/busy.jpg", jpeg(1), limits_version(QUICK))
    second, asked = scrape_archive(now=NOON + timedelta(days=9))
    assert asked == {}
    assert second.table[["outcome", "asks", "asked_at"]].to_numpy().tolist() == [["ok", 0, ""]]


def write_down(root, url, data, limits):
    """What a scrape does with each picture; killed after that, it leaves it so."""
    sha256 = root.images.put(data, "jpeg")
    with Journal(root, "cars", "archive", limits).open() as write_line:
        write_line(Download(url=url, outcome=Outcome.OK, sha256=sha256, format="jpeg", width=160, height=120))


def test_an_empty_subreddit_is_an_empty_table(archive, scrape_archive):
    archive.write()
    result, _ = scrape_archive()
    assert len(result.table) == 0
    assert result.outcomes == {}
