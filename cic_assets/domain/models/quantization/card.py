"""What is known about a model in fewer bits: `card.json` in a folder of the model's that is called as its precision."""

from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from cic_assets.domain.models.calibration import Calibration
from cic_assets.domain.models.card import Scores
from cic_assets.domain.models.reject import RejectRule

Precision = Literal["float16", "int8"]
"""`float16`: weights in 16 bits, arithmetic in 32. `int8`: weights and arithmetic in 8 bits."""
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
FULL = "float32"
"""What a model has that is in none of these."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Measured(_Record):
    """What a model is worth and takes, whatever its precision."""

    scores: dict[str, Scores] = Field(description="on validation and test")
    bytes: int = Field(description="of its graph and arrays")
    milliseconds: float = Field(description="of a processor for one prepared picture on one thread, the median")


class Changes(_Record):
    """How answers differ from those of the model in full, on one split."""

    labels: int = Field(description="pictures of which it says another class")
    largest: float = Field(description="change of a probability")
    mean: float = Field(description="change of a probability")


class QuantizedCard(_Record):
    """A model in fewer bits."""

    precision: Precision
    made_from: dict[str, str] = Field(description="SHA-256 of the exported model's files, by their names")
    sha256s: dict[str, str] = Field(description="of its own files, by their names")
    calibration_pictures: int = Field(description="of the training split, by which its ranges were chosen; 0 without")
    onnxruntime_version: str = Field(description="that made and measured it")
    measured: Measured
    full: Measured = Field(description="the model in full, asked about the same pictures at the same time")
    changes: dict[str, Changes] = Field(description="on validation and test")
    calibration: Calibration = Field(description="by its own answers on the validation split")
    reject: RejectRule | None = Field(
        default=None,
        description="by its own embeddings of validation pictures, and the references of the model in full",
    )
