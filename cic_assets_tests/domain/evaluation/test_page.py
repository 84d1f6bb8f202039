"""The page as a browser and as an attacker see it."""

import dataclasses
import re
from html.parser import HTMLParser

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.evaluation import ReportSettings, build_report, load_report_inputs

VOID = {"meta", "img", "br", "path", "use", "rect"}


class Page(HTMLParser):
    """Collects tags, attributes and text, and checks that tags nest."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self.open, self.badly_nested = [], [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.badly_nested.append((tag, self.getpos()))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def html(report):
    return report.html


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


def test_it_is_whole(page):
    assert page.open == []
    assert page.badly_nested == []
    assert page.tags[0][0] == "html"


def test_the_facts_add_up_where_the_same_file_came_twice(inputs):
    again = inputs.raw.head(3).assign(post_id=["x1", "x2", "x3"])
    html = build_report(dataclasses.replace(inputs, raw=pd.concat([inputs.raw, again], ignore_index=True))).html
    facts = dict(re.findall(r"<div><dt>([^<]+)</dt><dd>([^<]+)</dd></div>", html.partition('class="facts"')[2]))
    numbers = {name: int(value.replace("\N{MINUS SIGN}", "-")) for name, value in facts.items() if value[-1].isdigit()}
    assert list(numbers)[1:6] == [
        "pictures found",
        "the same file again",
        "copies left out",
        "in two classes",
        "pictures in the set",
    ]
    found, *less, kept = list(numbers.values())[1:6]
    assert numbers["the same file again"] == -3
    assert found + sum(less) == kept


class TestHostile:
    """Titles and links of the fixture are scripts, quotes, events and javascript."""

    def test_titles_are_shown_as_text(self, page):
        text = "".join(page.text)
        assert "\"><script>alert('x')</script><img src=x onerror=alert(1)>" in text
        assert "\u202e" not in text

    def test_nothing_runs(self, page):
        names = {name for name, _ in page.tags}
        assert not names & {"script", "iframe", "object", "embed", "form", "input", "base", "link", "video", "audio"}
        assert [key for _, attrs in page.tags for key in attrs if key.startswith("on")] == []

    def test_links_are_web_addresses_or_anchors(self, page):
        ids = {attrs["id"] for _, attrs in page.tags if "id" in attrs}
        outside = [attrs for attrs in page.all("a") if not attrs["href"].startswith("#")]
        assert {attrs["href"] for attrs in outside} == {"https://www.reddit.com/r/a/1/"}
        assert all(set(attrs["rel"].split()) >= {"noopener", "nofollow"} for attrs in outside)
        assert {attrs["href"][1:] for attrs in page.all("a") if attrs["href"].startswith("#")} <= ids

    def test_class_names_are_no_markup(self, new_world):
        world = new_world(classes=["<b>car", "tank"], each=24)
        world.write_model("vgg")
        broken = Page(build_report(load_report_inputs(world.root, world.question(question="<script>?"))).html)
        assert broken.all("b") == broken.all("script") == []
        assert broken.badly_nested == []


class TestSelfContained:
    def test_pictures_are_inside(self, page):
        sources = [attrs["src"] for attrs in page.all("img")]
        assert len(sources) > 40
        assert all(src.startswith("data:image/jpeg;base64,") for src in sources)

    def test_nothing_is_fetched(self, page, html):
        fetching = ("src", "srcset", "data", "poster", "background", "action")
        values = [attrs[key] for _, attrs in page.tags for key in fetching if key in attrs]
        assert all(value.startswith("data:") for value in values)
        style = html.partition("<style>")[2].partition("</style>")[0]
        assert "url(" not in style
        assert "@import" not in style
        assert [attrs for attrs in page.all("use") if not attrs["xlink:href"].startswith("#")] == []

    def test_the_browser_is_told_not_to(self, page):
        policy = next(attrs["content"] for attrs in page.all("meta") if attrs.get("http-equiv"))
        assert "default-src 'none'" in policy
        assert "script-src" not in policy


class TestReadable:
    def test_every_picture_has_words_and_a_size(self, page):
        assert all(attrs["alt"] and int(attrs["width"]) and int(attrs["height"]) for attrs in page.all("img"))

    def test_every_figure_has_words(self, page):
        figures = [attrs for attrs in page.all("svg") if attrs.get("role") == "img"]
        assert len(figures) == 12
        assert len({attrs["aria-label"] for attrs in figures}) == 12

    def test_headings_and_scopes(self, page):
        assert len(page.all("h1")) == 1
        assert all(attrs.get("scope") for attrs in page.all("th"))

    def test_the_answer_comes_first(self, page):
        text = " ".join("".join(page.text).split())
        assert text.index("Car or tank?") < text.index("Xception is right on") < text.index("Scraping and cleaning")

    def test_pictures_are_named_by_the_digits_that_decisions_go_by(self, html):
        figures = re.findall(r'<figure[^>]*data-picture="([0-9a-f]{64})"[^>]*>(.*?)</figure>', html, re.DOTALL)
        named = [sha256 for sha256, content in figures if f"<code>{sha256[:12]}</code>" in content]
        assert set(named) == {sha256 for sha256, content in figures if 'class="title"' in content}
        assert len(named) > 20

    def test_what_is_left_out_is_said(self, page):
        assert " of 38" in "".join(page.text)  # samples of a class


def test_no_name_is_too_long_for_the_page(new_world):
    world = new_world(classes=["c" * 64, "tank"], each=24)
    world.write_model("vgg")
    assert "c" * 64 in build_report(load_report_inputs(world.root, world.question())).html


@pytest.mark.slow
def test_the_size_is_bounded_whatever_the_pictures(new_world):
    """Noise does not compress: every tile is as heavy as it may be."""

    def noise(seed, *_):
        pixels = np.random.default_rng(seed).integers(0, 255, (300, 400, 3), np.uint8)
        return cv2.imencode(".jpg", pixels)[1].tobytes()

    world = new_world(each=90, side=256, picture=noise)
    for name in ("vgg", "peetz_net", "xception"):
        world.write_model(name, skill=0.3)
    settings = ReportSettings()
    html = build_report(load_report_inputs(world.root, world.question()), settings).html
    images = html.count("<img")
    assert images * settings.tile_bytes * 0.5 < len(html) < images * settings.tile_bytes * 4 / 3 + 300_000 < 4_000_000
