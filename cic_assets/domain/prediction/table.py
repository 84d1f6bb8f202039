"""Predictions as a table."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cic_assets.domain.prediction.predictor import Prediction
from cic_assets.domain.schema import Column
from cic_assets.storage import storable_text

if TYPE_CHECKING:
    import pandas as pd

_PART_ROWS = 1000
_PART_SECONDS = 60.0
"""Of a table that is written in parts; the pictures of one may be far away."""

COLUMNS: Mapping[str, Column] = {
    "path": Column("str", "as it was given, or found in a folder that was given"),
    "label": Column("str", "the most probable class; empty where the picture could not be read"),
    "probability": Column("float64", "of that class, 0 to 1"),
    "p_CLASS": Column("float64", "of the class of that name, 0 to 1; a column a class"),
    "model": Column("str", "name of the model"),
    "precision": Column("str", "of the model: float32, float16 or int8"),
    "error": Column("str", "why there is no label; empty where there is one"),
}
"""What is said of each picture."""


def as_table(predictions: Sequence[Prediction], labels: Sequence[str]) -> "pd.DataFrame":
    """One row a picture: the columns of `COLUMNS`.

    Text that there is none of is empty, numbers that there are none of are NaN; so every column has the same type
    whatever the pictures are, and a table of unreadable ones alone is a table too.

    Args:
        predictions: of one model.
        labels: its classes.
    """
    import pandas as pd

    rows = [
        {
            "path": storable_text(one.path),
            "label": one.label or "",
            "probability": one.probability,
            **{f"p_{label}": one.probabilities.get(label) for label in labels},
            "model": one.model,
            "precision": one.precision,
            "error": storable_text(one.error or ""),
        }
        for one in predictions
    ]
    numbers = ["probability", *(f"p_{label}" for label in labels)]
    columns = ["path", "label", *numbers, "model", "precision", "error"]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(numbers, "float64"))


def in_parts(predictions: Iterable[Prediction], labels: Sequence[str]) -> "Iterator[pd.DataFrame]":
    """Tables as of `as_table`, one after another, of any number of predictions."""
    part: list[Prediction] = []
    began = time.monotonic()
    for one in predictions:
        part.append(one)
        if len(part) == _PART_ROWS or time.monotonic() - began > _PART_SECONDS:
            yield as_table(part, labels)
            part, began = [], time.monotonic()
    if part:
        yield as_table(part, labels)
