"""What all parts of `report.json` are."""

from pydantic import BaseModel, ConfigDict


class Part(BaseModel):
    """A part of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")
