"""Formats that Keras writes by way of TensorFlow; each is asked about some pictures before it is given away."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.errors import ExportError
from cic_assets.domain.models.export import check_parity, golden_pictures
from cic_assets.domain.models.formats.outgoing import OutgoingModel

SAVED_MODEL_FOLDER = "1"
"""TensorFlow Serving wants a number: a version."""
LITERT_FILE = "model.tflite"


@dataclass(frozen=True, slots=True)
class _Written:
    """What was written, loaded again."""

    probabilities: Callable[[NDArray[np.uint8]], NDArray[np.float32]]


def write_saved_model(model: OutgoingModel, folder: Path) -> None:
    """`1/saved_model.pb` and what it refers to.

    Raises:
        ModelError: of a model that cannot be loaded, or that says something else as it was written.
    """
    path = str(folder / SAVED_MODEL_FOLDER)
    keras_model = _loaded(model)
    keras_model.export(path, format="tf_saved_model", verbose=False)
    import tensorflow as tf

    written = tf.saved_model.load(path)
    _compare(model, keras_model, lambda pictures: written.serve(pictures).numpy())


def write_litert(model: OutgoingModel, folder: Path) -> None:
    """`model.tflite`.

    Raises:
        ModelError: as of `write_saved_model`.
    """
    path = str(folder / LITERT_FILE)
    keras_model = _loaded(model)
    keras_model.export(path, format="litert", verbose=False)
    import tensorflow as tf

    with warnings.catch_warnings():
        # It is to move to a package of its own, and is here as long as the converter is.
        warnings.filterwarnings("ignore", r"\s*Warning: tf\.lite\.Interpreter is deprecated")
        ask = tf.lite.Interpreter(path).get_signature_runner()
    _compare(model, keras_model, lambda pictures: ask(image=pictures)["output_0"])


def _loaded(model: OutgoingModel) -> Any:
    import keras

    if (backend := keras.backend.backend()) != "tensorflow":
        raise ExportError(f"Keras writes this format with TensorFlow alone, and has {backend}: unset KERAS_BACKEND")
    return model.keras_model()


def _compare(model: OutgoingModel, keras_model: Any, ask: Callable[[NDArray[np.uint8]], NDArray[np.float32]]) -> None:
    check_parity(keras_model, _Written(ask), golden_pictures(model.card.preprocessing.input_size))
