"""Predictions as a table."""

from collections.abc import Sequence

import pandas as pd

from cic_assets.prediction.predictor import Prediction
from cic_assets.storage import storable_text


def as_table(predictions: Sequence[Prediction], labels: Sequence[str]) -> pd.DataFrame:
    """One row a picture: `path, label, probability, p_CLASS…, model, error`.

    Text that there is none of is empty, numbers that there are none of are NaN; so every column has the same type
    whatever the pictures are, and a table of unreadable ones alone is a table too.

    Args:
        predictions: of one model.
        labels: its classes.
    """
    rows = [
        {
            "path": storable_text(one.path),
            "label": one.label or "",
            "probability": one.probability,
            **{f"p_{label}": one.probabilities.get(label) for label in labels},
            "model": one.model,
            "error": storable_text(one.error or ""),
        }
        for one in predictions
    ]
    numbers = ["probability", *(f"p_{label}" for label in labels)]
    columns = ["path", "label", *numbers, "model", "error"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, "float64"))
