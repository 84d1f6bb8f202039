"""What runs a frozen backbone: the exported one where training is on a CPU in 32 bits, Keras elsewhere.

Imported only for training.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.data import AnyImages, Images
from cic_assets.domain.models.errors import ExportError
from cic_assets.domain.models.events import Message, OnEvent
from cic_assets.domain.models.export import ExportedBackbone, exported_backbone, golden_pictures
from cic_assets.domain.models.networks import in_32_bits
from cic_assets.engine import Threads

Pictures = Callable[[], Images]
"""A batch of pictures, (B, side, side, 3), made when it is called, on whatever thread."""

REAL_PICTURES = 4
"""About which the exported backbone and Keras are asked beside the golden ones."""


@dataclass(frozen=True, slots=True)
class Exporting:
    """How a frozen backbone is exported.

    Attributes:
        key: differs where its weights do.
        places: local folders for it, the best one first; the next is taken where nothing can be kept in one.
        threads: that pictures go through it on; all cores unless given.
    """

    key: str
    places: tuple[Path, ...]
    threads: int | None = None


class Runner(Protocol):
    """Runs a backbone.

    Attributes:
        batch: pictures that go through it at once.
    """

    batch: int

    def run(self, batches: Iterable[Pictures]) -> Iterator[NDArray[np.floating]]:
        """What the backbone makes of each batch, (B, height, width, channels), in their order."""


class OnKeras:
    """A keras.Model, which has all cores work on one batch."""

    batch = 32
    """More are not faster on a CPU, and take memory."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def run(self, batches: Iterable[Pictures]) -> Iterator[NDArray[np.floating]]:
        """As of `Runner`."""
        for make in batches:
            yield np.asarray(self._model.predict_on_batch(make()))


class Exported:
    """An exported backbone: each core varies its own pictures and has them through, one by one."""

    batch = 1
    """At 299 pixels two threads with a picture each took 117 ms of a core a picture, with 4 each 124, with 8 each 128,
    and one thread that another helps 133: what is at work stays in the core's cache."""

    def __init__(self, backbone: ExportedBackbone, threads: int | None) -> None:
        self._backbone = backbone
        self._threads = Threads(threads)

    def run(self, batches: Iterable[Pictures]) -> Iterator[NDArray[np.floating]]:
        """As of `Runner`."""
        return self._threads.map(lambda make: self._backbone.features(make()), batches)


def runners(model: Any, exporting: Exporting | None, real: AnyImages, on_event: OnEvent) -> tuple[Runner, Runner]:
    """What runs a backbone for training, and what runs it for pictures that will be judged, which is in 32 bits.

    Where it cannot be exported, an event says so, and Keras runs it, which is slower and as right: no reason to end a
    training.

    Args:
        model: a keras.Model from bytes (N, side, side, 3) to features; where it computes with 16 bits, training's
            pictures are Keras'.
        exporting: how it is exported; None leaves it to Keras.
        real: pictures, of which some are asked about.
        on_event: told which it is.
    """
    exact = in_32_bits(model)
    if exporting is not None:
        pictures = np.concatenate([golden_pictures(real.shape[1]), real[:REAL_PICTURES]])
        try:
            exported, share = export(exact, exporting, pictures)
        except ExportError as error:
            on_event(Message(text=f"the frozen backbone runs on Keras, which is slower: {error}", warning=True))
        else:
            difference = f"a share of {share:.0e} at most"
            on_event(Message(text=f"the frozen backbone runs exported, and differs from Keras by {difference}"))
            runner = Exported(exported, exporting.threads)
            return runner if exact is model else OnKeras(model), runner
    return OnKeras(model), OnKeras(exact)


def export(model: Any, exporting: Exporting, pictures: Images) -> tuple[ExportedBackbone, float]:
    """`exported_backbone` in the first place that takes it.

    Raises:
        ExportError: a layer has no translation, or what was exported says something else than the model.
        OSError: nothing can be kept anywhere.
    """
    *others, last = exporting.places
    for place in others:
        try:
            return exported_backbone(model, exporting.key, place, pictures)
        except OSError:  # it may not be written to, or is full
            continue
    return exported_backbone(model, exporting.key, last, pictures)
