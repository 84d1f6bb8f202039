"""Retry-After, back-off, X-Robots-Tag, placeholders: what hosts tell us besides the picture."""

from datetime import UTC, datetime

import pytest
from yarl import URL

from cic_assets.domain.download import default_user_agent
from cic_assets.domain.download.placeholders import is_removed_page
from cic_assets.domain.download.robots import refusal, robots_directives

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "directives"),
    [
        ([], set()),
        (["noindex"], {"noindex"}),
        (["NoAI, noimageai", "nofollow"], {"noai", "noimageai", "nofollow"}),
        (["googlebot: noindex, noai"], set()),
        (["cic_assets: noai"], {"noai"}),
        (["googlebot: noindex, cic_assets: noai, nofollow"], {"noai", "nofollow"}),
        (["*: noai"], {"noai"}),
        (
            ["unavailable_after: 25 jun 2030 15:00:00 pst, noai"],
            {"unavailable_after: 25 jun 2030 15:00:00 pst", "noai"},
        ),
        (["max-image-preview:large, noai"], {"max-image-preview:large", "noai"}),
        ([", ,"], set()),
    ],
)
def test_robots_directives(headers, directives):
    assert robots_directives(headers, "cic_assets") == directives


def test_the_refusing_directive_is_named():
    assert refusal(["nofollow, noimageai, noai"], frozenset({"noai", "noimageai"}), "x") == "noai"
    assert refusal(["nofollow"], frozenset({"noai"}), "x") is None


@pytest.mark.parametrize(
    ("url", "removed"),
    [
        ("https://i.imgur.com/removed.png", True),
        ("http://cdn.example/img/Image-Not-Found.JPG", True),
        ("https://s.yimg.com/pw/images/en-us/photo_unavailable.png", True),
        ("http://oi65.tinypic.com/404.gif", True),
        ("http://i1.photobucket.com/albums/bwe.png", True),
        ("https://i.imgur.com/removed.png.jpg", False),
        ("https://i.imgur.com/unremoved.png", False),
        ("https://a.example/404.gif", False),
        ("https://a.example/removed", False),
    ],
)
def test_redirects_that_mean_removed(url, removed):
    assert is_removed_page(URL(url)) is removed


def test_the_user_agent_has_reddits_form():
    platform, application, version = default_user_agent().split(":")
    assert (platform.islower(), application, version) == (True, "cic_assets", "0.1.0")
