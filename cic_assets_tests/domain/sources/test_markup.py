"""Words out of the HTML of pages about pictures."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.sources.markup import LONGEST, web_address, words_of


@pytest.mark.parametrize(
    ("html", "text", "href"),
    [
        ("Ann", "Ann", ""),
        ('<a href="//commons.wikimedia.org/wiki/User:A">Ann</a> of Lyon', "Ann of Lyon", "https://commons.wikimedia.org/wiki/User:A"),
        ('<div class="fn value">\nJona &amp; Co</div>', "Jona & Co", ""),
        ('1905<div style="display: none;">date QS:P571</div>', "1905", ""),
        ("<ul><li>Ann</li><li>Ben</li></ul>", "Ann Ben", ""),
        ("<style>p {}</style><script>alert(1)</script>Ann", "Ann", ""),
        ('<span style="display:none"><b>x<br></b></span>Ann', "Ann", ""),
        ('<a href="javascript:alert(1)">Ann</a>', "Ann", ""),
        ("Ann\u202egnp", "Anngnp", ""),
        ("<![bad[Ann", "", ""),
        ("x" * 9999, "x" * LONGEST, ""),
    ],
)  # fmt: skip
def test_what_a_reader_sees(html, text, href):
    assert words_of(html) == (text, href)


@pytest.mark.shared
def test_recorded_forms_of_an_artist(shared_data):
    file = shared_data / "open_apis" / "recorded" / "commons" / "real_artist_html_variants.json"
    found = {name: words_of(one["value"]) for name, one in json.loads(file.read_text()).items()}
    assert {name: words.text for name, words in found.items()} == {
        "string": "Artist Name", "link": "link text", "partial_link": "Jeff & Brian from Eastbourne",
        "internal_link": "NotaRealUser", "div": "Jona Lendering",
    }  # fmt: skip
    assert found["partial_link"].href == "https://www.flickr.com/people/16707908@N07"


@pytest.mark.parametrize("href", ["ftp://x", "javascript:x", "/wiki/A", "https://a b", "", "data:x", "https://a\n"])
def test_no_address_of_the_web(href):
    assert web_address(href) == ""


@given(st.text())
def test_any_text_is_one_short_line(html):
    words = words_of(html)
    assert len(words.text) <= LONGEST
    assert words.text.isprintable()
