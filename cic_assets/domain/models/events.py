"""What a training tells while it runs: one JSON line an event from the worker, one object to the caller."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter


class _Event(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Message(_Event):
    """Something to know: which device, which weights, that it overfits."""

    kind: Literal["message"] = "message"
    text: str
    warning: bool = False


class Progress(_Event):
    """How far a stage is: at most one a second, and one when it ends.

    Attributes:
        stage: `features` (frozen backbone), `training`, `folds` (trainings that judge it), `seeds` (the same
            with other seeds) or `evaluation`.
        done: batches done, of `total`, in this stage: for training over all epochs, for folds and seeds over all of
            them.
        rate: images a second, lately.
        remaining_seconds: an estimate; training may stop earlier.
    """

    kind: Literal["progress"] = "progress"
    stage: Literal["features", "training", "folds", "seeds", "evaluation"]
    done: int
    total: int
    rate: float
    remaining_seconds: float
    epoch: int | None = None
    loss: float | None = None
    accuracy: float | None = None

    def within(self, stage: Literal["folds", "seeds"], number: int, count: int) -> "Progress":
        """The same as a part of a stage that does this so many times."""
        total, done = count * self.total, number * self.total + self.done
        left = self.remaining_seconds * (total - done) / max(1, self.total - self.done)
        return self.model_copy(update={"stage": stage, "done": done, "total": total, "remaining_seconds": left})


class EpochEnd(_Event):
    """The figures of one epoch; also a row of the card's history. Epochs count from 1."""

    kind: Literal["epoch"] = "epoch"
    epoch: int
    epochs: int
    loss: float = Field(description="cross-entropy without class weights and smoothed labels, of pictures as varied")
    accuracy: float
    val_loss: float = Field(description="the same of validation, as in `card.Scores`")
    val_accuracy: float
    learning_rate: float
    seconds: float
    images_per_second: float
    remaining_seconds: float = Field(default=0.0, description="an estimate; training may stop earlier")
    best: bool = Field(description="the best validation so far")


class Finished(_Event):
    """The last event of a training that worked: its card lies in the output folder."""

    kind: Literal["finished"] = "finished"


class Failed(_Event):
    """The last event of one that did not."""

    kind: Literal["failed"] = "failed"
    error: str
    message: str


Event = Message | Progress | EpochEnd | Finished | Failed

OnEvent = Callable[[Event], None]
"""What takes the events of a training; an exception in it ends the training."""

PROGRESS_SECONDS = 1.0
"""At most one progress event a second: a terminal shows no more, and a log wants less."""

_EVENT: TypeAdapter[Event] = TypeAdapter(Annotated[Event, Field(discriminator="kind")])


def parse_event(line: str | bytes) -> Event:
    """One JSON line of a worker as an event; pydantic's ValidationError where it is none."""
    return _EVENT.validate_json(line)
