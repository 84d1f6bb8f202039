from dataclasses import replace

import numpy as np
import pytest

from cic_assets.domain.evaluation.answers import Answers
from cic_assets.domain.evaluation.intervals import effective_number
from cic_assets.domain.evaluation.scores import compare_models, score_model, title_of
from cic_assets.domain.evaluation.statistics import wilson_interval
from cic_assets.domain.models import Calibration, fit_calibration


@pytest.fixture(scope="module")
def scores(inputs):
    return {
        name: score_model(run, inputs.judged(name), inputs.validated(name), inputs.manifest)
        for name, run in inputs.models.items()
    }


def test_numbers_are_those_of_the_predictions(inputs, scores):
    for name, score in scores.items():
        rows = inputs.models[name].predictions.query("split == 'test'")
        right = rows["predicted"] == rows["klass"]
        assert (score.right, score.n) == (right.sum(), len(rows))
        assert score.accuracy == pytest.approx(right.mean())
        assert score.accuracy_ci == wilson_interval(score.right, score.n)
        assert sum(map(sum, score.confusion)) == score.n
        assert sum(part.right for part in score.per_class.values()) == score.right
        assert sum(part.right for part in score.per_source.values()) == score.right
        assert sum(part.n for part in score.per_source.values()) == score.n
        assert score.majority_baseline == pytest.approx(rows["klass"].value_counts().max() / len(rows))


def test_costs_are_those_of_the_card(inputs, scores):
    card, score = inputs.models["xception"].card, scores["xception"]
    assert (score.epochs, score.parameters) == (card.epochs, card.measures.parameters)
    assert (score.features_seconds, score.weights) == (9.0, "xception.h5")
    assert scores["vgg"].features_seconds is None


def test_agrees_with_the_card_of_its_own_training(inputs, scores):
    for name, score in scores.items():
        assert score.accuracy == pytest.approx(inputs.models[name].card.scores["test"].accuracy)


def test_every_pair_is_compared_once_on_the_same_pictures(inputs, scores):
    pairs = compare_models({name: inputs.judged(name) for name in inputs.models})
    assert [(pair.first, pair.second) for pair in pairs] == [
        ("vgg", "peetz_net"), ("vgg", "xception"), ("peetz_net", "xception")
    ]  # fmt: skip
    for pair in pairs:
        assert pair.only_first - pair.only_second == scores[pair.first].right - scores[pair.second].right
        assert pair.p_value <= pair.p_value_adjusted <= 1


def test_titles():
    assert [title_of(name) for name in ("vgg", "peetz_net", "my_own_net")] == ["VGG", "Peetz Net", "my own net"]


def test_what_the_numbers_are_over_stands_beside_them(inputs, scores):
    answers = inputs.judged("vgg")
    sizes = answers.table.groupby("unit").size()
    part = scores["vgg"].judged
    assert (part.where, part.pictures, part.units, part.largest_unit) == (
        "test",
        len(answers.table),
        len(sizes),
        sizes.max(),
    )
    assert part.worth == pytest.approx(effective_number(answers.right, answers.units))


def test_pictures_of_one_unit_make_all_intervals_wider(inputs):
    run, answers = inputs.models["vgg"], inputs.judged("vgg")
    paired = Answers(answers.table.assign(unit=[f"u{i // 3}" for i in range(len(answers.table))]), answers.classes)
    alone, together = (score_model(run, one, inputs.validated("vgg"), inputs.manifest) for one in (answers, paired))
    assert (alone.accuracy, alone.confusion) == (together.accuracy, together.confusion)
    for name in ("accuracy_ci", "balanced_accuracy_ci", "roc_auc_ci", "pr_auc_ci"):
        narrow, wide = getattr(alone, name), getattr(together, name)
        assert wide[0] < narrow[0], name
    assert together.per_class["tank"].recall_ci[0] < alone.per_class["tank"].recall_ci[0]
    assert together.per_source["tankporn"].accuracy_ci[0] < alone.per_source["tankporn"].accuracy_ci[0]
    assert together.judged.units == -(-len(answers.table) // 3)


def test_answers_out_of_fold_are_judged_in_the_same_way(inputs):
    run, answers = inputs.models["vgg"], inputs.judged("vgg")
    folds = Answers(answers.table.assign(judged=[f"fold {i % 5}" for i in range(len(answers.table))]), answers.classes)
    score = score_model(run, folds, inputs.validated("vgg"), inputs.manifest)
    assert score.judged.where == "folds"
    assert score.accuracy_ci == score_model(run, answers, inputs.validated("vgg"), inputs.manifest).accuracy_ci


def test_calibration_is_set_by_validation_and_judged_elsewhere(inputs, scores):
    validated, answers = inputs.validated("vgg"), inputs.judged("vgg")
    how = fit_calibration(validated.probabilities, validated.truth, validated.units)
    part = scores["vgg"].calibration
    assert (part.temperature, part.set_by) == (how.temperature, len(validated.table))
    calibrated = how.calibrated(answers.probabilities)
    truths = zip(calibrated, answers.truth, strict=True)
    held = [1 - row[truth] <= how.largest_doubts["90"] + 1e-12 for row, truth in truths]
    assert part.plausible["90"].coverage == pytest.approx(np.mean(held))
    sizes = (1 - calibrated <= how.largest_doubts["90"] + 1e-12).sum(axis=1)
    assert part.plausible["90"].mean_size == pytest.approx(sizes.mean())
    assert part.before.error == scores["vgg"].expected_calibration_error
    assert part.after.mean_confidence == pytest.approx(calibrated.max(axis=1).mean())


def test_the_calibration_of_the_card_is_the_one_that_is_judged(inputs):
    kept = Calibration(temperature=3.0, largest_doubts={"90": 0.5, "95": 1.0}, pictures=7, units=5)
    run = inputs.models["vgg"]
    run = replace(run, card=run.card.model_copy(update={"calibration": kept}))
    part = score_model(run, inputs.judged("vgg"), inputs.validated("vgg"), inputs.manifest).calibration
    assert (part.temperature, part.set_by, part.set_by_units) == (3.0, 7, 5)
    assert part.plausible["95"].coverage == 1
