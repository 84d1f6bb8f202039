"""The page of `cic serve`, used as people use it: drop, paste, choose, name a URL, look where, say that it is wrong."""

import re
import threading

import cv2
import numpy as np
import pytest
import requests
from playwright.sync_api import expect

from cic_assets.domain.download import Network
from cic_assets.domain.models import Calibration
from cic_assets.domain.prediction import Predictor
from cic_assets.storage import DataRoot, sha256_hex
from cic_assets.web.predict import Panel, Panels, ServeSettings, build_app
from cic_assets.web.replay import replay
from cic_assets_tests.browser.pages import SIZES, pages_of
from cic_assets_tests.fixtures.predictors import SIDE, Brightness
from cic_assets_tests.fixtures.servers import served

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

TOKEN = "a-token-that-is-long-enough"
MAKE_DATA = """(files) => {
  const data = new DataTransfer();
  for (const [name, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
  return data;
}"""
COPY = """async (bytes) => {
  const picture = new Blob([new Uint8Array(bytes)], { type: "image/png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
}"""


CALIBRATION = Calibration(temperature=2.0, largest_doubts={"90": 0.2, "95": 0.3}, pictures=40, units=30)


class Explaining(Brightness):
    """The brightness of a picture, told of each of its places too."""

    has_activation_map = True

    def activation_map(self, pictures):
        bright = cv2.resize(pictures[0], (6, 6), interpolation=cv2.INTER_AREA).mean(axis=2) / 255
        return np.stack([1 - bright, bright], axis=2)[None]


class Contrary(Brightness):
    """Says dark of what is bright."""

    def probabilities(self, pictures):
        return super().probabilities(pictures)[:, ::-1]


@pytest.fixture
def panels(make_card):
    nets = {"xception": Explaining(), "peetz_net": Contrary(), "vgg": Brightness()}
    kept = {"xception": CALIBRATION}
    cards = {name: make_card(name, side=SIDE, calibration=kept.get(name)) for name in nets}
    return Panels.fixed(Panel([Predictor(net, cards[name]) for name, net in nets.items()]))


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


@pytest.fixture
def server(panels, root, archive, jpeg):
    archive.add("cat", jpeg(7, 640, 480))
    with replay(archive.folder) as hosts:
        app = build_app(panels, settings=ServeSettings(), network=Network.replay("127.0.0.1", hosts.port), root=root)
        with served(app) as url:
            yield url


@pytest.fixture
def open_page(chromium, tmp_path):
    """Opens the page in a window of some size; what it complains about fails the test."""
    with pages_of(chromium, tmp_path, 15, refused=(422, 503)) as open_page:
        yield open_page


def drop(page, *files):
    data = page.evaluate_handle(MAKE_DATA, [[name, list(content)] for name, content in files])
    page.dispatch_event("#drop", "dragenter", {"dataTransfer": data})
    expect(page.locator("#drop")).to_have_class("over")
    page.dispatch_event("#drop", "drop", {"dataTransfer": data})
    expect(page.locator("#drop")).not_to_have_class("over")


def card(page, name):
    return page.get_by_role("article").filter(has=page.get_by_role("heading", name=name, exact=True))


def says(page, name, text):
    expect(card(page, name).locator(".says")).to_have_text(text)


def photograph(page, tmp_path, name):
    page.screenshot(path=tmp_path / f"{name}.png", full_page=True, animations="disabled")


