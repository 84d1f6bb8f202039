"""The parts of a training: which epochs see pictures of which side, and what learns in them. No Keras here."""

from dataclasses import dataclass
from itertools import pairwise

from cic_assets.domain.models.settings import ModelSettings

STEP = 8
"""Sides of progressive resizing are multiples of this many pixels: halving three times leaves whole ones."""
SMALLEST_SIDE = 32


@dataclass(frozen=True, slots=True)
class Course:
    """Epochs with one optimizer and one run of the learning rate's schedule.

    Attributes:
        first: its first epoch, from 0.
        end: the epoch after its last.
        learning_rate: at its highest.
        head_only: whether pretrained layers stand still.
    """

    first: int
    end: int
    learning_rate: float
    head_only: bool = False

    @property
    def epochs(self) -> int:
        """How many."""
        return self.end - self.first


@dataclass(frozen=True, slots=True)
class Stage:
    """Epochs `first` to `end - 1` of a course, in which training pictures have one side, in pixels."""

    course: Course
    first: int
    end: int
    side: int


def stages_of(settings: ModelSettings) -> list[Stage]:
    """All stages in their order; they cover every epoch once, and none is empty."""
    head_end = min(settings.head_epochs, settings.epochs)
    if head_end:
        courses = [Course(0, head_end, settings.learning_rate, head_only=True)]
        courses += [Course(head_end, settings.epochs, settings.fine_tuning_rate)] if head_end < settings.epochs else []
    else:
        courses = [Course(0, settings.epochs, settings.learning_rate)]
    return [stage for course in courses for stage in _stages(course, settings)]


def _stages(course: Course, settings: ModelSettings) -> list[Stage]:
    parts = len(settings.progressive_resizing)
    bounds = [course.first + round(part * course.epochs / parts) for part in range(parts + 1)]
    return [
        Stage(course, first, end, _side(share, settings.input_size))
        for share, (first, end) in zip(settings.progressive_resizing, pairwise(bounds), strict=True)
        if first < end
    ]


def _side(share: float, input_size: int) -> int:
    if share == 1:
        return input_size
    return min(input_size, max(SMALLEST_SIDE, STEP * round(share * input_size / STEP)))


def side_of_epoch(stages: list[Stage], epoch: int) -> int:
    """Side of the training pictures in an epoch, from 0; the last one's after the end."""
    return next((stage.side for stage in stages if epoch < stage.end), stages[-1].side)


def work_left(stages: list[Stage], epoch: int, done: float) -> float:
    """What is still to be done, in epochs like a given one; work goes by the area of a picture.

    Args:
        stages: of the training.
        epoch: that takes one unit of work, from 0.
        done: epochs that are done, the part of a running one too.
    """
    unit = side_of_epoch(stages, epoch) ** 2
    return sum(max(0.0, stage.end - max(stage.first, done)) * stage.side**2 / unit for stage in stages)
