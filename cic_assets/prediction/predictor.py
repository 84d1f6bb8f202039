"""The predictor: a trained model and the one preprocessing that it was trained with, on pictures from anywhere."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cic_assets.images import ImageLimits, UnreadableImage, inspect, prepare
from cic_assets.media import Outcome
from cic_assets.models import Card, ModelError, fit_to_side, load_model, read_card
from cic_assets.prediction.inputs import Input, read_inputs
from cic_assets.storage import DataRoot

BATCH = 32
"""Pictures that a model sees at once: a folder of thousands stays in bounded memory."""

SMALLEST_SIDE = 16
"""Pixels of the shorter side. Scraping asks for more, to train on good pictures; a person may ask about a thumbnail."""


class PredictionError(ValueError):
    """Nothing can be predicted; the message says what to do."""


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture, or why it says nothing.

    Attributes:
        path: as it was given, or found in a folder that was given.
        model: name of the model.
        label: the most probable class; None where the picture could not be read.
        probability: of `label`, 0 to 1.
        probabilities: of every class; they add up to 1.
        error: why there is no label.
    """

    path: str
    model: str
    label: str | None = None
    probability: float | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    error: str | None = None

    def row(self) -> dict[str, Any]:
        """As one row of a table or one JSON object."""
        row = {"path": self.path, "label": self.label, "probability": self.probability}
        return row | {"probabilities": self.probabilities, "model": self.model, "error": self.error}


class Predictor:
    """A loaded model. Not to be shared between threads."""

    def __init__(self, model: Any, card: Card) -> None:
        self._model = model
        self.card = card

    def predict(self, sources: Sequence[str]) -> list[Prediction]:
        """Classify pictures.

        Args:
            sources: files, folders (searched recursively) and http(s) URLs.

        Returns:
            One prediction a picture, in order; one that cannot be read has an `error` and does not stop the others.
        """
        return [prediction for batch in _batches(read_inputs(sources)) for prediction in self._predict_batch(batch)]

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Class probabilities (N, K) of prepared pictures (N, side, side, 3), RGB bytes; `side` is the card's."""
        fitted = fit_to_side(pictures, self.card.preprocessing.input_size)
        # A call, not `predict`: that builds a data pipeline each time, most of a second for a single picture.
        return np.asarray(self._model(fitted, training=False), np.float64)

    def _predict_batch(self, batch: Sequence[Input]) -> Iterator[Prediction]:
        prepared = [self._prepare(item) for item in batch]
        pictures = [picture for picture in prepared if not isinstance(picture, str)]
        rows = iter(self.probabilities(np.stack(pictures)) if pictures else ())
        for item, picture in zip(batch, prepared, strict=True):
            if isinstance(picture, str):
                yield Prediction(item.path, self.card.name, error=picture)
            else:
                yield self._say(item.path, next(rows))

    def _prepare(self, item: Input) -> NDArray[np.uint8] | str:
        """The picture as the model was trained on such, or why there is none."""
        if item.data is None:
            return item.error or "could not be read"
        inspection = inspect(item.data, ImageLimits(min_side=SMALLEST_SIDE))
        if inspection.outcome is not Outcome.OK:
            return f"{inspection.outcome}: {inspection.reason}"
        try:
            return prepare(item.data, self.card.preprocessing.side)
        except UnreadableImage as error:
            return str(error)

    def _say(self, path: str, probabilities: NDArray[np.float64]) -> Prediction:
        by_class = dict(zip(self.card.labels, map(float, probabilities), strict=True))
        label = max(by_class, key=by_class.__getitem__)
        return Prediction(path, self.card.name, label, by_class[label], by_class)


def load_predictor(root: DataRoot, name: str | None = None) -> Predictor:
    """The predictor of a data root.

    Args:
        root: where models were trained.
        name: which model; the best on the validation split unless given (never the test split: the report's number
            for the best model would be too good).

    Raises:
        PredictionError: there is no such model, or its file is not the one that its card describes.
    """
    cards = _cards(root)
    if not cards:
        raise PredictionError(f"no trained model in {root.url}: train one first, with `cic run` or `cic demo`")
    if name is not None and name not in cards:
        raise PredictionError(f"no model {name!r} in {root.url}: expected one of {', '.join(sorted(cards))}")
    chosen = name or best_model(cards.values())
    try:
        model, card = load_model(root.model(chosen))
    except (ModelError, FileNotFoundError) as error:
        raise PredictionError(str(error)) from None
    return Predictor(model, card)


def best_model(cards: Iterable[Card]) -> str:
    """The name of the model with the best validation accuracy; of equals the one with the lower validation loss.

    A model whose pretrained weights were missing comes last: it was only ever a demonstration.
    """

    def merit(card: Card) -> tuple[bool, float, float, str]:
        validation = card.scores["validation"]
        return not card.random_weights, validation.accuracy, -validation.loss, card.name

    return max(cards, key=merit).name


def _cards(root: DataRoot) -> dict[str, Card]:
    folder = root.path / "models"
    if not folder.exists():
        return {}
    try:
        return {path.name: read_card(path) for path in sorted(folder.iterdir()) if (path / "card.json").exists()}
    except ModelError as error:
        raise PredictionError(str(error)) from None


def _batches(items: Iterable[Input]) -> Iterator[list[Input]]:
    iterator = iter(items)
    while batch := list(islice(iterator, BATCH)):
        yield batch
