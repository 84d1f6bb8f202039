"""Every picture judged once by a network that has learned neither from it nor from anything of its unit. No Keras here.

Rows are those of the whole data set, split after split in the order of `SPLITS`, each in the order of its arrays.
"""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.folds import assign_folds
from cic_assets.domain.models.calibration import Calibration, fit_calibration
from cic_assets.domain.models.card import Folds
from cic_assets.domain.models.data import SPLITS, Labels, SplitName, TrainingData
from cic_assets.domain.models.losses import scores
from cic_assets.domain.schema import Column

if TYPE_CHECKING:
    import pandas as pd

Rows = NDArray[np.int64]
Probabilities = NDArray[np.float64]

_HALF = 0.5
"""Of what is outside a fold, at most this share is kept apart for validation, so that some of each class is left."""

FOLD_COLUMNS: Mapping[str, Column] = {
    "sha256": Column("str", "of the picture"),
    "fold": Column("int64", "that it was left out with, from 0: what judges it has learned from no picture of it"),
    "klass": Column("str", "its class"),
    "label": Column("int64", "its class as a number"),
    "predicted": Column("str", "the class that the fold's network says"),
    "p_CLASS": Column("float64", "its probability of the class of that name, 0 to 1; a column a class"),
}
"""What networks say of each picture that have not learned from it."""


@dataclass(frozen=True, slots=True)
class Division:
    """One fold: the rows that its network learns from, those that it is calibrated by, and those that it judges."""

    train: Rows
    validation: Rows
    test: Rows

    @property
    def rows(self) -> dict[SplitName, Rows]:
        """By the names of the splits."""
        return {"train": self.train, "validation": self.validation, "test": self.test}


class FoldOutputs(NamedTuple):
    """What one fold's network says.

    Attributes:
        validation, test: probabilities (N, K), in the order of the division's rows.
        wall_seconds, cpu_seconds: that it took.
    """

    validation: Probabilities
    test: Probabilities
    wall_seconds: float
    cpu_seconds: float


class JudgedInFolds(NamedTuple):
    """Every picture, judged once."""

    divisions: Sequence[Division]
    outputs: Sequence[FoldOutputs]


def rows_of(data: TrainingData) -> "pd.DataFrame":
    """The manifest in the order of the rows."""
    import pandas as pd

    manifest = data.manifest
    parts = [manifest[manifest["split"] == split].sort_values("row") for split in SPLITS]
    return pd.concat(parts, ignore_index=True)


def labels_of(data: TrainingData) -> Labels:
    """(N,), in the order of the rows."""
    return np.concatenate([data.splits[split].labels for split in SPLITS])


def split_of(data: TrainingData) -> Division:
    """The data set's own division."""
    ends = np.cumsum([len(data.splits[split]) for split in SPLITS])
    return Division(*(np.arange(end - len(data.splits[split]), end) for split, end in zip(SPLITS, ends, strict=True)))


def divide(data: TrainingData, count: int, seed: int) -> list[Division]:
    """Leave out each fold in turn. Of the rest, units are kept apart for validation, in the data set's own share.

    Args:
        data: all of it: train, validation and test.
        count: of folds; they are fewer where a class has fewer units.
        seed: of the shuffle.

    Raises:
        ValueError: a class has too few units for that; the message says so as a clause.
    """
    rows, labels = rows_of(data), labels_of(data)
    folds = assign_folds(rows, count, seed)
    learned = len(data.splits["train"]) + len(data.splits["validation"])
    share = min(_HALF, len(data.splits["validation"]) / learned)
    divisions = []
    for fold in range(int(folds.max()) + 1):
        outside = np.flatnonzero(folds != fold)
        apart = _apart(rows.iloc[outside], share, seed + fold)
        divisions.append(Division(outside[~apart], outside[apart], np.flatnonzero(folds == fold)))
    if any(set(labels[one.train]) != set(labels) or not len(one.validation) for one in divisions):
        raise ValueError("a class has too few units to learn it from some, and to be judged by others")
    return divisions


def _apart(rows: "pd.DataFrame", share: float, seed: int) -> NDArray[np.bool_]:
    """Which rows are kept apart, at least one: whole units in random order, of each class its share."""
    names = rows["unit_id" if "unit_id" in rows else "sha256"]
    units = rows.groupby(names)["label"].agg(["first", "size"]).sample(frac=1, random_state=seed)
    of_class = units["size"].groupby(units["first"])
    middles = (of_class.cumsum() - units["size"] / 2) / of_class.transform("sum")
    # Of a small set no unit may lie below its share: then the one that is nearest to that, of the largest class.
    return names.isin(units.index[(middles < share) | (middles == middles.min())]).to_numpy()


def folds_table(data: TrainingData, judged: JudgedInFolds) -> "pd.DataFrame":
    """A row a picture, in the order of the rows: `FOLD_COLUMNS`."""
    table = rows_of(data)[["sha256", "klass", "label"]]
    probabilities, fold = np.empty((len(table), len(data.classes))), np.empty(len(table), np.int64)
    for number, (division, given) in enumerate(zip(*judged, strict=True)):
        probabilities[division.test], fold[division.test] = given.test, number
    table.insert(1, "fold", fold)
    table["predicted"] = np.array(data.classes, dtype=object)[probabilities.argmax(axis=1)]
    return table.assign(**{f"p_{klass}": probabilities[:, label] for label, klass in enumerate(data.classes)})


def about_folds(data: TrainingData, judged: JudgedInFolds, table: "pd.DataFrame", sha256: str) -> Folds:
    """What the card says of it; `sha256` is of the file that the table was written to."""
    probabilities = table[[f"p_{klass}" for klass in data.classes]].to_numpy(np.float64)
    return Folds(
        count=len(judged.divisions),
        scores=scores(probabilities, table["label"].to_numpy()),
        calibrations=_calibrations(data, judged),
        wall_seconds=sum(one.wall_seconds for one in judged.outputs),
        cpu_seconds=sum(one.cpu_seconds for one in judged.outputs),
        sha256=sha256,
    )


def _calibrations(data: TrainingData, judged: JudgedInFolds) -> list[Calibration]:
    rows, labels = rows_of(data), labels_of(data)
    units = rows["unit_id" if "unit_id" in rows else "sha256"].to_numpy(str)
    return [
        fit_calibration(given.validation, labels[division.validation], units[division.validation])
        for division, given in zip(*judged, strict=True)
    ]


class KeptFolds:
    """The folds that are done, in a folder of their own, so that a killed training goes on with the next.

    Args:
        folder: theirs alone.
        key: differs where a fold's network would, or might, say something else.
    """

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._key = key

    def read(self, fold: int) -> FoldOutputs | None:
        """What was kept of a fold; None where nothing was, or of another training."""
        try:
            with self._file(fold).open("rb") as file, np.load(file, allow_pickle=False) as kept:
                if str(kept["key"]) != self._key:
                    return None
                return FoldOutputs(kept["validation"], kept["test"], *map(float, kept["seconds"]))
        except (FileNotFoundError, EOFError, zipfile.BadZipFile, KeyError, ValueError):
            return None

    def write(self, fold: int, outputs: FoldOutputs) -> None:
        """Keep a fold, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        part = self._folder / "part.npz"
        values: dict[str, Any] = {
            "key": np.array(self._key),
            "validation": outputs.validation,
            "test": outputs.test,
            "seconds": np.array([outputs.wall_seconds, outputs.cpu_seconds]),
        }
        np.savez(part, **values)
        part.replace(self._file(fold))

    def _file(self, fold: int) -> Path:
        return self._folder / f"fold-{fold}.npz"
