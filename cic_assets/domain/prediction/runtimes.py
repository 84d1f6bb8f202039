"""What computes a model's answers: onnxruntime, or Keras where a model was never exported."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models import FULL, Card, load_exported, load_model, load_quantized, read_card, require_keras

OnKeras = Callable[[str], None]
"""Told why Keras has to be loaded, for seconds, before it is."""

_TRACED_FROM = 5
"""Pictures from which compiling the model first is worth its seconds. MobileNetV2 on two busy cores: the first answer
took 3.2 s compiled and 1.1 s plain, every further one 0.03 s and 0.6 s."""


class Runtime(Protocol):
    """A loaded model.

    Attributes:
        is_for_threads: several threads may ask it at once.
        has_activation_map: it can say what each place of a picture says.
        has_embedding: it can say what its last layer sees.
    """

    is_for_threads: bool
    has_activation_map: bool
    has_embedding: bool

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.floating]:
        """Class probabilities (N, K) of pictures (N, side, side, 3), RGB bytes at the side that the model takes."""

    def probabilities_and_embeddings(
        self, pictures: NDArray[np.uint8]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """The same, and what the last dense layer sees (N, F)."""

    def activation_map(self, pictures: NDArray[np.uint8]) -> NDArray[np.floating]:
        """What each place of pictures says for each class, (N, rows, columns, K), before the softmax."""

    def warm_up(self, pictures: NDArray[np.uint8]) -> None:
        """Do on some pictures what would keep the next ones waiting."""


class KerasRuntime:
    """A keras.Model."""

    is_for_threads = False
    has_activation_map = False
    has_embedding = False

    def __init__(self, model: Any) -> None:
        self._model = model
        self._is_traced = False

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.floating]:
        """As of `Runtime`."""
        # Never `predict`: it builds a data pipeline each time, most of a second for a single picture.
        self._is_traced = self._is_traced or len(pictures) >= _TRACED_FROM
        if self._is_traced:
            return np.asarray(self._model.predict_on_batch(pictures))
        return np.asarray(self._model(pictures, training=False))

    def probabilities_and_embeddings(
        self, pictures: NDArray[np.uint8]
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """As of `Runtime`; exported models have them."""
        raise NotImplementedError

    def activation_map(self, pictures: NDArray[np.uint8]) -> NDArray[np.floating]:
        """As of `Runtime`; exported models have one."""
        raise NotImplementedError

    def warm_up(self, pictures: NDArray[np.uint8]) -> None:
        """Compile the model, for a few seconds, so that every further picture takes a fraction of its time."""
        self._is_traced = True
        self.probabilities(pictures)


def load_runtime(
    folder: UPath, on_keras: OnKeras, threads: int | None = None, precision: str = FULL
) -> tuple[Runtime, Card]:
    """The model in a folder, exported if it was, and its card.

    Args:
        folder: of the model.
        on_keras: told why Keras is loaded, before it is.
        threads: that work on one picture; all cores unless given. Keras decides by itself.
        precision: `FULL`, or one of `PRECISIONS`.

    Raises:
        FileNotFoundError: there is no such model, or not in this precision.
        CardMismatchError: a file is not the one that its card describes.
        TrainingUnavailableError: it takes Keras, which is not installed.
    """
    if precision != FULL:
        return load_quantized(folder, precision, threads)
    name, why = read_card(folder).name, "it was trained before models were exported"
    try:
        if exported := load_exported(folder, threads):
            return exported
    except FileNotFoundError as error:
        why = str(error)
    require_keras(f"{name} ({why})")
    on_keras(f"{name}: loading Keras, which takes seconds ({why}): train again to do without")
    model, card = load_model(folder)
    return KerasRuntime(model), card
