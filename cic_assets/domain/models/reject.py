"""The reject rule: which pictures are none of the classes, by how far they lie from all that a model learned from."""

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from cic_assets.domain.models.calibration import quantile

KEPT = 0.975
"""Share of the pictures that set the rule which it keeps, each unit counted once: so that it keeps 95 of 100 others
also where those few were easy. By 0.97 it refused more than 5 % in 11 of 100 hold-outs of some 156 photos, by this in
6, where as many are by chance."""
FEWEST_UNITS = 19
"""Where the farthest of fewer decided, more than one in twenty others would lie farther away on average."""


class RejectRule(BaseModel):
    """How a model tells that a picture is none of its classes; see `set_rule`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    neighbours: int = Field(description="nearest training pictures, whose mean cosine distance counts")
    threshold: float | None = Field(description="distance above which it is none of these; None by too few pictures")
    references: int = Field(description="training pictures that are compared with")
    of: int = Field(description="training pictures in all")
    pictures: int = Field(
        description="that the threshold was set by: validation pictures, and where a frozen backbone gave the "
        "embeddings training pictures, each without its unit"
    )
    units: int = Field(description="of pictures that belong together")

    def score(self, distance: float) -> float | None:
        """Distance in thresholds: above 1 it is none of these; None where there is no threshold."""
        return distance / self.threshold if self.threshold else None


def set_rule(
    distances: NDArray[np.float64], units: NDArray[np.str_], *, neighbours: int, references: int, of: int
) -> RejectRule:
    """Set the threshold by pictures that the model has not learned from.

    Args:
        distances: (N,) of them, each the mean over its nearest training pictures.
        units: (N,) what each is in.
        neighbours: as of `RejectRule`, like all that follow.
        references: pictures.
        of: pictures.
    """
    names, which = np.unique(units, return_inverse=True)
    threshold = None
    if len(names) >= FEWEST_UNITS:
        weights = 1 / np.bincount(which)[which] / len(names)
        threshold = quantile(distances, weights, min(KEPT * (1 + 1 / len(names)), 1))
    return RejectRule(
        neighbours=neighbours,
        threshold=threshold,
        references=references,
        of=of,
        pictures=len(distances),
        units=len(names),
    )
