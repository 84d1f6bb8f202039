"""Every trained model's opinion on one picture: what the page shows."""

import base64
import threading
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.images import Rgb, encode_jpeg
from cic_assets.domain.models import CARD_FILE, FULL
from cic_assets.domain.prediction import Input, OnKeras, Prediction, Predictor, load_predictors
from cic_assets.storage import DataRoot, read_json, sha256_hex, storable_text

SEEN_QUALITY = 90
"""Of the JPEG that shows a picture as the models see it."""

ActivationMaps = Mapping[str, NDArray[np.float64]]
"""By model: what each place of a picture says for each class, (rows, columns, K)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the models say of one picture.

    Attributes:
        name: how the client calls it.
        sha256: of its bytes; None where none came.
        predictions: one a model, the best model first; empty where the picture could not be read.
        seen: the picture as the models see it, cut to a square; None where it could not be read.
        maps: of the models that have one, where they were asked for.
        error: why it could not be read.
        url: where it was fetched from; None where its bytes came.
    """

    name: str
    sha256: str | None = None
    predictions: Sequence[Prediction] = ()
    seen: Rgb | None = None
    maps: ActivationMaps = field(default_factory=dict)
    error: str | None = None
    url: str | None = None

    def seen_url(self) -> str | None:
        """The picture as the models see it, as a data URL."""
        if self.seen is None:
            return None
        return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(self.seen, SEEN_QUALITY)).decode()

    def row(self, *, with_seen: bool = False) -> dict[str, Any]:
        """As a JSON object."""
        row: dict[str, Any] = {"name": storable_text(self.name), "sha256": self.sha256, "error": self.error}
        row["predictions"] = [_without_path(item.row()) for item in self.predictions]
        if with_seen:
            row["seen"] = self.seen_url()
        if self.maps:
            labels = {item.model: list(item.probabilities) for item in self.predictions}
            row["maps"] = {model: _by_class(labels[model], values) for model, values in self.maps.items()}
        return row


def _without_path(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("path", "error")}


def _by_class(labels: Sequence[str], values: NDArray[np.float64]) -> dict[str, list[list[float]]]:
    return {label: np.round(values[:, :, index], 4).tolist() for index, label in enumerate(labels)}


class Panel:
    """All models of a data root, loaded. Several threads may ask it at once: models that may not are asked in turns."""

    def __init__(self, predictors: Sequence[Predictor], *, drawn: bool = False) -> None:
        """Take loaded models, the best first; `drawn` if they were trained on the drawn sample."""
        self.predictors = tuple(predictors)
        self.drawn = drawn
        self._in_turns = threading.Lock()

    @classmethod
    def load(cls, root: DataRoot, on_keras: OnKeras = lambda _why: None, precision: str = FULL) -> Self:
        """All models of a data root, ready to answer at once.

        Args:
            root: where models were trained.
            on_keras: told why, before Keras is loaded for a model that was never exported.
            precision: as of `load_predictors`.

        Raises:
            PredictionError: as of `load_predictors`.
        """
        predictors = load_predictors(root, on_keras, precision)
        for predictor in predictors:
            predictor.warm_up()
        return cls(predictors, drawn=_is_drawn(root))

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the best model's outputs."""
        return list(self.predictors[0].card.labels)

    def ask(self, item: Input, *, with_maps: bool = False) -> Answer:
        """Every model's prediction for a picture, and what in it speaks for which class."""
        sha256 = None if item.data is None else sha256_hex(item.data)
        prepared = self._prepared(item)
        if isinstance(prepared, str):
            return Answer(item.path, sha256, error=prepared)
        opinions = [self._opinion(one, item.path, picture) for one, picture in prepared]
        maps = self._maps(prepared) if with_maps else {}
        return Answer(item.path, sha256, opinions, prepared[0][1], maps)

    def _prepared(self, item: Input) -> list[tuple[Predictor, Rgb]] | str:
        """The picture as each model takes it, decoded once a preprocessing; or why it cannot be read."""
        ready: dict[tuple[int, int | None], Rgb] = {}
        for predictor in self.predictors:
            how = predictor.card.preprocessing
            if (how.side, how.jpeg_quality) not in ready:
                picture = predictor.prepare(item)
                if isinstance(picture, str):
                    return picture
                ready[how.side, how.jpeg_quality] = picture
        hows = [(one, one.card.preprocessing) for one in self.predictors]
        return [(one, ready[how.side, how.jpeg_quality]) for one, how in hows]

    def _opinion(self, predictor: Predictor, path: str, picture: Rgb) -> Prediction:
        with self._turn(predictor):
            (probabilities,) = predictor.probabilities(picture[None])
        return predictor.say(path, probabilities)

    def _maps(self, prepared: Sequence[tuple[Predictor, Rgb]]) -> ActivationMaps:
        maps = {}
        for predictor, picture in prepared:
            with self._turn(predictor):
                values = predictor.activation_map(picture)
            if values is not None:
                maps[predictor.card.name] = values
        return maps

    def _turn(self, predictor: Predictor) -> AbstractContextManager[Any]:
        return nullcontext() if predictor.is_for_threads else self._in_turns


def models_state(root: DataRoot, precision: str = FULL) -> str:
    """Something that is another once a model of a data root is a new one, in a precision too, or its data set is."""
    cards = [path for pattern in ("*", f"*/{precision}") for path in sorted(root.models.glob(f"{pattern}/{CARD_FILE}"))]
    files = [*cards, root.dataset / "dataset.json"]
    return sha256_hex(b"\0".join(f"{file}\0".encode() + file.read_bytes() for file in files if file.exists()))


def _is_drawn(root: DataRoot) -> bool:
    """Whether the data set is the drawn sample; False where that is not known."""
    description = root.dataset / "dataset.json"
    return bool(description.exists() and read_json(description).get("sample", False))
