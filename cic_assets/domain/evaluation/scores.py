"""What each model is worth on the pictures that it is judged on, what it cost, and whether models differ at all."""

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import PurePath

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.evaluation import calibration, intervals, statistics
from cic_assets.domain.evaluation.answers import Answers, of_both
from cic_assets.domain.evaluation.contract import (
    ClassScore,
    ComparisonPart,
    FurtherPart,
    JudgedPart,
    ModelPart,
    PrecisionPart,
    SeedsPart,
    SharePart,
    SourceScore,
)
from cic_assets.domain.evaluation.inputs import ModelRun
from cic_assets.domain.evaluation.intervals import Estimate
from cic_assets.domain.evaluation.reject import judge_reject
from cic_assets.domain.evaluation.slices import find_slices
from cic_assets.domain.evaluation.statistics import Interval, Ints
from cic_assets.domain.evaluation.worth import calibration_of, judge_calibration
from cic_assets.domain.models import FULL, Card, Changes, Measured, QuantizedCard, Seeds

FURTHER = 100, 300, 1000
"""So many further pictures are looked forward to."""
TITLES = {"vgg": "VGG", "peetz_net": "Peetz Net", "xception": "Xception"}


def title_of(name: str) -> str:
    """What a person calls a model."""
    return TITLES.get(name, name.replace("_", " "))


def score_model(
    run: ModelRun, answers: Answers, validated: Answers, manifest: pd.DataFrame, tested: Answers | None = None
) -> ModelPart:
    """Every number of one model.

    Args:
        run: all that is known of it.
        answers: what it is judged by.
        validated: its answers on the validation pictures.
        manifest: of the data set.
        tested: its answers on the test pictures, where it is judged by more than those.
    """
    card, tested = run.card, answers if tested is None else tested
    matrix = statistics.confusion_matrix(answers.truth, answers.predicted, len(card.labels))
    interval = intervals.share_interval(answers.right, answers.units)
    baseline = statistics.majority_baseline(matrix)
    classes = _class_scores(matrix, answers)
    roc, precision_recall = _areas(answers)
    validation, measures = card.scores["validation"], card.measures
    return ModelPart(
        title=title_of(card.name),
        architecture=card.architecture,
        version=card.version,
        answering=run.answering,
        variant=card.settings.variant,
        accuracy=statistics.accuracy(matrix),
        accuracy_ci=interval,
        further=[
            FurtherPart(pictures=n, accuracy_ci=intervals.further_interval(answers.right, answers.units, n))
            for n in FURTHER
        ],
        right=int(np.trace(matrix)),
        n=len(answers.truth),
        judged=_judged(answers, card),
        tested=_share(tested),
        seeds=_seeds(card.seeds) if card.seeds else None,
        balanced_accuracy=statistics.balanced_accuracy(matrix),
        balanced_accuracy_ci=_balanced_interval(classes),
        roc_auc=_or_none(roc.value),
        roc_auc_ci=roc.interval,
        pr_auc=_or_none(precision_recall.value),
        pr_auc_ci=precision_recall.interval,
        majority_baseline=baseline,
        above_majority=interval.low > baseline,
        independence_p=statistics.independence(_worth(matrix, answers)),
        confusion=matrix.tolist(),
        per_class=classes,
        per_source=_source_scores(answers, manifest),
        slices=find_slices(answers, manifest),
        expected_calibration_error=calibration.expected_calibration_error(
            calibration.reliability(answers.probabilities, answers.truth)
        ),
        mean_confidence=float(answers.probabilities.max(axis=1).mean()),
        brier_score=calibration.brier_score(answers.probabilities, answers.truth),
        log_loss=calibration.log_loss(answers.probabilities, answers.truth),
        calibration=judge_calibration(
            calibration_of(card.calibration, validated), answers, card.folds.calibrations if card.folds else ()
        ),
        validation_accuracy=validation.accuracy,
        validation_loss=validation.loss,
        validation_calibrated_loss=card.calibration.loss if card.calibration else None,
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
        precisions=_precisions(run.quantized, intervals.effective_number(tested.right, tested.units)),
        reject=judge_reject(run, manifest),
        warnings=card.warnings,
        history=card.history,
    )


def _precisions(quantized: Sequence[QuantizedCard], worth: float) -> list[PrecisionPart]:
    """In full first; nothing where it is in nothing else. The pictures are worth so many independent ones."""
    if not quantized:
        return []
    unchanged = Changes(labels=0, largest=0, mean=0)
    parts = [(card.precision, card.measured, card.changes["test"]) for card in quantized]
    return [_precision(*part, worth) for part in [(FULL, quantized[0].full, unchanged), *parts]]


def _precision(name: str, measured: Measured, changes: Changes, worth: float) -> PrecisionPart:
    test = measured.scores["test"]
    right = round(test.accuracy * test.count)
    return PrecisionPart(
        precision=name,
        right=right,
        n=test.count,
        accuracy=test.accuracy,
        accuracy_ci=statistics.wilson_interval(test.accuracy * worth, worth),
        log_loss=test.loss,
        labels_changed=changes.labels,
        largest_change=changes.largest,
        disk_bytes=measured.bytes,
        milliseconds=measured.milliseconds,
    )


