"""Training pictures, varied: one affine map and one colour map each, drawn by seed, epoch and picture.

The draws of an epoch depend on nothing else, so a resumed training sees the same pictures as one that never stopped, in
whatever order and on however many threads batches are made. cv2 and numpy: one 224-pixel picture takes well under a
millisecond, where a training step takes a second on the same core.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from cic_assets.models.data import Images
from cic_assets.models.settings import AugmentationSettings

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


def augment(images: Images, rows: NDArray[np.int64], draws: Draws) -> Images:
    """Pictures (B, S, S, 3), which are the given rows of the set, varied as drawn; borders repeat the nearest pixel."""
    varied = np.empty_like(images)
    side = images.shape[1]
    for i, row in enumerate(rows):
        moved = np.empty_like(images[i])
        cv2.warpAffine(
            images[i], _affine(draws, row, side), (side, side), dst=moved,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        varied[i] = cv2.transform(moved, _colour(draws, row, moved))
    return varied


def augmented(pictures: Images, settings: AugmentationSettings, seed: int) -> Images:
    """Each of some pictures once as training might see it, to be looked at."""
    return augment(pictures, np.arange(len(pictures)), draw(settings, len(pictures), seed, epoch=0))


def _affine(draws: Draws, row: np.int64, side: int) -> NDArray[np.float64]:
    """(2, 3), from a pixel of the result to where it is taken: zoom, rotation and mirror about the centre, shift."""
    angle = np.deg2rad(draws.angle[row])
    scale = np.sqrt(draws.area[row])
    mirror = -1.0 if draws.flip[row] else 1.0
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turn[:, 0] *= mirror
    centre = np.full(2, (side - 1) / 2)
    room = (1 - scale) * centre  # how far a smaller window may move without leaving the picture
    offset = centre - turn @ centre + draws.shift[row] * room
    return np.column_stack([turn, offset])


def _colour(draws: Draws, row: np.int64, image: Images) -> NDArray[np.float64]:
    """(3, 4), from the channels of a pixel (and 1) to new ones: saturation, contrast about the mean, brightness."""
    saturation, contrast, brightness = draws.saturation[row], draws.contrast[row], draws.brightness[row]
    mix = saturation * np.eye(3) + (1 - saturation) * np.tile(_GREY, (3, 1))
    mean = 0.0 if contrast == 1 else mix @ np.asarray(cv2.mean(image)[:3])
    offset = np.broadcast_to((1 - contrast) * mean * brightness, 3)
    return np.column_stack([contrast * brightness * mix, offset])
