"""Where a model fails: is it right less often in some part of the pictures than in the rest, beyond chance?"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.evaluation.answers import Answers
from cic_assets.domain.evaluation.contract import SlicePart
from cic_assets.domain.evaluation.intervals import effective_number, share_interval
from cic_assets.domain.evaluation.statistics import holm

FEWEST_UNITS = 5
"""On either side: of fewer nothing can be beyond chance once all slices are allowed for."""

_PARTS = 3
Mask = NDArray[np.bool_]


def find_slices(answers: Answers, manifest: pd.DataFrame) -> list[SlicePart]:
    """Each slice of the pictures against the rest, the least chance first.

    By Fisher's exact test, two-sided, with the counts that the pictures are worth where they hang together in units
    (rounded); p-values by Holm over all slices. Slices of a column that the manifest lacks are left out.

    Args:
        answers: what the model is judged by.
        manifest: of the data set.
    """
    rows = manifest.set_index("sha256").loc[answers.table["sha256"]]
    worth = effective_number(answers.right, answers.units) / len(answers.right)
    found = [
        (name, value, inside, _fisher(answers.right, inside, worth))
        for name, value, inside in _slices(rows)
        if _is_large_enough(answers.units, inside)
    ]
    adjusted = holm([p for *_, p in found])
    parts = [_part(answers, *one, p) for one, p in zip(found, adjusted, strict=True)]
    return sorted(parts, key=lambda part: (part.p_value, part.by, part.value))


def _part(answers: Answers, name: str, value: str, inside: Mask, p_value: float, adjusted: float) -> SlicePart:
    right, rest = answers.right[inside], answers.right[~inside]
    return SlicePart(
        by=name,
        value=value,
        n=len(right),
        right=int(right.sum()),
        accuracy=float(right.mean()),
        accuracy_ci=share_interval(right, answers.units[inside]),
        accuracy_of_rest=float(rest.mean()),
        p_value=p_value,
        p_value_adjusted=adjusted,
    )


def _is_large_enough(units: NDArray[np.int64], inside: Mask) -> bool:
    return min(len(np.unique(units[inside])), len(np.unique(units[~inside]))) >= FEWEST_UNITS


def _fisher(right: Mask, inside: Mask, worth: float) -> float:
    from scipy.stats import fisher_exact

    table = [[int((mask & part).sum()) for mask in (right, ~right)] for part in (inside, ~inside)]
    return float(fisher_exact(np.round(worth * np.array(table)).astype(np.int64)).pvalue)


def _slices(rows: pd.DataFrame) -> Iterator[tuple[str, str, Mask]]:
    """By what, which value, and which pictures have it. Of two values the rarer one alone: the other is its rest."""
    for name, (columns, value_of) in _COLUMNS.items():
        if columns <= set(rows):
            values = value_of(rows)
            counts = values[values != ""].value_counts()
            for value in counts.index[-1:] if len(counts) == 2 else sorted(counts.index):  # noqa: PLR2004
                yield name, str(value), (values == value).to_numpy()


def _thirds(numbers: "pd.Series[float]", say: Callable[[float], str]) -> "pd.Series[str]":
    """Which third of the numbers each is in, in words; empty where there is no number."""
    known = numbers.notna().to_numpy()
    edges = _edges(np.asarray(numbers[known], np.float64))
    names = np.array(_names([say(edge) for edge in edges]))
    found = np.where(known, names[np.searchsorted(edges, numbers.fillna(0))], "")
    return pd.Series(list(found), index=numbers.index, dtype="str")


def _edges(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """The numbers up to which each part but the last goes; parts are uneven where many numbers are equal."""
    different = np.unique(numbers)
    if len(different) < 2:  # noqa: PLR2004 - one number has no parts
        return different[:0]
    wanted = np.quantile(numbers, [1 / _PARTS, 2 / _PARTS])
    return np.unique(different[np.clip(np.searchsorted(different, wanted, side="right") - 1, 0, len(different) - 2)])


def _names(edges: list[str]) -> list[str]:
    """What lies between and beyond some edges."""
    if not edges:
        return ["any"]
    between = [f"{low} to {high}" for low, high in pairwise(edges)]
    return [f"up to {edges[0]}", *between, f"above {edges[-1]}"]


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).date().isoformat()


def _time(rows: pd.DataFrame) -> "pd.Series[str]":
    return _thirds(rows["created_utc"].where(rows["created_utc"] > 0), _day)


def _upscaled(rows: pd.DataFrame) -> "pd.Series[str]":
    return rows["upscaled"].astype(bool).map({True: "enlarged", False: "as large or larger"})


_COLUMNS: Mapping[str, tuple[set[str], Callable[[pd.DataFrame], "pd.Series[str]"]]] = {
    "source": ({"subreddit"}, lambda rows: rows["subreddit"]),
    "time": ({"created_utc"}, _time),
    "shorter side, pixels": (
        {"width", "height"},
        lambda rows: _thirds(rows[["width", "height"]].min(axis=1).astype(float), _number),
    ),
    "width : height": ({"width", "height"}, lambda rows: _thirds(rows["width"] / rows["height"], _number)),
    "brightness": ({"brightness"}, lambda rows: _thirds(rows["brightness"], _number)),
    "sharpness": ({"sharpness"}, lambda rows: _thirds(rows["sharpness"], _number)),
    "format": ({"format"}, lambda rows: rows["format"]),
    "enlarged": ({"upscaled"}, _upscaled),
}
"""What pictures are parted by, with the columns of the manifest that tell it."""
