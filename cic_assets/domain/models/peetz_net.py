"""Peetz Net: two stacks of convolutions side by side, one from wide kernels to narrow, the other from narrow to wide.

A. Peetz, *Custom Image Classifier Tools* (2023). The text gives the second stack kernels of 3, 4 and 5; its notebook
ran 3, 4, 3. We build what is described.

Input: (side, side, 3) RGB bytes; 416 million parameters at 224 pixels and width 1.

`modern` has 1.1 million: two convolutions, the first with a stride, before both stacks, normalisation, and the mean
over all places of each stack in place of Flatten, so that it takes pictures of any side.
"""

import keras  # noqa: TID253 - this module is imported only where a network is built

from cic_assets.domain.models.layers import (
    image_input,
    modern_block,
    modern_head,
    normalised,
    original_block,
    original_head,
    scaled,
    symmetric_range,
    unit_range,
)
from cic_assets.domain.models.settings import ModelSettings

FILTERS = (64, 128, 256)
KERNELS = {"wide": (5, 4, 3), "narrow": (3, 4, 5)}
"""Kernel sizes of the blocks of each stack."""
DENSE_UNITS = 1024
DROPOUT = 0.2

STEM_FILTERS = 32
STEM_KERNELS = (4, 3)
MODERN_FILTERS = (32, 64, 128)
MODERN_DROPOUT = 0.2


def original(settings: ModelSettings, classes: int) -> keras.Model:
    """The network as its author describes it.

    Args:
        settings: `input_size` and `width` count.
        classes: number of classes, at least 2.

    Returns:
        A model from (N, side, side, 3) bytes to (N, classes) logits.
    """
    image = image_input(settings.input_size)
    x = unit_range(image)
    stacks = [_stack(x, name, kernels, settings.width) for name, kernels in KERNELS.items()]
    x = keras.layers.Concatenate(name="both_stacks")(stacks)
    x = keras.layers.Flatten(name="flatten")(x)
    x = keras.layers.Dropout(DROPOUT, name="flatten_dropout")(x)
    return keras.Model(image, original_head(x, scaled(DENSE_UNITS, settings.width), DROPOUT, classes), name="peetz_net")


def _stack(x: keras.KerasTensor, name: str, kernels: tuple[int, ...], width: float) -> keras.KerasTensor:
    for block, (filters, kernel) in enumerate(zip(FILTERS, kernels, strict=True), start=1):
        x = original_block(x, scaled(filters, width), kernel, DROPOUT, f"{name}{block}")
    return x


def modern(settings: ModelSettings, classes: int, side: int | None) -> keras.Model:
    """The same idea with what came after.

    Args:
        settings: `width` counts.
        classes: number of classes, at least 2.
        side: of the pictures; None takes any.

    Returns:
        A model from (N, side, side, 3) bytes to (N, classes) logits.
    """
    image = image_input(side)
    x, filters = symmetric_range(image), scaled(STEM_FILTERS, settings.width)
    for i, (kernel, stride) in enumerate(zip(STEM_KERNELS, (2, 1), strict=True), start=1):
        x = normalised(x, filters, kernel, f"stem{i}", stride=stride)
    stacks = [_modern_stack(x, name, kernels, settings.width) for name, kernels in KERNELS.items()]
    x = keras.layers.Concatenate(name="both_stacks")(stacks)
    return keras.Model(image, modern_head(x, MODERN_DROPOUT, classes), name="peetz_net")


def _modern_stack(x: keras.KerasTensor, name: str, kernels: tuple[int, ...], width: float) -> keras.KerasTensor:
    for block, (filters, kernel) in enumerate(zip(MODERN_FILTERS, kernels, strict=True), start=1):
        x = keras.layers.MaxPooling2D(2, name=f"{name}{block}_pool")(x)
        x = modern_block(x, scaled(filters, width), kernel, f"{name}{block}")
    return keras.layers.GlobalAveragePooling2D(name=f"{name}_mean")(x)
