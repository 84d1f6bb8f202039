"""JPEGs whose channels are sampled in unusual ways: what `inspect` lets through is decoded everywhere."""

import io
import itertools
import struct

import pytest
from PIL import Image

from cic_assets.domain.images import UnreadableImage, decode, fingerprint, inspect, prepare
from cic_assets.domain.media import Outcome

SIDE = 240


def sampled(factors):
    """A grey JPEG of three channels with these sampling factors, every block of it empty."""
    buffer = io.BytesIO()
    Image.new("RGB", (SIDE, SIDE), (128, 128, 128)).save(buffer, "JPEG", subsampling=2)
    data = bytearray(buffer.getvalue())
    frame, scan = data.index(b"\xff\xc0"), data.index(b"\xff\xda")
    for channel, (across, down) in enumerate(factors):
        data[frame + 10 + 3 * channel + 1] = across << 4 | down
        data[scan + 5 + 2 * channel + 1] = 0
    across, down = (max(factor[axis] for factor in factors) for axis in (0, 1))
    units = -(-SIDE // (8 * across)) * -(-SIDE // (8 * down))
    bits = "001010" * units * sum(x * y for x, y in factors)
    bits += "1" * (-len(bits) % 8)
    (length,) = struct.unpack(">H", data[scan + 2 : scan + 4])
    body = bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))
    return bytes(data[: scan + 2 + length]) + body + b"\xff\xd9"


# A unit holds ten blocks at most.
ACROSS = [factors for factors in itertools.product((1, 2, 3, 4), repeat=3) if sum(factors) <= 10]


@pytest.mark.parametrize("across", ACROSS)
def test_what_is_let_through_is_decoded_by_every_stage(across):
    data = sampled([(factor, 1) for factor in across])
    if inspect(data).outcome is Outcome.OK:
        assert decode(data).shape == prepare(data, SIDE).shape == (SIDE, SIDE, 3)
        assert fingerprint(data).flatness == 1
    else:
        with pytest.raises(UnreadableImage):
            decode(data)


def test_the_usual_ways_are_let_through_fractions_are_not():
    usual = ([(1, 1)] * 3, [(2, 1), (1, 1), (1, 1)], [(2, 2), (1, 1), (1, 1)], [(4, 1), (1, 1), (1, 1)])
    assert {inspect(sampled(factors)).outcome for factors in usual} == {Outcome.OK}
    verdict = inspect(sampled([(3, 1), (2, 1), (1, 1)]))
    assert (verdict.outcome, verdict.reason[:35]) == (Outcome.NOT_AN_IMAGE, "jpeg with channels sampled 3x1, 2x1")
