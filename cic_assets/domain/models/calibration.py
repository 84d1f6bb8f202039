"""What a model's probabilities are worth: put right by a temperature, and as sets of classes that hold the truth.

Both are set by the validation pictures, kept in the card, and computed in plain numpy wherever the model is asked.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cic_assets.domain.models.data import TrainingData

LEVELS: Mapping[str, float] = {"90": 0.90, "95": 0.95}
"""How often a set of plausible classes is to hold the truth, by its name."""

_TEMPERATURES = 0.05, 20.0
_TINY = float(np.finfo(np.float32).tiny)  # below which a model in 32 bits says 0

Floats = NDArray[np.float64]


class Calibration(BaseModel):
    """How to take a model at its word; see `fit_calibration`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(description="that logits are divided by: above 1 where the model is too sure")
    largest_doubts: dict[str, float] = Field(
        description="by level in %: a class is plausible while what all others get together is at most this"
    )
    pictures: int = Field(description="validation pictures that it was set by")
    units: int = Field(description="of pictures that belong together")
    loss: float | None = Field(
        default=None, description="cross-entropy of theirs put right; None in cards of before it was noted"
    )

    def calibrated(self, probabilities: NDArray[Any]) -> Floats:
        """Probabilities (N, K) put right; which class is the most probable stays."""
        logits = np.log(np.maximum(np.asarray(probabilities, np.float64), _TINY)) / self.temperature
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))

    def plausible(self, calibrated: Floats) -> dict[str, NDArray[np.bool_]]:
        """By level: which classes (N, K) are plausible, from probabilities that `calibrated` gave.

        There may be none: then the model is less sure than it was of all but a few validation pictures.
        """
        doubts = doubts_of(calibrated)
        return {level: doubts <= largest for level, largest in self.largest_doubts.items()}


def calibrate(data: TrainingData, outputs: Floats) -> Calibration:
    """`fit_calibration` by what a model says of the validation pictures (N, K)."""
    return fit_calibration(outputs, data.rows_of("validation")["label"].to_numpy(), data.units_of("validation"))


def doubts_of(probabilities: Floats) -> Floats:
    """(N, K): what all other classes get together. Finer than 1 - p where a class gets nearly all."""
    others = np.ones((probabilities.shape[1],) * 2) - np.eye(probabilities.shape[1])
    return np.asarray(probabilities @ others)


def fit_calibration(probabilities: NDArray[Any], labels: NDArray[np.integer], units: NDArray[Any]) -> Calibration:
    """Set temperature and sets of plausible classes by pictures that the model has not learned from.

    The temperature is that of the lowest log-loss (C. Guo et al., "On calibration of modern neural networks", ICML
    2017), the right class being given a little less than all, by J. Platt's rule of 1999: where hardly a picture is
    wrong, the loss alone would make the model surer and surer.

    The sets are split conformal ones, of classes whose doubt is at most a quantile of that of the right classes (V.
    Vovk et al., 2005; M. Sadinle et al., "Least ambiguous set-valued classifiers with bounded error levels", JASA 114,
    2019). Each unit counts as one, however many pictures it has (R. Dunn et al., "Distribution-free prediction sets for
    two-layer hierarchical models", JASA 118, 2023). With fewer units than the level needs every class is plausible. A
    library would bring more than these lines, and the predictor is to load none.

    Args:
        probabilities: (N, K).
        labels: (N,), of the right classes.
        units: (N,), names or numbers of what each picture is in.
    """
    from scipy.optimize import minimize_scalar

    names, which = np.unique(np.asarray(units), return_inverse=True)
    rows, spared = np.arange(len(labels)), 1 / (len(names) + 2)

    def at(temperature: float) -> Calibration:
        return Calibration(temperature=temperature, largest_doubts={}, pictures=len(labels), units=len(names))

    def loss(logarithm: float) -> float:
        logs = np.log(np.maximum(at(math.exp(logarithm)).calibrated(probabilities), _TINY))
        others = (logs.sum(axis=1) - logs[rows, labels]) / (logs.shape[1] - 1)
        return -float(((1 - spared) * logs[rows, labels] + spared * others).mean())

    low, high = map(math.log, _TEMPERATURES)
    found = at(math.exp(float(minimize_scalar(loss, bounds=(low, high), method="bounded").x)))
    calibrated = found.calibrated(probabilities)
    doubts = doubts_of(calibrated)[rows, labels]
    weights = 1 / np.bincount(which)[which] / len(names)
    limits = {name: quantile(doubts, weights, level * (1 + 1 / len(names))) for name, level in LEVELS.items()}
    loss_of_right = -float(np.log(np.maximum(calibrated[rows, labels], _TINY)).mean())
    return found.model_copy(update={"largest_doubts": limits, "loss": loss_of_right})


def quantile(values: Floats, weights: Floats, share: float) -> float:
    """The smallest value that at least this share of the weight, 1 in all, is not above; 1 where there is none."""
    order = np.argsort(values)
    place = int(np.searchsorted(np.cumsum(weights[order]), share - 1e-9))
    return float(values[order][place]) if place < len(values) else 1.0
