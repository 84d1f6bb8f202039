"""The real UI of `cic dev` over a small recorded archive, and a Chromium that looks at it."""

import re
import shutil

import pytest
from playwright.sync_api import expect, sync_playwright

from cic_assets.domain.review import ReviewBook
from cic_assets.web.listening import Listening
from cic_assets.web.review import ReviewSite, build_review_app
from cic_assets_tests.browser.pages import pages_of
from cic_assets_tests.browser.reviewing import STEP_SECONDS as REVIEW_SECONDS
from cic_assets_tests.fixtures.servers import served

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PROBLEM = """
name: two
question: Car or boat?
classes:
  car: [r/cars]
  boat: ["folder:boats"]
dataset: {side: 72, min_per_class: 5}
features: {enabled: false}
models:
  vgg: {width: 0.05, input_size: 32, epochs: 2}
  peetz_net: null
  xception: null
"""
STEP_SECONDS = 60
"""For a page to show what it should; what runs take is said where they are waited for."""


@pytest.fixture(scope="session")
def chromium():
    found = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if not found:
        pytest.skip(f"no Chromium is installed, none of {', '.join(CHROMIUM)} (on Debian: apt install chromium)")
    # Playwright's own browser would be another download.
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=found) as browser:
        yield browser


@pytest.fixture(scope="module")
def server(tmp_path_factory, make_archive, jpeg, serving, bare_variables):
    """`cic dev` over a subreddit and a folder that were never scraped."""
    folder = tmp_path_factory.mktemp("ui")
    archive = make_archive(folder / "archive")
    (folder / "boats").mkdir()
    for number in range(20):
        archive.add(f"c{number}", jpeg(number))
        (folder / "boats" / f"{number}.jpg").write_bytes(jpeg(100 + number))
    (folder / "problem.yaml").write_text(PROBLEM)
    arguments = ("dev", "--problem", "problem.yaml", "--archive", archive.folder, "--data-root", folder / "root")
    with serving(*arguments, folder=folder, variables={**bare_variables, "HOME": str(folder)}) as server:
        server.wait("/server_info")
        yield server


@pytest.fixture
def ui(chromium, server, tmp_path):
    page = chromium.new_page(base_url=server.url, viewport={"width": 1500, "height": 900})
    page.set_default_timeout(STEP_SECONDS * 1000)
    expect.set_options(timeout=STEP_SECONDS * 1000)
    ui = Ui(page, tmp_path)
    yield ui
    ui.photograph("last")
    page.close()


@pytest.fixture
def serve(reviewed):
    """Serves the review page of what is in the root, as one more server each time."""

    def serve(leases=None, **settings):
        settings = Listening(**settings)
        site = ReviewSite(ReviewBook(reviewed.root, reviewed.problem), settings, "anna", leases=leases)
        return served(build_review_app(site, settings))

    return serve


@pytest.fixture
def open_page(chromium, tmp_path):
    """Opens the page in a browser of its own; what it complains about fails the test."""
    expect.set_options(timeout=REVIEW_SECONDS * 1000)
    with pages_of(chromium, tmp_path, REVIEW_SECONDS, refused=(404, 409, 503)) as open_page:
        yield open_page


class Ui:
    """What a person does in the UI, by what stands on its buttons. Pictures of it lie in the test's folder."""

    def __init__(self, page, folder):
        self.page, self.folder = page, folder

    def open(self, path):
        self.page.goto(path)

    def photograph(self, name):
        self.page.screenshot(path=self.folder / f"{name}.png")

    def button(self, name):
        # By what is written on it: the name that it has for screen readers begins with that of its icon.
        return self.page.get_by_role("button").filter(has_text=re.compile(f"^\\s*{re.escape(name)}\\s*$"))

    def begin_to_materialize(self, button):
        """Up to the dialog that asks for partitions; it may ask first whether one is sure."""
        self.button(button).click()
        dialog = self.page.get_by_role("dialog")
        choice = dialog.filter(has_text="Partition selection")
        sure = dialog.filter(has_text="Are you sure?")
        expect(choice.or_(sure)).to_be_visible()
        if sure.is_visible():
            self.button("Confirm").click()
        expect(choice).to_be_visible()

    def choose_partition(self, key):
        self.page.get_by_text("Select a partition or create one").click()
        self.page.get_by_role("menuitem").filter(has_text=key).click()
        self.page.get_by_text("Launch runs to materialize").click()  # closes the list

    def launch(self, button):
        self.button(button).click()
        expect(self.page.get_by_role("dialog")).to_have_count(0)

    def turn_on(self):
        """A schedule or sensor, on its page."""
        row = self.page.get_by_role("row").filter(has_text="Running")
        expect(row.get_by_role("checkbox")).not_to_be_checked()
        row.locator("label").click()
        expect(row.get_by_role("checkbox")).to_be_checked()

    def write_config(self, text):
        self.page.get_by_role("dialog").locator(".CodeMirror").click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)


def seconds(number):
    """For Playwright, which counts milliseconds."""
    return number * 1000
