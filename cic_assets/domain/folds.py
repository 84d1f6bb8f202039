"""Which fold a picture is in: each gets judged once by what has not seen it, nor anything of its unit."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

FOLDS = 5
"""As is customary: four fifths to learn from are nearly all, at five times the work."""


def assign_folds(manifest: "pd.DataFrame", count: int = FOLDS, seed: int = 0) -> NDArray[np.int64]:
    """(N,) fold of each picture, from 0; each class as evenly over the folds as its units allow.

    Args:
        manifest: `sha256, label`, and `unit_id` where there are units; any order, the same pictures get the same folds.
        count: of folds; fewer where a class has fewer units.
        seed: of the shuffle.

    Raises:
        ValueError: a class has a single unit, so that nothing could be judged.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    rows = manifest.reset_index(drop=True).sort_values("sha256")
    units = rows["unit_id" if "unit_id" in rows else "sha256"]
    fewest = int(units.groupby(rows["label"]).nunique().min())
    if fewest < 2:  # noqa: PLR2004 - one to learn from, one to judge
        raise ValueError("a class has all its pictures in one unit: there is nothing apart to judge it by")
    folds = np.empty(len(rows), np.int64)
    divide = StratifiedGroupKFold(min(count, fewest), shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(divide.split(rows, rows["label"], units)):
        folds[rows.index[held_out]] = number
    return folds
