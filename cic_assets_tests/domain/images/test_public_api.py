"""One picture through every public function: the smallest proof that they fit together."""

import numpy as np
import pytest

from cic_assets.domain import images
from cic_assets.domain.media import Outcome


@pytest.fixture
def photo():
    rng = np.random.default_rng(0)
    return np.kron(rng.integers(0, 256, (15, 20, 3)), np.ones((20, 20, 1))).astype(np.uint8)


def test_one_picture_goes_through_everything(photo):
    data = images.encode_jpeg(photo)
    header = images.read_header(data)
    assert (header.format, header.width, header.height) == ("jpeg", 400, 300)
    assert images.inspect(data).outcome == Outcome.OK
    assert images.decode(data).shape == (300, 400, 3)
    assert images.prepare(data, 64).shape == (64, 64, 3)
    assert images.fingerprint(data).width == 400
    sheet = images.contact_sheet([images.Tile(photo, "a caption")])
    assert images.inspect(sheet).outcome == Outcome.OK
