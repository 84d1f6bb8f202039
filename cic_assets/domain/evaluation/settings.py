"""What a person may set of the report, under `report` in the problem file: how much it shows.

What is left out is always counted in it.
"""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cic_assets.domain.renaming import with_new_names

RENAMED = {"poor": "quality_issues"}
"""Settings by their old names, of which versions of reports are still made."""


class ReportSettings(BaseModel):
    """How many pictures the page holds and how heavy each may be; the defaults keep it below about 4 MB."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tile_side: int = Field(default=200, ge=64, le=512, description="pixels of a picture's longer side in the page")
    tile_bytes: int = Field(
        default=12_000, ge=4_000, le=200_000, description="of one picture's JPEG; compressed harder until it fits"
    )
    samples_per_class: int = Field(default=8, ge=1, le=100, description="pictures shown of each class")
    sample_pictures: int = Field(default=96, ge=2, le=1000, description="of all classes together")
    resized: int = Field(default=6, ge=1, le=50, description="pictures shown before and after resizing")
    augmented: int = Field(default=5, ge=1, le=50, description="augmented samples; five, as the original shows")
    mistakes: int = Field(default=24, ge=1, le=500, description="misclassified pictures shown of the best model")
    other_mistakes: int = Field(default=16, ge=1, le=500, description="and of each other model")
    quality_issues: int = Field(
        default=16, ge=1, le=500, serialization_alias="poor", description="pictures shown that are hard to learn from"
    )
    suspects: int = Field(
        default=24, ge=1, le=500, description="likely label errors shown, and as many pictures of no class"
    )
    certain: int = Field(default=8, ge=1, le=100, description="most and least certain right answers of the best model")
    groups: int = Field(default=18, ge=1, le=500, description="duplicate groups shown, and as many label conflicts")
    group_pictures: int = Field(default=4, ge=2, le=50, description="pictures shown of one group")

    @model_validator(mode="before")
    @classmethod
    def _with_new_names(cls, given: Any) -> Any:
        return with_new_names(given, RENAMED) if isinstance(given, Mapping) else given
