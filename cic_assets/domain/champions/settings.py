"""What a person may set about new versions of models, under `promotion` in the problem file."""

from pydantic import BaseModel, ConfigDict, Field


class PromotionSettings(BaseModel):
    """When a new version of a model answers in place of the champion, and how many versions are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    margin: float = Field(
        default=0.05,
        gt=0,
        le=0.5,
        description="share of right answers by which a new version could be worse than the champion, by the 95 % "
        "interval of the difference, and still counts as not worse",
    )
    keep_versions: int = Field(
        default=5, ge=2, description="of each model, the champion among them; the oldest others go"
    )
