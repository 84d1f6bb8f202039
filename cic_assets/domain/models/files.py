"""Which files a trained model is whole with."""

from cic_assets.domain.models.card import (
    ARRAYS_FILE,
    FOLDS_FILE,
    GRAPH_FILE,
    MODEL_FILE,
    PICTURES_FILE,
    PREDICTIONS_FILE,
    Card,
)
from cic_assets.domain.models.embeddings import EMBEDDINGS_FILE


def files_of(card: Card) -> list[str]:
    """Names of the files that lie beside a model's card, by what the card says that there is."""
    files = [MODEL_FILE, PREDICTIONS_FILE, PICTURES_FILE]
    if card.export:
        files += [GRAPH_FILE, ARRAYS_FILE]
    if card.folds:
        files.append(FOLDS_FILE)
    if card.reject:
        files.append(EMBEDDINGS_FILE)
    return files
