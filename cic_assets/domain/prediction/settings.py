"""What a person may set about predictions, under `prediction` in the problem file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from cic_assets.domain.models import Precision


class PredictionSettings(BaseModel):
    """How models answer once they are trained, and what they are asked by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inbox: Path | None = Field(
        default=None, description="folder whose pictures are classified as they come, once a sensor is turned on"
    )
    precisions: tuple[Precision, ...] = Field(
        default=(),
        description="in which each model is made beside itself: float16 (weights in 16 bits) for a file of half its "
        "size, int8 (8 bits) for a quarter and quicker answers; what that does to them is in the report",
    )
