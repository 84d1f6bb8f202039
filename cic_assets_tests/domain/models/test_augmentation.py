import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from cic_assets.domain.models.augmentation import Draws, augment, cutmix, draw, side_to_crop_from
from cic_assets.domain.models.settings import AugmentationSettings

STILL = AugmentationSettings(rotation=0, brightness=(1, 1), flip=False)


def noise(count: int = 4, side: int = 32) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, side, side, 3), dtype=np.uint8)


def drawn(**given: float) -> Draws:
    values = {"angle": 0, "flip": False, "area": 1, "brightness": 1, "contrast": 1, "saturation": 1, **given}
    arrays = {name: np.array([value]) for name, value in values.items()}
    return Draws(shift=np.zeros((1, 2)), **arrays)


def vary(image: np.ndarray, draws: Draws) -> np.ndarray:
    return augment(image[None], np.array([0]), draws)[0]


def test_nothing_to_do_changes_nothing() -> None:
    images = noise()
    rows = np.arange(4)
    assert_array_equal(augment(images, rows, draw(STILL, 4, 0, 0)), images)


@given(low=st.floats(0.01, 1), high=st.floats(0.01, 1), side=st.integers(32, 512), available=st.integers(32, 512))
def test_crops_are_taken_from_pictures_that_are_larger_if_there_are_any(
    low: float, high: float, side: int, available: int
) -> None:
    settings = AugmentationSettings(zoom=(min(low, high), max(low, high)))
    source = side_to_crop_from(settings, side, available)
    assert side <= source <= max(side, available)
    assert side_to_crop_from(STILL, side, available) == side
    if source < available:
        assert source * np.sqrt((low + high) / 2) == pytest.approx(side, abs=1)


def test_flip_is_an_exact_mirror() -> None:
    image = noise()[0]
    assert_array_equal(vary(image, drawn(flip=True)), image[:, ::-1])


def test_brightness_is_a_factor_that_saturates() -> None:
    image = noise()[0]
    expected = np.clip(image * 1.1, 0, 255)
    assert_allclose(vary(image, drawn(brightness=1.1)), expected, atol=0.51)


def test_rotation_turns_about_the_centre() -> None:
    image = noise(side=33)[0]
    assert_array_equal(vary(image, drawn(angle=90)), np.rot90(image))


def test_borders_repeat_the_nearest_pixel() -> None:
    image = np.full((32, 32, 3), 200, dtype=np.uint8)
    assert_array_equal(vary(image, drawn(angle=10)), image)


def test_zoom_keeps_the_given_share_of_the_area() -> None:
    image = np.zeros((64, 64, 3), dtype=np.uint8)
    image[16:48, 16:48] = 255  # a quarter of the area, in the middle
    assert vary(image, drawn(area=0.25)).min() > 100


def test_saturation_zero_is_grey_and_contrast_zero_is_flat() -> None:
    image = noise()[0]
    grey = vary(image, drawn(saturation=0.0)).astype(int)
    assert np.ptp(grey, axis=2).max() <= 1
    flat = vary(image, drawn(contrast=1e-9)).astype(int)
    assert_allclose(flat, np.broadcast_to(image.mean(axis=(0, 1)), flat.shape), atol=1)


def test_draws_stay_in_their_ranges_and_fill_them() -> None:
    settings = AugmentationSettings(zoom=(0.5, 1), contrast=(0.8, 1.2), saturation=(0.7, 1.3))
    draws = draw(settings, 2000, 1, 2)
    for values, low, high in (
        (draws.angle, -10, 10), (draws.brightness, 0.9, 1.1), (draws.area, 0.5, 1),
        (draws.contrast, 0.8, 1.2), (draws.saturation, 0.7, 1.3),
    ):  # fmt: skip
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high
    assert 0.45 < draws.flip.mean() < 0.55


def test_draws_are_equal_for_a_seed_and_epoch_and_differ_otherwise() -> None:
    settings = AugmentationSettings()
    first = draw(settings, 10, 0, 0).angle
    assert_array_equal(first, draw(settings, 10, 0, 0).angle)
    assert (first != draw(settings, 10, 0, 1).angle).all()
    assert (first != draw(settings, 10, 1, 0).angle).all()


@given(st.permutations(range(6)), st.integers(0, 5))
def test_a_picture_is_varied_alike_in_whatever_batch_it_comes(order: list[int], cut: int) -> None:
    images, draws = noise(6), draw(AugmentationSettings(), 6, 3, 1)
    whole = augment(images, np.arange(6), draws)
    for rows in (np.array(order[:cut], dtype=int), np.array(order[cut:], dtype=int)):
        assert_array_equal(augment(images[rows], rows, draws), whole[rows])


@pytest.mark.parametrize("side", [1, 7, 64])
def test_shape_and_type_stay(side: int) -> None:
    images = noise(2, side)
    varied = augment(images, np.arange(2), draw(AugmentationSettings(), 2, 0, 0))
    assert (varied.shape, varied.dtype) == (images.shape, np.uint8)


def test_another_side_shows_the_same_at_another_scale() -> None:
    """As an area average does, which is what halving by bilinear interpolation between four pixels is."""
    images = noise(side=64)
    halved = augment(images, np.arange(4), draw(STILL, 4, 0, 0), side=32)
    expected = images.reshape(4, 32, 2, 32, 2, 3).mean(axis=(2, 4))
    assert_allclose(halved, expected, atol=1)


def test_another_side_keeps_mirror_and_place() -> None:
    image = cv2.resize(noise(side=8)[0], (64, 64), interpolation=cv2.INTER_CUBIC)
    small = augment(image[None], np.array([0]), drawn(flip=True), side=32)[0]
    expected = cv2.resize(image[:, ::-1], (32, 32), interpolation=cv2.INTER_AREA)
    assert_allclose(small, expected, atol=1)


@given(seed=st.integers(0, 10_000))
def test_a_square_of_another_picture_counts_by_its_area(seed: int) -> None:
    greys = np.array([0, 100, 200], np.uint8)
    images = np.repeat(greys, 32 * 32 * 3).reshape(3, 32, 32, 3)
    pasted, shares = cutmix(images, np.eye(3, dtype=np.float32), np.random.default_rng(seed))
    assert (pasted.dtype, shares.dtype) == (np.uint8, np.float32)
    assert set(np.unique(pasted)) <= set(greys)
    assert_allclose(shares.sum(axis=1), 1, atol=1e-6)
    # Each class has a grey of its own, so the mean grey tells the shares.
    assert_allclose(pasted.mean(axis=(1, 2, 3)), shares @ greys, atol=1e-2)


def test_squares_are_of_every_size() -> None:
    images = noise(2)
    areas = [cutmix(images, np.eye(2, dtype=np.float32), np.random.default_rng([seed]))[1].min() for seed in range(200)]
    assert min(areas) < 0.02
    assert max(areas) > 0.48
