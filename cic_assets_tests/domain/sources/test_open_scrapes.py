"""Whole scrapes of open sources, over real HTTP: every file one outcome, every kept picture its licence and author."""

import pytest

from cic_assets.domain.sources import SourceError, is_blank
from cic_assets.domain.sources.open_sources import recheck_open
from cic_assets.domain.takedowns import check_takedowns
from cic_assets.storage import DataRoot
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.open_collections import access_to, partition_of, scrape_open

pytestmark = pytest.mark.slow

FREE = ("CC BY-SA 4.0", "CC BY 2.0", "CC0", "Public domain")


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def museum(commons, jpeg):
    """A category of some hundred files with whatever lies in one, and subcategories that lead in a circle."""
    commons.category("Tanks", "Tanks in museums", "Tanks at war")
    commons.category("Tanks in museums", "Tanks")
    for number in range(130):
        where = ("Tanks", "Tanks in museums", "Tanks at war")[number % 3]
        commons.add(f"Tank {number:03}.jpg", jpeg(number, 320, 240), where, "Tanks", terms=FREE[number % 4])
    commons.add("Not for sale.jpg", jpeg(900), "Tanks", terms="CC BY-NC 2.0")
    commons.add("Only GFDL.jpg", jpeg(901), "Tanks", terms="GFDL")
    commons.add("Map.svg", b"<svg/>", "Tanks", mime="image/svg+xml")
    commons.add("Book.pdf", b"%PDF", "Tanks", mime="application/pdf")
    commons.add("Engine.ogg", b"Ogg", "Tanks", mime="application/ogg")
    commons.add("Drive.webm", b"webm", "Tanks", mime="video/webm")
    commons.add("Doubtful.jpg", jpeg(902), "Tanks", about={"DeletionReason": "no source"})
    commons.add("Deleted since.jpg", jpeg(903), "Tanks", route={"status": 404, "body": "<html>gone</html>"})
    commons.add("Huge.jpg", b"", "Tanks", route={"status": 200, "body": "x" * 30_000_000})
    commons.add("Error page.jpg", b"", "Tanks", route={"status": 200, "body": "<html>Wikimedia Error</html>"})
    busy = {"file": "1000.jpg", "fail": [429], "retry_after": "0"}
    commons.add("Busy.jpg", jpeg(0, 320, 240), "Tanks", route=busy)
    commons.add("Alone.jpg", jpeg(905, 320, 240), "Tanks at war", older=True)
    commons.faults = {"maxlag": 1, "gateway_429": 1, "unavailable": 1, "a_part": 30, "retry_after": "0"}
    commons.write()
    return commons


OUTCOMES = {"ok": 132, "skipped": 7, "http_error": 1, "too_large": 1, "not_an_image": 1}


def test_every_file_has_one_outcome_and_every_picture_its_licence(museum, root):
    with replay(museum.folder) as server:
        result, lines = scrape_open(server, root, "commons:Tanks|depth=2|width=960")
        assert server.media.most <= 2
        assert server.media.refused == {}
    table = result.table
    assert result.outcomes == OUTCOMES
    assert sorted(table["post_id"]) == sorted(f"commons-{page}" for page in museum.files)
    pictures = table[table["outcome"] == "ok"]
    for column in ("license", "license_url", "author", "attribution", "source_page", "title", "author_url"):
        assert (pictures[column] != "").all(), column
    assert pictures["license"].value_counts().to_dict() == {
        "CC-BY-SA-4.0": 35, "CC-BY-2.0": 33, "CC0-1.0": 32, "LicenseRef-PublicDomain": 32,
    }  # fmt: skip
    reasons = table.set_index("title")["reason"]
    assert reasons["Not for sale.jpg"] == "licence CC-BY-NC-2.0 is none of `licenses`"
    assert reasons["Only GFDL.jpg"] == "licence LicenseRef-GFDL is none of `licenses`"
    assert reasons["Doubtful.jpg"] == "nominated for deletion: no source"
    assert any("142 files" in line for line in lines)


