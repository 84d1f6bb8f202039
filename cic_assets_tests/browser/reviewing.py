"""What is seen on the review page, what is pressed there, and what then stands in the file."""

import time

import pytest
from playwright.sync_api import expect

from cic_assets.domain.overrides import Different, Label, LeaveOut, Same, load_overrides

STEP_SECONDS = 40
"""For what should be seen at once: the machine may be busy."""

NAMES = {
    "label_conflicts": "Two classes", "label_errors": "Label errors", "off_topic": "Off topic", "copies": "Copies?",
    "wrong": "Called wrong",
}  # fmt: skip

SHOWN = """() => [...document.querySelectorAll("figure")].map(
  (figure) => figure.querySelector("img")?.complete ? figure.dataset.sha256 : "")"""


def shown(page):
    """SHA-256 of the pictures that are seen, once they are there."""
    end = time.monotonic() + STEP_SECONDS
    while time.monotonic() < end:
        names = page.evaluate(SHOWN)
        if names and all(names):
            return names
        time.sleep(0.02)
    return pytest.fail("no picture is seen")


def decide_with(page, key):
    """Press a key; gives which pictures it was about, once others are seen."""
    before = shown(page)
    page.keyboard.press(key)
    expect(page.locator(f"figure[data-sha256='{before[0]}']")).to_have_count(0)
    return before


def remain(page, queue, count):
    button = page.get_by_role("button", name=NAMES[queue])
    expect(button.locator(".count")).to_have_text(f"{count:,}")


def written(reviewed, count):
    """What stands in the file once so many decisions do."""
    end = time.monotonic() + STEP_SECONDS
    while time.monotonic() < end:
        found = load_overrides(reviewed.overrides)
        said = [*(Label(*one) for one in found.labels.labels), *map(LeaveOut, found.labels.leave_out)]
        said += [*(Same(*one) for one in found.copies.same), *(Different(*one) for one in found.copies.different)]
        if len(said) == count:
            return said
        time.sleep(0.05)
    pytest.fail(f"{len(said)} decisions stand in the file, expected {count}")
