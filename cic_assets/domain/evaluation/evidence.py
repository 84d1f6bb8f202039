"""Where in a picture a model sees what it says: its class activation map, drawn over the picture.

The models themselves are asked, exported ones: a report is made without TensorFlow, and shows nothing of this for a
model that was never exported, or that averages nothing.
"""

from collections.abc import Mapping
from functools import cached_property

import cv2
import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.images import Rgb
from cic_assets.domain.models import Card, ExportedModel, ModelError, fit_to_side, load_exported

COLOUR = (255, 60, 0)
OPACITY = 160 / 255
"""Of the place that speaks most; as the predictor's page draws it."""


class Evidence:
    """The models of a report, each loaded when it is asked first."""

    def __init__(self, folders: Mapping[str, UPath]) -> None:
        """Take the folders of the models, by their names."""
        self._models = {name: _Model(folder) for name, folder in folders.items()}

    def drawn_over(self, name: str, picture: Rgb, klass: str) -> Rgb | None:
        """A picture of the data set, with what speaks for a class coloured; None where the model cannot tell."""
        model = self._models.get(name)
        if model is None or model.loaded is None:
            return None
        exported, card = model.loaded
        fitted = fit_to_side(picture[None], card.preprocessing.input_size)
        evidence = exported.activation_map(fitted)[0].astype(np.float64)
        return _coloured(picture, speaking_for(evidence, card.labels.index(klass)))


class _Model:
    def __init__(self, folder: UPath) -> None:
        self._folder = folder

    @cached_property
    def loaded(self) -> tuple[ExportedModel, Card] | None:
        try:
            found = load_exported(self._folder)
        except (FileNotFoundError, ModelError):
            return None
        return found if found and found[0].has_activation_map else None


def speaking_for(evidence: NDArray[np.float64], klass: int) -> NDArray[np.float64]:
    """(rows, columns), 0 to 1: what each place says for a class over what it says for the others on average.

    Args:
        evidence: (rows, columns, K), before the softmax.
        klass: the number of the class.
    """
    others = np.delete(evidence, klass, axis=2).mean(axis=2)
    over = np.maximum(evidence[:, :, klass] - others, 0)
    return np.asarray(over / max(float(over.max()), 1e-9))


def _coloured(picture: Rgb, strength: NDArray[np.float64]) -> Rgb:
    size = picture.shape[1], picture.shape[0]
    smooth = np.clip(cv2.resize(strength, size, interpolation=cv2.INTER_LINEAR), 0, 1)[:, :, None] * OPACITY
    return np.asarray(np.round((1 - smooth) * picture + smooth * np.array(COLOUR)), np.uint8)
