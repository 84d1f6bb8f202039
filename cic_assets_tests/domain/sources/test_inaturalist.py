"""Photos of a taxon of iNaturalist: by its API's pages, under the licence of each photo, within what a day allows."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.download import Download, FetchRequest, Network
from cic_assets.domain.media import Outcome
from cic_assets.domain.pacing import Allowance
from cic_assets.domain.reddit import PostStatus
from cic_assets.domain.sources import OpenAccess, SourceError
from cic_assets.domain.sources.allowances import ALL_USED, fetch_within
from cic_assets.domain.sources.inaturalist import inaturalist_media, media_of, recheck_inaturalist
from cic_assets.storage import DataRoot
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.open_collections import CONTACT, access_to, partition_of, scrape_open

ACCESS = OpenAccess(Network.public(), contact=CONTACT)
MONARCH = {"id": 48662, "name": "Danaus plexippus", "preferred_common_name": "Monarch", "is_active": True}
OPEN_DATA = "https://inaturalist-open-data.s3.amazonaws.com/photos"

EXPECTED = {
    "real_observations_page1.json": [("CC-BY-NC-4.0", "licence CC-BY-NC-4.0 is none of `licenses`")],
    "real_observations_page2_reduced.json": [("", "no licence that is clear")],
    "real_observation_open_data_reduced.json": [("CC-BY-4.0", ""), ("CC-BY-4.0", "")],
    "real_observation_same_old_host_reduced.json": [("CC-BY-4.0", ""), ("CC-BY-4.0", "")],
    "synthetic_id_above_page1.json": [("CC-BY-4.0", ""), ("", "no licence that is clear"), ("CC0-1.0", "")],
    "synthetic_id_above_page2.json": [
        ("CC-BY-NC-4.0", "licence CC-BY-NC-4.0 is none of `licenses`"),
        ("CC-BY-SA-4.0", "hidden or flagged at iNaturalist"),
    ],
    "real_no_results.json": [],
}


@pytest.mark.shared
@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_answers_become_what_a_person_expects(shared_data, name):
    answer = json.loads((shared_data / "open_apis" / "recorded" / "inat" / name).read_text())
    media = [one for observation in answer["results"] for one in media_of(observation, "key", ACCESS)]
    assert [(one.rights.license, one.reason) for one in media] == EXPECTED[name]
    for one in media:
        assert one.permalink.startswith("https://www.inaturalist.org/observations/")
        assert "?" not in one.media_url
        assert one.known_outcome or "/large." in one.media_url


def observation(number, *licenses, **more):
    photos = [
        {
            "id": number * 10 + place,
            "license_code": code,
            "url": f"{OPEN_DATA}/{number * 10 + place}/square.jpg",
            "attribution": f"(c) jane, {code}",
        }
        for place, code in enumerate(licenses)
    ]
    user = {"login": "jane", "name": "Jane Example"}
    about = {"quality_grade": "research", "observed_on": "2023-05-06", "taxon": MONARCH, "user": user}
    return {"id": number, **about, "photos": photos, **more}


class Garden:
    """iNaturalist as an archive."""

    def __init__(self, folder):
        self.folder, self.observations, self.faults = folder, [], {}
        (folder / "inat").mkdir(parents=True)
        (folder / "media").mkdir()

    def write(self, body=b"", taxa=(MONARCH,)):
        for name, lines in (("observations", self.observations), ("taxa", taxa)):
            (self.folder / "inat" / f"{name}.jsonl").write_text("".join(f"{json.dumps(one)}\n" for one in lines))
        (self.folder / "inat" / "faults.json").write_text(json.dumps(self.faults))
        (self.folder / "media" / "monarch.jpg").write_bytes(body)
        host, routes = "inaturalist-open-data.s3.amazonaws.com", []
        for one in self.observations:
            for photo in one["photos"]:
                path = f"/photos/{photo['id']}/large.jpg"
                routes.append(json.dumps({"host": host, "path": path, "file": "monarch.jpg"}))
        (self.folder / "routes.jsonl").write_text("\n".join(routes))


@pytest.fixture
def garden(tmp_path):
    return Garden(tmp_path / "archive")


def listed(garden, written="inat:Danaus plexippus", **changes):
    garden.write()
    waits = []
    with replay(garden.folder) as server:
        access = replace(access_to(server, waits.append), **changes)
        return inaturalist_media(partition_of(written), access, lambda _line: None), waits


@pytest.mark.parametrize("written", ["inat:Danaus plexippus", "inat:monarch", "inat:48662"])
def test_every_photo_of_every_page_comes_once(garden, written):
    garden.observations = [observation(number, "cc-by", "cc0") for number in range(1, 450)]
    media, _ = listed(garden, written)
    assert [(one.post_id, one.position) for one in media] == [
        (f"inat-{number}", place) for number in range(1, 450) for place in (0, 1)
    ]
    assert {one.author for one in media} == {"Jane Example"}
    assert {one.flair for one in media} == {"Danaus plexippus"}


def test_only_research_grade_and_the_photo_s_own_licence_count(garden):
    garden.observations = [
        observation(1, "cc-by", None, "cc-by-nc"),
        observation(2, "cc-by", quality_grade="needs_id"),
        observation(3, None),
    ]
    media, _ = listed(garden)
    assert [(one.post_id, one.known_outcome) for one in media] == [
        ("inat-1", None), ("inat-1", Outcome.SKIPPED), ("inat-1", Outcome.SKIPPED),
    ]  # fmt: skip


def test_a_limit_counts_what_is_taken(garden):
    garden.observations = [observation(number, None, "cc-by") for number in range(1, 20)]
    media, _ = listed(garden, "inat:48662|limit=5")
    assert sum(one.known_outcome is None for one in media) == 5


def test_it_waits_a_minute_when_it_is_told_to(garden):
    garden.observations, garden.faults = [observation(1, "cc-by")], {"too_many": 2}
    assert listed(garden)[1] == [60.0, 60.0]


def test_an_unknown_taxon_names_what_there_is(garden):
    garden.observations = [observation(1, "cc-by")]
    with pytest.raises(SourceError, match=r"no taxon of just this name; there is Danaus plexippus \(inat:48662\)$"):
        listed(garden, "inat:danaus")
    with pytest.raises(SourceError, match=r"there is nothing like it$"):
        listed(garden, "inat:unicorn")


def test_a_deleted_observation_is_left_out_of_the_answer(garden):
    garden.observations = [observation(number, "cc-by") for number in (1, 2)]
    garden.write()
    with replay(garden.folder) as server:
        statuses = recheck_inaturalist(access_to(server), ["inat-1", "inat-2", "inat-3"])
    assert {name: one.status for name, one in statuses.items()} == {
        "inat-1": PostStatus.KEPT, "inat-2": PostStatus.KEPT, "inat-3": PostStatus.MISSING,
    }  # fmt: skip


def test_the_questions_of_a_day_are_counted_over_runs(garden, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr("cic_assets.domain.sources.inaturalist._A_DAY", 5)
    garden.observations = [observation(1, "cc-by")]
    for _ in range(2):  # a page, and an empty one
        listed(garden, "inat:48662", is_counted=True)
    with pytest.raises(
        SourceError, match="iNaturalist takes 5 questions a day, and they are asked: run it again tomorro"
    ):
        listed(garden, "inat:48662", is_counted=True)


def test_bytes_of_a_day_end_before_they_are_too_many(tmp_path):
    allowance, asked = Allowance(500_000_000, tmp_path / "ledger"), []

    def fetch(some):
        asked.extend(one.url for one in some)
        return {one.url: Download(url=one.url, outcome=Outcome.OK, bytes=1_500_000) for one in some}

    requests = [FetchRequest(url=f"https://x/{number}") for number in range(350)]
    found = fetch_within(allowance, requests, fetch)
    assert len(asked) == 300  # 450 MB, and no room is left for another hundred
    postponed = [one for one in found.values() if one.reason == ALL_USED]
    assert len(asked) + len(postponed) == len(found) == 350
    assert sum(one.bytes or 0 for one in found.values()) <= 500_000_000
    assert all(one.transient for one in postponed)
    assert fetch_within(allowance, requests[:100], fetch)[requests[0].url].reason == ALL_USED


def test_a_whole_scrape_has_the_rights_of_each_photo_and_a_second_fetches_nothing(garden, jpeg, tmp_path):
    garden.observations = [observation(number, "cc-by" if number % 2 else "cc-by-sa", None) for number in range(1, 40)]
    garden.write(jpeg(1))
    root = DataRoot(str(tmp_path / "root"))
    with replay(garden.folder) as server:
        first, _ = scrape_open(server, root, "inat:48662")
    assert first.outcomes == {"ok": 39, "skipped": 39}
    pictures = first.table[first.table["outcome"] == "ok"]
    assert pictures["license"].value_counts().to_dict() == {"CC-BY-4.0": 20, "CC-BY-SA-4.0": 19}
    assert (pictures["attribution"].str.startswith("(c) jane")).all()
    with replay(garden.folder) as server:
        second, _ = scrape_open(server, root, "inat:48662")
        assert [url for url in server.requests if "api.inaturalist.org" not in url] == []
    assert second.version == first.version


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
photo_keys = st.sampled_from(["url", "license_code", "attribution", "hidden", "flags"])


@given(
    anything, st.lists(st.dictionaries(photo_keys, anything, max_size=5) | anything, max_size=3) | anything, anything
)
def test_whatever_is_said_of_an_observation_ends_in_media(user, photos, taxon):
    for one in media_of({"id": 1, "user": user, "photos": photos, "taxon": taxon}, "key", ACCESS):
        assert one.known_outcome in (None, Outcome.SKIPPED)
        assert one.known_outcome or one.rights.license
