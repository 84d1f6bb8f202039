"""Which model is the one to use."""

import pytest

from cic_assets.models import AcceleratorSettings, Card, Measures, ModelSettings, Scores, best_first, best_model
from cic_assets.models.card import Preprocessing


def card_of(name: str, accuracy: float, loss: float = 0.5, *, test: float = 0.5, random_weights: bool = False) -> Card:
    return Card(
        name=name,
        settings=ModelSettings(architecture="vgg"),
        labels=["car", "tank"],
        preprocessing=Preprocessing(side=256, input_size=128),
        sha256="0" * 64,
        data_version="d",
        code_version="c",
        keras_version="3",
        backend="tensorflow",
        device="cpu",
        accelerator=AcceleratorSettings(),
        weights=None,
        random_weights=random_weights,
        best_epoch=1,
        stopped_early=False,
        scores={
            "validation": Scores(loss=loss, accuracy=accuracy, count=20),
            "test": Scores(loss=0.5, accuracy=test, count=20),
        },
        measures=Measures(**dict.fromkeys(Measures.model_fields, 1)),
        history=[],
        warnings=[],
    )


def test_the_best_is_the_best_in_validation_never_in_test() -> None:
    assert best_model([card_of("low", 0.7, test=0.9), card_of("high", 0.8, test=0.6)]) == "high"


@pytest.mark.parametrize("reverse", [False, True])
def test_of_equals_the_lower_loss_then_the_name_and_random_weights_come_last(reverse: bool) -> None:
    cards = [card_of("a", 0.9, 0.4), card_of("b", 0.9, 0.2), card_of("c", 1.0, 0.1, random_weights=True)]
    cards.append(card_of("d", 0.9, 0.2))
    ranked = best_first(reversed(cards) if reverse else cards)
    assert [card.name for card in ranked] == ["d", "b", "a", "c"]
