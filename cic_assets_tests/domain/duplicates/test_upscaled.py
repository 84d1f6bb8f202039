"""Which of two copies was made from the other, on real photos: those of packages, and those of the recorded archive."""

import csv
import json

import cv2
import numpy as np
import pytest

from cic_assets.domain.duplicates.sharpness import Finding
from cic_assets.domain.duplicates.upscaled import evidence_of, opened
from cic_assets.domain.duplicates.windows import WHOLE, Box, Guess, Orientation
from cic_assets.domain.images import CANNOT_BE_READ, decode, read_header

from .conftest import photo
from .enlarged import noisy, resized, sharpened, shipped, stored

UPRIGHT = Guess(WHOLE, WHOLE)


def found(larger, smaller, guess=UPRIGHT, contents=(WHOLE, WHOLE)):
    small = opened(smaller, contents[1])
    evidence = evidence_of(opened(larger, contents[0], small), small, [guess])
    return Finding.UNSURE if evidence is None else evidence.finding()


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    ("scale", "way", "quality"),
    [
        (1.25, "cubic", None), (1.5, "linear", 75), (1.5, "lanczos", 95), (1.5, "area", 60), (2, "nearest", 85),
        (2, "linear", 60), (2, "lanczos", None), (3, "cubic", 75), (3, "linear", 60), (4, "area", 85),
    ],
)  # fmt: skip
def test_an_enlarged_one_is_known(number, scale, way, quality):
    rgb = shipped(number)
    assert found(stored(resized(rgb, scale, way), quality), stored(rgb, 95)) is Finding.ENLARGED


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize(
    ("scale", "way", "quality"),
    [
        (0.8, "area", None), (0.8, "linear", 75), (0.67, "cubic", 60), (0.67, "lanczos", 95), (0.5, "area", 85),
        (0.5, "nearest", None), (0.33, "area", 60), (0.33, "linear", 95), (0.25, "area", 75),
    ],
)  # fmt: skip
def test_a_larger_original_is_not_taken_for_one(number, scale, way, quality):
    rgb = shipped(number)
    for before in (95, 60):
        original = stored(rgb, before)
        small = resized(decode(original), scale, way)
        assert found(original, stored(small, quality)) is not Finding.ENLARGED
        assert found(original, stored(sharpened(small), quality)) is not Finding.ENLARGED
        assert found(original, stored(noisy(small, 6), quality)) is not Finding.ENLARGED


@pytest.mark.parametrize("number", range(3))
def test_noise_does_not_hide_that_one_was_enlarged(number):
    rgb = resized(shipped(number), 0.6)
    for scale in (1.5, 2):
        large = resized(rgb, scale, "cubic")
        assert found(stored(noisy(large, 4), 85), stored(rgb, 95)) is Finding.ENLARGED


def test_sharpening_seldom_does():
    is_known = []
    for number in range(3):
        rgb = resized(shipped(number), 0.6)
        for scale, way in ((1.5, "linear"), (2, "cubic"), (3, "linear")):
            large = sharpened(resized(rgb, scale, way), 1, 0.5)
            is_known.append(found(stored(large, 85), stored(rgb, 95)) is Finding.ENLARGED)
    assert np.mean(is_known) > 0.7


HELD = [Orientation(is_mirrored, turns) for turns in range(4) for is_mirrored in (False, True)]


