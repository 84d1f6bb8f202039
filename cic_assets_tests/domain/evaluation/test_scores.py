import pytest

from cic_assets.domain.evaluation.scores import compare_models, score_model, title_of
from cic_assets.domain.evaluation.statistics import wilson_interval


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
