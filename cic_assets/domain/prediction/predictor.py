"""The predictor: a trained model and the one preprocessing that it was trained with, on pictures from anywhere."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain, compress, islice
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.images import ImageLimits, UnreadableImage, inspect, prepare, prepared_pixels
from cic_assets.domain.media import Outcome
from cic_assets.domain.models import (
    FULL,
    PRECISIONS,
    Calibration,
    Card,
    Embeddings,
    ModelError,
    Neighbours,
    Version,
    best_first,
    best_model,
    fit_to_side,
    judged_of,
    load_embeddings,
    read_champion,
    versions_of,
)
from cic_assets.domain.prediction.inputs import Input, Unread, find_inputs
from cic_assets.domain.prediction.posts import Post, Posts
from cic_assets.domain.prediction.prediction import Nearest, Prediction
from cic_assets.domain.prediction.runtimes import OnKeras, Runtime, load_runtime
from cic_assets.engine import Threads
from cic_assets.storage import DataRoot, read_json

if TYPE_CHECKING:
    from cic_assets.domain.download import Network

BATCH = 32
"""Pictures that a model sees at once which is not for threads: a folder of thousands stays in bounded memory."""

SMALLEST_SIDE = 16
"""Pixels of the shorter side. Scraping asks for more, to train on good pictures; a person may ask about a thumbnail."""


SHOWN = 3
"""Of the nearest training pictures, that an answer names."""


class PredictionError(ValueError):
    """Nothing can be predicted; the message says what to do."""


class Look(NamedTuple):
    """What a model makes of one picture.

    Attributes:
        probabilities: (K,) of the classes.
        neighbours: the nearest training pictures; None where it has none to compare with.
    """

    probabilities: NDArray[np.float64]
    neighbours: Neighbours | None = None


class Predictor:
    """A loaded model. To be shared between threads only where its runtime is."""

    def __init__(
        self,
        model: Runtime,
        card: Card,
        precision: str = FULL,
        embeddings: Embeddings | None = None,
        posts: Posts | None = None,
    ) -> None:
        """Take a loaded model.

        Args:
            model: what computes.
            card: what is known of it.
            precision: of it.
            embeddings: of the pictures that it learned from.
            posts: where they are from; unless given, nothing is said of that.
        """
        self._model = model
        self._embeddings = embeddings
        self._posts = posts
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

    def look(self, pictures: NDArray[np.uint8]) -> list[Look]:
        """What the model makes of each of some prepared pictures, as of `probabilities`."""
        if self._embeddings is None:
            return [Look(row) for row in self.probabilities(pictures)]
        answers, embeddings = self._model.probabilities_and_embeddings(self._fitted(pictures))
        found = [self._embeddings.nearest(one) for one in embeddings]
        return [Look(*both) for both in zip(np.asarray(answers, np.float64), found, strict=True)]

    def _fitted(self, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return fit_to_side(pictures, self.card.preprocessing.input_size)

    def _answer_batch(self, batch: Sequence[Input]) -> Iterator[Prediction]:
        prepared = [self.prepare(item) for item in batch]
        pictures = [picture for picture in prepared if not isinstance(picture, str)]
        looks = iter(self.look(np.stack(pictures)) if pictures else ())
        for item, picture in zip(batch, prepared, strict=True):
            if isinstance(picture, str):
                yield replace(self._nothing(item.path), error=picture, skipped=item.skipped)
            else:
                yield self.say(item.path, *next(looks))

    def _nothing(self, path: str) -> Prediction:
        return Prediction(path, self.card.name, precision=self.precision, version=self.card.version)

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
                return prepare(item.data, how.side, inspection.header)
            return prepared_pixels(item.data, how.side, how.jpeg_quality, inspection.header)
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

    def say(self, path: str, probabilities: NDArray[np.float64], neighbours: Neighbours | None = None) -> Prediction:
        """What the class probabilities (K,) of a picture and the pictures nearest to it mean; as of `Look`."""
        by_class = dict(zip(self.card.labels, map(float, probabilities), strict=True))
        label = max(by_class, key=by_class.__getitem__)
        said = replace(self._nothing(path), label=label, probability=by_class[label], probabilities=by_class)
        if self.card.calibration is not None:
            said = _calibrated(said, probabilities, self.card.calibration)
        return said if neighbours is None else self._compared(said, neighbours)

    def _compared(self, said: Prediction, neighbours: Neighbours) -> Prediction:
        assert self._embeddings is not None
        assert self.card.reject is not None
        score = self.card.reject.score(neighbours.mean)
        return replace(
            said,
            none_of_these=None if score is None else score > 1,
            outlier_score=score,
            nearest=tuple(map(self._named, neighbours.rows[:SHOWN].tolist(), neighbours.distances[:SHOWN].tolist())),
        )

    def _named(self, row: int, distance: float) -> Nearest:
        assert self._embeddings is not None
        sha256 = self._embeddings.name(row)
        label = self.card.labels[int(self._embeddings.labels[row])]
        return Nearest(sha256, label, distance, self._posts.of(sha256) if self._posts else Post())


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
    with_posts: bool = False,
) -> Predictor:
    """The predictor of a data root.

    Args:
        root: where models were trained.
        name: which model, whatever it was trained on; unless given the best on the validation split (never the test
            split: the report's number for the best model would be too good) of those that `load_predictors` takes.
        on_keras: told why, before Keras is loaded for a model that was never exported.
        many: it will be asked about many pictures, of which each core takes one; otherwise all cores work on one.
        precision: one that it was made in; full unless given.
        with_posts: answers say where the nearest training pictures are from.

    Raises:
        PredictionError: there is no such model, or not in this precision, or its file is not the one that its card
            describes.
    """
    chosen = choose_model(root, name)[0]
    return _load(root, chosen, on_keras, many=many, precision=precision, with_posts=with_posts)


def predict_sources(
    root: DataRoot,
    sources: Iterable[str | Input],
    name: str | None = None,
    network: "Network | None" = None,
    on_keras: OnKeras = lambda _why: None,
    precision: str = FULL,
    *,
    as_they_come: bool = False,
    with_posts: bool = False,
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
        with_posts: as of `load_predictor`.

    Raises:
        PredictionError: as of `load_predictor`.
    """
    chosen, pictures = choose_model(root, name)[0], find_inputs(sources, network)
    for read in pictures:
        item = read()
        if item.data is not None:
            following = [] if as_they_come else list(islice(pictures, 1))
            many = as_they_come or bool(following)
            predictor = _load(root, chosen, on_keras, many=many, precision=precision, with_posts=with_posts)
            batch = 1 if as_they_come else BATCH
            yield from predictor.classify(chain(find_inputs([item]), following, pictures), batch)
            return
        yield Prediction(item.path, chosen, error=item.error, skipped=item.skipped, precision=precision)


def choose_model(root: DataRoot, name: str | None = None) -> tuple[str, list[str]]:
    """The name of the model that `load_predictor` takes, and its classes.

    Raises:
        PredictionError: there is no such model.
    """
    models = _models(root)
    if name is not None and name not in models:
        raise PredictionError(f"no model {name!r} in {root.url}: expected one of {', '.join(sorted(models))}")
    chosen = name or best_model(_judged(models, root))
    return chosen, next(one.card.labels for one in models[chosen] if one.is_champion)


def load_predictors(root: DataRoot, on_keras: OnKeras = lambda _why: None, precision: str = FULL) -> list[Predictor]:
    """The predictors of all models that were trained on the data set of a data root, the best on validation first.

    Other models are of another time or question, and their accuracy is on other pictures. Where there is no data set,
    only models, all of them are taken. `on_keras` and `precision` are as of `load_predictor`; answers say where the
    nearest training pictures are from.

    Raises:
        PredictionError: there is none, or one of them not in this precision, or a model's file is not the one that its
            card describes.
    """
    cards = best_first(_judged(_models(root), root))
    return [_load(root, card.name, on_keras, precision=precision, with_posts=True) for card in cards]


def check_models(root: DataRoot) -> None:
    """Whether `load_predictors` would find any, without loading one.

    Raises:
        PredictionError: there is none.
    """
    _judged(_models(root), root)


def _load(
    root: DataRoot, name: str, on_keras: OnKeras, *, many: bool = False, precision: str = FULL, with_posts: bool = False
) -> Predictor:
    """The champion of a model."""
    if precision not in (FULL, *PRECISIONS):
        raise PredictionError(f"precision {precision!r}: expected one of {', '.join((FULL, *PRECISIONS))}")

    def load(folder: UPath) -> Predictor:
        model, card = load_runtime(folder, on_keras, 1 if many else None, precision)
        embeddings = load_embeddings(folder, card) if model.has_embedding else None
        return Predictor(model, card, precision, embeddings, Posts(root) if with_posts else None)

    try:
        return read_champion(root.model(name), load)
    except (ModelError, FileNotFoundError) as error:
        raise PredictionError(str(error)) from None


def _models(root: DataRoot) -> dict[str, list[Version]]:
    """The versions of each model that has a champion, by the name of its folder; at least one."""
    folders = sorted(root.models.iterdir()) if root.models.exists() else []
    try:
        models = {folder.name: versions_of(folder) for folder in folders if folder.is_dir()}
    except ModelError as error:
        raise PredictionError(str(error)) from None
    found = {name: versions for name, versions in models.items() if any(one.is_champion for one in versions)}
    if not found:
        raise PredictionError(
            f"no trained model in {root.url}: train one first, with `cic run` or `cic demo`, or give --data-root"
        )
    return found


def _judged(models: Mapping[str, Sequence[Version]], root: DataRoot) -> list[Card]:
    """Of each model that was trained on the root's data set the version that the report judges; at least one.

    By it a model is chosen, whichever of its versions answers: of others nobody knows what they are worth on these
    pictures, but for the champion, which was not shown to be worse.
    """
    description = root.dataset / "dataset.json"
    if not description.exists():
        return [one.card for versions in models.values() for one in versions if one.is_champion]
    data_version = read_json(description)["version"]
    judged = [one.card for versions in models.values() if (one := judged_of(versions, data_version))]
    if not judged:
        raise PredictionError(
            f"no model in {root.url} was trained on its data set {data_version}: train again, with `cic run`, or name "
            f"one of {', '.join(sorted(models))}"
        )
    return judged


def _batches(pictures: Iterable[Unread], size: int) -> Iterator[list[Unread]]:
    iterator = iter(pictures)
    while batch := list(islice(iterator, size)):
        yield batch
