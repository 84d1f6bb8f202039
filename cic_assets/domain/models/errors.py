"""What can go wrong with a model, each with a message that says what to do."""


class ModelError(Exception):
    """A model cannot be trained, saved or loaded."""


class TrainingDataError(ModelError, ValueError):
    """The data set is not usable for training."""


class TrainingDivergedError(ModelError):
    """The loss became infinite or not a number."""


class WeightsUnavailableError(ModelError):
    """Pretrained weights are nowhere to be had, or a file that was given is not what it should be.

    Attributes:
        nowhere: no place has them, and no file was given: where a demonstration may go on without.
    """

    def __init__(self, message: str, *, nowhere: bool = False) -> None:
        super().__init__(message)
        self.nowhere = nowhere


class TrainingUnavailableError(ModelError):
    """Keras or its backend is not installed."""


class AcceleratorUnavailableError(ModelError):
    """A GPU is required and there is none."""


class WorkerError(ModelError):
    """A training's process ended without a result."""


class CardMismatchError(ModelError):
    """A model file is not the one that its card describes."""


class ExportError(ModelError):
    """A model cannot be exported, or what was exported does not say what the model says."""
