"""`report.json`: every number of the report, typed. What others may build on; the page is drawn from the same object.

Shares are 0..1, sizes bytes, times seconds; null is a measure that is undefined or was not taken.
"""

from typing import Any, Literal

from pydantic import Field

from cic_assets.domain.evaluation.contract.dataset import DatasetPart
from cic_assets.domain.evaluation.contract.model import ModelPart
from cic_assets.domain.evaluation.contract.next_steps import BaselinePart, NextStepsPart
from cic_assets.domain.evaluation.contract.part import Part


class Answer(Part):
    """The best model by validation loss, and what the pictures say of it that it was judged on."""

    model: str = Field(description="its name")
    accuracy: float = Field(description="share of right answers")
    accuracy_ci: tuple[float, float] = Field(description="95 % interval of it, over units")
    right: int = Field(description="right answers")
    n: int = Field(description="pictures that it was judged on")
    above_majority: bool = Field(description="the whole interval is above the majority class")
    statements: dict[str, str] = Field(description="in plain words, by what each is about")
    text: str = Field(description="the statements as one text")


class Notice(Part):
    """What a reader must know before any number."""

    kind: Literal["sample", "random_weights", "not_above_majority", "shortcut", "model", "champion", "taken_down"] = (
        Field(description="what it is about")
    )
    title: str = Field(description="in a few words")
    text: str = Field(description="in a sentence or two")


class ComparisonPart(Part):
    """Two models on the pictures that both were judged on, by McNemar's exact test, over units."""

    first: str = Field(description="name of a model")
    second: str = Field(description="name of another")
    pictures: int | None = Field(
        default=None, description="that both were judged on; null in reports of before, of test pictures"
    )
    only_first: int = Field(description="pictures that only the first got right")
    only_second: int = Field(description="pictures that only the second got right")
    p_value: float = Field(description="chance of so lopsided a split or worse, were both equally good")
    p_value_adjusted: float = Field(description="by Holm, over all pairs of this report")


class ReportData(Part):
    """All of `report.json`."""

    schema_version: Literal[1] = Field(default=1, description="another one, and something of this page has changed")
    generated_at: str = Field(description="ISO 8601, UTC")
    question: str = Field(description="as the problem file has it")
    answer: Answer = Field(description="the best model")
    notices: list[Notice] = Field(description="before all numbers")
    dataset: DatasetPart = Field(description="what all models saw")
    models: dict[str, ModelPart] = Field(description="by name")
    comparisons: list[ComparisonPart] = Field(description="each pair of models")
    baseline: BaselinePart | None = Field(
        default=None, description="what every model has to beat; null without features, and in reports of before"
    )
    next_steps: NextStepsPart | None = Field(
        default=None, description="null without features, and in reports of before"
    )
    provenance: dict[str, str] = Field(description="versions of programs and data")
    settings: dict[str, Any] = Field(description="of the problem, without its sources")
