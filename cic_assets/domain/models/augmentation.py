"""Training pictures, varied: one affine map and one colour map each, drawn by seed, epoch and picture.

The draws of an epoch depend on nothing else, so a resumed training sees the same pictures as one that never stopped, in
whatever order and on however many threads batches are made. cv2 and numpy: one 224-pixel picture takes well under a
millisecond, where a training step takes a second on the same core.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.data import Images
from cic_assets.domain.models.settings import AugmentationSettings

_GREY = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601 luma


@dataclass(frozen=True, slots=True)
class Draws:
    """What is done to each of N pictures in one epoch; all arrays (N,), `shift` (N, 2) in -1..1."""

    angle: NDArray[np.float64]
    flip: NDArray[np.bool_]
    area: NDArray[np.float64]
    shift: NDArray[np.float64]
    brightness: NDArray[np.float64]
    contrast: NDArray[np.float64]
    saturation: NDArray[np.float64]


def draw(settings: AugmentationSettings, count: int, seed: int, epoch: int) -> Draws:
    """The draws for `count` pictures; equal for equal arguments, independent between seeds and epochs."""
    random = np.random.default_rng([seed, epoch])
    return Draws(
        angle=random.uniform(-settings.rotation, settings.rotation, count),
        flip=(random.random(count) < 0.5) & settings.flip,  # noqa: PLR2004 - every other one
        area=random.uniform(*settings.zoom, count),
        shift=random.uniform(-1, 1, (count, 2)),
        brightness=random.uniform(*settings.brightness, count),
        contrast=random.uniform(*settings.contrast, count),
        saturation=random.uniform(*settings.saturation, count),
    )


def augment(images: Images, rows: NDArray[np.int64], draws: Draws, side: int | None = None) -> Images:
    """Pictures varied as drawn; borders repeat the nearest pixel.

    Args:
        images: (B, S, S, 3) RGB bytes.
        rows: (B,) of these pictures in the set.
        draws: of the whole set.
        side: of the result, in pixels; S unless given. The same places at another scale: linear, from the four nearest
            pixels, so less than half of S leaves some out.
    """
    side = side or images.shape[1]
    varied = np.empty((len(images), side, side, 3), np.uint8)
    for i, row in enumerate(rows):
        moved = np.empty((side, side, 3), np.uint8)
        cv2.warpAffine(
            images[i], _affine(draws, row, images.shape[1], side), (side, side), dst=moved,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        varied[i] = cv2.transform(moved, _colour(draws, row, moved))
    return varied


def side_to_crop_from(settings: AugmentationSettings, side: int, available: int) -> int:
    """Side of the pictures that crops of a given side are taken from, in pixels.

    The mean crop is then as sharp as a whole picture. Never more than there is, never less than the crop.
    """
    wanted = round(side / math.sqrt(sum(settings.zoom) / 2))
    return max(side, min(wanted, available))


def augmented(pictures: Images, settings: AugmentationSettings, seed: int) -> Images:
    """Each of some pictures once as training might see it, to be looked at."""
    return augment(pictures, np.arange(len(pictures)), draw(settings, len(pictures), seed, epoch=0))


def cutmix(
    images: Images, targets: NDArray[np.float32], random: np.random.Generator
) -> tuple[Images, NDArray[np.float32]]:
    """Each picture of a batch with a square of another one, and its target likewise by the square's share of the area.

    S. Yun et al., "CutMix: Regularization strategy to train strong classifiers" (ICCV 2019), with one square for all.

    Args:
        images: (B, S, S, 3) RGB bytes.
        targets: (B, K) shares of the classes.
        random: where draws come from: the area is even from nothing to all, the place even within the picture.
    """
    side = images.shape[1]
    edge = int(side * np.sqrt(random.random()))
    top, left = random.integers(0, side - edge + 1, 2)
    others = random.permutation(len(images))
    pasted = images.copy()
    pasted[:, top : top + edge, left : left + edge] = images[others, top : top + edge, left : left + edge]
    share = np.float32((edge / side) ** 2)
    return pasted, (1 - share) * targets + share * targets[others]


def _affine(draws: Draws, row: np.int64, side: int, result_side: int) -> NDArray[np.float64]:
    """(2, 3), from a pixel of the result to where it is taken: zoom, rotation and mirror about the centre, shift."""
    angle = np.deg2rad(draws.angle[row])
    scale = np.sqrt(draws.area[row])
    mirror = -1.0 if draws.flip[row] else 1.0
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn[:, 0] *= mirror
    centre = np.full(2, (side - 1) / 2)
    room = (1 - scale) * centre  # how far a smaller window may move without leaving the picture
    offset = centre - turn @ centre + draws.shift[row] * room
    # Pixels are areas: the outer edges of both pictures fall together, not the centres of their outer pixels.
    step = side / result_side
    offset += turn @ np.full(2, (step - 1) / 2)
    return np.column_stack([turn * step, offset])


def _colour(draws: Draws, row: np.int64, image: Images) -> NDArray[np.float64]:
    """(3, 4), from the channels of a pixel (and 1) to new ones: saturation, contrast about the mean, brightness."""
    saturation, contrast, brightness = draws.saturation[row], draws.contrast[row], draws.brightness[row]
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(_GREY, (3, 1))
    mean = 0.0 if contrast == 1 else mix @ np.asarray(cv2.mean(image)[:3])
    offset = np.broadcast_to((1 - contrast) * mean * brightness, 3)
    return np.column_stack([contrast * brightness * mix, offset])
