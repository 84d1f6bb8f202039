"""Can the class be told without looking at what is in the picture? What a network would learn instead of the subject.

Each shortcut (size, shape, file size, format, borders, mean colour, …) is asked alone: how well does it order the
pictures of one class before the others? Measured by the area under the ROC curve: 0.5 is a coin, 1 is all there is to
know. A shortcut's values are put into bins, and each picture is judged by what the bins hold among pictures of other
folds, so that a shortcut with many values does not seem to tell what it only remembers.

No network is told a picture's size; but resizing leaves traces of it (sharpness, the grain of JPEG), and borders,
colours and shapes are plainly seen.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.dataset.roc import area_under_roc, roc_interval

SHORTCUT_AUC = 0.65
"""A shortcut is warned of where the whole interval of its area is above this: it alone is right in two of three pairs.
Differences that classes rightly have mostly lie below: photos of tanks are greener than those of cars."""

ADVICE = (
    "Give the classes that lack it sources where it is as common, or leave out the source that has it; then see "
    "whether the answers on test pictures without it are as good as on those with it."
)
"""What to do about a shortcut."""

FOLDS = 5
BINS = 10
COMMON_SHARE = 0.02
"""Of all pictures: an exact size that fewer have is one of many."""
MOST_PICTURES = 20_000
"""As many are asked, evenly by their hashes: at this number the interval is half a point wide."""
_TWO = 2  # classes are one question, not two
_BORDER = 0.01  # of a side: thinner ones do not survive resizing


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """What one shortcut alone says about one class.

    Attributes:
        name: of the shortcut, such as `size`.
        klass: told from all other classes; of two classes the one that the most telling value speaks for.
        auc: area under the ROC curve, 0 to 1.
        auc_ci: its 95 % interval.
        value: the most telling one, such as `512 x 512`.
        of_class: pictures of the class that have it.
        of_rest: pictures of other classes that have it.
        is_warned_of: the whole interval is above `SHORTCUT_AUC`.
    """

    name: str
    klass: str
    auc: float
    auc_ci: tuple[float, float]
    value: str
    of_class: int
    of_rest: int

    @property
    def is_warned_of(self) -> bool:
        """Whether a network may live off it."""
        return self.auc_ci[0] > SHORTCUT_AUC


def find_shortcuts(pictures: pd.DataFrame, classes: Sequence[str]) -> list[Shortcut]:
    """What each shortcut says of each class, the most telling first.

    Args:
        pictures: `sha256, klass` and the columns of the shortcuts (of `SHORTCUTS`), one row a picture; a shortcut whose
            columns are missing is not asked.
        classes: of which each is told from the others; of two only one, as the other is the same question.
    """
    order = pictures["sha256"].reset_index(drop=True).sort_values().index
    asked = pictures.iloc[order[:: max(1, len(pictures) // MOST_PICTURES)]]
    folds = np.array([int(sha256[:8], 16) % FOLDS for sha256 in asked["sha256"]])
    asked_of = classes if len(classes) > _TWO else classes[:1]
    found: list[Shortcut] = []
    for name, shortcut in SHORTCUTS.items():
        if shortcut.columns <= set(asked):
            values = [_binned(column) for column in shortcut.values(asked)]
            found += [_ask(name, klass, classes, asked["klass"] == klass, values, folds) for klass in asked_of]
    return sorted(found, key=lambda one: (-one.auc, one.name, one.klass))


@dataclass(frozen=True, slots=True)
class _Question:
    columns: set[str]
    values: Callable[[pd.DataFrame], list[pd.Series]]


def _sizes(table: pd.DataFrame) -> list[pd.Series]:
    size = table["width"].astype(str) + " x " + table["height"].astype(str)
    return [size.where(size.map(size.value_counts()) >= COMMON_SHARE * len(size), "any other size")]


def _borders(table: pd.DataFrame) -> list[pd.Series]:
    across = (table["content_left"] > _BORDER) | (table["content_right"] < 1 - _BORDER)
    down = (table["content_top"] > _BORDER) | (table["content_bottom"] < 1 - _BORDER)
    words = ["borders all around", "borders at the sides", "borders above and below"]
    return [pd.Series(np.select([across & down, across, down], words, "no borders"), index=table.index)]


def _colours(table: pd.DataFrame) -> list[pd.Series]:
    """Opponent colours, which depend on each other less than red, green and blue do."""
    red, green, blue = table["red"], table["green"], table["blue"]
    return [
        ((red + green + blue) / 3).rename("brightness"),
        (red - blue).rename("red over blue"),
        (green - (red + blue) / 2).rename("green over red and blue"),
    ]


SHORTCUTS: Mapping[str, _Question] = {
    "size": _Question({"width", "height"}, _sizes),
    "shorter side": _Question(
        {"width", "height"}, lambda table: [table[["width", "height"]].min(axis=1).rename("pixels")]
    ),
    "shape": _Question(
        {"width", "height"}, lambda table: [(table["width"] / table["height"]).rename("width : height")]
    ),
    "file size": _Question({"bytes"}, lambda table: [table["bytes"].rename("bytes")]),
    "compression": _Question(
        {"bytes", "width", "height"},
        lambda table: [(table["bytes"] / (table["width"] * table["height"])).rename("bytes a pixel")],
    ),
    "format": _Question({"format"}, lambda table: [table["format"]]),
    "borders": _Question({"content_left", "content_top", "content_right", "content_bottom"}, _borders),
    "sharpness": _Question({"sharpness"}, lambda table: [table["sharpness"].rename("sharpness")]),
    "mean colour": _Question({"red", "green", "blue"}, _colours),
}
"""The shortcuts by name, with the columns of the manifest that each is made of."""


def _binned(column: pd.Series) -> pd.Series:
    """Words as they are; numbers in up to `BINS` ranges with about as many pictures each, said in words."""
    if not pd.api.types.is_numeric_dtype(column):
        return column.astype(str)
    edges = np.unique(np.quantile(column, np.linspace(0, 1, BINS + 1)))
    if len(edges) < 2:  # noqa: PLR2004 - one value has no range
        return pd.Series(f"{column.name} {_said(edges[0])}", index=column.index)
    labels = [f"{column.name} {_said(low)} to {_said(high)}" for low, high in pairwise(edges)]
    places = np.clip(np.searchsorted(edges, column, side="right") - 1, 0, len(labels) - 1)
    return pd.Series(np.array(labels)[places], index=column.index)


def _said(number: float) -> str:
    """Three digits, and no powers of ten."""
    return f"{number:,.0f}" if abs(number) >= 100 else f"{number:.3g}"  # noqa: PLR2004 - three digits


def _ask(
    name: str,
    klass: str,
    classes: Sequence[str],
    is_class: pd.Series,
    values: Sequence[pd.Series],
    folds: NDArray[np.int64],
) -> Shortcut:
    truth = is_class.to_numpy()
    scores = np.zeros(len(truth))
    for column in values:
        scores += _log_ratios(column, truth, folds)
    auc = _area_within_folds(scores, truth, folds)
    value, of_class, of_rest = _most_telling(values, truth)
    if len(classes) == _TWO and of_rest * truth.sum() > of_class * (~truth).sum():
        # Of two classes name the one that has it.
        klass, of_class, of_rest = classes[1], of_rest, of_class
    interval = roc_interval(auc, int(truth.sum()), int((~truth).sum()))
    return Shortcut(
        name=name, klass=klass, auc=auc, auc_ci=interval, value=value, of_class=of_class, of_rest=of_rest
    )  # fmt: skip


def _log_ratios(column: pd.Series, truth: NDArray[np.bool_], folds: NDArray[np.int64]) -> NDArray[np.float64]:
    """(N,): how much likelier each picture's value is in the class than elsewhere, by the pictures of other folds."""
    codes, names = pd.factorize(column)
    ratios = np.zeros(len(codes))
    for fold in range(FOLDS):
        others = folds != fold
        of_class = np.bincount(codes[others & truth], minlength=len(names)) + 0.5  # Krichevsky and Trofimov's half
        of_rest = np.bincount(codes[others & ~truth], minlength=len(names)) + 0.5
        table = np.log(of_class / of_class.sum()) - np.log(of_rest / of_rest.sum())
        ratios[~others] = table[codes[~others]]
    return ratios


