"""Which of several trained models is the one to use."""

from collections.abc import Iterable

from cic_assets.domain.models.card import Card


def best_first(cards: Iterable[Card]) -> list[Card]:
    """Cards by validation loss, lowest first; of equals the one with the higher validation accuracy, then by name.

    On a few hundred pictures the loss tells models apart that get equally many right, and it counts how sure they were.
    Never by the test pictures, which would make the best one's test accuracy too good to be true. A model that had to
    do without its pretrained weights comes last: it was only ever a demonstration.
    """
    return sorted(cards, key=_merit, reverse=True)


def best_model(cards: Iterable[Card]) -> str:
    """The name of the best model, by the rule of `best_first`; at least one card."""
    return best_first(cards)[0].name


def _merit(card: Card) -> tuple[bool, float, float, str]:
    validation = card.scores["validation"]
    return not card.random_weights, -validation.loss, validation.accuracy, card.name
