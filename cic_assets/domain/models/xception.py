"""Xception: Keras' network with ImageNet weights, of which only the last block is trained, under a new head.

F. Chollet, "Xception: Deep learning with depthwise separable convolutions" (CVPR 2017). Input: (side, side, 3) RGB
bytes, which the network sees in -1..1, as it was trained (the original project fed it 0..1).

`modern` has a head of 4,098 parameters for two classes where `original` has 104 million: the mean over all places, and
one dense layer. Where the head alone learns, all that is before it is frozen, and runs once for each picture. Otherwise
block 14 learns too, after the head and at a low rate, its normalisation left as it was.
"""

from collections import Counter

import keras  # noqa: TID253 - this module is imported only where a network is built

from cic_assets.domain.models.layers import image_input, modern_head, original_head, scaled, symmetric_range
from cic_assets.domain.models.settings import ModelSettings
from cic_assets.domain.models.weight_files import Arrays

TRAINED_LAYERS = 6
"""Block 14: two separable convolutions, each with its normalisation and activation. All before is frozen."""
FIRST_TRAINED = "block14_sepconv1"
DENSE_UNITS = 1024
DROPOUT = 0.5

POOLING = "mean"
MODERN_DROPOUT = 0.3


def original(settings: ModelSettings, classes: int, weights: Arrays | None) -> keras.Model:
    """The notebook's network.

    Args:
        settings: `input_size` and `width` (of the head; the convolutions are as they were pretrained) count.
        classes: number of classes, at least 2.
        weights: verified ones (see `weights.resolve_weights`); None for random ones.

    Returns:
        A model from (N, side, side, 3) bytes to (N, classes) logits.
    """
    base = pretrained(settings.input_size, weights)
    x = keras.layers.Flatten(name="flatten")(base.output)
    x = keras.layers.BatchNormalization(name="flatten_bn")(x)
    head = original_head(x, scaled(DENSE_UNITS, settings.width), DROPOUT, classes)
    return keras.Model(base.input, head, name="xception")


def modern(settings: ModelSettings, classes: int, weights: Arrays | None) -> keras.Model:
    """The same backbone under a small head.

    Args:
        settings: `input_size`, and whether the head alone learns, count.
        classes: number of classes, at least 2.
        weights: verified ones (see `weights.resolve_weights`); None for random ones.

    Returns:
        A model from (N, side, side, 3) bytes to (N, classes) logits.
    """
    base = pretrained(settings.input_size, weights)
    for layer in base.layers[-TRAINED_LAYERS:]:
        # What it knows of a million pictures is better than what it would learn of some batches of ours.
        layer.trainable = not (settings.head_alone or isinstance(layer, keras.layers.BatchNormalization))
    x = keras.layers.GlobalAveragePooling2D(name=POOLING)(base.output)
    return keras.Model(base.input, modern_head(x, MODERN_DROPOUT, classes), name="xception")


def pretrained(side: int, weights: Arrays | None) -> keras.Model:
    """The convolutions, from bytes to (side // 32, side // 32, 2048) or so, frozen up to the last `TRAINED_LAYERS`.

    Keras runs batch normalisation of a frozen layer in inference mode, also while the rest trains.
    """
    image = image_input(side)
    x = symmetric_range(image)
    # Keras' own model has a list of one input, so it would want its pictures in a list.
    base = keras.Model(image, keras.applications.Xception(include_top=False, weights=None, input_tensor=x).output)
    if weights is not None:
        _assign(base, weights)
    for layer in base.layers[:-TRAINED_LAYERS]:
        layer.trainable = False
    return base


def split(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """A model as (frozen backbone, rest), which share its layers.

    The cut is before block 14: (7, 7, 1024) at 224 pixels. Its value for a given picture never changes, so it needs to
    be computed once only.
    """
    cut = model.get_layer(FIRST_TRAINED).input
    return keras.Model(model.input, cut, name="backbone"), keras.Model(cut, model.output, name="rest")


def split_rest(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """What follows the backbone in `modern`, as (block 14 and the mean, head), which share layers with `model`."""
    cut, pooled = model.get_layer(FIRST_TRAINED).input, model.get_layer(POOLING).output
    return keras.Model(cut, pooled, name="neck"), keras.Model(pooled, model.output, name="head")


def pooled_backbone(side: int, weights: Arrays) -> keras.Model:
    """All of `modern` up to the mean over all places, for pictures of a side."""
    base = pretrained(side, weights)
    return keras.Model(base.input, keras.layers.GlobalAveragePooling2D(name=POOLING)(base.output), name="backbone")


def split_off_head(model: keras.Model) -> tuple[keras.Model, keras.Model]:
    """`modern` as (all up to the mean over all places, head), which share its layers: of a picture 2,048 numbers."""
    pooled = model.get_layer(POOLING).output
    return keras.Model(model.input, pooled, name="backbone"), keras.Model(pooled, model.output, name="rest")


def _assign(base: keras.Model, weights: Arrays) -> None:
    """Set every array by its name in Keras 3 layout: the kind of its layer, counted in the order of the layers."""
    seen: Counter[str] = Counter()
    for layer in base.layers:
        if not layer.weights:
            continue
        kind = _KINDS[type(layer)]
        folder = f"layers/{kind}" + (f"_{seen[kind]}" if seen[kind] else "")
        seen[kind] += 1
        layer.set_weights([weights[f"{folder}/vars/{i}"] for i in range(len(layer.weights))])


_KINDS = {
    keras.layers.Conv2D: "conv2d",
    keras.layers.SeparableConv2D: "separable_conv2d",
    keras.layers.BatchNormalization: "batch_normalization",
}
