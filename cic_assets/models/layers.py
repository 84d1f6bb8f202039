"""What the three networks share: their input and the original's dense head. Imported only where a network is built."""

import keras  # noqa: TID253 - this module is imported only where a network is built


def image_input(side: int) -> keras.KerasTensor:
    """Pictures as they are kept: (side, side, 3) RGB bytes, 0 to 255."""
    return keras.Input((side, side, 3), dtype="uint8", name="image")


def unit_range(images: keras.KerasTensor) -> keras.KerasTensor:
    """Bytes to 0..1, the range that the original's networks from scratch were fed."""
    return keras.layers.Rescaling(1 / 255, name="unit_range")(images)


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
    """Two dense layers (ReLU) with dropout, then the probabilities of the classes: (F,) to (classes,)."""
    for i in (1, 2):
        x = keras.layers.Dense(units, activation="relu", name=f"dense{i}")(x)
        x = keras.layers.Dropout(dropout, name=f"dense{i}_dropout")(x)
    return probabilities(x, classes)


def probabilities(x: keras.KerasTensor, classes: int) -> keras.KerasTensor:
    """The last layer: one probability a class, in 32 bits also where the rest computes in 16."""
    return keras.layers.Dense(classes, activation="softmax", dtype="float32", name="probabilities")(x)
