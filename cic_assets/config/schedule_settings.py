"""What a person may set about what happens by itself: when sources are scraped again and nets are trained again."""

import re
from typing import Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator

Train = Literal["always", "when-due", "never"]
"""Whether `cic run` trains what is out of date: always, by the rule of the schedule, or never."""

_CRON = re.compile(r"[\d*,/-]+ [\d*,/-]+ [\d*,/-]+ [\w*,/-]+ [\w*,/-]+")


class RoutineSettings(BaseModel):
    """Schedules as cron expressions of five fields. All of them are off until a person turns them on in the UI."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timezone: str = Field(default="UTC", description="of all schedules, such as Europe/Berlin")
    rescrape: str = Field(
        default="0 5 * * *",
        description="when each source is scraped again (daily: a listing of 1,000 posts covers a day of any but the "
        "largest subreddits)",
    )
    takedowns: str = Field(
        default="0 11,23 * * *",
        description="when kept posts are asked about (twice a day, apart from the scrape, which looks too: Reddit's "
        "terms give 48 hours, and a post that is left out of one answer is asked for again in the next)",
    )
    train: str = Field(default="0 6 * * 0", description="when it is looked whether training again is worth it")
    train_after_growth: float = Field(
        default=0.05,
        ge=0,
        description="share by which the data set must have grown since a model was trained, for the schedule and for "
        "`cic run`",
    )
    stale_after_days: float = Field(
        default=7, gt=0, description="a source that was not scraped for so long is called stale in the UI"
    )

    @field_validator("rescrape", "takedowns", "train")
    @classmethod
    def _is_cron(cls, value: str) -> str:
        if not _CRON.fullmatch(value):
            raise ValueError("expected a cron expression of five fields, such as 0 5 * * *")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_known(cls, value: str) -> str:
        if value not in available_timezones():
            raise ValueError("expected the name of a time zone, such as UTC or Europe/Berlin")
        return value