def _area_within_folds(scores: NDArray[np.float64], truth: NDArray[np.bool_], folds: NDArray[np.int64]) -> float:
    """Pairs of one fold alone: between folds the same value has scores that differ a little, by chance."""
    areas, pairs = [], []
    for fold in range(FOLDS):
        inside = folds == fold
        areas.append(area_under_roc(scores[inside], truth[inside]))
        pairs.append(int((truth & inside).sum()) * int((~truth & inside).sum()))
    return float(np.average(areas, weights=pairs)) if any(pairs) else 0.5


def _most_telling(values: Sequence[pd.Series], truth: NDArray[np.bool_]) -> tuple[str, int, int]:
    """The value that parts class and rest the most: the more of one side have it and the fewer of the other."""
    best = ("", 0, 0)
    for column in values:
        for value, is_class in pd.Series(truth, index=column.index).groupby(column, sort=True):
            counts = (str(value), int(is_class.sum()), int((~is_class).sum()))
            if _parting(counts, truth) > _parting(best, truth):
                best = counts
    return best


def _parting(counts: tuple[str, int, int], truth: NDArray[np.bool_]) -> tuple[float, bool]:
    of_class, of_rest = counts[1] / max(1, int(truth.sum())), counts[2] / max(1, int((~truth).sum()))
    more, fewer = max(of_class, of_rest), min(of_class, of_rest)
    # Of two that part alike, one that the class has.
    return (more - fewer) * more / (more + fewer) if more else 0.0, of_class > of_rest
