"""What a person may set of predictions, under `prediction` in the problem file."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class PredictionSettings(BaseModel):
    """What is asked of the models when they are trained."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    inbox: Path | None = Field(
        default=None, description="folder whose pictures are classified as they come, once a sensor is turned on"
    )
