"""What a model's probabilities are worth on pictures that nothing was set by."""

from collections.abc import Sequence

import numpy as np

from cic_assets.domain.evaluation import calibration
from cic_assets.domain.evaluation.answers import Answers
from cic_assets.domain.evaluation.contract import CalibrationError, CalibrationPart, PlausiblePart
from cic_assets.domain.evaluation.intervals import share_interval
from cic_assets.domain.evaluation.statistics import Floats
from cic_assets.domain.models import LEVELS, Calibration, fit_calibration


def calibration_of(kept: Calibration | None, validated: Answers) -> Calibration:
    """The one in the model's card; of a model from before there was any, set now by the same pictures."""
    return kept or fit_calibration(validated.probabilities, validated.truth, validated.units)


def judge_calibration(how: Calibration, answers: Answers, of_folds: Sequence[Calibration] = ()) -> CalibrationPart:
    """Probabilities as they are and put right, and the sets of plausible classes.

    Args:
        how: of the model itself, as `cic predict` puts it right.
        answers: what it is judged by.
        of_folds: of each fold's model, where the answers are those of folds: each was set without a look at its fold.
    """
    is_in_folds = answers.where == "folds" and len(of_folds) > 0
    hows, which = (of_folds, answers.folds) if is_in_folds else ([how], np.zeros_like(answers.truth))
    calibrated = np.empty_like(answers.probabilities)
    plausible = {level: np.zeros_like(calibrated, np.bool_) for level in how.largest_doubts}
    for number, one in enumerate(hows):
        rows = which == number
        calibrated[rows] = one.calibrated(answers.probabilities[rows])
        for level, classes in one.plausible(calibrated[rows]).items():
            plausible[level][rows] = classes
    return CalibrationPart(
        temperature=how.temperature,
        set_by=how.pictures,
        set_by_units=how.units,
        of_folds=[one.temperature for one in hows] if is_in_folds else [],
        before=_error(answers.probabilities, answers),
        after=_error(calibrated, answers),
        plausible={level: _judge_sets(LEVELS[level], classes, answers) for level, classes in plausible.items()},
    )


def _error(probabilities: Floats, answers: Answers) -> CalibrationError:
    chance = calibration.chance_of_calibrated(probabilities, answers.truth, answers.units)
    bins = calibration.reliability(probabilities, answers.truth)
    return CalibrationError(
        error=calibration.expected_calibration_error(bins),
        if_calibrated=chance.error,
        if_calibrated_highest=chance.highest_error,
        mean_confidence=float(probabilities.max(axis=1).mean()),
        gap_p=chance.gap_p,
        log_loss=calibration.log_loss(probabilities, answers.truth),
    )


def _judge_sets(
    level: float, classes: np.ndarray[tuple[int, int], np.dtype[np.bool_]], answers: Answers
) -> PlausiblePart:
    held, sizes = classes[np.arange(len(classes)), answers.truth], classes.sum(axis=1)
    return PlausiblePart(
        level=level,
        coverage=float(held.mean()),
        coverage_ci=share_interval(held, answers.units),
        mean_size=float(sizes.mean()),
        one=float((sizes == 1).mean()),
        none=float((sizes == 0).mean()),
    )
