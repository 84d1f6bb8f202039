"""The predictor: a trained model and the one preprocessing that it was trained with, on pictures from anywhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, compress, islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.images import ImageLimits, UnreadableImage, decode, inspect, prepare, prepared_jpeg
from cic_assets.domain.media import Outcome
from cic_assets.domain.models import (
    CARD_FILE,
    FULL,
    PRECISIONS,
    Calibration,
    Card,
    ModelError,
    best_first,
    best_model,
    fit_to_side,
    read_card,
)
from cic_assets.domain.prediction.inputs import Input, Unread, find_inputs
from cic_assets.domain.prediction.runtimes import OnKeras, Runtime, load_runtime
from cic_assets.engine import Threads
from cic_assets.storage import DataRoot, read_json, storable_text

if TYPE_CHECKING:
    from cic_assets.domain.download import Network

BATCH = 32
"""Pictures that a model sees at once which is not for threads: a folder of thousands stays in bounded memory."""

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
        calibrated_probability: the same as `probability`, put right by the validation pictures: of so many such answers
            as it says, that share is right. None where the model was trained before it was kept.
        plausible: by level in %: the classes of which one is the right one at that rate, likewise. There may be none.
        error: why there is no label.
        skipped: it is no picture by its name, and was only found in a folder that was given.
        precision: of the model, such as int8.
    """

    path: str
    model: str
    label: str | None = None
    probability: float | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    calibrated_probability: float | None = None
    plausible: dict[str, list[str]] = field(default_factory=dict)
    error: str | None = None
    skipped: bool = False
    precision: str = FULL

    def row(self) -> dict[str, Any]:
        """As one JSON object; a path that is not UTF-8 is made readable."""
        return {
            "path": storable_text(self.path),
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "calibrated_probability": self.calibrated_probability,
            "plausible": self.plausible,
            "model": self.model,
            "precision": self.precision,
            "error": self.error,
        }


