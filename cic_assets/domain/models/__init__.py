"""Three classifiers: what they are, how they are trained, what is known about one that was.

Importing this imports neither Keras nor TensorFlow; they come when a model is built or loaded.
"""

from cic_assets.domain.models.augmentation import augmented
from cic_assets.domain.models.calibration import LEVELS, Calibration, doubts_of, fit_calibration
from cic_assets.domain.models.card import (
    CARD_FILE,
    FOLDS_FILE,
    MODEL_FILE,
    PICTURES_FILE,
    PREDICTIONS_FILE,
    Card,
    Folds,
    Measures,
    Scores,
    Seeds,
    Takedowns,
    load_model,
    read_card,
)
from cic_assets.domain.models.data import SPLITS, fit_to_side, is_learned, load_training_data
from cic_assets.domain.models.embeddings import Embeddings, Neighbours, load_embeddings
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
from cic_assets.domain.models.files import files_of
from cic_assets.domain.models.folds import FOLD_COLUMNS
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
from cic_assets.domain.models.ranking import best_first, best_model, deciding_losses
from cic_assets.domain.models.reject import RejectRule
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
from cic_assets.domain.models.spec import FEATURES_VERSION, FOLDS_VERSION, SEEDS_VERSION, TRAINING_VERSION, TrainingSpec
from cic_assets.domain.models.training import train
from cic_assets.domain.models.versions import (
    CHAMPION_FILE,
    Comparison,
    Decision,
    Record,
    Version,
    admit,
    champion_folder,
    change_champion,
    check_whole,
    deciding,
    judged_of,
    judged_version,
    newest_version,
    note,
    prune,
    read_champion,
    read_record,
    read_version,
    settle,
    trained_folder,
    version_folders,
    versions_of,
)
from cic_assets.domain.models.weights import resolve_weights

__all__ = [
    "CARD_FILE", "CHAMPION_FILE", "FEATURES_VERSION", "FOLDS_FILE", "FOLDS_VERSION", "FOLD_COLUMNS", "FORMATS", "FULL",
    "KERAS_FLOOR", "LEVELS", "MODEL_FILE", "PICTURES_FILE", "PICTURE_COLUMNS", "PRECISIONS", "PREDICTIONS_FILE",
    "PREDICTION_COLUMNS", "RENAMED", "SEEDS_VERSION", "SPLITS", "TRAINING_VERSION", "XCEPTION_MIN_SIDE",
    "AcceleratorSettings",
    "AcceleratorUnavailableError", "Architecture", "AugmentationSettings", "Calibration", "Card", "CardMismatchError",
    "Changes", "Comparison", "Decision", "Embeddings", "EpochEnd", "Event", "ExportError", "ExportedModel", "Finished",
    "Folds", "Measured", "Measures", "Message", "ModelError", "ModelSettings", "Neighbours", "OnEvent",
    "PooledBackbone", "Precision", "Progress", "QuantizedCard", "Record", "RejectRule", "Scores", "Seeds", "Takedowns",
    "TrainingDataError", "TrainingDivergedError", "TrainingSpec", "TrainingUnavailableError", "Variant", "Version",
    "WeightsUnavailableError", "WorkerError", "admit", "augmented", "best_first", "best_model", "champion_folder",
    "change_champion", "check_training", "check_whole", "deciding", "deciding_losses", "default_models", "doubts_of",
    "export_trained_model", "files_of", "fit_calibration", "fit_to_side", "has_seen", "is_learned", "is_whole",
    "judged_of",
    "judged_version", "load_embeddings", "load_exported", "load_model", "load_quantized", "load_training_data",
    "log_loss", "mark_taken_down", "newest_version", "note", "open_pooled_backbone", "prune", "quantize",
    "quantized_cards", "read_card", "read_champion", "read_record", "read_version", "require_keras", "resolve_weights",
    "seen_pictures", "settle", "softmax", "train", "train_in_process", "trained_folder", "version_folders",
    "versions_of",
]  # fmt: skip
