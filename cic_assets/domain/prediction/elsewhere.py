"""Many pictures, classified by the workers of an engine, each of which loads the model once."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from cic_assets.domain.models import FULL
from cic_assets.domain.prediction.inputs import Input, Unread, find_inputs
from cic_assets.domain.prediction.prediction import Prediction
from cic_assets.domain.prediction.predictor import Predictor, choose_model, load_predictor
from cic_assets.engine import Engine
from cic_assets.storage import DataRoot

if TYPE_CHECKING:
    from cic_assets.domain.download import Network

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
    chosen = choose_model(root, name)[0]
    answer = _Answer(root.url, chosen, precision, with_posts)
    asked = enumerate(find_inputs(sources, network))
    results = engine.each(answer, asked, shard=SHARD, instead=lambda one, why: _lost(one[1], answer, why))
    return _in_order((number, prediction) for (number, _), prediction in results)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The prediction of a picture, by a model of a data root."""

    root: str
    model: str
    precision: str
    with_posts: bool

    def __call__(self, numbered: tuple[int, Unread]) -> Prediction:
        return _loaded(self).answer(numbered[1]())


@lru_cache(1)
def _loaded(answer: _Answer) -> Predictor:
    """Once a process, however many pictures it is asked about."""
    return load_predictor(
        DataRoot(answer.root), answer.model, many=True, precision=answer.precision, with_posts=answer.with_posts
    )


def _lost(read: Unread, answer: _Answer, why: str) -> Prediction:
    return Prediction(read().path, answer.model, error=why, precision=answer.precision)


def _in_order(numbered: Iterable[tuple[int, Prediction]]) -> Iterator[Prediction]:
    """What came too early waits, a few hundred bytes each."""
    early: dict[int, Prediction] = {}
    following = 0
    for number, prediction in numbered:
        early[number] = prediction
        while following in early:
            yield early.pop(following)
            following += 1
