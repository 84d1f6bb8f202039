"""The training loop: Keras' `fit` with what happens between batches and epochs. Imported only for training."""

import math
import time
from typing import Any, Literal

import keras  # noqa: TID253 - this module is imported only for training

from cic_assets.models.batches import Batches
from cic_assets.models.checkpoints import Checkpoints, Weights, best_of, epochs_without_gain
from cic_assets.models.errors import TrainingDivergedError
from cic_assets.models.events import PROGRESS_SECONDS, EpochEnd, OnEvent, Progress
from cic_assets.models.feeds import Feeds
from cic_assets.models.settings import ModelSettings

Logs = dict[str, Any] | None
"""Figures so far, as Keras passes them to callbacks."""


def fit(
    model: keras.Model,
    settings: ModelSettings,
    feeds: Feeds,
    class_weights: dict[int, float],
    *,
    jit: bool | Literal["auto"],
    checkpoints: Checkpoints,
    on_event: OnEvent,
) -> list[EpochEnd]:
    """Train with early stopping; the model has the best weights afterwards.

    Args:
        model: from what the batches give to probabilities of the classes; compiled here.
        settings: epochs, patience, learning rate.
        feeds: the batches; those for training count their own epochs, so that a resumed training goes on at the next.
        class_weights: factor on the loss of each label.
        jit: whether to compile with XLA; auto leaves it to Keras.
        checkpoints: where the state is kept after each epoch, and found again.
        on_event: takes progress and epochs.

    Returns:
        One row for each epoch, those before a kill too.

    Raises:
        TrainingDivergedError: the loss became infinite or not a number.
    """
    model.compile(
        optimizer=keras.optimizers.Adam(settings.learning_rate),
        loss=keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
        jit_compile=jit,
    )
    training = feeds.batches["train"]
    between = _Between(settings, training, checkpoints, on_event)
    if restored := checkpoints.restore(model):
        between.history, between.best = restored
        training.epoch = len(between.history)
    if not between.is_over():
        model.fit(
            training,
            validation_data=feeds.batches["validation"],
            class_weight=class_weights,
            initial_epoch=training.epoch,
            epochs=settings.epochs,
            shuffle=False,
            verbose=0,
            callbacks=[between],
        )
    model.set_weights(between.best)
    return between.history


class _Between(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """What happens between batches and between epochs."""

    def __init__(self, settings: ModelSettings, training: Batches, checkpoints: Checkpoints, on_event: OnEvent) -> None:
        super().__init__()
        self.history: list[EpochEnd] = []
        self.best: Weights = []
        self._settings = settings
        self._training = training
        self._checkpoints = checkpoints
        self._on_event = on_event
        self._epoch_began = self._told = self._began = time.perf_counter()
        self._batches_done = 0
        self._train_seconds = 0.0

    def is_over(self) -> bool:
        """Whether another epoch is not allowed, or not worth it."""
        if not self.history:
            return False
        return (
            len(self.history) >= self._settings.epochs or epochs_without_gain(self.history) >= self._settings.patience
        )

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:  # noqa: ARG002 - Keras passes them
        """Start the clock of an epoch."""
        self._epoch_began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Tell progress, and stop where the loss is no number."""
        self._batches_done += 1
        now = time.perf_counter()
        if now - self._told >= PROGRESS_SECONDS:
            self._told = now
            self._check(logs or {}, batch)
            self._on_event(self._progress(logs or {}, batch, now))

    def on_test_begin(self, logs: Logs = None) -> None:  # noqa: ARG002 - Keras passes them
        """Training's part of the epoch is over; validation is not counted into its rate."""
        self._train_seconds = time.perf_counter() - self._epoch_began

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Note the figures, keep the state, decide whether to go on."""
        logs = logs or {}
        self._check(logs, len(self._training))
        row = self._row(epoch, logs)
        self.history.append(row)
        if best_of(self.history) is row:
            self.best = self.model.get_weights()
        self._on_event(row)
        self._checkpoints.save(self.model, self.history, self.best)
        self.model.stop_training = self.is_over()

    def _row(self, epoch: int, logs: dict[str, Any]) -> EpochEnd:
        figures = {name: float(logs[name]) for name in ("loss", "accuracy", "val_loss", "val_accuracy")}
        so_far = EpochEnd(
            epoch=epoch + 1,
            epochs=self._settings.epochs,
            learning_rate=float(self.model.optimizer.learning_rate),
            seconds=time.perf_counter() - self._epoch_began,
            images_per_second=self._training.count / self._train_seconds,
            best=False,
            **figures,
        )
        is_best = best_of([*self.history, so_far]) is so_far
        return so_far.model_copy(update={"best": is_best})

    def _progress(self, logs: dict[str, Any], batch: int, now: float) -> Progress:
        per_batch = (now - self._began) / self._batches_done
        total = self._settings.epochs * len(self._training)
        done = len(self.history) * len(self._training) + batch + 1
        return Progress(
            stage="training",
            done=done,
            total=total,
            rate=self._training.count / len(self._training) / per_batch,
            remaining_seconds=(total - done) * per_batch,
            epoch=len(self.history) + 1,
            loss=float(logs["loss"]),
            accuracy=float(logs["accuracy"]),
        )

    def _check(self, logs: dict[str, Any], batch: int) -> None:
        if not math.isfinite(loss := float(logs["loss"])):
            raise TrainingDivergedError(
                f"the loss is {loss} in epoch {len(self.history) + 1}, batch {batch + 1}: lower learning_rate "
                f"(it is {self._settings.learning_rate:g})"
            )