def compare_models(answers: Mapping[str, Answers]) -> list[ComparisonPart]:
    """Every pair of models, on the pictures that both were judged on."""
    pairs = {(first, second): of_both(answers[first], answers[second]) for first, second in combinations(answers, 2)}
    tests = [statistics.mcnemar_exact(one.right, other.right, one.units) for one, other in pairs.values()]
    adjusted = statistics.holm([test.p_value for test in tests])
    return [
        ComparisonPart(
            first=first,
            second=second,
            pictures=len(one.table),
            only_first=test.only_first,
            only_second=test.only_second,
            p_value=test.p_value,
            p_value_adjusted=p_value,
        )
        for ((first, second), (one, _)), test, p_value in zip(pairs.items(), tests, adjusted, strict=True)
    ]


def _share(answers: Answers) -> SharePart:
    return SharePart(
        right=int(answers.right.sum()),
        n=len(answers.right),
        accuracy=float(answers.right.mean()),
        accuracy_ci=intervals.share_interval(answers.right, answers.units),
    )


def _seeds(given: Seeds) -> SeedsPart:
    accuracies = [of_seed.accuracy for of_seed in given.scores]
    return SeedsPart(
        seeds=given.seeds,
        where=given.where,
        n=given.scores[0].count,
        right=[round(of_seed.accuracy * of_seed.count) for of_seed in given.scores],
        lowest=min(accuracies),
        highest=max(accuracies),
        standard_deviation=statistics.standard_deviation(accuracies),
        changed=given.changed,
        wall_seconds=given.wall_seconds,
        cpu_seconds=given.cpu_seconds,
    )


def _judged(answers: Answers, card: Card) -> JudgedPart:
    sizes, folds = np.bincount(answers.units), card.folds if answers.where == "folds" else None
    return JudgedPart(
        where=answers.where,
        folds=folds.count if folds else None,
        wall_seconds=folds.wall_seconds if folds else None,
        cpu_seconds=folds.cpu_seconds if folds else None,
        pictures=len(answers.units),
        units=len(sizes),
        largest_unit=int(sizes.max()),
        worth=intervals.effective_number(answers.right, answers.units),
    )


def _class_scores(matrix: Ints, answers: Answers) -> dict[str, ClassScore]:
    measured = statistics.per_class(matrix)
    return {
        klass: ClassScore(
            support=int(measured.support[k]),
            right=int(matrix[k, k]),
            precision=_or_none(measured.precision[k]),
            recall=_or_none(measured.recall[k]),
            f1=_or_none(measured.f1[k]),
            recall_ci=_share_of(answers, answers.truth == k),
        )
        for k, klass in enumerate(answers.classes)
    }


def _balanced_interval(classes: Mapping[str, ClassScore]) -> Interval:
    there = [(score.recall, score.recall_ci) for score in classes.values()]
    known = [(recall, Interval(*edges)) for recall, edges in there if recall is not None and edges is not None]
    return intervals.mean_interval(*zip(*known, strict=True))


def _areas(answers: Answers) -> tuple[Estimate, Estimate]:
    """Under the ROC curve and under that of precision over recall, over all classes."""
    columns = [(answers.probabilities[:, k], answers.truth == k) for k in range(len(answers.classes))]
    # Of two classes, either is told from the other by the same curve.
    told = columns[1:] if len(columns) == 2 else columns  # noqa: PLR2004
    return (
        intervals.over_classes([intervals.roc_area(*column, answers.units) for column in told]),
        intervals.over_classes([intervals.precision_recall_area(*column, answers.units) for column in columns]),
    )


def _source_scores(answers: Answers, manifest: pd.DataFrame) -> dict[str, SourceScore]:
    source = answers.table["sha256"].map(manifest.set_index("sha256")["subreddit"])
    scores = {}
    for key, rows in source.groupby(source).indices.items():
        inside = np.isin(np.arange(len(source)), rows)
        scores[str(key)] = SourceScore(
            right=int(answers.right[inside].sum()),
            n=len(rows),
            accuracy=float(answers.right[inside].mean()),
            accuracy_ci=_share_of(answers, inside),
        )
    return scores


def _share_of(answers: Answers, inside: NDArray[np.bool_]) -> Interval:
    """Interval of the share of right answers among some pictures."""
    return intervals.share_interval(answers.right[inside], answers.units[inside])


def _worth(matrix: Ints, answers: Answers) -> Ints:
    """A confusion matrix in independent pictures, rounded down, for a test that knows no units."""
    worth = intervals.effective_number(answers.right, answers.units) / matrix.sum()
    return np.asarray(np.floor(worth * matrix), np.int64)


def _without_folder(source: str) -> str:
    """Where a person keeps their files is not for a report that they may publish."""
    path = PurePath(source)
    return path.name if path.is_absolute() else source


def _or_none(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
