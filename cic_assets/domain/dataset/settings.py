"""What a person may set about the data set."""

from enum import StrEnum
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ROUNDING = 1e-6


class SplitBy(StrEnum):
    """What decides which split a picture falls into."""

    HASH = "hash"
    """The name of its unit alone: the same in every data root in which its unit has the same pictures."""
    CLASS = "class"
    """The same order, cut within each class: each split gets its share of every class."""
    TIME = "time"
    """When it was posted: the newest are the test."""


class SplitSettings(BaseModel):
    """How the pictures are divided; the three fractions add up to 1."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: float = Field(default=0.7, gt=0, lt=1, description="what the nets learn from")
    validation: float = Field(default=0.15, gt=0, lt=1, description="what training stops and models are chosen by")
    test: float = Field(default=0.15, gt=0, lt=1, description="what the report's numbers are measured on")
    by: SplitBy = Field(
        default=SplitBy.HASH,
        description="hash: by the picture's unit alone, so that nothing moves (in small sets a class may get a few "
        "more or fewer than its share); class: each split gets its share of every class; time: the newest are the test",
    )
    scenes: bool = Field(
        default=True,
        description="keep pictures of one scene (another cut of a photo, the next frame) in one split; needs features, "
        "and does nothing where there are none",
    )
    given: Path | None = Field(
        default=None,
        description="data_card.json or manifest.csv of an export: pictures that it names keep the split it says (the "
        "strictest, test before validation, where pictures that must be in one split have several)",
    )

    @model_validator(mode="after")
    def _adds_up(self) -> Self:
        total = self.train + self.validation + self.test
        if abs(total - 1) > ROUNDING:
            raise ValueError(f"train, validation and test add up to {total:g}, they must add up to 1")
        return self


class ShardSettings(BaseModel):
    """How many pictures are kept: as files and arrays, or in shards. Which pictures these are is the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    above: int = Field(
        default=10_000,
        ge=0,
        description="pictures that are kept as a file each, and as arrays to train on; more are kept in tars of many "
        "(shards), which are read in order",
    )
    megabytes: int = Field(default=256, ge=1, le=4096, description="of a shard, at most")

    @property
    def most_bytes(self) -> int:
        """Of a shard."""
        return self.megabytes * 2**20


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
    splits: SplitSettings = SplitSettings()
    shards: ShardSettings = ShardSettings()
    split_seed: str = Field(default="", description="another word gives another, equally stable division")
    min_per_class: int = Field(
        default=10, ge=3, description="fewer pictures of a class than this, and no data set is built"
    )