@pytest.mark.parametrize("held", HELD)
def test_it_may_be_held_otherwise_and_be_cut(held):
    small = shipped(0)
    large = held.held(resized(small, 2, "cubic"))
    assert found(stored(large, 85), stored(small, 90), Guess(WHOLE, WHOLE, held)) is Finding.ENLARGED
    height, width = large.shape[:2]
    cut = large[height // 20 :, : width - width // 25]
    part = Box(0, (height // 20) / height, (width - width // 25) / width, 1).oriented(held.undone())
    assert found(stored(cut, 85), stored(small, 90), Guess(WHOLE, part, held)) is Finding.ENLARGED


def test_what_shows_less_is_not_the_better_one():
    small = shipped(0)
    large = stored(resized(small, 2, "cubic"), 90)
    height, width = small.shape[:2]
    cut = small[height // 12 :, width // 12 :]
    assert found(large, stored(cut, 90), Guess(Box(1 / 12, 1 / 12, 1, 1), WHOLE)) is Finding.UNSURE
    grey = np.repeat(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)[..., np.newaxis], 3, axis=2)
    assert found(large, stored(grey, 90)) is Finding.UNSURE
    boxed = cv2.copyMakeBorder(small, 60, 60, 0, 0, cv2.BORDER_CONSTANT)
    content = Box(0, 60 / len(boxed), 1, 1 - 60 / len(boxed))
    assert found(large, stored(boxed, 90), Guess(WHOLE, content), (WHOLE, content)) is Finding.UNSURE


def test_other_pictures_nearly_the_same_size_and_nothing_to_see():
    small = stored(shipped(0), 90)
    assert found(stored(resized(shipped(1), 2), 90), small) is Finding.UNSURE
    assert found(stored(resized(shipped(0), 1.1), 90), small) is Finding.UNSURE
    flat = np.full((200, 300, 3), 90, np.uint8)
    assert found(stored(resized(flat, 2), 90), stored(flat, 90)) is Finding.UNSURE
    assert found(stored(resized(shipped(0)[:40, :40], 2), 90), stored(shipped(0)[:40, :40], 90)) is Finding.UNSURE


def drawing(width=640, height=480):
    """Text and lines, as on a screen."""
    rgb = np.full((height, width, 3), 250, np.uint8)
    for row in range(20, height - 10, 22):
        cv2.putText(rgb, "cars and tanks 0123 %", (12 + row % 60, row), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (20, 20, 60), 1)
    for column in range(0, width, 53):
        cv2.line(rgb, (column, 0), (column, height), (200, 40, 40), 1)
    cv2.rectangle(rgb, (300, 120), (560, 330), (40, 90, 180), -1)
    return rgb


@pytest.mark.parametrize("picture", [drawing(), photo(4, 600, 440)], ids=["screen", "drawing"])
def test_hard_edges_are_no_matter(picture):
    original = stored(picture, 90)
    for scale, way in ((1.5, "linear"), (2, "cubic"), (3, "linear")):
        assert found(stored(resized(picture, scale, way), 85), original) is Finding.ENLARGED
    for scale, way in ((0.75, "area"), (0.5, "area"), (0.5, "nearest"), (0.4, "linear")):
        assert found(original, stored(resized(picture, scale, way), 85)) is not Finding.ENLARGED


# --- the recorded archive ---------------------------------------------------------------------------------------------


def originals(archive, count):
    with (archive / "truth.csv").open(newline="") as file:
        urls = {row["url"] for row in csv.DictReader(file) if row["outcome"] == "ok" and not row["copy_of"]}
    routes = [json.loads(line) for line in (archive / "routes.jsonl").read_text().splitlines()]
    named = sorted({one["file"] for one in routes if "file" in one and f"http://{one['host']}{one['path']}" in urls})
    for name in named[:: len(named) // count]:
        data = (archive / "media" / name).read_bytes()
        try:
            header = read_header(data)
        except CANNOT_BE_READ:
            continue
        if header.format == "jpeg" and header.mode == "rgb" and 300 <= header.shorter_side < 1200:
            yield data


@pytest.mark.shared
@pytest.mark.slow
def test_photos_of_the_archive(shared_data):
    enlarged, kept = [], []
    for number, data in enumerate(originals(shared_data / "archive", 24)):
        rgb, quality = decode(data), (None, 60, 75, 95)[number % 4]
        sharp = resized(rgb, 0.6)
        for scale, way in ((1.5, "linear"), (2, "lanczos"), (3, "cubic")):
            large = stored(resized(sharp, scale, way), quality)
            enlarged.append(found(large, stored(sharp, 95)) is Finding.ENLARGED)
        for scale, way in ((0.8, "area"), (0.67, "linear"), (0.5, "area"), (0.33, "cubic")):
            kept.append(found(data, stored(resized(rgb, scale, way), quality)) is not Finding.ENLARGED)
    assert len(enlarged) > 50
    assert np.mean(enlarged) >= 0.95
    assert np.mean(kept) >= 0.99