def test_a_second_run_fetches_nothing_and_a_deleted_file_leaves(museum, root):
    with replay(museum.folder) as server:
        first, _ = scrape_open(server, root, "commons:Tanks|depth=2|width=960")
    with replay(museum.folder) as server:
        second, _ = scrape_open(server, root, "commons:Tanks|depth=2|width=960")
        asked = [url for url in server.requests if "/w/api.php" not in url]
    assert asked == []
    assert (second.version, second.new_rows, second.fetched_bytes) == (first.version, 0, 0)
    del museum.files[1003]
    museum.write()
    with replay(museum.folder) as server:
        third, _ = scrape_open(server, root, "commons:Tanks|depth=2|width=960")
    assert third.gone_rows == 1
    assert set(first.table["post_id"]) - set(third.table["post_id"]) == {"commons-1003"}


def test_a_take_down_asks_commons_and_leaves_no_bytes(museum, root):
    written = "commons:Tanks|depth=2|width=960"
    with replay(museum.folder) as server:
        first, _ = scrape_open(server, root, written)
    sha256 = first.table.set_index("post_id").loc["commons-1003", "sha256"]
    assert root.images.has(sha256, "jpeg")
    gone = museum.files.pop(1003)
    museum.write()
    partition = partition_of(written)

    def check(server):
        access = access_to(server)
        return check_takedowns(root, partition.key, lambda ids: recheck_open(partition.source.kind, access, ids))

    with replay(museum.folder) as server:
        found = check(server)
        assert found.found == {"removed": 1}
        again, _ = scrape_open(server, root, written)
    assert not root.images.has(sha256, "jpeg")
    assert "commons-1003" not in set(again.table.loc[~is_blank(again.table), "post_id"])
    museum.files[1003] = gone  # undeleted
    museum.write()
    with replay(museum.folder) as server:
        assert check(server).returned == 1
        returned, _ = scrape_open(server, root, written)
    assert returned.table.set_index("post_id").loc["commons-1003", "sha256"] == sha256


def test_other_licences_bring_other_pictures_and_take_them_away(museum, root):
    written = "commons:Tanks"
    with replay(museum.folder) as server:
        scrape_open(server, root, written)
        more, _ = scrape_open(server, root, written, licenses=("cc0", "gfdl"))
        back, _ = scrape_open(server, root, written)
    by_title = more.table.set_index("title")["outcome"]
    assert by_title["Only GFDL.jpg"] == "ok"
    assert set(more.table.loc[more.table["outcome"] == "ok", "license"]) == {"CC0-1.0", "LicenseRef-GFDL"}
    assert back.table.set_index("title")["outcome"]["Only GFDL.jpg"] == "skipped"


def test_without_a_contact_nothing_is_asked(museum, root):
    with replay(museum.folder) as server, pytest.raises(SourceError, match="CIC_CONTACT"):
        scrape_open(server, root, "commons:Tanks", contact="")
    assert server.requests == {}


def test_a_width_that_wikimedia_refuses_leads_to_the_original(commons, jpeg, root):
    """What the API names is a width of its steps, but for small scans: whatever it is, the original is there."""
    thumbnail = "https://upload.wikimedia.org/wikipedia/commons/thumb/0/0a/Odd.jpg/777px-Odd.jpg"
    commons.add("Odd.jpg", jpeg(1), "Tanks", thumburl=thumbnail)
    commons.write()
    with replay(commons.folder) as server:
        result, _ = scrape_open(server, root, "commons:Tanks")
        assert server.media.refused == {"width": 1}  # asked once, for asking again is useless
    (row,) = result.table.to_dict("records")
    assert (row["outcome"], row["used_fallback"]) == ("ok", True)
    assert "no thumbnail of this width" in row["reason"]
