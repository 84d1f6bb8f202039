"""Pictures that are hard to learn from: dark, blurred, flat, mostly cropped away, or enlarged."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

DARK = 0.1
"""Mean grey level, 0 to 1: a night sky with a lamp."""
BLURRED = 50
"""Variance of the Laplacian at 256 pixels, see `images.Fingerprint.sharpness`."""
FLAT = 0.6
"""Share within two grey levels of the commonest: a drawing, or a subject on an even ground."""
CROPPED = 0.5
"""Less of the picture than this is within the centre square: of anything longer than 2:1."""

QUALITY_ISSUES: Mapping[str, tuple[set[str], Callable[[pd.DataFrame], "pd.Series[bool]"]]] = {
    "dark": ({"brightness"}, lambda table: table["brightness"] < DARK),
    "blurred": ({"sharpness"}, lambda table: table["sharpness"] < BLURRED),
    "flat": ({"flatness"}, lambda table: table["flatness"] > FLAT),
    "cropped": (
        {"width", "height"},
        lambda table: table[["width", "height"]].min(axis=1) < CROPPED * table[["width", "height"]].max(axis=1),
    ),
    "enlarged": ({"upscaled"}, lambda table: table["upscaled"].astype(bool)),
}
"""Each quality issue with the columns of the manifest that tell it; one whose columns are missing is not looked for."""


def find_quality_issues(pictures: pd.DataFrame) -> pd.DataFrame:
    """Those of some pictures that have a quality issue.

    Args:
        pictures: the manifest.

    Returns:
        Their rows with a column an issue (booleans) and `issues`, all in words, those with the most issues first.
    """
    marks = pd.DataFrame(False, index=pictures.index, columns=list(QUALITY_ISSUES))
    for name, (columns, test) in QUALITY_ISSUES.items():
        if columns <= set(pictures):
            marks[name] = test(pictures)
    flagged = pictures.join(marks)[marks.any(axis=1)]
    found = flagged[list(QUALITY_ISSUES)].astype(bool)
    # A number for each set of issues, and of each set the words: the rows may be many.
    sets = found.to_numpy() @ (1 << np.arange(len(QUALITY_ISSUES)))
    words = [
        ", ".join(name for bit, name in enumerate(QUALITY_ISSUES) if number >> bit & 1)
        for number in range(1 << len(QUALITY_ISSUES))
    ]
    # Typed, for where there are none.
    flagged = flagged.assign(
        issues=pd.Series(words, dtype="str").iloc[sets].set_axis(flagged.index), count=found.sum(axis=1)
    )
    return flagged.sort_values(["count", "sha256"], ascending=[False, True]).drop(columns="count")
