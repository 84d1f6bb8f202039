"""A training's state on disk after each epoch, so that a killed one goes on where it was.

Everything else follows from seed and epoch: what is kept is the history, the best weights so far, and every variable
of model and optimizer. Keras' own `save_weights` leaves out the random state of dropout, so a training resumed from it
ends elsewhere. Files carry their epoch in their names and `state.json`, replaced at once, says
which ones count, so a kill at any moment leaves a whole checkpoint.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models.events import EpochEnd
from cic_assets.domain.models.measures import Stopwatch
from cic_assets.domain.models.settings import ModelSettings
from cic_assets.storage import write_atomically, write_json

_STATE = "state.json"

Weights = list[NDArray[Any]]
"""All arrays of a model, as `model.get_weights()` gives them."""


class Checkpoints:
    """The checkpoints of one training in a folder of its own.

    Args:
        folder: theirs alone.
        key: differs where a training would go another way.
        watch: of this attempt; it counts those before it, too, up to the state that they left.
        copy: a folder in a bucket that has the same: a training that was killed goes on from it on another machine.
    """

    def __init__(self, folder: Path, key: str, watch: Stopwatch | None = None, copy: UPath | None = None) -> None:
        self._folder = folder
        self._key = key
        self._watch = watch or Stopwatch()
        self._copy = copy
        self._fetch()
        if state := self._state():
            self._watch.add(**state["spent"])

    @property
    def epochs(self) -> int:
        """How many epochs the kept state has behind it; 0 where there is nothing."""
        state = self._state()
        return len(state["history"]) if state else 0

    def save(self, model: Any, history: Sequence[EpochEnd], best_epoch: int, best: Weights) -> None:
        """Keep the state after the last epoch of `history`, and the best weights; older ones are removed."""
        self._folder.mkdir(parents=True, exist_ok=True)
        names = {"latest": f"latest-{len(history)}.npz", "best": f"best-{best_epoch}.npz"}
        self._write(names["latest"], (variable.numpy() for variable in variables_of(model)))
        if not (self._folder / names["best"]).exists():
            self._write(names["best"], best)
        spent = {"wall": self._watch.wall, "cpu": self._watch.cpu}
        state = {"key": self._key, "history": [epoch.model_dump() for epoch in history], "spent": spent, **names}
        write_json(UPath(self._folder / _STATE), state)
        self._send([*names.values(), _STATE])
        self._remove_all_but({_STATE, *names.values()})

    def restore(self, model: Any) -> tuple[list[EpochEnd], Weights] | None:
        """Put the kept state into a model whose optimizer is built; the history and the best weights.

        None where there is nothing.
        """
        state = self._state()
        if state is None:
            return None
        for variable, value in zip(variables_of(model), self._read(state["latest"]), strict=True):
            variable.assign(value)
        return [EpochEnd.model_validate(epoch) for epoch in state["history"]], list(self._read(state["best"]))

    def _state(self) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = json.loads((self._folder / _STATE).read_text(encoding="utf-8"))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return state if state.get("key") == self._key else None

    def clear(self) -> None:
        """Remove everything: the training is done."""
        self._remove_all_but(set())

    def _write(self, name: str, arrays: Iterable[NDArray[Any]]) -> None:
        """As `np.savez` would, one array after the other: all at once would double the memory of a large model."""
        part = self._folder / f"part-{name}"
        with zipfile.ZipFile(part, "w") as archive:
            for i, array in enumerate(arrays):
                with archive.open(f"{i}.npy", "w", force_zip64=True) as file:
                    np.lib.format.write_array(file, np.asarray(array), allow_pickle=False)
        part.replace(self._folder / name)

    def _read(self, name: str) -> Iterator[NDArray[Any]]:
        with np.load(self._folder / name, allow_pickle=False) as arrays:
            for i in range(len(arrays.files)):
                yield arrays[str(i)]

    def _remove_all_but(self, names: set[str]) -> None:
        for file in [*self._folder.glob("*"), *(self._copy.glob("*") if self._copy is not None else ())]:
            if file.name not in names:
                file.unlink(missing_ok=True)  # a take-down removes them too

    def _fetch(self) -> None:
        """What another machine kept, where nothing is here: the state comes last, as `_send` has it."""
        place = self._copy
        if place is None or (self._folder / _STATE).exists() or not (place / _STATE).exists():
            return
        content = (place / _STATE).read_bytes()
        state = json.loads(content)
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            for name in (state["latest"], state["best"]):
                write_atomically(UPath(self._folder / name), (place / name).read_bytes())
        except FileNotFoundError:  # of a training that goes on elsewhere
            return
        write_atomically(UPath(self._folder / _STATE), content)

    def _send(self, names: Sequence[str]) -> None:
        if self._copy is not None:
            there = {file.name for file in self._copy.glob("*")} - {_STATE}
            for name in names:
                if name not in there:
                    write_atomically(self._copy / name, (self._folder / name).read_bytes())


def variables_of(model: Any) -> list[Any]:
    """Everything that training changes, in an order that is the same for models built alike."""
    return [*model.variables, *model.optimizer.variables]


def best_of(history: Sequence[EpochEnd], settings: ModelSettings) -> EpochEnd:
    """The epoch whose weights are kept, the earliest among equals.

    The last one of a training without early stopping: its schedule ends there, and what was not chosen by its
    validation is not flattered by it. Otherwise the one with the lowest validation loss, which tells sooner and more
    surely than accuracy that something is learned; in `original` the one with the highest validation accuracy, as in
    the notebooks, and among equals the lowest loss.
    """
    if settings.patience is None:
        return history[-1]
    return max(history, key=lambda epoch: (_watched(epoch, settings), -epoch.val_loss))


def has_stopped_early(history: Sequence[EpochEnd], settings: ModelSettings) -> bool:
    """Whether validation has not become better for so long that training is not worth it; see `best_of` for by what."""
    if settings.patience is None or not history:
        return False
    watched = [_watched(epoch, settings) for epoch in history]
    return len(watched) - 1 - watched.index(max(watched)) >= settings.patience


def _watched(epoch: EpochEnd, settings: ModelSettings) -> float:
    return epoch.val_accuracy if settings.variant == "original" else -epoch.val_loss
