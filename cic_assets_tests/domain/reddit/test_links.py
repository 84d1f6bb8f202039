"""What names tell, and what they do not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.reddit.links import direct_picture, host_of, why_no_picture


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://i.redd.it/abc.jpg", ""),
        ("https://i.redd.it/abc.gif", ""),
        ("https://preview.redd.it/abc.png?width=640&s=12", ""),
        ("https://external-preview.redd.it/abc", ""),
        ("https://i.imgur.com/ABC.JPG", ""),
        ("https://imgur.com/abc", ""),
        ("https://www.example.com/files/a-jpg-gallery", ""),
        ("https://www.example.com/picture.php?id=1", ""),
        ("https://notreddit.com/a", ""),
        ("https://myv.redd.it.example.com/a", ""),
        ("http://169.254.169.254/latest", ""),
        ("ftp://example.com/a.jpg", ""),
        ("https://v.redd.it/abc", "video"),
        ("https://i.imgur.com/abc.gifv", "video"),
        ("https://i.imgur.com/abc.GIFV?x=1", "video"),
        ("https://example.com/a.mp4", "video"),
        ("https://www.youtube.com/watch?v=1", "video"),
        ("https://youtu.be/1", "video"),
        ("https://m.youtube.com/watch?v=1", "video"),
        ("https://imgur.com/a/abc", "imgur album: who asks what is in it needs a key of imgur's"),
        ("https://m.imgur.com/gallery/abc", "imgur album: who asks what is in it needs a key of imgur's"),
        ("https://www.imgur.com/A/abc", "imgur album: who asks what is in it needs a key of imgur's"),
        ("https://www.reddit.com/r/cars/comments/1/x/", "link to a page of Reddit"),
        ("https://reddit.com/gallery/abc", "link to a page of Reddit"),
        ("https://redd.it/abc", "link to a page of Reddit"),
        ("/r/cars/comments/1/x/", "link to a page of Reddit"),
    ],
)
def test_names_rule_out_and_never_in(url, why):
    assert why_no_picture(url) == why


@pytest.mark.parametrize(
    ("page", "picture"),
    [
        ("https://imgur.com/aBc12", "https://i.imgur.com/aBc12.jpg"),
        ("http://m.imgur.com/aBc12/", "http://i.imgur.com/aBc12.jpg"),
        ("https://imgur.com/a/abc", None),
        ("https://imgur.com/", None),
        ("https://imgur.com/abc.jpg", None),
        ("https://i.imgur.com/abc", None),
        ("https://example.com/abc", None),
        ("https://[broken/abc", None),
    ],
)
def test_the_picture_of_a_page_with_one(page, picture):
    assert direct_picture(page) == picture


def test_hosts_are_in_lower_case():
    assert host_of("HTTP://I.Redd.IT:80/A") == "i.redd.it"
    assert host_of("https://[broken/abc") == host_of("mailto:x@y") == ""


@given(st.text(), st.sampled_from(["", "http://", "https://imgur.com/", "//", "http://["]))
def test_any_text_may_stand_where_a_link_should(text, start):
    for reads in (why_no_picture, direct_picture, host_of):
        reads(start + text)
