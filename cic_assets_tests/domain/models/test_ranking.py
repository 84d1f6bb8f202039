"""Which model is the one to use."""

import pytest

from cic_assets.domain.models import Calibration, best_first, best_model


def test_the_best_is_the_best_in_validation_never_in_test(make_card):
    assert best_model([make_card("low", accuracy=0.7, test=0.9), make_card("high", accuracy=0.8, test=0.6)]) == "high"


@pytest.mark.parametrize("reverse", [False, True])
def test_of_equals_the_lower_loss_then_the_name_and_random_weights_come_last(make_card, reverse):
    cards = [
        make_card("a", accuracy=0.9, loss=0.4),
        make_card("b", accuracy=0.9, loss=0.2),
        make_card("c", accuracy=1.0, loss=0.1, random_weights=True),
        make_card("d", accuracy=0.9, loss=0.2),
    ]
    ranked = best_first(reversed(cards) if reverse else cards)
    assert [card.name for card in ranked] == ["d", "b", "a", "c"]


def put_right(loss):
    return Calibration(temperature=2.0, largest_doubts={}, pictures=50, units=50, loss=loss)


def test_a_few_pictures_under_a_wrong_class_do_not_decide_against_a_sure_model(make_card):
    """Five of fifty: the plain loss of one that is sure of them is above that of one which knows little."""
    sure = make_card("sure", accuracy=0.9, loss=0.53, calibration=put_right(0.33))
    unsure = make_card("unsure", accuracy=0.76, loss=0.49, calibration=put_right(0.48))
    assert best_model([unsure, sure]) == "sure"


def test_where_one_does_not_say_its_loss_put_right_the_plain_ones_decide(make_card):
    old = make_card("old", loss=0.4, calibration=put_right(None))
    new = make_card("new", loss=0.5, calibration=put_right(0.1))
    assert best_model([new, old, make_card("older", loss=0.45)]) == "old"


def test_of_an_unequal_data_set_the_one_that_knows_more_is_chosen(make_card):
    """Always naming the commonest class gets 90 % right, and knows nothing."""
    assert best_model(
        [make_card("constant", accuracy=0.9, loss=0.33), make_card("knows", accuracy=0.88, loss=0.2)]
    ) == ("knows")
