"""Categories of Wikimedia Commons, asked over real HTTP of a server that has its API's traps."""

import pytest

from cic_assets.domain.download import Network
from cic_assets.domain.reddit import PostStatus
from cic_assets.domain.sources import NO_CONTACT, OpenAccess, SourceError
from cic_assets.domain.sources.commons import commons_media, recheck_commons
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.open_collections import access_to, partition_of


@pytest.fixture
def listed(commons):
    """What a source offers, and how long was waited for it."""

    def ask(written, **changes):
        commons.write()
        waits, lines = [], []
        with replay(commons.folder) as server:
            access = access_to(server, waits.append, **changes)
            media = commons_media(partition_of(written), access, lines.append)
            ask.requests = sum(count for url, count in server.requests.items() if "/w/api.php" in url)
        ask.waits, ask.lines = waits, lines
        return media

    return ask


def add_files(commons, count, *categories, **more):
    """Files whose order in the category is not that of their names in the data base, by which answers are cut."""
    return [
        commons.add(f"Tank {'a' if number < 50 else 'Z'}{number:03}.jpg", b"picture", *categories, **more)
        for number in range(count)
    ]


def names_of(media):
    return sorted(medium.post_id for medium in media)


@pytest.mark.parametrize("count", [1, 2, 49, 50, 51, 101, 120])
@pytest.mark.parametrize("faults", [{}, {"a_part": 20}, {"a_part": 1}])
@pytest.mark.parametrize("older", [False, True])
def test_every_file_of_a_category_comes_once_however_answers_are_cut(commons, listed, count, faults, older):
    """The last batch has a single file with 51 and 101: the API then goes on with its old versions."""
    if faults.get("a_part") == 1 and count > 2:
        count = 7
    pages = add_files(commons, count, "Tanks", older=older)
    commons.faults = faults
    media = listed("commons:Category:tanks")
    assert names_of(media) == sorted(f"commons-{page}" for page in pages)
    assert [medium.reason for medium in media] == [""] * count
    batches = [min(50, count - start) for start in range(0, count, 50)]
    # Nobody follows a file into its past.
    assert listed.requests == 1 + sum(-(-batch // faults.get("a_part", 50)) for batch in batches)
    assert not any("/archive/" in medium.media_url for medium in media)


def test_a_file_is_offered_as_a_thumbnail_with_its_rights(commons, listed):
    page = commons.add("Tiger I.jpg", b"picture", "Tanks")
    (medium,) = listed("commons:Tanks|width=960")
    assert medium.media_url.startswith("https://thumb.wikimedia.org/wikipedia/commons/thumb/")
    assert medium.media_url.endswith("/960px-Tiger_I.jpg")
    assert medium.fallback_url.startswith("https://upload.wikimedia.org/")
    assert medium.fallback_url.endswith("/Tiger_I.jpg")
    assert (medium.title, medium.author, medium.flair) == ("Tiger I.jpg", f"Painter {page}", "Tanks")
    assert medium.permalink == f"https://commons.wikimedia.org/w/index.php?curid={page}"
    rights = medium.rights
    assert (rights.license, rights.license_version) == ("CC-BY-SA-4.0", "4.0")
    assert rights.license_url == "https://creativecommons.org/licenses/by-sa/4.0/"
    assert rights.author_url == f"https://commons.wikimedia.org/wiki/User:Painter_{page}"
    assert rights.source_page == "https://commons.wikimedia.org/wiki/File:Tiger_I.jpg"


def test_originals_on_request(commons, listed):
    commons.add("Tiger I.jpg", b"picture", "Tanks")
    (medium,) = listed("commons:Tanks|width=original")
    assert medium.media_url.startswith("https://upload.wikimedia.org/")
    assert medium.fallback_url is None


def test_subcategories_breadth_first_each_once_although_they_lead_in_a_circle(commons, listed):
    commons.category("Tanks", "Tanks by war", "Tanks in museums")
    commons.category("Tanks by war", "Tanks of 1917", "Tanks in museums")
    commons.category("Tanks of 1917", "Tanks", "Tanks by war")
    pages = {
        name: commons.add(f"{name}.jpg", b"picture", name) for name in ("Tanks", "Tanks in museums", "Tanks of 1917")
    }
    both = commons.add("In two.jpg", b"picture", "Tanks", "Tanks of 1917")
    found = [names_of(listed(f"commons:Tanks|depth={depth}")) for depth in (0, 1, 2, 5)]
    at_top = {pages["Tanks"], both}
    below = at_top | {pages["Tanks in museums"]}
    everything = below | {pages["Tanks of 1917"]}
    assert found == [sorted(f"commons-{page}" for page in level) for level in (at_top, below, everything, everything)]
    ways = {medium.title: medium.flair for medium in listed("commons:Tanks|depth=5")}
    assert ways["Tanks of 1917.jpg"] == "Tanks > Tanks by war > Tanks of 1917"
    assert ways["In two.jpg"] == "Tanks"
    assert listed.requests == 1 + 2 * 4  # each of the four categories is asked for its files and what is below it


def test_more_subcategories_than_one_answer_has(commons, listed, monkeypatch):
    monkeypatch.setattr("cic_assets.domain.sources.commons._NAMES_A_REQUEST", 3)
    commons.category("Tanks", *(f"Tanks {number}" for number in range(8)))
    for number in range(8):
        commons.add(f"{number}.jpg", b"picture", f"Tanks {number}")
    assert len(listed("commons:Tanks|depth=1")) == 8


def test_too_many_categories_are_no_subject(commons, listed, monkeypatch):
    monkeypatch.setattr("cic_assets.domain.sources.commons.MOST_CATEGORIES", 5)
    commons.category("Tanks", *(f"Tanks {number}" for number in range(8)))
    with pytest.raises(SourceError, match=r"^commons:Tanks\|depth=1: more than 5 categories: take a smaller depth"):
        listed("commons:Tanks|depth=1")


def test_a_limit_ends_the_list_and_says_so(commons, listed):
    add_files(commons, 60, "Tanks")
    assert len(listed("commons:Tanks|limit=10")) == 10
    assert any("10 files are read, as many as `limit` says" in line for line in listed.lines)


@pytest.mark.parametrize(
    ("fault", "waits"),
    [
        ({"maxlag": 2}, [5.0, 5.0]),
        ({"maxlag": 1, "retry_after": "7"}, [7.0]),
        ({"gateway_429": 2, "retry_after": "23"}, [23.0, 23.0]),
        ({"gateway_429": 1}, [60.0]),
        ({"ratelimited": 1}, [60.0]),
        ({"readonly": 1}, [60.0]),
    ],
)
def test_who_is_told_to_wait_waits(commons, listed, fault, waits):
    add_files(commons, 3, "Tanks")
    commons.faults = fault
    assert len(listed("commons:Tanks")) == 3
    assert listed.waits == waits


def test_a_server_that_fails_is_asked_again_ever_later(commons, listed):
    add_files(commons, 3, "Tanks")
    commons.faults = {"unavailable": 3}
    assert len(listed("commons:Tanks")) == 3
    assert len(listed.waits) == 3
    assert 0 < listed.waits[0] < listed.waits[2] <= 6


@pytest.mark.parametrize("fault", [{"maxlag": 99}, {"gateway_429": 99}, {"unavailable": 99, "retry_after": "1"}])
def test_nobody_waits_for_ever(commons, listed, fault):
    add_files(commons, 3, "Tanks")
    commons.faults = fault
    with pytest.raises(SourceError, match=r"Wikimedia Commons gives no answer, asked .* run it again later") as error:
        listed("commons:Tanks")
    assert error.value.passing


def test_an_unknown_category_is_told_from_an_empty_one(commons, listed):
    add_files(commons, 1, "Tanks")
    commons.category("Empty")
    commons.category("Vehicles", "Tanks")
    with pytest.raises(
        SourceError, match=r"^commons:Tnaks: Wikimedia Commons has no category of this name: check http"
    ):
        listed("commons:Tnaks")
    with pytest.raises(SourceError, match=r"^commons:Empty: the category is empty: \S+ may lead to another$"):
        listed("commons:Empty")
    with pytest.raises(SourceError, match=r"no files of its own, and 1 subcategories: try depth 1$"):
        listed("commons:Vehicles")
    assert len(listed("commons:Vehicles|depth=1")) == 1


@pytest.mark.parametrize("contact", ["", "me", "me@home", "http://", "a@b.org (evil)", "a@b.org\n"])
def test_nobody_asks_without_a_contact(contact):
    access = OpenAccess(Network.replay("127.0.0.1", 1), contact=contact)
    with pytest.raises(SourceError, match="CIC_CONTACT") as error:
        commons_media(partition_of("commons:Tanks"), access, print)
    assert NO_CONTACT in str(error.value)


@pytest.mark.parametrize("contact", ["somebody@example.org", "https://example.org/me"])
def test_the_contact_is_in_the_user_agent(contact):
    agent = OpenAccess(Network.public(), contact=contact).user_agent("Commons")
    assert agent.startswith("cic_assets-bot/")
    assert agent.endswith(f"({contact})")


def test_what_is_deleted_is_told_from_what_is_there(commons):
    kept, gone = add_files(commons, 120, "Tanks"), commons.add("Gone.jpg", b"picture", "Tanks")
    hidden = commons.add("Hidden.jpg", b"picture", "Tanks", filehidden=True)
    del commons.files[gone]
    commons.write()
    with replay(commons.folder) as server:
        statuses = recheck_commons(access_to(server), [f"commons-{page}" for page in [*kept, gone, hidden]])
    gone_names = {f"commons-{gone}", f"commons-{hidden}"}
    assert {name for name, one in statuses.items() if one.status is PostStatus.REMOVED} == gone_names
    assert {one.status for name, one in statuses.items() if name not in gone_names} == {PostStatus.KEPT}


def test_without_a_network_that_is_said_in_seconds():
    waits = []
    access = OpenAccess(Network.replay("127.0.0.1", 9), contact="somebody@example.org", sleep=waits.append)
    with pytest.raises(SourceError, match=r"asked 4 times: no connection \(ConnectionError\): check the network: run"):
        commons_media(partition_of("commons:Tanks"), access, print)
    assert sum(waits) < 15
