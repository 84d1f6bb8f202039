"""VGG: one stack of convolutions with kernels of one size.

After K. Simonyan and A. Zisserman, "Very deep convolutional networks for large-scale image recognition" (ICLR 2015), in
the small form of the original project: three blocks, kernels of 4 by 4. Input: (side, side, 3) RGB bytes; 209 million
parameters at 224 pixels and width 1, of which the first dense layer after Flatten has 206.
"""

import keras  # noqa: TID253 - this module is imported only where a network is built

from cic_assets.models.layers import image_input, original_block, original_head, scaled, unit_range
from cic_assets.models.settings import ModelSettings

FILTERS = (64, 128, 256)
KERNEL = 4
DENSE_UNITS = 1024
DROPOUT = 0.1


def original(settings: ModelSettings, classes: int) -> keras.Model:
    """The notebook's network.

    Args:
        settings: `input_size` and `width` count.
        classes: number of classes, at least 2.

    Returns:
        A model from (N, side, side, 3) bytes to (N, classes) probabilities.
    """
    image = image_input(settings.input_size)
    x = unit_range(image)
    for block, filters in enumerate(FILTERS, start=1):
        x = original_block(x, scaled(filters, settings.width), KERNEL, DROPOUT, f"block{block}")
    x = keras.layers.Flatten(name="flatten")(x)
    return keras.Model(image, original_head(x, scaled(DENSE_UNITS, settings.width), DROPOUT, classes), name="vgg")
