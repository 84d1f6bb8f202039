"""Of `report.json`: the baseline, and what to do next."""

from pydantic import Field

from cic_assets.domain.evaluation.contract.part import Part


class RivalPart(Part):
    """A model against the baseline, on the pictures that both judged."""

    n: int = Field(description="pictures")
    right: int = Field(description="that the model got right")
    baseline_right: int = Field(description="that the baseline got right")
    only_model: int = Field(description="that only the model got right")
    only_baseline: int = Field(description="that only the baseline got right")
    p_value: float = Field(description="chance of so lopsided a split or worse, were both equally good")
    p_value_adjusted: float = Field(description="by Holm, over all models")


class BaselinePart(Part):
    """Logistic regression on the features, each picture judged by what was learned without its unit."""

    accuracy: float = Field(description="share of right answers on all pictures")
    accuracy_ci: tuple[float, float] = Field(description="95 % interval of it, over units")
    right: int = Field(description="right answers")
    n: int = Field(description="pictures")
    units: int = Field(description="of pictures that belong together")
    rivals: dict[str, RivalPart] = Field(description="each model against it, by name")


class CurvePart(Part):
    """The baseline after so many pictures."""

    pictures: int = Field(description="that it learned from")
    units: int = Field(description="of pictures that belong together")
    accuracy: float = Field(description="on pictures that it has not learned from")


class ForecastPart(Part):
    """What more pictures would bring the baseline."""

    more: int = Field(description="pictures, as many again as there are")
    gain: float = Field(description="in accuracy")
    gain_ci: tuple[float, float] = Field(description="95 % interval of it")


class NextStepsPart(Part):
    """What is worth doing next."""

    pictures: int = Field(description="that were looked at")
    label_errors: int = Field(description="pictures that are likely of another class than their source's")
    off_topic: int = Field(description="pictures that are far from all others")
    curve: list[CurvePart] = Field(description="by the number of pictures learned from")
    forecast: ForecastPart | None = Field(description="null where the curve supports none")
    statements: dict[str, str] = Field(description="in plain words, what to do first, then the most promising first")
