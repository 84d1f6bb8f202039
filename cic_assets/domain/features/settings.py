"""What a person may set about features."""

from pydantic import BaseModel, ConfigDict, Field

from cic_assets.domain.models import XCEPTION_MIN_SIDE


class FeatureSettings(BaseModel):
    """Features of the kept pictures, by the frozen Xception."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: bool = Field(
        default=True, description="false computes none, and whatever draws on them (such as scenes) goes without"
    )
    side: int = Field(
        default=299,
        ge=XCEPTION_MIN_SIDE,
        le=1024,
        description="pixels that the network sees; 299, as it was trained. Cost goes with its square",
    )
