import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cic_assets.domain.download import Download
from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.sources import Partition, Source, forget_fetched, remove_journal, url_sha256
from cic_assets.domain.sources.journal import Journal, fetched_elsewhere
from cic_assets.domain.sources.table import empty_table, make_row, make_table
from cic_assets.storage import DataRoot

URL = "http://a.example/x.jpg"


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def kept(root, jpeg):
    """A download whose picture is in the store."""
    return Download(url=URL, outcome=Outcome.OK, sha256=root.images.put(jpeg(1), "jpeg"), format="jpeg", bytes=9)


@pytest.fixture
def journal(root):
    return Journal(root, "cars", "archive", "limits")


def file_of(root):
    return Path(str(root.scratch)) / "scraping" / "cars.jsonl"


def write(journal, *downloads):
    with journal.open() as write_down:
        for one in downloads:
            write_down(one)


def test_what_was_settled_is_known_and_what_may_pass_is_not(journal, kept):
    gone = Download(url="http://a.example/\udcff", outcome=Outcome.HTTP_ERROR, reason="HTTP 404")
    busy = Download(url="http://a.example/busy", outcome=Outcome.HTTP_ERROR, reason="HTTP 503", transient=True)
    write(journal, kept, busy)
    write(journal, gone)
    assert journal.settled() == {URL: kept, gone.url: gone}


def test_a_line_that_was_cut_counts_for_nothing(journal, root, kept):
    write(journal, kept, kept)
    text = file_of(root).read_text()
    for length in range(len(text) // 2, len(text)):
        file_of(root).write_text(text[:length])
        assert journal.settled() == {URL: kept}
    write(journal, kept)
    assert journal.settled() == {URL: kept}


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line.pop("seconds"),
        lambda line: line.pop("url"),
        lambda line: line.pop("sha256"),
        lambda line: line.update(new=1),
        lambda line: line.update(outcome="another"),
    ],
)
def test_a_line_of_another_version_counts_for_nothing_but_its_picture(journal, root, kept, change):
    write(journal, kept)
    line = json.loads(file_of(root).read_text())
    change(line)
    file_of(root).write_text(f"{json.dumps(line)}\n5\n[]\nnull\n")
    assert journal.settled() == {}
    forget_fetched(root, {}, {})
    remove_journal(root, "cars")
    assert root.images.names() == (set() if "sha256" in line else {kept.sha256})


def test_what_is_taken_down_leaves_no_line_of_another_version(journal, root, kept):
    write(journal, kept)
    file_of(root).write_text(json.dumps({"url": URL}) + "\n" + json.dumps({"sha256": kept.sha256}) + "\n5\n")
    forget_fetched(root, {url_sha256(URL)}, {kept.sha256})
    assert file_of(root).read_text().strip() == ""


@pytest.mark.parametrize("bytes_left", [None, b"", b"\0" * 9])
def test_a_picture_that_a_power_cut_took_is_fetched_again(journal, root, kept, bytes_left):
    write(journal, kept)
    path = root.images.path(kept.sha256, "jpeg")
    path.unlink() if bytes_left is None else path.write_bytes(bytes_left)
    assert journal.settled() == {}


def test_other_limits_and_another_origin_make_it_worth_nothing(journal, root, kept):
    write(journal, kept)
    assert Journal(root, "cars", "archive", "others").settled() == {}
    assert Journal(root, "cars", "reddit", "limits").settled() == {}
    assert Journal(root, "tanks", "archive", "limits").settled() == {}
    remove_journal(root, "cars")
    assert journal.settled() == {}


def test_what_is_taken_down_leaves_no_line(journal, root, kept):
    other = Download(url="http://a.example/other", outcome=Outcome.TOO_SMALL)
    same_picture = Download(url="http://a.example/copy", outcome=Outcome.OK, sha256=kept.sha256, format="jpeg")
    write(journal, kept, other, same_picture)
    forget_fetched(root, {url_sha256(URL)}, {})
    lines = filter(None, map(str.strip, file_of(root).read_text().splitlines()))
    assert [json.loads(line)["url"] for line in lines] == [other.url, same_picture.url]
    forget_fetched(root, {}, {kept.sha256})
    assert set(journal.settled()) == {other.url}


def test_what_a_scrape_at_work_writes_down_after_a_take_down_is_known(journal, root, kept):
    other = Download(url="http://a.example/other", outcome=Outcome.TOO_SMALL)
    with journal.open() as write_down:
        write_down(kept)
        forget_fetched(root, {url_sha256(URL)}, {kept.sha256})
        write_down(other)
    assert set(journal.settled()) == {other.url}
    assert URL not in file_of(root).read_text()


@pytest.mark.parametrize(
    ("origin", "limits", "of"),
    [("archive", "limits", True), ("reddit", "limits", False), ("archive", "others", False)],
)
def test_another_source_has_it_if_it_is_from_the_same_place_by_the_same_limits(root, kept, origin, limits, of):
    tanks = Partition("tanks", "tank", Source.model_validate("r/tanks"))
    medium = Medium(post_id="one", subreddit="tanks", media_url=URL)
    when = datetime.now(UTC).isoformat()
    row = make_row(medium, kept, tanks, origin=origin, limits=limits, fetched_at=when)
    root.write_table("raw_images", make_table([row], empty_table()), "tanks")
    found = fetched_elsewhere(root, "cars", "archive", "limits", [URL, "http://a.example/new"])
    assert set(found) == ({URL} if of else set())
    assert fetched_elsewhere(root, "tanks", "archive", "limits", [URL]) == {}
    root.images.remove(kept.sha256)
    assert fetched_elsewhere(root, "cars", "archive", "limits", [URL]) == {}


def test_an_object_store_has_no_journal(kept):
    remote = Journal(DataRoot("memory://journal"), "cars", "archive", "limits")
    write(remote, kept)
    assert remote.settled() == {}
    remove_journal(remote.root, "cars")
    forget_fetched(remote.root, {url_sha256(URL)}, {})
