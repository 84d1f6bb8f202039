"""Three classifiers: what they are, how they are trained, what is known about one that was.

Importing this imports neither Keras nor TensorFlow; they come when a model is built or loaded.
"""

from cic_assets.domain.models.augmentation import augmented
from cic_assets.domain.models.card import (
    CARD_FILE,
    MODEL_FILE,
    PICTURES_FILE,
    PREDICTIONS_FILE,
    Card,
    Measures,
    Scores,
    Takedowns,
    load_model,
    read_card,
)
from cic_assets.domain.models.data import fit_to_side, load_training_data
from cic_assets.domain.models.errors import (
    AcceleratorUnavailableError,
    CardMismatchError,
    ExportError,
    ModelError,
    TrainingDataError,
    TrainingDivergedError,
    WeightsUnavailableError,
    WorkerError,
)
from cic_assets.domain.models.events import EpochEnd, Event, Finished, Message, OnEvent, Progress
from cic_assets.domain.models.export import ExportedModel, load_exported
from cic_assets.domain.models.forgetting import has_seen, mark_taken_down, seen_pictures
from cic_assets.domain.models.losses import KERAS_FLOOR, log_loss, softmax
from cic_assets.domain.models.pooled import PooledBackbone, open_pooled_backbone
from cic_assets.domain.models.process import check_accelerator, train_in_process
from cic_assets.domain.models.ranking import best_first, best_model
from cic_assets.domain.models.results import PICTURE_COLUMNS, PREDICTION_COLUMNS
from cic_assets.domain.models.settings import (
    RENAMED,
    XCEPTION_MIN_SIDE,
    AcceleratorSettings,
    Architecture,
    AugmentationSettings,
    ModelSettings,
    Variant,
    default_models,
)
from cic_assets.domain.models.spec import FEATURES_VERSION, TRAINING_VERSION, TrainingSpec
from cic_assets.domain.models.training import train
from cic_assets.domain.models.weights import resolve_weights

__all__ = [
    "CARD_FILE", "FEATURES_VERSION", "KERAS_FLOOR", "MODEL_FILE", "PICTURES_FILE", "PICTURE_COLUMNS",
    "PREDICTIONS_FILE", "PREDICTION_COLUMNS", "RENAMED", "TRAINING_VERSION", "XCEPTION_MIN_SIDE",
    "AcceleratorSettings", "AcceleratorUnavailableError", "Architecture", "AugmentationSettings", "Card",
    "CardMismatchError", "EpochEnd", "Event", "ExportError", "ExportedModel", "Finished", "Measures", "Message",
    "ModelError", "ModelSettings", "OnEvent", "PooledBackbone", "Progress", "Scores", "Takedowns",
    "TrainingDataError", "TrainingDivergedError", "TrainingSpec", "Variant", "WeightsUnavailableError", "WorkerError",
    "augmented", "best_first", "best_model", "check_accelerator", "default_models", "fit_to_side", "has_seen",
    "load_exported", "load_model", "load_training_data", "log_loss", "mark_taken_down", "open_pooled_backbone",
    "read_card", "resolve_weights", "seen_pictures", "softmax", "train", "train_in_process",
]  # fmt: skip
