"""Licences by the names that sources give them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.licenses import FAMILIES, SHAREABLE, creative_commons, family_of, is_shareable, parse_license

CC = "https://creativecommons.org"


@pytest.mark.parametrize(
    ("name", "code", "url", "expected"),
    [
        (
            "CC BY-SA 4.0",
            "cc-by-sa-4.0",
            f"{CC}/licenses/by-sa/4.0",
            ("CC-BY-SA-4.0", "cc-by-sa", "4.0", f"{CC}/licenses/by-sa/4.0/"),
        ),
        (
            "CC BY 2.0",
            "cc-by-2.0",
            f"{CC}/licenses/by/2.0/deed.en",
            ("CC-BY-2.0", "cc-by", "2.0", f"{CC}/licenses/by/2.0/"),
        ),
        (
            "CC-BY-SA-3.0",
            "cc-by-sa-3.0",
            "http://creativecommons.org/licenses/by-sa/3.0/",
            ("CC-BY-SA-3.0", "cc-by-sa", "3.0", f"{CC}/licenses/by-sa/3.0/"),
        ),
        (
            "CC BY-SA 3.0 de",
            "cc-by-sa-3.0-de",
            f"{CC}/licenses/by-sa/3.0/de/deed.en",
            ("CC-BY-SA-3.0-DE", "cc-by-sa", "3.0", f"{CC}/licenses/by-sa/3.0/de/"),
        ),
        ("CC BY-SA 3.0 es", "", "", ("LicenseRef-CC-BY-SA-3.0-ES", "cc-by-sa", "3.0", f"{CC}/licenses/by-sa/3.0/es/")),
        (
            "CC BY-NC-ND 2.0",
            "",
            f"{CC}/licenses/by-nc-nd/2.0/",
            ("CC-BY-NC-ND-2.0", "cc-by-nc-nd", "2.0", f"{CC}/licenses/by-nc-nd/2.0/"),
        ),
        (
            "CC0",
            "cc0",
            "http://creativecommons.org/publicdomain/zero/1.0/deed.en",
            ("CC0-1.0", "cc0", "1.0", f"{CC}/publicdomain/zero/1.0/"),
        ),
        ("Public domain", "pd", "", ("LicenseRef-PublicDomain", "public-domain", "", f"{CC}/publicdomain/mark/1.0/")),
        ("GFDL", "", "", ("LicenseRef-GFDL", "gfdl", "", "")),
        (
            "No restrictions",
            "",
            "https://www.flickr.com/commons/usage/",
            ("LicenseRef-No-restrictions", "no-restrictions", "", "https://www.flickr.com/commons/usage/"),
        ),
        ("OGL 3", "", "", ("LicenseRef-OGL-3", "ogl", "", "")),
        ("A club's own", "", "javascript:alert(1)", ("LicenseRef-A-club-s-own", "", "", "")),
        ("CC BY", "", "", ("LicenseRef-CC-BY", "", "", "")),
    ],
)
def test_names_that_commons_gives(name, code, url, expected):
    found = parse_license(name, code, url)
    assert (found.id, found.family, found.version, found.url) == expected
    assert family_of(found.id) == found.family
    assert is_shareable(found.id) == (found.family in SHAREABLE)


@pytest.mark.parametrize(
    ("name", "code", "url"),
    [
        ("", "", ""),
        ("CC BY 2.0", "cc-by-sa-2.0", ""),
        ("CC BY 2.0", "cc-by-3.0", ""),
        ("CC BY 2.0", "cc-by-2.0", f"{CC}/licenses/by-nc/2.0/"),
        ("CC0", "cc-by-4.0", ""),
        ("Public domain", "cc-by-4.0", ""),
        ("CC BY-XX 2.0", "cc-by-2.0", ""),
    ],
)
def test_what_contradicts_itself_is_no_licence(name, code, url):
    assert parse_license(name, code, url) is None


def test_short_names_of_apis():
    short = {"by": "CC-BY-4.0", "by-sa": "CC-BY-SA-4.0", "by-nc-nd": "CC-BY-NC-ND-4.0", "cc0": "CC0-1.0"}
    assert {kind: creative_commons(kind, "4.0").id for kind in short} == short
    assert creative_commons("pdm", "1.0").id == "LicenseRef-PublicDomain"
    assert [creative_commons(*odd) for odd in (("nc-sampling+", "1.0"), ("by", ""), ("", ""), ("by", "four"))] == [
        None
    ] * 4


def test_nothing_that_forbids_commerce_or_changes_is_shareable():
    assert [family for family in SHAREABLE if "-nc" in family or "-nd" in family] == []
    assert set(SHAREABLE) <= set(FAMILIES)
    assert not is_shareable("")


@given(st.text(), st.text(max_size=20), st.text(max_size=60))
def test_any_words_are_a_licence_or_none(name, code, url):
    found = parse_license(name, code, url)
    assert found is None or found.id.isascii()
