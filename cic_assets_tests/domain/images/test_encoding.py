"""What is encoded comes back as it was."""

import numpy as np
import pytest

from cic_assets.domain.images import decode, encode_jpeg, is_encoded_here, read_header


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


@pytest.mark.parametrize("size", [(1, 1), (32, 32), (47, 33)])
@pytest.mark.parametrize("quality", [60, 95])
def test_own_work_is_recognised(size, quality):
    rgb = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), np.uint8)
    assert is_encoded_here(encode_jpeg(rgb, quality), *size, quality)


def test_what_differs_in_anything_is_not_own_work():
    jpeg = encode_jpeg(np.random.default_rng(1).integers(0, 255, (32, 32, 3), np.uint8))
    assert is_encoded_here(jpeg, 32, 32)
    assert not is_encoded_here(jpeg, 32, 32, 90)
    assert not is_encoded_here(jpeg, 32, 33)
    assert not is_encoded_here(jpeg + b"what somebody hid behind it", 32, 32)
    assert not is_encoded_here(jpeg[:-2] + b"\xff\xfe\x00\x04hi\xff\xd9", 32, 32)  # a comment after the pixels
    assert not is_encoded_here(jpeg[:2] + b"\xff\xe1\x00\x08Exif\0\0" + jpeg[2:], 32, 32)
    assert not is_encoded_here(jpeg[:-2], 32, 32)
    assert not is_encoded_here(b"", 32, 32)
