"""What Wikimedia Commons says of a file becomes what a person expects: recorded answers, and whatever else may come."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.download import Network
from cic_assets.domain.media import Outcome
from cic_assets.domain.sources import OpenAccess
from cic_assets.domain.sources.commons_files import medium_of
from cic_assets_tests.fixtures.open_collections import CONTACT

ACCESS = OpenAccess(Network.public(), contact=CONTACT)

EXPECTED = {
    "real_complete_file_fv1.json": {
        6979029: ("1.2.09.Forest.cSmall.jpg", "CMSporthorses", "CC-BY-SA-3.0", ""),
    },
    "synthetic_cat_page1_fv2.json": {
        90000101: ("Red kite over Rhayader 01.jpg", "ExampleUserA", "CC-BY-SA-4.0", ""),
        90000102: ("Milan royal (Milvus milvus).jpg", "Jeanne Exemple from Lyon, France", "CC-BY-2.0", ""),
    },
    "synthetic_cat_page2_last_fv2.json": {
        90000103: ("Naumann plate 17 Milvus.jpg", "Johann Friedrich Naumann", "LicenseRef-PublicDomain", ""),
        90000104: ("Kite CC0.jpg", "ExampleUserC", "CC0-1.0", ""),
    },
    "synthetic_cat_mixed_media_fv2.json": {
        90000201: ("Milvus distribution map.svg", "ExampleUserD", "CC-BY-SA-4.0", "image/svg+xml: no photograph"),
        90000202: ("Naturgeschichte der V\u00f6gel 1905.pdf", "Unknown author", "LicenseRef-PublicDomain",
                   "application/pdf: no photograph"),
        90000203: ("Milvus milvus call.ogg", "ExampleUserF", "CC0-1.0", "application/ogg: no photograph"),
        90000204: ("Milvus feeding.webm", "ExampleUserG", "CC-BY-SA-4.0", "video/webm: no photograph"),
        90000205: ("Milvus skin Naturalis.tif", "Unknown author", "CC0-1.0", ""),
        90000206: ("Huge panorama.png", "ExampleUserI", "CC-BY-SA-4.0", ""),
        90000207: ("Kite animation.gif", "ExampleUserJ", "CC-BY-SA-4.0", "image/gif: no photograph"),
        90000208: ("Kite icon.png", "ExampleUserJ", "CC-BY-SA-4.0", ""),
    },
    "synthetic_cat_trouble_fv2.json": {
        90000301: ("Logo nonfree candidate.png", "ExampleUserK", "CC-BY-SA-4.0",
                   "nominated for deletion: Missing source as of 12 November 2026"),
        90000302: ("No description.jpg", "Unknown author", "", "no licence that is clear"),
        90000303: ("No description 2.jpg", "Unknown author", "", "no licence that is clear"),
        90000304: ("Hidden version.jpg", "Unknown author", "", "Commons hides or has lost its bytes"),
        90000305: ("Lost on disk.jpg", "Unknown author", "", "Commons hides or has lost its bytes"),
        90000306: ("Page without file.jpg", "Unknown author", "", "a page without a file"),
        90000307: ("Thumb fails.tif", "ExampleUserN", "CC-BY-SA-4.0", "image/tiff: no photograph"),
        90000308: ("Gfdl only.jpg", "ExampleUserO", "LicenseRef-GFDL",
                   "licence LicenseRef-GFDL is none of `licenses`"),
    },
    "synthetic_iistart_followed_old_version_fv2.json": {
        90000101: ("Red kite over Rhayader 01.jpg", "ExampleUserA", "CC-BY-SA-4.0", "no address of Wikimedia's"),
    },
}  # fmt: skip


def pages_of(file):
    pages = json.loads(file.read_text())["query"]["pages"]
    return list(pages.values()) if isinstance(pages, dict) else pages


def offered(page, width=960, access=ACCESS):
    return medium_of(page, "Category", "key", width, access)


@pytest.mark.shared
@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_answers_become_what_a_person_expects(shared_data, name):
    found = {}
    for page in pages_of(shared_data / "open_apis" / "recorded" / "commons" / name):
        medium = offered(page)
        assert medium.known_outcome is (Outcome.SKIPPED if medium.reason else None)
        assert "?" not in medium.media_url
        found[page["pageid"]] = (medium.title, medium.author, medium.rights.license, medium.reason)
    assert found == EXPECTED[name]


@pytest.mark.shared
def test_licenses_of_recorded_files(shared_data):
    """87 real entries: each clear licence is known by its SPDX id, and nothing is taken for a licence that is none."""
    counts, folder = {}, shared_data / "open_apis" / "recorded" / "commons"
    for name in (
        "real_batch_1of4_props_unfinished",
        "real_batch_4of4_next_batch_50_files",
        "real_last_page_no_continue_28_files",
    ):
        for page in pages_of(folder / f"{name}.json"):
            license_id = offered(page).rights.license
            counts[license_id] = counts.get(license_id, 0) + 1
    assert counts == {
        "LicenseRef-PublicDomain": 35, "CC-BY-SA-4.0": 30, "CC0-1.0": 11, "CC-BY-4.0": 6, "CC-BY-SA-3.0-DE": 2,
        "LicenseRef-CC-BY-SA-3.0-ES": 1, "LicenseRef-No-restrictions": 2,
    }  # fmt: skip


def page_with(metadata, **info):
    about = {name: {"value": value} for name, value in metadata.items()}
    url = "https://upload.wikimedia.org/wikipedia/commons/a/ab/X.jpg?utm_source=commons.wikimedia.org"
    said = {"mime": "image/jpeg", "url": url, "extmetadata": about, **info}
    return {"pageid": 7, "title": "File:X.jpg", "imageinfo": [said]}


FREE = {"LicenseShortName": "CC0", "License": "cc0"}


@pytest.mark.parametrize(
    ("metadata", "author", "attribution"),
    [
        ({"Artist": "Ann"}, "Ann", "Ann, via Wikimedia Commons"),
        ({"Artist": "Ann", "Attribution": "Ann of <i>Lyon</i>"}, "Ann", "Ann of Lyon"),
        ({"Attribution": "Ann of Lyon"}, "Ann of Lyon", "Ann of Lyon"),
        ({}, "Unknown author", "Unknown author, via Wikimedia Commons"),
    ],
)
def test_whom_to_name(metadata, author, attribution):
    medium = offered(page_with(FREE | metadata))
    assert (medium.author, medium.rights.attribution) == (author, attribution)


@pytest.mark.parametrize(
    ("info", "reason"),
    [
        ({"url": "https://evil.example/X.jpg"}, "no address of Wikimedia's"),
        ({"url": "http://upload.wikimedia.org/X.jpg"}, "no address of Wikimedia's"),
        ({"url": "https://upload.wikimedia.org.evil.example/X.jpg"}, "no address of Wikimedia's"),
        ({"url": "https://user@upload.wikimedia.org/X.jpg"}, "no address of Wikimedia's"),
        ({"url": "https://[/X.jpg"}, "no address of Wikimedia's"),
        ({"url": None}, "no address of Wikimedia's"),
        ({"mime": "image/tiff"}, "image/tiff: no photograph"),
    ],
)
def test_only_pictures_at_wikimedia_s_own_hosts_are_fetched(info, reason):
    assert offered(page_with(FREE, **info)).reason == reason


def test_what_is_not_free_is_not_taken():
    assert offered(page_with(FREE | {"NonFree": "true"})).reason == "not free"


@pytest.mark.parametrize(
    ("licenses", "reason"), [(("cc0",), ""), (("cc-by", "gfdl"), "licence CC0-1.0 is none of `licenses`")]
)
def test_the_licences_that_a_person_chose(licenses, reason):
    access = OpenAccess(Network.public(), contact=CONTACT, licenses=licenses)
    assert offered(page_with(FREE), access=access).reason == reason


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["mime", "url", "thumburl", "descriptionurl", "extmetadata", "timestamp", "filehidden"])
said = st.sampled_from(
    ["Artist", "LicenseShortName", "License", "LicenseUrl", "NonFree", "Attribution", "DeletionReason"]
)
metadata = st.dictionaries(said, st.fixed_dictionaries({"value": anything}) | anything, max_size=7) | anything


@given(anything, st.dictionaries(names, anything, max_size=7), metadata)
def test_whatever_is_said_of_a_file_ends_in_a_medium(title, info, about):
    url = "https://upload.wikimedia.org/X.jpg"
    for imageinfo in ([{"mime": "image/jpeg", "url": url, "extmetadata": about}], [info], info, [title], title):
        medium = offered({"pageid": 7, "title": title, "imageinfo": imageinfo})
        assert medium.known_outcome in (None, Outcome.SKIPPED)
        assert (medium.known_outcome is None) == (medium.reason == "")
        assert medium.rights.author_url.partition(":")[0] in ("", "http", "https", "HTTP", "HTTPS")
        if medium.known_outcome is None:
            assert medium.rights.license
            assert medium.media_url.startswith("https://")
