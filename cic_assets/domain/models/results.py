"""What a training leaves: the model file, its predictions on validation and test, and its card."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models.accelerator import peak_gpu_bytes
from cic_assets.domain.models.calibration import calibrate
from cic_assets.domain.models.card import (
    CARD_FILE,
    FOLDS_FILE,
    GRAPH_FILE,
    MODEL_FILE,
    PICTURES_FILE,
    PREDICTIONS_FILE,
    Card,
    Export,
    Folds,
    Measures,
    Preprocessing,
    Seeds,
    Weights,
    file_sha256,
)
from cic_assets.domain.models.checkpoints import best_of, has_stopped_early
from cic_assets.domain.models.data import SplitName, TrainingData, fit_to_side
from cic_assets.domain.models.embed import embed
from cic_assets.domain.models.embeddings import EMBEDDINGS_FILE, save_embeddings
from cic_assets.domain.models.events import EpochEnd
from cic_assets.domain.models.export import golden_pictures, write_export
from cic_assets.domain.models.folds import JudgedInFolds, about_folds, folds_table
from cic_assets.domain.models.forgetting import changing
from cic_assets.domain.models.losses import scores
from cic_assets.domain.models.measures import Stopwatch, flops, peak_rss_bytes
from cic_assets.domain.models.quantization.files import remove_quantized
from cic_assets.domain.models.weights import ResolvedWeights
from cic_assets.domain.schema import Column
from cic_assets.storage import local_directory, path_of, write_json

if TYPE_CHECKING:
    import pandas as pd

    from cic_assets.domain.models.networks import Classifier
    from cic_assets.domain.models.spec import TrainingSpec

EXPORTED_PICTURES = 10
"""Of the validation split, about which the exported model is asked beside the golden ones."""

Probabilities = NDArray[np.float64]
"""(N, K), rows that sum to 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingOutcome:
    """A training that ended: the trained network, its history, what it says of the judged splits, and all in folds.

    Attributes:
        embeddings: what the last dense layer sees of all pictures, by split, where training was on just that.
    """

    network: "Classifier"
    pretrained: ResolvedWeights | None
    history: list[EpochEnd]
    outputs: dict[SplitName, Probabilities]
    warnings: list[str]
    features_seconds: float | None
    device: str
    watch: Stopwatch
    folds: JudgedInFolds | None = None
    seeds: Seeds | None = None
    embeddings: Mapping[SplitName, NDArray[np.floating]] | None = None


PREDICTION_COLUMNS: Mapping[str, Column] = {
    "sha256": Column("str", "of the picture"),
    "split": Column("str", "validation or test"),
    "klass": Column("str", "its class"),
    "label": Column("int64", "its class as a number"),
    "predicted": Column("str", "the class that the model says"),
    "p_CLASS": Column("float64", "its probability of the class of that name, 0 to 1; a column a class"),
}
"""What the model says of each picture that it is judged by."""

PICTURE_COLUMNS: Mapping[str, Column] = {
    "sha256": Column("str", "of the picture"),
    "split": Column("str", "train, validation or test"),
    "klass": Column("str", "its class then"),
}
"""Which pictures the model has seen."""


def save(spec: "TrainingSpec", data: TrainingData, outcome: TrainingOutcome) -> Card:
    """Write model, predictions and card beside what was there before, then put them in its place, the card last.

    So a full disk leaves the model of before, and a kill nothing that could be taken for whole. What was made from the
    model of before goes.

    Raises:
        ExportError: the model cannot be exported, or not to what it says itself.
    """
    from cic_assets.domain.models.networks import in_32_bits

    output = path_of(spec.output)
    predictions = predictions_table(data, outcome.outputs)
    model = in_32_bits(outcome.network.model)
    with local_directory(output, last=CARD_FILE, publishing=lambda: _replacing(output)) as folder:
        model.save(folder / MODEL_FILE)
        predictions.to_parquet(folder / PREDICTIONS_FILE, index=False)
        data.manifest[list(PICTURE_COLUMNS)].to_parquet(folder / PICTURES_FILE, index=False)
        card = _card(spec, data, outcome, folder / MODEL_FILE)  # before the export, which is no part of what it cost
        side = spec.settings.input_size
        export, folds = _export(model, data, side, folder), _write_folds(data, outcome.folds, folder)
        embeddings, rule = embed(
            card.sha256, data, folder / GRAPH_FILE, side, outcome.embeddings, spec.accelerator.threads
        )
        save_embeddings(UPath(folder / EMBEDDINGS_FILE), embeddings)
        card = card.model_copy(update={"export": export, "folds": folds, "reject": rule})
        write_json(UPath(folder / CARD_FILE), card.model_dump(mode="json"))
    return card