class Predictor:
    """A loaded model. To be shared between threads only where its runtime is."""

    def __init__(self, model: Runtime, card: Card, precision: str = FULL) -> None:
        self._model = model
        self.card = card
        self.precision = precision

    @property
    def is_for_threads(self) -> bool:
        """Whether several threads may ask it at once. They may `prepare` pictures at any rate."""
        return self._model.is_for_threads

    @property
    def has_activation_map(self) -> bool:
        """Whether `activation_map` has an answer."""
        return self._model.has_activation_map

    def predict(self, sources: Iterable[str | Input], network: "Network | None" = None) -> list[Prediction]:
        """Classify pictures.

        Args:
            sources: as of `find_inputs`.
            network: which hosts may be reached; the public internet unless given.

        Returns:
            One prediction a picture, in order; one that cannot be read has an `error` and does not stop the others.
        """
        return list(self.classify(find_inputs(sources, network)))

    def classify(self, pictures: Iterable[Unread], batch_size: int = BATCH) -> Iterator[Prediction]:
        """Classify pictures, one prediction each, in order, and so that any number may come.

        Where the model allows it, each core reads, decodes and asks for itself, and a picture that is long in coming
        holds up none before it; otherwise they go through in batches.
        """
        if self._model.is_for_threads:
            yield from Threads().map(lambda read: self.answer(read()), pictures)
            return
        for batch in _batches(pictures, batch_size):
            yield from self._answer_batch([read() for read in batch])

    def answer(self, item: Input) -> Prediction:
        """Classify one picture."""
        return next(self._answer_batch([item]))

    def warm_up(self) -> None:
        """Do beforehand what would keep the first picture waiting."""
        side = self.card.preprocessing.input_size
        self._model.warm_up(np.zeros((1, side, side, 3), np.uint8))

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Class probabilities (N, K) of prepared pictures (N, side, side, 3), RGB bytes; `side` is the card's."""
        return np.asarray(self._model.probabilities(self._fitted(pictures)), np.float64)

    def _fitted(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return fit_to_side(pictures, self.card.preprocessing.input_size)

    def _answer_batch(self, batch: Sequence[Input]) -> Iterator[Prediction]:
        prepared = [self.prepare(item) for item in batch]
        pictures = [picture for picture in prepared if not isinstance(picture, str)]
        rows = iter(self.probabilities(np.stack(pictures)) if pictures else ())
        for item, picture in zip(batch, prepared, strict=True):
            if isinstance(picture, str):
                yield Prediction(
                    item.path, self.card.name, error=picture, skipped=item.skipped, precision=self.precision
                )
            else:
                yield self.say(item.path, next(rows))

    def prepare(self, item: Input) -> NDArray[np.uint8] | str:
        """The picture to the bit as the data set holds its like, (side, side, 3) RGB bytes, or why there is none."""
        if item.data is None:
            return item.error or "could not be read"
        how = self.card.preprocessing
        try:
            inspection = inspect(item.data, ImageLimits(min_side=SMALLEST_SIDE))
            if inspection.outcome is not Outcome.OK:
                return f"{inspection.outcome}: {inspection.reason}"
            if how.jpeg_quality is None:
                return prepare(item.data, how.side)
            return decode(prepared_jpeg(item.data, how.side, how.jpeg_quality))
        except UnreadableImage as error:
            return str(error)
        except MemoryError:
            return "no memory was left to decode it"

    def activation_map(self, picture: NDArray[np.uint8]) -> NDArray[np.float64] | None:
        """What each place of a prepared picture (side, side, 3) says for each class, before the softmax.

        Returns:
            (rows, columns, K) of the last feature map; None where the model has none.
        """
        if not self.has_activation_map:
            return None
        return np.asarray(self._model.activation_map(self._fitted(picture[None]))[0], np.float64)

    def say(self, path: str, probabilities: NDArray[np.float64]) -> Prediction:
        """What the class probabilities (K,) of a picture mean."""
        by_class = dict(zip(self.card.labels, map(float, probabilities), strict=True))
        label = max(by_class, key=by_class.__getitem__)
        said = Prediction(path, self.card.name, label, by_class[label], by_class, precision=self.precision)
        return said if self.card.calibration is None else _calibrated(said, probabilities, self.card.calibration)


def _calibrated(said: Prediction, probabilities: NDArray[np.float64], calibration: Calibration) -> Prediction:
    calibrated, labels = calibration.calibrated(probabilities[None]), list(said.probabilities)
    plausible = calibration.plausible(calibrated)
    return replace(
        said,
        calibrated_probability=float(calibrated.max()),
        plausible={level: list(compress(labels, classes[0])) for level, classes in plausible.items()},
    )


def load_predictor(
    root: DataRoot,
    name: str | None = None,
    on_keras: OnKeras = lambda _why: None,
    *,
    many: bool = False,
    precision: str = FULL,
) -> Predictor:
    """The predictor of a data root.

    Args:
        root: where models were trained.
        name: which model, whatever it was trained on; unless given the best on the validation split (never the test
            split: the report's number for the best model would be too good) of those that `load_predictors` takes.
        on_keras: told why, before Keras is loaded for a model that was never exported.
        many: it will be asked about many pictures, of which each core takes one; otherwise all cores work on one.
        precision: one that it was made in; full unless given.

    Raises:
        PredictionError: there is no such model, or not in this precision, or its file is not the one that its card
            describes.
    """
    return _load(root, choose_model(root, name)[0], on_keras, many=many, precision=precision)


def predict_sources(
    root: DataRoot,
    sources: Iterable[str | Input],
    name: str | None = None,
    network: "Network | None" = None,
    on_keras: OnKeras = lambda _why: None,
    precision: str = FULL,
    *,
    as_they_come: bool = False,
) -> Iterator[Prediction]:
    """Classify pictures with a model of a data root, which is loaded when there is one to look at.

    Args:
        root: where models were trained.
        sources: as of `find_inputs`.
        name: as of `load_predictor`.
        network: which hosts may be reached; the public internet unless given.
        on_keras: as of `load_predictor`.
        precision: as of `load_predictor`.
        as_they_come: sources may be long in coming, and no answer waits for the next one of them.

    Raises:
        PredictionError: as of `load_predictor`.
    """
    chosen, pictures = choose_model(root, name)[0], find_inputs(sources, network)
    for read in pictures:
        item = read()
        if item.data is not None:
            following = [] if as_they_come else list(islice(pictures, 1))
            many = as_they_come or bool(following)
            predictor = _load(root, chosen, on_keras, many=many, precision=precision)
            batch = 1 if as_they_come else BATCH
            yield from predictor.classify(chain(find_inputs([item]), following, pictures), batch)
            return
        yield Prediction(item.path, chosen, error=item.error, skipped=item.skipped, precision=precision)


def choose_model(root: DataRoot, name: str | None = None) -> tuple[str, list[str]]:
    """The name of the model that `load_predictor` takes, and its classes.

    Raises:
        PredictionError: there is no such model.
    """
    cards = _cards(root)
    if name is not None and name not in cards:
        raise PredictionError(f"no model {name!r} in {root.url}: expected one of {', '.join(sorted(cards))}")
    chosen = name or best_model(_current(cards, root))
    return chosen, cards[chosen].labels


def load_predictors(root: DataRoot, on_keras: OnKeras = lambda _why: None, precision: str = FULL) -> list[Predictor]:
    """The predictors of all models that were trained on the data set of a data root, the best on validation first.

    Other models are of another time or question, and their accuracy is on other pictures. Where there is no data set,
    only models, all of them are taken. `on_keras` and `precision` are as of `load_predictor`.

    Raises:
        PredictionError: there is none, or one of them not in this precision, or a model's file is not the one that its
            card describes.
    """
    return [_load(root, card.name, on_keras, precision=precision) for card in best_first(_current(_cards(root), root))]


def check_models(root: DataRoot) -> None:
    """Whether `load_predictors` would find any, without loading one.

    Raises:
        PredictionError: there is none.
    """
    _current(_cards(root), root)


def _load(root: DataRoot, name: str, on_keras: OnKeras, *, many: bool = False, precision: str = FULL) -> Predictor:
    if precision not in (FULL, *PRECISIONS):
        raise PredictionError(f"precision {precision!r}: expected one of {', '.join((FULL, *PRECISIONS))}")
    try:
        return Predictor(*load_runtime(root.model(name), on_keras, 1 if many else None, precision), precision)
    except (ModelError, FileNotFoundError) as error:
        raise PredictionError(str(error)) from None


def _cards(root: DataRoot) -> dict[str, Card]:
    """The card of each model, by the name of its folder; at least one."""
    folder = root.path / "models"
    paths = sorted(folder.iterdir()) if folder.exists() else []
    try:
        cards = {path.name: read_card(path) for path in paths if (path / CARD_FILE).exists()}
    except ModelError as error:
        raise PredictionError(str(error)) from None
    if not cards:
        raise PredictionError(
            f"no trained model in {root.url}: train one first, with `cic run` or `cic demo`, or give --data-root"
        )
    return cards


def _current(cards: Mapping[str, Card], root: DataRoot) -> list[Card]:
    """The cards of models that were trained on the root's data set; at least one."""
    description = root.dataset / "dataset.json"
    if not description.exists():
        return list(cards.values())
    version = read_json(description)["version"]
    current = [card for card in cards.values() if card.data_version == version]
    if not current:
        raise PredictionError(
            f"no model in {root.url} was trained on its data set {version}: train again, with `cic run`, or name one "
            f"of {', '.join(sorted(cards))}"
        )
    return current


def _batches(pictures: Iterable[Unread], size: int) -> Iterator[list[Unread]]:
    iterator = iter(pictures)
    while batch := list(islice(iterator, size)):
        yield batch
