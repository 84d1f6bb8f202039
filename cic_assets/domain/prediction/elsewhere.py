"""Many pictures, classified by the workers of an engine, each of which loads the model once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

from cic_assets.domain.models import FULL
from cic_assets.domain.prediction.inputs import Input, Unread, find_inputs
from cic_assets.domain.prediction.prediction import Prediction
from cic_assets.domain.prediction.predictor import PredictionError, Predictor, choose_model, load_predictor
from cic_assets.engine import Engine
from cic_assets.storage import DataRoot

if TYPE_CHECKING:
    from cic_assets.domain.download import Network

T = TypeVar("T")

SHARD = 32
"""Pictures that a worker gets together: a second's work."""


def predict_on(
    engine: Engine,
    root: DataRoot,
    sources: Iterable[str | Input],
    name: str | None = None,
    network: "Network | None" = None,
    precision: str = FULL,
    *,
    with_posts: bool = False,
) -> Iterator[Prediction]:
    """Classify pictures as `predict_sources` does, in the order of the sources.

    Workers read the pictures themselves: paths mean the same to all of them.

    Args:
        engine: whose workers do it.
        root: where models were trained.
        sources: as of `find_inputs`.
        name: as of `load_predictor`.
        network: which hosts may be reached; the public internet unless given.
        precision: as of `load_predictor`.
        with_posts: as of `load_predictor`.

    Raises:
        PredictionError: as of `load_predictor`.
        EngineError: the engine cannot work at all.
    """
    model = ModelElsewhere(root.url, choose_model(root, name)[0], precision, with_posts)
    asked = enumerate(find_inputs(sources, network))
    results = engine.each(
        _Numbered(model), asked, shard=SHARD, instead=lambda one, why: model.nothing(one[1]().path, why)
    )
    return in_order((number, prediction) for (number, _), prediction in results)


@dataclass(frozen=True, slots=True)
class ModelElsewhere:
    """A model of a data root, which each worker loads for itself, once.

    Attributes:
        root: the data root's URL.
        model: its name.
        precision: as of `load_predictor`.
        with_posts: as of `load_predictor`.
        sha256: of the model's file, where no other one will do.
    """

    root: str
    model: str
    precision: str = FULL
    with_posts: bool = False
    sha256: str = ""

    def answer(self, read: Unread) -> Prediction:
        """The prediction of a picture.

        Raises:
            PredictionError: as of `load_predictor`, and where the model was trained anew.
        """
        return _loaded(self).answer(read())

    def nothing(self, path: str, why: str) -> Prediction:
        """In place of a prediction, of a picture that kills who reads it."""
        return Prediction(path, self.model, error=why, precision=self.precision)


@dataclass(frozen=True, slots=True)
class _Numbered:
    """The prediction of a picture that has a number."""

    model: ModelElsewhere

    def __call__(self, numbered: tuple[int, Unread]) -> Prediction:
        return self.model.answer(numbered[1])


@lru_cache(1)
def _loaded(model: ModelElsewhere) -> Predictor:
    """Once a process, however many pictures it is asked about."""
    predictor = load_predictor(
        DataRoot(model.root), model.model, many=True, precision=model.precision, with_posts=model.with_posts
    )
    if model.sha256 not in ("", predictor.card.sha256):
        raise PredictionError(f"{model.model} was trained anew meanwhile: begin again")
    return predictor


def in_order(numbered: Iterable[tuple[int, T]]) -> Iterator[T]:
    """Results by their numbers, from 0. What came too early waits, a few hundred bytes each."""
    early: dict[int, T] = {}
    following = 0
    for number, result in numbered:
        early[number] = result
        while following in early:
            yield early.pop(following)
            following += 1