@contextmanager
def _replacing(folder: UPath) -> Iterator[None]:
    """While a model is put in the place of another, of which nothing in fewer bits stays, and no folds."""
    with changing(folder):
        remove_quantized(folder)
        (folder / FOLDS_FILE).unlink(missing_ok=True)
        yield


def _write_folds(data: TrainingData, judged: JudgedInFolds | None, folder: Path) -> Folds | None:
    if judged is None:
        return None
    table = folds_table(data, judged)
    table.to_parquet(folder / FOLDS_FILE, index=False)
    return about_folds(data, judged, table, file_sha256(folder / FOLDS_FILE))


def _export(model: Any, data: TrainingData, side: int, folder: Path) -> Export:
    real = fit_to_side(data.splits["validation"].images[:EXPORTED_PICTURES], side)
    return write_export(model, folder, data.classes, np.concatenate([golden_pictures(side), real]))


def predictions_table(data: TrainingData, outputs: dict[SplitName, Probabilities]) -> "pd.DataFrame":
    """One row a judged picture: sha256, split, klass, label, predicted (a class name) and p_CLASS for each class."""
    import pandas as pd

    return pd.concat([_predictions(data, split, given) for split, given in outputs.items()], ignore_index=True)


def _predictions(data: TrainingData, split: SplitName, outputs: Probabilities) -> "pd.DataFrame":
    rows = data.manifest[data.manifest["split"] == split].sort_values("row")
    table = rows[["sha256", "split", "klass", "label"]].reset_index(drop=True)
    table["predicted"] = np.array(data.classes, dtype=object)[outputs.argmax(axis=1)]
    return table.assign(**{f"p_{klass}": outputs[:, label] for label, klass in enumerate(data.classes)})


def _card(spec: "TrainingSpec", data: TrainingData, outcome: TrainingOutcome, file: Path) -> Card:
    import keras

    weights = outcome.pretrained
    return Card(
        name=spec.name,
        settings=spec.settings,
        labels=data.classes,
        preprocessing=Preprocessing(
            side=data.side, jpeg_quality=data.jpeg_quality, input_size=spec.settings.input_size
        ),
        sha256=file_sha256(file),
        data_version=data.version,
        left_out=data.left_out,
        code_version=spec.code_version,
        keras_version=keras.__version__,
        backend=keras.backend.backend(),
        device=outcome.device,
        precision=keras.config.dtype_policy().compute_dtype,
        accelerator=spec.accelerator,
        weights=Weights(source=weights.source, sha256=weights.sha256) if weights else None,
        random_weights=spec.settings.architecture == "xception" and weights is None,
        best_epoch=best_of(outcome.history, spec.settings).epoch,
        stopped_early=has_stopped_early(outcome.history, spec.settings),
        scores={str(split): scores(given, data.splits[split].labels) for split, given in outcome.outputs.items()},
        measures=_measures(outcome, file),
        history=[epoch.model_dump(exclude={"kind"}) for epoch in outcome.history],
        warnings=outcome.warnings,
        calibration=calibrate(data, outcome.outputs["validation"]),
        seeds=outcome.seeds,
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _measures(outcome: TrainingOutcome, file: Path) -> Measures:
    model = outcome.network.model
    return Measures(
        wall_seconds=outcome.watch.wall,
        cpu_seconds=outcome.watch.cpu,
        train_seconds=sum(epoch.seconds for epoch in outcome.history),
        features_seconds=outcome.features_seconds,
        images_per_second=float(np.mean([epoch.images_per_second for epoch in outcome.history])),
        peak_rss_bytes=peak_rss_bytes(),
        peak_gpu_bytes=peak_gpu_bytes(outcome.device),
        parameters=model.count_params(),
        trainable_parameters=sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
        flops=flops(model),
        disk_bytes=file.stat().st_size,
    )
