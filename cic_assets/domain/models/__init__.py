"""Three classifiers: what they are, how they are trained, what is known about one that was.

Importing this imports neither Keras nor TensorFlow; they come when a model is built or loaded.
"""

from cic_assets.domain.models.augmentation import augmented
from cic_assets.domain.models.calibration import LEVELS, Calibration, doubts_of, fit_calibration
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
    TrainingUnavailableError,
    WeightsUnavailableError,
    WorkerError,
)
from cic_assets.domain.models.events import EpochEnd, Event, Finished, Message, OnEvent, Progress
from cic_assets.domain.models.export import ExportedModel, load_exported
from cic_assets.domain.models.forgetting import has_seen, mark_taken_down, seen_pictures
from cic_assets.domain.models.formats import FORMATS, export_trained_model
from cic_assets.domain.models.losses import KERAS_FLOOR, log_loss, softmax
from cic_assets.domain.models.pooled import PooledBackbone, open_pooled_backbone
from cic_assets.domain.models.process import check_training, train_in_process
from cic_assets.domain.models.quantization import (
    FULL,
    PRECISIONS,
    Changes,
    Measured,
    Precision,
    QuantizedCard,
    is_whole,
    load_quantized,
    quantize,
    quantized_cards,
)
from cic_assets.domain.models.ranking import best_first, best_model
from cic_assets.domain.models.requirements import require_keras
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
    "CARD_FILE", "FEATURES_VERSION", "FORMATS", "FULL", "KERAS_FLOOR", "LEVELS", "MODEL_FILE", "PICTURES_FILE",
    "PICTURE_COLUMNS", "PRECISIONS", "PREDICTIONS_FILE", "PREDICTION_COLUMNS", "RENAMED", "TRAINING_VERSION",
    "XCEPTION_MIN_SIDE", "AcceleratorSettings", "AcceleratorUnavailableError", "Architecture", "AugmentationSettings",
    "Calibration", "Card", "CardMismatchError", "Changes", "EpochEnd", "Event", "ExportError", "ExportedModel",
    "Finished", "Measured", "Measures", "Message", "ModelError", "ModelSettings", "OnEvent", "PooledBackbone",
    "Precision", "Progress", "QuantizedCard", "Scores", "Takedowns", "TrainingDataError", "TrainingDivergedError",
    "TrainingSpec", "TrainingUnavailableError", "Variant", "WeightsUnavailableError", "WorkerError", "augmented",
    "best_first", "best_model", "check_training", "default_models", "doubts_of", "export_trained_model",
    "fit_calibration", "fit_to_side", "has_seen", "is_whole", "load_exported", "load_model", "load_quantized",
    "load_training_data", "log_loss", "mark_taken_down", "open_pooled_backbone", "quantize", "quantized_cards",
    "read_card", "require_keras", "resolve_weights", "seen_pictures", "softmax", "train", "train_in_process",
]  # fmt: skip
