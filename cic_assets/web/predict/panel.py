"""Every trained model's opinion on one picture: what the page shows."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

from cic_assets.domain.images import encode_jpeg
from cic_assets.domain.prediction import Input, OnKeras, Prediction, Predictor, load_predictors
from cic_assets.storage import DataRoot, read_json


@dataclass(frozen=True, slots=True)
class Answer:
    """What the models say of one picture.

    Attributes:
        predictions: one a model, the best model first; empty where the picture could not be read.
        seen: JPEG of the picture as the models see it, cut to a square; None where it could not be read.
        error: why it could not be read.
    """

    predictions: Sequence[Prediction] = ()
    seen: bytes | None = None
    error: str | None = None

    def row(self) -> dict[str, Any]:
        """As a JSON object; the picture as a data URL."""
        seen = None if self.seen is None else "data:image/jpeg;base64," + base64.b64encode(self.seen).decode()
        return {"predictions": [item.row() for item in self.predictions], "seen": seen, "error": self.error}


class Panel:
    """All models of a data root, loaded. Not to be shared between threads."""

    def __init__(self, predictors: Sequence[Predictor], *, drawn: bool = False) -> None:
        """Take loaded models, the best first; `drawn` if they were trained on the drawn sample."""
        self.predictors = tuple(predictors)
        self.drawn = drawn

    @classmethod
    def load(cls, root: DataRoot, on_keras: OnKeras = lambda _why: None) -> Self:
        """All models of a data root, ready to answer at once.

        Args:
            root: where models were trained.
            on_keras: told why, before Keras is loaded for a model that was never exported.

        Raises:
            PredictionError: there is none, or a model's file is not the one that its card describes.
        """
        predictors = load_predictors(root, on_keras)
        for predictor in predictors:
            predictor.warm_up()
        return cls(predictors, drawn=_is_drawn(root))

    @property
    def labels(self) -> list[str]:
        """The classes, in the order of the best model's outputs."""
        return list(self.predictors[0].card.labels)

    def ask(self, item: Input) -> Answer:
        """Every model's prediction for a picture."""
        best = self.predictors[0]
        prepared = best.prepare(item)
        if isinstance(prepared, str):
            return Answer(error=prepared)
        opinions = [predictor.answer(item) for predictor in self.predictors]
        return Answer(opinions, encode_jpeg(prepared, 90))


def _is_drawn(root: DataRoot) -> bool:
    """Whether the data set is the drawn sample; False where that is not known."""
    description = root.dataset / "dataset.json"
    return bool(description.exists() and read_json(description).get("sample", False))
