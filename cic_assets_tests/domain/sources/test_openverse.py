"""A search of Openverse: 240 pictures at most, each under the licence that it names."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.download import Network
from cic_assets.domain.media import Outcome
from cic_assets.domain.reddit import PostStatus
from cic_assets.domain.sources import OpenAccess, SourceError
from cic_assets.domain.sources.openverse import medium_of, openverse_media, recheck_openverse
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.open_collections import CONTACT, access_to, partition_of

ACCESS = OpenAccess(Network.public(), contact=CONTACT)

EXPECTED = {
    "synthetic_search_page12_last.json": [
        ("Kite plate", "Unknown", "LicenseRef-PublicDomain", ""),
        ("Kite TIFF", "Jo Example", "CC-BY-SA-3.0", "tif: no photograph"),
    ],
    "real_search_no_results_2024-01-02.json": [],
}


def results_of(answer):
    return answer.get("results", [answer] if "id" in answer else [])


@pytest.mark.shared
@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_answers_become_what_a_person_expects(shared_data, name):
    answer = json.loads((shared_data / "open_apis" / "recorded" / "openverse" / name).read_text())
    media = [medium_of(one, "key", ACCESS) for one in results_of(answer)]
    assert [(one.title, one.author, one.rights.license, one.reason) for one in media] == EXPECTED[name]


@pytest.mark.shared
@pytest.mark.parametrize(
    "name",
    ["real_search_tag_cat_2024-03-03.json", "real_detail_by-sa_2024-01-01.json", "official_images_search_200.json"],
)
def test_real_results_have_a_licence_a_page_and_words_for_their_author(shared_data, name):
    answer = json.loads((shared_data / "open_apis" / "recorded" / "openverse" / name).read_text())
    assert results_of(answer)
    for result in results_of(answer):
        one = medium_of(result, "key", ACCESS)
        assert one.rights.license_version == ("" if result["license"] == "pdm" else result["license_version"])
        assert one.rights.license_url.rstrip("/") == result["license_url"].rstrip("/")
        assert one.rights.attribution == result["attribution"]
        assert one.rights.source_page == result["foreign_landing_url"]
        assert (one.known_outcome is None) == (result["license"] in ("by", "by-sa", "cc0", "pdm"))


def image(number, code="by", **more):
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "title": f"Red kite {number}",
        "url": f"https://pictures.example/{number}.jpg",
        "creator": "Jo Example",
        "license": code,
        "license_version": "2.0",
        "foreign_landing_url": f"https://pictures.example/page/{number}",
        "attribution": f'"Red kite {number}" by Jo Example is licensed under CC BY 2.0.',
        **more,
    }


@pytest.fixture
def listed(tmp_path):
    """What a search of some images offers."""

    def ask(images, written="openverse:red kite", faults=None, **changes):
        folder = tmp_path / "archive" / "openverse"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "images.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in images))
        (folder / "faults.json").write_text(json.dumps(faults or {}))
        ask.waits = []
        with replay(folder.parent) as server:
            access = replace(access_to(server, ask.waits.append), **changes)
            media = openverse_media(partition_of(written), access, lambda _line: None)
            ask.requests = sum(server.requests.values())
            ask.statuses = recheck_openverse(access, [one.post_id for one in media[:5]] + ["openverse-gone"])
        return media

    return ask


@pytest.mark.parametrize(("count", "found", "pages"), [(1, 1, 1), (20, 20, 1), (21, 21, 2), (300, 240, 12)])
def test_nobody_asks_for_more_than_there_is(listed, count, found, pages):
    media = listed([image(number) for number in range(count)])
    assert len({one.post_id for one in media}) == len(media) == found
    assert listed.requests == pages


def test_a_limit_and_the_licences_that_a_person_chose(listed):
    images = [image(number, "by-nc" if number % 2 else "by") for number in range(100)]
    assert len(listed(images)) == 50
    assert len(listed(images, "openverse:red kite|limit=30")) == 30
    assert {one.rights.license for one in listed(images, licenses=("cc-by-nc",))} == {"CC-BY-NC-2.0"}


def test_what_is_gone_is_told(listed):
    media = listed([image(number) for number in range(9)])
    statuses = {name: one.status for name, one in listed.statuses.items()}
    kept = {one.post_id: PostStatus.KEPT for one in media[:5]}
    assert statuses == {**kept, "openverse-gone": PostStatus.REMOVED}


@pytest.mark.parametrize(
    ("faults", "waits"), [({"throttled": 1}, [3.0]), ({"throttled": 2, "retry_after": "9"}, [9.0, 9.0])]
)
def test_who_is_told_to_wait_waits(listed, faults, waits):
    listed([image(1)], faults=faults)
    assert listed.waits == waits


def test_refusals_are_one_line(listed):
    with pytest.raises(SourceError, match=r"^openverse:red kite: Openverse refuses \(HTTP 403\): <html>"):
        listed([image(1)], faults={"challenge": 1})
    with pytest.raises(SourceError, match="finds nothing under cc0, pdm, by, by-sa: try other words"):
        listed([image(1)], "openverse:unicorn")
    with pytest.raises(SourceError, match="none of `licenses` is known to Openverse"):
        listed([image(1)], licenses=("gfdl",))


def test_the_questions_of_a_day_are_counted_over_runs(listed, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("cic_assets.domain.sources.openverse._A_DAY", 8)
    monkeypatch.setattr("cic_assets.domain.sources.openverse._FOR_SEARCHES", 2)
    listed([image(1)], is_counted=True)  # one search, and two pictures again
    listed([image(1)], is_counted=True)
    assert len(listed.statuses) == 2
    for _ in range(2):  # what checks leave to searches
        assert listed([image(1)], is_counted=True)
        assert listed.statuses == {}
    with pytest.raises(
        SourceError, match="Openverse takes 8 questions a day, and they are asked: run it again tomorrow"
    ):
        listed([image(1)], is_counted=True)


anything = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2)
keys = st.sampled_from(
    ["url", "title", "creator", "license", "license_version", "attribution", "filetype", "creator_url"]
)


@given(st.dictionaries(keys, anything, max_size=8))
def test_whatever_is_said_of_a_picture_ends_in_a_medium(result):
    one = medium_of({"id": "x", **result}, "key", ACCESS)
    assert one.known_outcome in (None, Outcome.SKIPPED)
    assert one.known_outcome or one.rights.license
