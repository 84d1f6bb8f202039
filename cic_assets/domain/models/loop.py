"""The training loop: Keras' `fit`, stage by stage, with what happens between batches and epochs.

Imported only for training.
"""

import math
import time
from dataclasses import dataclass
from typing import Any, Literal

import keras  # noqa: TID253 - this module is imported only for training
import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.batches import Batches
from cic_assets.domain.models.checkpoints import Checkpoints, Weights, best_of, has_stopped_early, variables_of
from cic_assets.domain.models.errors import TrainingDivergedError
from cic_assets.domain.models.events import PROGRESS_SECONDS, EpochEnd, OnEvent, Progress
from cic_assets.domain.models.feeds import Feeds
from cic_assets.domain.models.losses import softmax
from cic_assets.domain.models.muon import Muon
from cic_assets.domain.models.networks import Classifier, in_32_bits
from cic_assets.domain.models.objective import WeightedCrossentropy, shifts_of
from cic_assets.domain.models.settings import ModelSettings
from cic_assets.domain.models.stages import Course, Stage, stages_of, work_left

Logs = dict[str, Any] | None
"""Figures so far, as Keras passes them to callbacks."""

_OPTIMIZERS = {"adam": keras.optimizers.Adam, "muon": Muon}


def fit(
    network: Classifier,
    settings: ModelSettings,
    feeds: Feeds,
    class_weights: dict[int, float],
    *,
    jit: bool | Literal["auto"],
    checkpoints: Checkpoints,
    on_event: OnEvent,
    start: "Start | None" = None,
) -> list[EpochEnd]:
    """Train the rest of a network; it has the weights to be kept afterwards (see `checkpoints.best_of`).

    Args:
        network: what learns; its `rest`, and its `head` where that learns first, are compiled here.
        settings: epochs, stages, patience, learning rates, regularisation.
        feeds: the batches.
        class_weights: factor on the loss of each label.
        jit: whether to compile with XLA; auto leaves it to Keras.
        checkpoints: where the state is kept after each epoch, and found again.
        on_event: takes progress and epochs.
        start: of a network that is trained several times in one course, on as many batches.

    Returns:
        One row for each epoch, those before a kill too.

    Raises:
        TrainingDivergedError: the loss became infinite or not a number.
    """
    between = _Between(network.rest, settings, checkpoints, on_event)
    network.rest.get_layer("logits").bias.assign(shifts_of(class_weights))  # as if the net had no opinion
    kept_epochs, learner = checkpoints.epochs, None
    for stage in stages_of(settings):
        if stage.end < kept_epochs:
            continue
        if learner is not None:  # what comes next goes on from the average
            _take_average(learner.model)
        if learner is None or stage.course != learner.course:
            learner = _learner(network, feeds, stage.course)
            if start is None or not start.restore(learner.model):
                _compile(learner, settings, class_weights, jit)
                if start is not None:
                    start.keep(learner.model)
        if stage.first < kept_epochs and (restored := checkpoints.restore(learner.model)):
            between.history, between.best = restored
        if len(between.history) < stage.end and not between.is_over():
            _fit_stage(learner, stage, between)
    network.rest.set_weights(between.best)
    return between.history


class Start:
    """A network as it was compiled, before its first step, to begin from once more: tracing its steps takes seconds."""

    def __init__(self) -> None:
        self._values: Weights = []

    def keep(self, model: keras.Model) -> None:
        """Take every variable of model and optimizer as it is."""
        self._values = [np.array(keras.ops.convert_to_numpy(variable)) for variable in variables_of(model)]

    def restore(self, model: keras.Model) -> bool:
        """Put them back; False where none were kept."""
        for variable, value in zip(variables_of(model) if self._values else [], self._values, strict=True):
            variable.assign(value)
        return bool(self._values)


def ask(network: Classifier, batches: Batches) -> NDArray[np.float64]:
    """Probabilities (N, classes) by a trained network, with 32 bits, as the saved model computes."""
    return softmax(np.asarray(in_32_bits(network.rest).predict(batches, verbose=0)))


@dataclass(frozen=True, slots=True)
class _Learner:
    """What learns in a course, and the batches for it."""

    course: Course
    model: keras.Model
    training: Batches
    validation: Batches


def _learner(network: Classifier, feeds: Feeds, course: Course) -> _Learner:
    model, batches = network.rest, feeds.batches
    if course.head_only and network.neck is not None:
        model, batches = network.head, feeds.through(network.neck)
    return _Learner(course, model, batches["train"], batches["validation"])


