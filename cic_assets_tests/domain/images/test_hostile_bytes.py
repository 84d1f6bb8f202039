"""Thousands of broken files: each ends in an outcome, none in a crash, a hang or a large allocation."""

import resource
import struct
import time
from contextlib import suppress

import numpy as np
import pytest

from cic_assets.domain.images import ImageLimits, UnreadableImage, decode, fingerprint, inspect, prepare
from cic_assets.domain.media import Outcome

LIMITS = ImageLimits(min_side=1, max_pixels=4_000_000)
EXPECTED = {
    Outcome.OK,
    Outcome.EMPTY,
    Outcome.NOT_AN_IMAGE,
    Outcome.TRUNCATED,
    Outcome.TOO_LARGE,
    Outcome.ERROR,
}
# Pillow tells of some oddities by warnings; what counts here is the outcome.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes changed, cut out, doubled, or set to what breaks arithmetic, a few at a time."""
    broken = bytearray(data)
    for _ in range(rng.integers(1, 6)):
        # Half of the blows hit the header, where a byte means most.
        at = int(rng.integers(0, len(broken) if rng.random() < 0.5 else min(len(broken), 120)))
        blow = rng.integers(0, 6)
        if blow == 0:
            broken[at] = int(rng.integers(0, 256))
        elif blow == 1:
            broken[at] ^= 1 << int(rng.integers(0, 8))
        elif blow == 2:
            extreme = (0, 0xFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFF)[rng.integers(0, 6)]
            broken[at : at + 4] = struct.pack(("<I", ">I")[rng.integers(0, 2)], extreme)
        elif blow == 3:
            del broken[at : at + int(rng.integers(1, 40))]
        elif blow == 4:
            broken[at:at] = broken[at : at + int(rng.integers(1, 40))]
        else:
            broken[at:at] = rng.bytes(int(rng.integers(1, 20)))
        if not broken:
            break
    return bytes(broken)


def _judge_and_use(data: bytes) -> Outcome:
    """What the product does with bytes: judge them, and use the pixels only of what passed."""
    outcome = inspect(data, LIMITS).outcome
    if outcome == Outcome.OK:
        # The proof is made by another decoder, which may be milder; so a refusal is an answer here too.
        with suppress(UnreadableImage):
            assert prepare(data, 16).shape == (16, 16, 3)
            fingerprint(data)
    return outcome


def _survive(encodings, rounds: int, seed: int) -> dict[Outcome, int]:
    rng = np.random.default_rng(seed)
    counts = dict.fromkeys(EXPECTED, 0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    slowest = 0.0
    for encoding in encodings.values():
        for _ in range(rounds):
            data = mutated(encoding.data, rng)
            started = time.process_time()
            counts[_judge_and_use(data)] += 1
            slowest = max(slowest, time.process_time() - started)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    # Four million pixels as RGBA and RGB, a progressive JPEG's coefficients, and the room of the allocator.
    assert grown < 250e6, f"{grown / 1e6:.0f} MB more"
    assert slowest < 5
    return counts


def test_hundreds_of_broken_files(encodings):
    counts = _survive(encodings, rounds=12, seed=0)
    assert min(counts[outcome] for outcome in EXPECTED - {Outcome.EMPTY}) > 0


@pytest.mark.long
def test_ten_thousand_broken_files(encodings):
    assert sum(_survive(encodings, rounds=160, seed=1).values()) > 10_000


def test_bytes_at_random_behind_every_magic():
    rng = np.random.default_rng(3)
    magics = [b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\xff\0\0\0WEBP", b"BM", b"II*\0", b"MM\0*", b""]
    for magic in magics:
        for length in range(0, 300, 7):
            data = magic + rng.bytes(length)
            assert _judge_and_use(data) in EXPECTED - {Outcome.OK}


def test_decoding_without_judging_first_is_an_error_at_worst(encodings):
    rng = np.random.default_rng(4)
    for encoding in encodings.values():
        for _ in range(5):
            with suppress(UnreadableImage):
                decode(mutated(encoding.data, rng), shortest_side=32)


def test_a_tiff_directory_that_points_at_everything_costs_little():
    """Every entry claims all of the file as its value: read once each, not multiplied."""
    size = 400_000
    entries = b"".join(struct.pack("<HHII", 256 + i % 20, 1, size - 8, 8) for i in range(30_000))
    data = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 30_000) + entries + bytes(4) + bytes(size)
    started = time.process_time()
    assert inspect(data).outcome in {Outcome.NOT_AN_IMAGE, Outcome.TOO_LARGE, Outcome.TRUNCATED, Outcome.ERROR}
    assert time.process_time() - started < 2
