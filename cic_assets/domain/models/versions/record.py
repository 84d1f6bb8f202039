"""`champion.json`: which version of a model is the champion, and what was decided when, by whom and why."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from upath import UPath

from cic_assets.domain.models.errors import CardMismatchError

CHAMPION_FILE = "champion.json"
MOST_DECISIONS = 100
"""That are kept; the oldest go, first of those that changed nothing."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Comparison(_Part):
    """Two versions, or models, on the same pictures, of which neither has learned."""

    pictures: int = Field(description="that both have answers on")
    units: int = Field(description="posts, copies and scenes that these are of")
    worth: float = Field(description="how many independent pictures they are worth")
    first_right: int = Field(description="that the first names rightly: the champion")
    second_right: int = Field(description="that the second names rightly: the new version")
    only_first: int = Field(description="that the first alone names rightly")
    only_second: int = Field(description="that the second alone names rightly")
    difference: float = Field(description="of the shares of right answers, the second's less the first's")
    difference_ci: tuple[float, float] = Field(description="95 % interval of it")
    p_value: float = Field(description="chance of so lopsided a split or worse, were both equally good (McNemar)")
    cost: float = Field(description="of the second for one picture, over the first's, in operations")
    skipped: int = Field(default=0, description="pictures beyond as many as are asked about at most")


class Decision(_Part):
    """One look at whether a version becomes the champion."""

    version: str = Field(description="which one was looked at")
    over: str | None = Field(description="the champion before; null where there was none")
    promoted: bool = Field(description="it is the champion from then on")
    kind: Literal["training", "promote", "rollback"] = Field(description="what asked for it; the last two are people")
    by: str = Field(description="who: a user of the machine, or the training")
    at: str = Field(description="when, ISO 8601, UTC")
    reason: str = Field(description="why, in words")
    comparison: Comparison | None = Field(default=None, description="with the champion before, where there was one")

    @property
    def by_hand(self) -> bool:
        """Whether a person decided it."""
        return self.kind != "training"


class Record(_Part):
    """All of `champion.json`."""

    champion: str | None = Field(default=None, description="the version that answers")
    decisions: list[Decision] = Field(default=[], description="the latest last")

    def with_decision(self, decision: Decision) -> "Record":
        """The same with one decision more."""
        decisions = [*self.decisions, decision]
        while len(decisions) > MOST_DECISIONS:  # what made a version the champion is needed longer
            decisions.remove(next((one for one in decisions if not one.promoted), decisions[0]))
        return Record(champion=decision.version if decision.promoted else self.champion, decisions=decisions)

    def crowning(self, version: str) -> Decision | None:
        """The latest decision that made a version the champion; None where it was one before there were any."""
        return next((one for one in reversed(self.decisions) if one.promoted and one.version == version), None)

    def before(self, version: str) -> str | None:
        """The champion that a version took the place of, other than by going back to it; None where there was none."""
        reached = (one for one in reversed(self.decisions) if one.promoted and one.version == version)
        forward = [one for one in reached if one.kind != "rollback" and one.over != version]
        return forward[0].over if forward else None


def read_record(folder: UPath) -> Record:
    """What was decided about the versions of the model in a folder; nothing where that is not written down.

    Raises:
        CardMismatchError: the file is not one of this version.
    """
    path = folder / CHAMPION_FILE
    try:
        return Record.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Record()
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise CardMismatchError(
            f"{path} is damaged, or not one of this version ({key}): remove it, and what lies in {folder.name} is the "
            "champion"
        ) from None
