"""Models to predict with: a real Keras one on disk, and a quick one whose answers are known beforehand."""

import warnings

import cv2
import numpy as np
import pytest
from upath import UPath

from cic_assets.models.card import file_sha256
from cic_assets.prediction import Predictor
from cic_assets.storage import DataRoot, write_json

SIDE = 36


class Brightness:
    """A network without training: the mean of a picture is the probability of "bright"."""

    def __init__(self):
        self.batches = []

    def __call__(self, pictures, training):
        return self.predict_on_batch(pictures)

    def predict_on_batch(self, pictures):
        assert pictures.shape[1:] == (32, 32, 3)
        self.batches.append(len(pictures))
        bright = pictures.mean(axis=(1, 2, 3)) / 255
        return np.stack([1 - bright, bright], axis=1).astype(np.float32)


@pytest.fixture
def predictor(make_card):
    return Predictor(Brightness(), make_card(side=SIDE))


@pytest.fixture(scope="session")
def grey():
    """Makes a PNG of one grey level."""

    def make(level, width=64, height=48):
        return cv2.imencode(".png", np.full((height, width, 3), level, np.uint8))[1].tobytes()

    return make


@pytest.fixture
def make_predictor(make_card):
    """Makes predictors whose answer is the brightness of a picture."""
    return lambda **card: Predictor(Brightness(), make_card(side=SIDE, **card))


@pytest.fixture(scope="session")
def keras_root(tmp_path_factory, make_card):
    """A data root with two real models that say the same, with different validation accuracies."""
    import keras

    root = DataRoot(str(tmp_path_factory.mktemp("root")))
    model = keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Rescaling(1 / 255),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.layers[-1].set_weights([np.array([[-4, 4]] * 3, np.float32), np.array([6, -6], np.float32)])
    for name, accuracy in (("peetz_net", 0.75), ("vgg", 0.9)):
        folder = root.model(name)
        folder.mkdir(parents=True)
        with warnings.catch_warnings():
            # Keras' TensorFlow variables do not know NumPy 2's copy keyword yet.
            warnings.filterwarnings("ignore", message="__array__ implementation", category=DeprecationWarning)
            model.save(str(folder / "model.keras"))
        card = make_card(name, side=SIDE, accuracy=accuracy, sha256=file_sha256(UPath(folder / "model.keras")))
        write_json(folder / "card.json", card.model_dump(mode="json"))
    return root
