"""Predictions as a table."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from cic_assets.domain.models import LEVELS
from cic_assets.domain.prediction.prediction import Prediction
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
    "calibrated_probability": Column(
        "float64", "the probability, put right by the validation pictures; none where the model has no calibration"
    ),
    **{
        f"plausible_{level}": Column(
            "str", f"classes with a vertical bar between them, one of which is right for {level} of 100 pictures"
        )
        for level in LEVELS
    },
    "none_of_these": Column(
        "str", "true where it looks like nothing that the model learned from, or false; empty where it cannot tell"
    ),
    "outlier_score": Column(
        "float64", "how far it is from that, in units of the distance from which on it is none of these; none likewise"
    ),
}
"""What is said of each picture."""

REJECTED = ("none_of_these", "outlier_score")
"""Columns of what may be of no class."""

_TOLD = {True: "true", False: "false", None: ""}


def column_names(labels: Sequence[str]) -> list[str]:
    """The columns of a table or of a file, in their order; what came later comes last."""
    by_level = [f"plausible_{level}" for level in LEVELS]
    first = ["path", "label", "probability", *(f"p_{label}" for label in labels), "model", "precision", "error"]
    return [*first, "calibrated_probability", *by_level, *REJECTED]


def cells(one: Prediction, labels: Sequence[str]) -> list[str | float | None]:
    """A prediction as a row of `column_names`; text that there is none of is empty."""
    probabilities = [one.probabilities.get(label) for label in labels]
    plausible = ["|".join(one.plausible.get(level, [])) for level in LEVELS]
    first = [storable_text(one.path), one.label or "", one.probability, *probabilities]
    named = [one.model, one.precision, storable_text(one.error or "")]
    rejected = [_TOLD[one.none_of_these], one.outlier_score]
    return [*first, *named, one.calibrated_probability, *plausible, *rejected]


def as_table(predictions: Sequence[Prediction], labels: Sequence[str]) -> "pd.DataFrame":
    """One row a picture: the columns of `COLUMNS`.

    Text that there is none of is empty, numbers that there are none of are NaN; so every column has the same type
    whatever the pictures are, and a table of unreadable ones alone is a table too.

    Args:
        predictions: of one model.
        labels: its classes.
    """
    import pandas as pd

    table = pd.DataFrame([cells(one, labels) for one in predictions], columns=column_names(labels))
    numbers = ["probability", *(f"p_{label}" for label in labels), "calibrated_probability", "outlier_score"]
    return table.astype(dict.fromkeys(numbers, "float64"))


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
