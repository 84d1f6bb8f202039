"""Which of several trained models is the one to use."""

from collections.abc import Iterable, Sequence

from cic_assets.domain.models.card import Card


def best_first(cards: Iterable[Card]) -> list[Card]:
    """Cards by validation loss, lowest first; of equals the one with the higher validation accuracy, then by name.

    On a few hundred pictures the loss tells models apart that get equally many right, and it counts how sure they were;
    see `deciding_losses`. Never by the test pictures, which would make the best one's test accuracy too good to be
    true. A model that had to do without its pretrained weights comes last: it was only ever a demonstration.
    """
    known = list(cards)
    losses = deciding_losses(
        [(one.scores["validation"].loss, one.calibration.loss if one.calibration else None) for one in known]
    )
    ranked = sorted(zip(known, losses, strict=True), key=lambda pair: _merit(*pair), reverse=True)
    return [card for card, _ in ranked]


def deciding_losses(losses: Sequence[tuple[float, float | None]]) -> list[float]:
    """The losses that models are compared by.

    Those of probabilities that were put right, as whoever asks is given them: of the plain ones a few pictures under a
    wrong class make the loss of a good and sure model higher than that of one which knows little.

    Args:
        losses: of each model, the plain one and that after its temperature; None of a model from before it was noted,
            and then the plain ones decide, of all.
    """
    put_right = [after for _, after in losses if after is not None]
    return put_right if len(put_right) == len(losses) else [plain for plain, _ in losses]


def best_model(cards: Iterable[Card]) -> str:
    """The name of the best model, by the rule of `best_first`; at least one card."""
    return best_first(cards)[0].name


def _merit(card: Card, loss: float) -> tuple[bool, float, float, str]:
    return not card.random_weights, -loss, card.scores["validation"].accuracy, card.name
