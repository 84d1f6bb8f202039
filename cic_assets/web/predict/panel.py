"""Every trained model's opinion on one picture: what the page shows."""

import base64
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.images import CANNOT_BE_READ, Rgb, decode, encode_jpeg
from cic_assets.domain.models import CARD_FILE, CHAMPION_FILE, FULL, champion_folder, fit_to_side
from cic_assets.domain.prediction import Input, OnKeras, Prediction, Predictor, load_predictors
from cic_assets.storage import ContentStore, DataRoot, read_json, sha256_hex, storable_text

SEEN_QUALITY = 90
"""Of the JPEG that shows a picture as the models see it."""
THUMBNAIL_SIDE, THUMBNAIL_QUALITY = 128, 80
"""Of the JPEG that shows a picture that the models learned from."""

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
        thumbnails: of the nearest training pictures, as data URLs by SHA-256, where they were asked for and are there.
    """

    name: str
    sha256: str | None = None
    predictions: Sequence[Prediction] = ()
    seen: Rgb | None = None
    maps: ActivationMaps = field(default_factory=dict)
    error: str | None = None
    url: str | None = None
    thumbnails: Mapping[str, str] = field(default_factory=dict)

    def seen_url(self) -> str | None:
        """The picture as the models see it, as a data URL."""
        return None if self.seen is None else _data_url(self.seen, SEEN_QUALITY)

    def row(self, *, with_seen: bool = False) -> dict[str, Any]:
        """As a JSON object."""
        row: dict[str, Any] = {"name": storable_text(self.name), "sha256": self.sha256, "error": self.error}
        row["predictions"] = [_without_path(item.row()) for item in self.predictions]
        if with_seen:
            row["seen"] = self.seen_url()
        for prediction in row["predictions"]:
            for near in prediction["nearest"]:
                near["thumbnail"] = self.thumbnails.get(near["sha256"])
        if self.maps:
            labels = {item.model: list(item.probabilities) for item in self.predictions}
            row["maps"] = {model: _by_class(labels[model], values) for model, values in self.maps.items()}
        return row


def _data_url(picture: Rgb, quality: int) -> str:
    return "data:image/jpeg;base64," + base64.b64encode(encode_jpeg(picture, quality)).decode()


def _without_path(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key not in ("path", "error")}


def _by_class(labels: Sequence[str], values: NDArray[np.float64]) -> dict[str, list[list[float]]]:
    return {label: np.round(values[:, :, index], 4).tolist() for index, label in enumerate(labels)}


class Panel:
    """All models of a data root, loaded. Several threads may ask it at once: models that may not are asked in turns."""

    def __init__(
        self,
        predictors: Sequence[Predictor],
        *,
        drawn: bool = False,
        thumbnail: Callable[[str], str | None] = lambda _sha256: None,
    ) -> None:
        """Take loaded models.

        Args:
            predictors: the best first.
            drawn: they were trained on the drawn sample.
            thumbnail: gives a picture that they learned from by its SHA-256, as a data URL; None where it is not there.
        """
        self.predictors = tuple(predictors)
        self.drawn = drawn
        self._thumbnail = thumbnail
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
        sides = {predictor.card.preprocessing.side for predictor in predictors}
        stores = [root.resized(side) for side in sorted(sides)]
        return cls(predictors, drawn=_is_drawn(root), thumbnail=lambda sha256: _thumbnail(stores, sha256))

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the best model's outputs."""
        return list(self.predictors[0].card.labels)

    def ask(self, item: Input, *, with_maps: bool = False, with_thumbnails: bool = False) -> Answer:
        """Every model's prediction for a picture, what in it speaks for which class, and what they know like it."""
        sha256 = None if item.data is None else sha256_hex(item.data)
        prepared = self._prepared(item)
        if isinstance(prepared, str):
            return Answer(item.path, sha256, error=prepared)
        opinions = [self._opinion(one, item.path, picture) for one, picture in prepared]
        maps = self._maps(prepared) if with_maps else {}
        named = {near.sha256 for one in opinions for near in one.nearest} if with_thumbnails else set()
        shown = {name: url for name in sorted(named) if (url := self._thumbnail(name))}
        return Answer(item.path, sha256, opinions, prepared[0][1], maps, thumbnails=shown)

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
            (look,) = predictor.look(picture[None])
        return predictor.say(path, *look)

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


def _thumbnail(stores: Sequence[ContentStore], sha256: str) -> str | None:
    """A small copy, made anew: nothing of the file itself goes out."""
    for store in stores:
        try:
            picture = decode(store.get(sha256, "jpeg"), shortest_side=THUMBNAIL_SIDE)
        except CANNOT_BE_READ:
            continue
        return _data_url(fit_to_side(picture[None], THUMBNAIL_SIDE)[0], THUMBNAIL_QUALITY)
    return None


def models_state(root: DataRoot, precision: str = FULL) -> str:
    """Something that is another once a model of a data root is a new one, in a precision too, or its data set is."""
    models = [folder for folder in sorted(root.models.glob("*")) if folder.is_dir()]
    champions = [(folder, champion_folder(folder)) for folder in models]
    files = [
        file
        for folder, champion in champions
        for file in (folder / CHAMPION_FILE, champion / CARD_FILE, champion / precision / CARD_FILE)
    ]
    files.append(root.dataset / "dataset.json")
    return sha256_hex(b"\0".join(f"{file}\0".encode() + file.read_bytes() for file in files if file.exists()))


def _is_drawn(root: DataRoot) -> bool:
    """Whether the data set is the drawn sample; False where that is not known."""
    description = root.dataset / "dataset.json"
    return bool(description.exists() and read_json(description).get("sample", False))
