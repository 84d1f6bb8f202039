"""What a person may set about predictions, under `prediction` in the problem file."""

from pydantic import BaseModel, ConfigDict, Field

from cic_assets.domain.models import Precision


class PredictionSettings(BaseModel):
    """How models answer once they are trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    precisions: tuple[Precision, ...] = Field(
        default=(),
        description="in which each model is made beside itself: float16 (weights in 16 bits) for a file of half its "
        "size, int8 (8 bits) for a quarter and quicker answers; what that does to them is in the report",
    )
