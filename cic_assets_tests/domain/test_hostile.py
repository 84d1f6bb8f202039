import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.hostile import plain_text, safe_link


@pytest.mark.parametrize(
    "url",
    [
        "https://www.reddit.com/r/carporn/comments/1g7iref/picture/",
        "http://i.redd.it/a.jpg?width=10&x=%20#top",
        "https://example.org:8443/a",
    ],
)
def test_web_addresses_are_linked(url):
    assert safe_link(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "java\nscript:alert(1)",
        " javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "file:///etc/passwd",
        "//evil.example/a",
        "/r/carporn/",
        "https://",
        "https:///a",
        "https://reddit.com@evil.example/",
        'https://a.example/" onmouseover="alert(1)',
        "https://a.example/<b>",
        "https://a.example\\@b.example/",
        "https://a.example/\u202egnp",
        "https://a.example:port/",
        "https://[::1/",
        "",
        None,
        float("nan"),
    ],
)
def test_everything_else_is_not(url):
    assert safe_link(url) == ""


@given(st.text())
def test_a_link_is_the_url_itself_or_nothing(url):
    assert safe_link(url) in (url, "")


@given(st.text(), st.integers(1, 200))
def test_plain_text_is_one_short_line_of_visible_characters(text, limit):
    line = plain_text(text, limit)
    assert len(line) <= limit
    assert line == line.strip()
    assert not any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp", "Cs"} for char in line)
    assert plain_text(line, limit) == line


def test_plain_text_keeps_what_people_write():
    assert plain_text("Ein schöner Panzer, 豹 🚗 [4032x3024]") == "Ein schöner Panzer, 豹 🚗 [4032x3024]"
    assert plain_text("a\n\tb\u202ec\u0000d") == "a b c d"
    assert plain_text("x" * 500) == "x" * 119 + "…"
