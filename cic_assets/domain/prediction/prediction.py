"""What a model says of one picture."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from cic_assets.domain.models import FULL
from cic_assets.domain.prediction.posts import Post
from cic_assets.storage import storable_text


class Nearest(NamedTuple):
    """A picture that the model learned from, and that is like the one that it was asked about.

    Attributes:
        sha256: of the picture.
        label: its class.
        distance: 0 the same, 1 nothing in common.
        post: where it is from.
    """

    sha256: str
    label: str
    distance: float
    post: Post = Post()

    def row(self) -> dict[str, Any]:
        """As one JSON object."""
        return {"sha256": self.sha256, "label": self.label, "distance": self.distance, **self.post._asdict()}


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture, or why it says nothing.

    Attributes:
        path: as it was given, or found in a folder that was given.
        model: name of the model.
        label: the most probable class; None where the picture could not be read.
        probability: of `label`, 0 to 1.
        probabilities: of every class; they add up to 1.
        calibrated_probability: the same as `probability`, put right by the validation pictures: of so many such answers
            as it says, that share is right. None where the model was trained before it was kept.
        plausible: by level in %: the classes of which one is the right one at that rate, likewise. There may be none.
        none_of_these: whether it looks like nothing that the model learned from; None where the model cannot tell.
        outlier_score: how far it is from that, in units of the distance from which on it is none of these.
        nearest: the nearest pictures that the model learned from, the nearest first.
        error: why there is no label.
        skipped: it is no picture by its name, and was only found in a folder that was given.
        precision: of the model, such as int8.
        version: of the model.
    """

    path: str
    model: str
    label: str | None = None
    probability: float | None = None
    probabilities: dict[str, float] = field(default_factory=dict)
    calibrated_probability: float | None = None
    plausible: dict[str, list[str]] = field(default_factory=dict)
    none_of_these: bool | None = None
    outlier_score: float | None = None
    nearest: tuple[Nearest, ...] = ()
    error: str | None = None
    skipped: bool = False
    precision: str = FULL
    version: str = ""

    def row(self) -> dict[str, Any]:
        """As one JSON object; a path that is not UTF-8 is made readable."""
        return {
            "path": storable_text(self.path),
            "label": self.label,
            "probability": self.probability,
            "probabilities": self.probabilities,
            "calibrated_probability": self.calibrated_probability,
            "plausible": self.plausible,
            "none_of_these": self.none_of_these,
            "outlier_score": self.outlier_score,
            "nearest": [one.row() for one in self.nearest],
            "model": self.model,
            "precision": self.precision,
            "version": self.version,
            "error": self.error,
        }
