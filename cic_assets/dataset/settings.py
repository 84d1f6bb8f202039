"""What a person may set about the data set."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ROUNDING = 1e-6


class SplitFractions(BaseModel):
    """How the pictures are divided; the three add up to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: float = Field(default=0.7, gt=0, lt=1, description="what the nets learn from")
    validation: float = Field(default=0.15, gt=0, lt=1, description="what training stops and models are chosen by")
    test: float = Field(default=0.15, gt=0, lt=1, description="what the report's numbers are measured on")

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > ROUNDING:
            raise ValueError(f"train, validation and test add up to {total:g}, they must add up to 1")
        return self


class DatasetSettings(BaseModel):
    """Sizes and splits of the data set."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    side: int = Field(
        default=256,
        ge=32,
        le=1024,
        description="pixels; shortest side and centre crop of the pictures kept for training (256: as AlexNet did)",
    )
    jpeg_quality: int = Field(
        default=95, ge=50, le=100, description="of the resized copies; at 95 the loss is below a camera's own"
    )
    splits: SplitFractions = SplitFractions()
    split_seed: str = Field(default="", description="another word gives another, equally stable division")
    min_per_class: int = Field(
        default=10, ge=3, description="fewer pictures of a class than this, and no data set is built"
    )
