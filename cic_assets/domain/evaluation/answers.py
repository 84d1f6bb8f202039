"""What all numbers of a model are computed from: its answers on pictures that it has not learned from."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from cic_assets.domain.evaluation.statistics import Floats, Ints

TEST = "test"
"""Where an answer was judged that was given on the test split; a fold has another name."""


@dataclass(frozen=True)
class Answers:
    """A model's answers on pictures that it was not trained on, nor on any of their unit.

    Attributes:
        table: `sha256, unit, klass, label, predicted, judged, p_CLASS…`, a row a picture, ordered by sha256; `judged`
            says where: `test`, or the number of the fold that was left out.
        classes: in the order of the labels.
    """

    table: pd.DataFrame
    classes: Sequence[str]

    @cached_property
    def truth(self) -> Ints:
        """(N,) labels."""
        return self.table["label"].to_numpy(np.int64)

    @cached_property
    def probabilities(self) -> Floats:
        """(N, K), rows that sum to 1."""
        return self.table[[f"p_{klass}" for klass in self.classes]].to_numpy(np.float64)

    @cached_property
    def predicted(self) -> Ints:
        """(N,) labels of the highest probability."""
        return np.asarray(self.probabilities.argmax(axis=1), np.int64)

    @cached_property
    def right(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """(N,), whether each is right."""
        return np.asarray(self.predicted == self.truth)

    @cached_property
    def units(self) -> Ints:
        """(N,), a number for each picture's unit."""
        return pd.factorize(self.table["unit"])[0].astype(np.int64)

    @cached_property
    def folds(self) -> Ints:
        """(N,), the fold that each picture was left out with; only where they were judged in folds."""
        return self.table["judged"].to_numpy(np.int64)

    @property
    def where(self) -> str:
        """`test` where all were judged on the test split, else `folds`."""
        return TEST if (self.table["judged"] == TEST).all() else "folds"


def answers_of(predictions: pd.DataFrame, manifest: pd.DataFrame, classes: Sequence[str]) -> Answers:
    """The answers of a model's table of predictions, each with the unit of its picture.

    Args:
        predictions: `sha256, klass, label, predicted, p_CLASS…`, and `split`, of one split, or `fold`.
        manifest: of the data set; where it is from before there were units, each picture is one.
        classes: in the order of the labels.
    """
    names = manifest["unit_id"] if "unit_id" in manifest else manifest["sha256"]
    unit_of = dict(zip(manifest["sha256"], names, strict=True))
    rows = predictions.sort_values("sha256", ignore_index=True).rename(columns={"split": "judged", "fold": "judged"})
    return Answers(rows.assign(unit=rows["sha256"].map(unit_of)), classes)


def of_both(first: Answers, second: Answers) -> tuple[Answers, Answers]:
    """The answers on the pictures that both were judged on, in the same order."""
    one, other = set(first.table["sha256"]), set(second.table["sha256"])
    return _only(first, other), _only(second, one)


def _only(answers: Answers, pictures: set[str]) -> Answers:
    rows = answers.table[answers.table["sha256"].isin(pictures)]
    return Answers(rows.reset_index(drop=True), answers.classes)
