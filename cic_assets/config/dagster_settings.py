"""What a problem that shares Dagster's UI with others may set: where runs are recorded, and how its assets are called.

Alone, a problem needs neither. `cic new` writes both.
"""

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, field_validator

_PREFIX = re.compile(r"[A-Za-z0-9_]{1,64}")


class DagsterSettings(BaseModel):
    """Where runs are recorded, and how assets are called there."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path | None = Field(
        default=None,
        description="folder of the Dagster instance, one for all problems that are shown in one UI; under the data "
        "root unless given (a copy of the data root then is whole)",
    )
    asset_prefix: str = Field(
        default="",
        description="before the names of assets, in one instance a different one for each problem; none unless given "
        "(short names for who has one problem)",
    )

    @field_validator("asset_prefix")
    @classmethod
    def _is_a_part_of_a_key(cls, value: str) -> str:
        if value and not _PREFIX.fullmatch(value):
            raise ValueError("expected letters, digits and underscores, at most 64")
        return value

    def key(self, asset: str) -> list[str]:
        """The path of an asset's key in Dagster."""
        return [*([self.asset_prefix] if self.asset_prefix else []), asset]

    @property
    def location(self) -> str:
        """The name of the code location. It stays, alone or beside others: users' schedules hang on it."""
        return self.asset_prefix or "cic_assets"