def _compile(learner: _Learner, settings: ModelSettings, class_weights: dict[int, float], jit: bool | str) -> None:
    optimizer = _OPTIMIZERS[settings.optimizer](
        _learning_rate(settings, learner.course, len(learner.training)),
        weight_decay=settings.weight_decay or None,
        use_ema=settings.ema > 0,
        ema_momentum=settings.ema,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    learner.model.compile(
        optimizer=optimizer,
        loss=WeightedCrossentropy(class_weights, settings.label_smoothing),
        metrics=[
            keras.metrics.CategoricalAccuracy(name="accuracy"),
            keras.metrics.CategoricalCrossentropy(name="log_loss", from_logits=True),
        ],
        jit_compile=jit,
    )
    # Before the first step: built inside it, TensorFlow traces that step twice, which takes seconds. And a
    # checkpoint is restored into it.
    optimizer.build(learner.model.trainable_variables)


def _learning_rate(settings: ModelSettings, course: Course, batches: int) -> Any:
    """A number, or Keras' schedule over the steps of a course."""
    if settings.schedule == "constant":
        return course.learning_rate
    warmup = min(settings.warmup_epochs, course.epochs // 3) * batches
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup else course.learning_rate,
        decay_steps=course.epochs * batches - warmup,
        warmup_target=course.learning_rate if warmup else None,
        warmup_steps=warmup,
    )


def _fit_stage(learner: _Learner, stage: Stage, between: "_Between") -> None:
    """One call of Keras a stage: it takes the shape of all batches from the first."""
    between.training = learner.training
    learner.training.epoch = len(between.history)
    learner.model.fit(
        learner.training,
        validation_data=learner.validation,
        initial_epoch=learner.training.epoch,
        epochs=stage.end,
        shuffle=False,
        verbose=0,
        callbacks=[between],
    )


def _take_average(model: keras.Model) -> None:
    """Put the optimizer's average of the weights in their place; nothing where it keeps none."""
    model.optimizer.finalize_variable_values(model.trainable_variables)
    # Under JAX the weights now share their memory with the average, and evaluation would give both away.
    for variable, value in zip(model.trainable_variables, _copies(model), strict=True):
        variable.assign(value)


def _copies(model: keras.Model) -> Weights:
    return [np.array(keras.ops.convert_to_numpy(variable)) for variable in model.trainable_variables]


class _Between(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """What happens between batches and between epochs.

    Attributes:
        training: the batches of the stage that runs.
        history: a row for each epoch that is over.
        best: the weights of `rest` that are kept.
    """

    training: Batches

    def __init__(self, rest: keras.Model, settings: ModelSettings, checkpoints: Checkpoints, on_event: OnEvent) -> None:
        super().__init__()
        self.history: list[EpochEnd] = []
        self.best: Weights = []
        self._settings = settings
        self._stages = stages_of(settings)
        self._rest = rest
        self._checkpoints = checkpoints
        self._on_event = on_event
        self._epoch_began = self._told = self._first_batch_ended = time.perf_counter()
        self._train_seconds = 0.0
        self._unaveraged: Weights = []

    def is_over(self) -> bool:
        """Whether another epoch is not allowed, or not worth it."""
        return len(self.history) >= self._settings.epochs or has_stopped_early(self.history, self._settings)

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:  # noqa: ARG002 - Keras passes them
        """Start the clock of an epoch, and its batches."""
        self.training.epoch = epoch
        self._epoch_began = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """Tell progress, and stop where the loss is no number."""
        now = time.perf_counter()
        if batch == 0:
            self._first_batch_ended = now
        if now - self._told >= PROGRESS_SECONDS and (batch > 0 or len(self.training) == 1):
            self._told = now
            self._check(logs or {}, batch)
            self._on_event(self._progress(logs or {}, batch, now))

    def on_test_begin(self, logs: Logs = None) -> None:  # noqa: ARG002 - Keras passes them
        """Training's part of the epoch is over, validation is not counted into its rate; the average is judged."""
        self._train_seconds = time.perf_counter() - self._epoch_began
        if self._settings.ema:
            self._unaveraged = _copies(self.model)
            _take_average(self.model)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """Note the figures, keep the state, decide whether to go on."""
        logs = logs or {}
        self._check(logs, len(self.training))
        row = self._row(epoch, logs)
        self.history.append(row)
        best = best_of(self.history, self._settings)
        if best is row:
            self.best = self._rest.get_weights()
        self._take_back_average()
        self._on_event(row)
        self._checkpoints.save(self.model, self.history, best.epoch, self.best)
        self.model.stop_training = self.is_over()

    def _take_back_average(self) -> None:
        for variable, value in zip(self.model.trainable_variables, self._unaveraged, strict=False):
            variable.assign(value)
        self._unaveraged = []

    def _row(self, epoch: int, logs: dict[str, Any]) -> EpochEnd:
        seconds = time.perf_counter() - self._epoch_began
        so_far = EpochEnd(
            epoch=epoch + 1,
            epochs=self._settings.epochs,
            learning_rate=float(self.model.optimizer.learning_rate),
            seconds=seconds,
            images_per_second=self.training.count / self._train_seconds,
            remaining_seconds=seconds * work_left(self._stages, epoch, epoch + 1),
            best=False,
            loss=float(logs["log_loss"]),  # not what is lowered: of both splits the same, so that they can be compared
            accuracy=float(logs["accuracy"]),
            val_loss=float(logs["val_log_loss"]),
            val_accuracy=float(logs["val_accuracy"]),
        )
        is_best = best_of([*self.history, so_far], self._settings) is so_far
        return so_far.model_copy(update={"best": is_best})

    def _progress(self, logs: dict[str, Any], batch: int, now: float) -> Progress:
        """Where it is; the rest is estimated from the running epoch."""
        epoch, batches = len(self.history), len(self.training)
        # The first batch may have been compiled: it says nothing of the others, where there are any.
        per_batch = (now - self._first_batch_ended) / batch if batch else now - self._epoch_began
        return Progress(
            stage="training",
            done=epoch * batches + batch + 1,
            total=self._settings.epochs * batches,
            rate=self.training.count / batches / per_batch,
            remaining_seconds=per_batch * batches * work_left(self._stages, epoch, epoch + (batch + 1) / batches),
            epoch=epoch + 1,
            loss=float(logs["log_loss"]),
            accuracy=float(logs["accuracy"]),
        )

    def _check(self, logs: dict[str, Any], batch: int) -> None:
        if not math.isfinite(loss := float(logs["loss"])):
            raise TrainingDivergedError(
                f"the loss is {loss} in epoch {len(self.history) + 1}, batch {batch + 1}: lower learning_rate "
                f"(it is {self._settings.learning_rate:g})"
            )
