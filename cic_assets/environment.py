"""What a command or a person at the UI sets from outside, by environment variables. The one place that reads them.

Commands write their options here too, so that steps in other processes see the same.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field

SAMPLE_PROBLEM = Path(__file__).parent / "sample" / "problem.yaml"
"""The question of the demo."""

SAMPLE = "sample"
"""The word that stands for the embedded archive of drawn pictures where a folder is expected."""


class Environment(BaseModel):
    """Settings of one installation; the field's title is the variable's name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    problem: Path = Field(default=Path("data/problem.yaml"), title="CIC_PROBLEM", description="the question")
    preset: str = Field(default="full", title="CIC_PRESET", description="sizes of models and pictures: full or demo")
    data_root: str = Field(
        default="data", title="CIC_DATA_ROOT", description="folder or fsspec URL of everything materialized"
    )
    archive: str = Field(
        default="",
        title="CIC_ARCHIVE",
        description=f"a recorded archive to replay in place of Reddit; '{SAMPLE}' is the embedded one",
    )
    xception_weights: str = Field(
        default="", title="CIC_XCEPTION_WEIGHTS", description="file of Keras' ImageNet weights, no top"
    )
    allow_random_weights: bool = Field(
        default=False,
        title="CIC_ALLOW_RANDOM_WEIGHTS",
        description="train Xception from random weights where no others can be had, and say so",
    )

    @classmethod
    def from_variables(cls, variables: Mapping[str, str] = os.environ) -> Self:
        """Read the variables; one that is missing or empty has its default."""
        given = {name: variables.get(str(field.title), "") for name, field in cls.model_fields.items()}
        return cls.model_validate({name: value for name, value in given.items() if value})

    def or_sample(self, variables: Mapping[str, str] = os.environ) -> Self:
        """With the embedded sample in place of subreddits where there is neither an archive nor an API key.

        So that the UI and `dg launch` show something on a fresh machine. Nothing real is lost by it: a table of
        other pictures is not written over.
        """
        if self.archive or variables.get("REDDIT_CLIENT_ID"):
            return self
        return self.model_copy(update={"archive": SAMPLE})

    def variables(self) -> dict[str, str]:
        """The same as environment variables, for a step in another process; paths absolute."""
        values = self.model_dump() | {"problem": self.problem.expanduser().resolve()}
        if "://" not in self.data_root:
            values["data_root"] = Path(self.data_root).expanduser().resolve()
        values["allow_random_weights"] = "1" if self.allow_random_weights else ""
        return {str(field.title): str(values[name]) for name, field in type(self).model_fields.items()}