def test_a_picture_is_dropped(open_page, server, grey, tmp_path):
    page = open_page(server)
    drop(page, ("white.png", grey(250)))
    says(page, "white.png", "bright")
    one = card(page, "white.png")
    expect(one.get_by_text("98.0 %").first).to_be_visible()
    expect(one.get_by_role("img", name="white.png, as the models see it")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("white.png: bright, 98.0 %")
    one.get_by_text("1 of 2 others say something else").click()
    expect(one.get_by_role("heading", name="peetz_net")).to_be_visible()
    photograph(page, tmp_path, "dropped")


def test_what_an_answer_is_worth_stands_with_it(open_page, server, grey, tmp_path):
    page = open_page(server, "phone")
    drop(page, ("sure.png", grey(250)), ("doubtful.png", grey(140)))
    says(page, "sure.png", "bright")
    says(page, "doubtful.png", "bright")
    right = f"{100 * 250**0.5 / (250**0.5 + 5**0.5):.1f} %"
    expect(card(page, "sure.png").locator(".worth")).to_have_text(
        f"Of answers like this, {right} are right. 19 times in 20 the truth is among: bright."
    )
    expect(card(page, "doubtful.png").locator(".worth")).to_contain_text("perhaps it is none of these")
    photograph(page, tmp_path, "worth")


def test_several_at_once_of_which_one_is_none(open_page, server, grey, jpeg, tmp_path):
    page = open_page(server)
    files = [(f"{level}.png", grey(level)) for level in (0, 60, 200, 255)]
    drop(page, *files[:2], ("letter.png", b"no picture"), *files[2:], ("photo.png", jpeg(3, 800, 600)))
    for name, answer in {"0.png": "dark", "60.png": "dark", "200.png": "bright", "255.png": "bright"}.items():
        says(page, name, answer)
    says(page, "letter.png", "This is no picture.")
    expect(card(page, "letter.png").get_by_text("unknown: begins with 6e 6f")).to_be_visible()
    expect(card(page, "letter.png").get_by_role("button", name="Wrong?")).to_be_hidden()
    expect(page.get_by_role("article")).to_have_count(6)
    expect(page.locator(".waiting")).to_have_count(0)
    photograph(page, tmp_path, "several")
    card(page, "letter.png").get_by_role("button", name="Take this answer away").click()
    expect(page.get_by_role("article")).to_have_count(5)


def test_a_picture_is_pasted_and_an_address_too(open_page, server, grey):
    page = open_page(server, permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(COPY, list(grey(10)))
    page.keyboard.press("Control+V")
    expect(page.locator(".says")).to_have_text("dark")
    page.evaluate("navigator.clipboard.writeText('http://i.redd.it/cat.jpg')")
    page.keyboard.press("Control+V")
    says(page, "http://i.redd.it/cat.jpg", re.compile("^(dark|bright)$"))


def test_a_picture_is_named_by_its_address(open_page, server):
    page = open_page(server)
    page.get_by_label("Address of a picture").fill("http://i.redd.it/cat.jpg")
    page.get_by_role("button", name="Look").click()
    says(page, "http://i.redd.it/cat.jpg", re.compile("^(dark|bright)$"))
    page.get_by_label("Address of a picture").fill(f"{server}/health")
    page.keyboard.press("Enter")
    says(page, f"{server}/health", "This address may not be asked.")


def test_files_are_chosen_with_the_keyboard_alone(open_page, server, grey, tmp_path):
    (tmp_path / "one.png").write_bytes(grey(255))
    page = open_page(server)
    with page.expect_file_chooser() as choosing:
        page.keyboard.press("Tab")
        expect(page.locator("#file")).to_be_focused()
        page.keyboard.press("Enter")
    choosing.value.set_files(tmp_path / "one.png")
    says(page, "one.png", "bright")


def test_where_in_the_picture_is_shown_at_a_touch(open_page, server, tmp_path):
    picture = np.full((240, 320, 3), 20, np.uint8)
    picture[40:140, 100:220] = 250
    page = open_page(server)
    drop(page, ("lamp.png", cv2.imencode(".png", picture)[1].tobytes()))
    one = card(page, "lamp.png")
    one.locator(".picture").click()
    expect(one.locator("canvas")).to_be_visible()
    expect(one.get_by_text("Coloured: what speaks for dark, says xception.")).to_be_visible()
    expect(one.get_by_role("button", name="Show where")).to_have_attribute("aria-pressed", "true")
    alphas = one.locator("canvas").evaluate(
        "c => [...c.getContext('2d').getImageData(0, 0, 6, 6).data].filter((_, i) => i % 4 === 3)"
    )
    assert alphas[2 * 6 + 2] == 0  # the lamp
    assert max(alphas) == 160
    photograph(page, tmp_path, "where")
    one.get_by_role("button", name="Show where").click()
    expect(one.locator("canvas")).to_be_hidden()


@pytest.mark.parametrize("keep", [False, True])
def test_a_wrong_answer_goes_on_the_list(open_page, server, root, grey, tmp_path, keep):
    page = open_page(server)
    drop(page, ("white.png", grey(250)))
    one = card(page, "white.png")
    wrong = one.get_by_role("button", name="Wrong?")
    wrong.click()
    expect(wrong).to_have_attribute("aria-expanded", "true")
    expect(one.get_by_role("radio")).to_have_count(2)
    one.get_by_label("none of these" if keep else "dark").check()
    expect(one.get_by_role("checkbox")).not_to_be_checked()
    if keep:
        one.get_by_role("checkbox").check()
    photograph(page, tmp_path, "wrong")
    one.get_by_role("button", name="Say so").click()
    thanks = "Thank you: none of these is on the list, with the picture." if keep else "Thank you: dark is on the list."
    expect(one.get_by_text(thanks)).to_be_visible()
    (row,) = root.read_table("reviews").to_dict("records")
    assert (row["sha256"], row["label"], row["truth"]) == (sha256_hex(grey(250)), "bright", "" if keep else "dark")
    assert root.images.names() == ({sha256_hex(grey(250))} if keep else set())


def test_the_page_waits_where_the_server_is_full(open_page, panels, grey):
    may_go = threading.Event()

    class Busy(Brightness):
        def probabilities(self, pictures):
            may_go.wait(20)
            return super().probabilities(pictures)

    busy = Panels.fixed(Panel([Predictor(Busy(), panels.current.predictors[0].card)]))
    with served(build_app(busy, settings=ServeSettings(most_at_once=1))) as url:
        page = open_page(url)
        drop(page, ("a.png", grey(0)), ("b.png", grey(255)))
        expect(page.get_by_role("status")).to_have_text("The server is busy: waiting …")
        may_go.set()
        says(page, "a.png", "dark")
        says(page, "b.png", "bright")
        expect(page.get_by_role("button", name="Wrong?").first).to_be_hidden()  # nobody keeps a list here


def test_a_server_that_is_gone_is_said(open_page, panels, grey):
    with served(build_app(panels)) as url:
        page = open_page(url)
    drop(page, ("a.png", grey(0)))
    says(page, "a.png", "No answer from the server: is `cic serve` still running?")


def test_the_token_of_the_address_becomes_a_cookie(open_page, panels, grey):
    with served(build_app(panels, settings=ServeSettings(token=TOKEN))) as url:
        page = open_page(f"{url}/?token={TOKEN}")
        expect(page).to_have_url(f"{url}/")
        drop(page, ("a.png", grey(0)))
        says(page, "a.png", "dark")
        page.reload()
        drop(page, ("b.png", grey(255)))
        says(page, "b.png", "bright")
        assert page.evaluate("document.cookie") == ""
        page.context.clear_cookies()
        assert requests.get(url, timeout=20).status_code == 401


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_it_fits_the_screen_and_can_be_read(open_page, server, jpeg, grey, tmp_path, size, scheme):
    page = open_page(server, size, color_scheme=scheme)
    photograph(page, tmp_path, f"{size}-{scheme}-empty")
    photo = page.get_by_text("Take a photo")
    expect(photo).to_be_visible() if size == "phone" else expect(photo).to_be_hidden()
    long = "a-very-long-name-of-a-picture-that-somebody-took-on-holiday-and-never-renamed-0001234567890.png"
    drop(page, (long, jpeg(5, 900, 600)), ("night.png", grey(5)), ("letter.png", b"no picture"))
    expect(page.locator(".waiting")).to_have_count(0)
    says(page, "night.png", "dark")
    card(page, "night.png").get_by_role("button", name="Wrong?").click()
    photograph(page, tmp_path, f"{size}-{scheme}")
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow == 0
    assert page.evaluate(LOW_CONTRAST) == []
    small = page.evaluate(SMALL_TARGETS)
    assert small == []


SMALL_TARGETS = """() => [...document.querySelectorAll("button, label.button, summary")]
  .filter((one) => one.offsetParent && Math.min(one.offsetWidth, one.offsetHeight) < 24).map((one) => one.outerHTML)"""
"""What is smaller than WCAG 2.2 (2.5.8) wants of what is pressed: 24 pixels."""

LOW_CONTRAST = """() => {
  const numbers = (colour) => colour.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (one) => {
    for (; one; one = one.parentElement) {
      const found = numbers(getComputedStyle(one).backgroundColor);
      if (found.length === 3 || found[3] > 0.99) return found;
    }
    return [255, 255, 255];
  };
  const own = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
  return [...document.querySelectorAll("main *")].filter((one) => one.offsetParent && own(one)).map((one) => {
    const [front, back] = [light(numbers(getComputedStyle(one).color)), light(behind(one))];
    return [(Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05), one.textContent.trim()];
  }).filter(([ratio]) => ratio < 4.5);
}"""
"""Text whose contrast to what is behind it is under 4.5, as WCAG 2.2 (1.4.3) wants it."""


def test_the_page_of_the_api_brings_everything_too(open_page, server, tmp_path):
    page = open_page(f"{server}/docs", "phone")
    expect(page.get_by_role("heading", name="POST /api/v1/predict")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0
    assert page.evaluate(LOW_CONTRAST) == []
    photograph(page, tmp_path, "docs")
