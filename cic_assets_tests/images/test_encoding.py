"""What is encoded comes back as it was."""

import numpy as np
import pytest

from cic_assets.images import decode, encode_jpeg, read_header


def test_comes_back_in_the_same_colours(picture):
    assert np.abs(decode(encode_jpeg(picture, 100)).astype(int)[:20, :40] - (220, 30, 40)).max() <= 3


def test_quality_costs_bytes(synthetic_photo):
    photo = synthetic_photo(300, 200)
    sizes = [len(encode_jpeg(photo, quality)) for quality in (10, 50, 95)]
    assert sizes == sorted(sizes)


def test_views_are_encoded_too(picture):
    turned = picture.transpose(1, 0, 2)[::-1]
    assert np.array_equal(decode(encode_jpeg(turned)), decode(encode_jpeg(np.ascontiguousarray(turned))))


def test_is_the_same_every_time(picture):
    assert encode_jpeg(picture) == encode_jpeg(picture)
    assert read_header(encode_jpeg(picture)).format == "jpeg"


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_other_arrays_are_refused(wrong):
    with pytest.raises(ValueError, match="expected pixels"):
        encode_jpeg(wrong)


@pytest.mark.parametrize("quality", [0, 101])
def test_other_qualities_are_refused(picture, quality):
    with pytest.raises(ValueError, match="quality"):
        encode_jpeg(picture, quality)
