"""Meetings are what brute force over all crops finds, whoever asks and however the pictures are dealt to blocks."""

import numpy as np
import pytest

from cic_assets.domain.duplicates import meetings as module
from cic_assets.domain.duplicates.crops import oriented_hashes, window_hashes
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.duplicates.meetings import meetings

from .conftest import Gallery, crop, letterbox, photo

RADIUS = 8


@pytest.fixture(scope="module")
def looks():
    """Pictures, some alone, some the same, cut, boxed, held otherwise."""
    gallery = Gallery()
    for seed in range(8):
        rgb = photo(seed)
        views = rgb, crop(rgb, 0.9), letterbox(rgb), np.rot90(rgb), letterbox(crop(rgb, 0.95))[:, ::-1], rgb[::2, ::2]
        for number, view in enumerate(views[: seed + 1]):
            gallery.add(f"{seed} {number}", view)
    return Looks.of(gallery.table)


def as_set(found):
    columns = ("asked", "asked_content", "orientation", "known", "known_content", "window", "distance")
    rows = [row for some in found for row in zip(*(getattr(some, name).tolist() for name in columns), strict=True)]
    assert len(set(rows)) >= len(rows) * 0.9  # plain hashes meet where others do, and at another distance
    return set(rows)


def by_brute_force(looks, askers, known):
    """Every crop of one side with every crop of the other."""
    everyone = np.arange(len(looks))
    bordered = set(looks.bordered_of(everyone).tolist())
    held = {content: oriented_hashes(looks.thumbnails(everyone, content=content)) for content in (False, True)}
    windows = {content: window_hashes(looks.thumbnails(everyone, content=content)) for content in (False, True)}
    plain = looks.plain(everyone)
    rows = set()
    for one in askers.tolist():
        for other in set(known.tolist()) - {one}:
            for number, distance in enumerate(np.bitwise_count(plain[one] ^ plain[other, 0]).tolist()):
                rows.add((one, False, number, other, False, 0, distance))
            for ours in (False, True) if one in bordered else (False,):
                for theirs in (False, True) if other in bordered else (False,):
                    apart = np.bitwise_count(held[ours][one][:, np.newaxis] ^ windows[theirs][other])
                    rows |= {
                        (one, ours, number, other, theirs, window, int(apart[number, window]))
                        for number in range(8)
                        for window in range(41 if number < 2 else 1)
                    }
    return {row for row in rows if row[-1] <= RADIUS}


@pytest.mark.parametrize("block", [3, 1 << 19])
@pytest.mark.parametrize("at_once", [7, 1 << 20])
def test_meetings_are_those_of_brute_force(looks, monkeypatch, block, at_once):
    monkeypatch.setattr(module, "LEAST_BLOCK", block)
    monkeypatch.setattr(module, "_MET_AT_ONCE", at_once)
    askers, known = np.arange(0, len(looks), 2), np.arange(5, len(looks))
    found = as_set(meetings(looks, askers, known, RADIUS))
    assert found == by_brute_force(looks, askers, known)
    assert {row[2] for row in found} > {0, 1, 6}
    assert len(found) > 100


def test_nobody_meets_nobody(looks):
    none = np.empty(0, np.int64)
    assert as_set(meetings(looks, none, np.arange(5), RADIUS)) == as_set(meetings(looks, np.arange(5), none, RADIUS))
