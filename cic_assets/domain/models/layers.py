"""What the three networks share: input, the blocks and heads of each variant. Imported only where a network is built.

Networks end in logits: one number a class, of which `networks` makes probabilities.
"""

import keras  # noqa: TID253 - this module is imported only where a network is built


def image_input(side: int | None) -> keras.KerasTensor:
    """Pictures as they are kept: (side, side, 3) RGB bytes, 0 to 255; None takes any side."""
    return keras.Input((side, side, 3), dtype="uint8", name="image")


def unit_range(images: keras.KerasTensor) -> keras.KerasTensor:
    """Bytes to 0..1, the range that the original's networks from scratch were fed."""
    return keras.layers.Rescaling(1 / 255, name="unit_range")(images)


def symmetric_range(images: keras.KerasTensor) -> keras.KerasTensor:
    """Bytes to -1..1, the range that Xception was pretrained on."""
    return keras.layers.Rescaling(1 / 127.5, offset=-1, name="symmetric_range")(images)


def scaled(size: int, width: float) -> int:
    """A number of filters or units at a width, at least 1."""
    return max(1, round(size * width))


def original_block(x: keras.KerasTensor, filters: int, kernel: int, dropout: float, name: str) -> keras.KerasTensor:
    """Two convolutions (same padding, ReLU), pooled by 2, with dropout: (H, W, C) to (H // 2, W // 2, filters)."""
    for i in (1, 2):
        x = keras.layers.Conv2D(filters, kernel, padding="same", activation="relu", name=f"{name}_conv{i}")(x)
    x = keras.layers.MaxPooling2D(2, name=f"{name}_pool")(x)
    return keras.layers.Dropout(dropout, name=f"{name}_dropout")(x)


def original_head(x: keras.KerasTensor, units: int, dropout: float, classes: int) -> keras.KerasTensor:
    """Two dense layers (ReLU) with dropout, then the logits of the classes: (F,) to (classes,)."""
    for i in (1, 2):
        x = keras.layers.Dense(units, activation="relu", name=f"dense{i}")(x)
        x = keras.layers.Dropout(dropout, name=f"dense{i}_dropout")(x)
    return logits(x, classes)


def modern_block(x: keras.KerasTensor, filters: int, kernel: int, name: str, *, stride: int = 1) -> keras.KerasTensor:
    """Two normalised convolutions (same padding, ReLU): (H, W, C) to (H // stride, W // stride, filters).

    The first has the stride: at full size it would cost more than all others together.
    """
    for i, step in ((1, stride), (2, 1)):
        x = normalised(x, filters, kernel, f"{name}_conv{i}", stride=step)
    return x


def normalised(x: keras.KerasTensor, filters: int, kernel: int, name: str, *, stride: int = 1) -> keras.KerasTensor:
    """A convolution whose outputs are normalised over the batch before ReLU; He's initial weights, made for ReLU.

    S. Ioffe and C. Szegedy, "Batch normalization" (ICML 2015); K. He et al., "Delving deep into rectifiers" (2015).
    A momentum of 0.9 follows the weights of the last epochs in trainings of some thousand steps; Keras' 0.99 would not.
    """
    x = keras.layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, kernel_initializer="he_normal", name=name
    )(x)
    x = keras.layers.BatchNormalization(momentum=0.9, name=f"{name}_bn")(x)
    return keras.layers.ReLU(name=f"{name}_relu")(x)


def modern_head(x: keras.KerasTensor, dropout: float, classes: int) -> keras.KerasTensor:
    """Dropout and the logits, on pooled features: (F,) to (classes,)."""
    return logits(keras.layers.Dropout(dropout, name="head_dropout")(x), classes)


def logits(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """The last layer with weights: one number a class, in 32 bits also where the rest computes in 16."""
    return keras.layers.Dense(classes, dtype="float32", name="logits")(x)
