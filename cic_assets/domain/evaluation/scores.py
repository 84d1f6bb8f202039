"""What each model is worth on the test pictures, what it cost, which is best, and whether they differ at all."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import PurePath

import numpy as np
import pandas as pd

from cic_assets.domain.evaluation import calibration, statistics
from cic_assets.domain.evaluation.contract import ClassScore, ComparisonPart, ModelPart, PrecisionPart, SourceScore
from cic_assets.domain.evaluation.inputs import ModelRun
from cic_assets.domain.evaluation.statistics import Ints
from cic_assets.domain.models import FULL, Changes, Measured, QuantizedCard

TITLES = {"vgg": "VGG", "peetz_net": "Peetz Net", "xception": "Xception"}


def title_of(name: str) -> str:
    """What a person calls a model."""
    return TITLES.get(name, name.replace("_", " "))


def score_model(run: ModelRun, manifest: pd.DataFrame) -> ModelPart:
    """Every number of one model."""
    card, rows = run.card, run.of_split("test")
    truth, probabilities = rows["label"].to_numpy(), run.probabilities("test")
    matrix = statistics.confusion_matrix(truth, probabilities.argmax(axis=1), len(card.labels))
    right, n = int(np.trace(matrix)), len(rows)
    interval = statistics.wilson_interval(right, n)
    baseline = statistics.majority_baseline(matrix)
    validation, measures = card.scores["validation"], card.measures
    return ModelPart(
        title=title_of(card.name),
        architecture=card.architecture,
        variant=card.settings.variant,
        accuracy=statistics.accuracy(matrix),
        accuracy_ci=interval,
        right=right,
        n=n,
        balanced_accuracy=statistics.balanced_accuracy(matrix),
        majority_baseline=baseline,
        above_majority=interval.low > baseline,
        independence_p=statistics.independence(matrix),
        confusion=matrix.tolist(),
        per_class=_class_scores(matrix, card.labels),
        per_source=_source_scores(rows, manifest),
        expected_calibration_error=calibration.expected_calibration_error(
            calibration.reliability(probabilities, truth)
        ),
        mean_confidence=float(probabilities.max(axis=1).mean()),
        brier_score=calibration.brier_score(probabilities, truth),
        log_loss=calibration.log_loss(probabilities, truth),
        validation_accuracy=validation.accuracy,
        validation_loss=validation.loss,
        validation_n=validation.count,
        epochs=card.epochs,
        best_epoch=card.best_epoch,
        stopped_early=card.stopped_early,
        train_seconds=measures.train_seconds,
        features_seconds=measures.features_seconds,
        wall_seconds=measures.wall_seconds,
        cpu_seconds=measures.cpu_seconds,
        images_per_second=measures.images_per_second,
        peak_rss_bytes=measures.peak_rss_bytes,
        peak_gpu_bytes=measures.peak_gpu_bytes,
        disk_bytes=measures.disk_bytes,
        parameters=measures.parameters,
        trainable_parameters=measures.trainable_parameters,
        flops=measures.flops,
        device=card.device,
        random_weights=card.random_weights,
        weights=_without_folder(card.weights.source) if card.weights else "",
        weights_sha256=card.weights.sha256 if card.weights else "",
        precisions=_precisions(run.quantized),
        warnings=card.warnings,
        history=card.history,
    )


def _precisions(quantized: Sequence[QuantizedCard]) -> list[PrecisionPart]:
    """In full first; nothing where it is in nothing else."""
    if not quantized:
        return []
    unchanged = Changes(labels=0, largest=0, mean=0)
    parts = [(card.precision, card.measured, card.changes["test"]) for card in quantized]
    return [_precision(*part) for part in [(FULL, quantized[0].full, unchanged), *parts]]


def _precision(name: str, measured: Measured, changes: Changes) -> PrecisionPart:
    test = measured.scores["test"]
    right = round(test.accuracy * test.count)
    return PrecisionPart(
        precision=name,
        right=right,
        n=test.count,
        accuracy=test.accuracy,
        accuracy_ci=statistics.wilson_interval(right, test.count),
        log_loss=test.loss,
        labels_changed=changes.labels,
        largest_change=changes.largest,
        disk_bytes=measured.bytes,
        milliseconds=measured.milliseconds,
    )


def compare_models(runs: Mapping[str, ModelRun]) -> list[ComparisonPart]:
    """Every pair of models on the same test pictures."""
    right = {name: _is_right(run.of_split("test")) for name, run in runs.items()}
    pairs = list(combinations(runs, 2))
    tests = [statistics.mcnemar_exact(right[first], right[second]) for first, second in pairs]
    adjusted = statistics.holm([test.p_value for test in tests])
    return [
        ComparisonPart(
            first=first,
            second=second,
            only_first=test.only_first,
            only_second=test.only_second,
            p_value=test.p_value,
            p_value_adjusted=p_value,
        )
        for (first, second), test, p_value in zip(pairs, tests, adjusted, strict=True)
    ]


def _class_scores(matrix: Ints, classes: Sequence[str]) -> dict[str, ClassScore]:
    measured = statistics.per_class(matrix)
    return {
        klass: ClassScore(
            support=int(measured.support[k]),
            right=int(matrix[k, k]),
            precision=_or_none(measured.precision[k]),
            recall=_or_none(measured.recall[k]),
            f1=_or_none(measured.f1[k]),
        )
        for k, klass in enumerate(classes)
    }


def _source_scores(rows: pd.DataFrame, manifest: pd.DataFrame) -> dict[str, SourceScore]:
    source = rows["sha256"].map(manifest.set_index("sha256")["subreddit"])
    scores = {}
    for key, right in _is_right(rows).groupby(source):
        share = statistics.wilson_interval(int(right.sum()), len(right))
        scores[str(key)] = SourceScore(
            right=int(right.sum()), n=len(right), accuracy=float(right.mean()), accuracy_ci=share
        )
    return scores


def _is_right(rows: pd.DataFrame) -> "pd.Series[bool]":
    return rows["predicted"] == rows["klass"]


def _without_folder(source: str) -> str:
    """Where a person keeps their files is not for a report that they may publish."""
    path = PurePath(source)
    return path.name if path.is_absolute() else source


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
