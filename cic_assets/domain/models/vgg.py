"""VGG: one stack of convolutions with kernels of one size.

After K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image recognition" (ICLR 2015), in
the small form of the original project: three blocks, kernels of 4 by 4. Input: (side, side, 3) RGB bytes; 209 million
parameters at 224 pixels and width 1, of which the first dense layer after Flatten has 206.

`modern` has 1.2 million: kernels of 3 by 3 as in the paper, behind a first one of 4 by 4 with a stride; a fourth block;
normalisation; and the mean over all places in place of Flatten, so that it takes pictures of any side.
"""

import keras  # noqa: TID253 - this module is imported only where a network is built

from cic_assets.domain.models.layers import (
    image_input,
    modern_block,
    modern_head,
    original_block,
    original_head,
    scaled,
    symmetric_range,
    unit_range,
)
from cic_assets.domain.models.settings import ModelSettings

FILTERS = (64, 128, 256)
KERNEL = 4
DENSE_UNITS = 1024
DROPOUT = 0.1

MODERN_FILTERS = (32, 64, 128, 256)
MODERN_KERNELS = (4, 3, 3, 3)
MODERN_DROPOUT = 0.2


def original(settings: ModelSettings, classes: int) -> keras.Model:
    """The notebook's network.

    Args:
        settings: `input_size` and `width` count.
        classes: number of classes, at least 2.

    Returns:
        A model from (N, side, side, 3) bytes to (N, classes) logits.
    """
    image = image_input(settings.input_size)
    x = unit_range(image)
    for block, filters in enumerate(FILTERS, start=1):
        x = original_block(x, scaled(filters, settings.width), KERNEL, DROPOUT, f"block{block}")
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(image, original_head(x, scaled(DENSE_UNITS, settings.width), DROPOUT, classes), name="vgg")


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
    x = symmetric_range(image)
    for block, (filters, kernel) in enumerate(zip(MODERN_FILTERS, MODERN_KERNELS, strict=True), start=1):
        if block > 1:
            x = keras.layers.MaxPooling2D(2, name=f"pool{block - 1}")(x)
        x = modern_block(x, scaled(filters, settings.width), kernel, f"block{block}", stride=2 if block == 1 else 1)
    x = keras.layers.GlobalAveragePooling2D(name="mean")(x)
    return keras.Model(image, modern_head(x, MODERN_DROPOUT, classes), name="vgg")
