"""What to do next, and whether each model beats the baseline: out of the audit of the data set. No markup."""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from cic_assets.domain.audit import Law, Summary
from cic_assets.domain.evaluation.answers import Answers
from cic_assets.domain.evaluation.contract import (
    BaselinePart,
    CurvePart,
    ForecastPart,
    ModelPart,
    NextStepsPart,
    RivalPart,
)
from cic_assets.domain.evaluation.formats import count_of, percent
from cic_assets.domain.evaluation.intervals import share_interval
from cic_assets.domain.evaluation.judging import kind_of_pictures
from cic_assets.domain.evaluation.statistics import holm, mcnemar_exact
from cic_assets.domain.evaluation.wording import SIGNIFICANT

HARDLY = 0.0005
"""A gain in accuracy that one figure after the point does not show."""


def score_baseline(audited: pd.DataFrame, answers: Mapping[str, Answers]) -> BaselinePart:
    """How often the baseline is right on all pictures, and each model against it on those that the model is judged on.

    Args:
        audited: the table `audit`.
        answers: of each model.
    """
    right = (audited["predicted"] == audited["klass"]).to_numpy()
    units = pd.factorize(audited["unit_id"])[0].astype(np.int64)
    rivals = {name: _rival(audited.assign(right=right), one) for name, one in answers.items()}
    compared = {name: rival for name, rival in rivals.items() if rival.n}
    adjusted = holm([rival.p_value for rival in compared.values()])
    return BaselinePart(
        right=int(right.sum()),
        n=len(right),
        units=int(units.max()) + 1,
        accuracy=float(right.mean()),
        accuracy_ci=share_interval(right, units),
        rivals={
            name: rival.model_copy(update={"p_value_adjusted": p_value})
            for (name, rival), p_value in zip(compared.items(), adjusted, strict=True)
        },
    )


def _rival(audited: pd.DataFrame, answers: Answers) -> RivalPart:
    own = dict(zip(audited["sha256"], audited["right"], strict=True))
    common = answers.table["sha256"].isin(own).to_numpy()
    of_model = answers.right[common]
    of_baseline = answers.table.loc[common, "sha256"].map(own).to_numpy(bool)
    units = pd.factorize(answers.units[common])[0].astype(np.int64)
    test = mcnemar_exact(of_model, of_baseline, units)
    return RivalPart(
        n=int(common.sum()),
        right=int(of_model.sum()),
        baseline_right=int(of_baseline.sum()),
        only_model=test.only_first,
        only_baseline=test.only_second,
        p_value=test.p_value,
        p_value_adjusted=test.p_value,
    )


def against_baseline(model: ModelPart, rival: RivalPart) -> str:
    """Whether a model beats it, in one sentence."""
    pictures = count_of(rival.n, kind_of_pictures(model))
    if rival.p_value_adjusted >= SIGNIFICANT:
        return f"Not shown to be better: {pictures} do not decide."
    if rival.only_model > rival.only_baseline:
        return f"{model.title} is better than the baseline."
    return f"{model.title} is worse than the baseline: its training gains nothing over it."


def next_steps(audited: pd.DataFrame, summary: Summary) -> NextStepsPart:
    """What is worth doing, the most promising first.

    Args:
        audited: the table `audit`.
        summary: of it.
    """
    errors, odd = int(audited["likely_error"].sum()), int(audited["off_topic"].sum())
    pictures, found = len(audited), summary.forecast
    worth = {
        "labels": errors / pictures,
        "no class": odd / pictures,
        "more pictures": found.gain if found and found.gain >= HARDLY else 0.0,
    }
    said = {
        "labels": _labels(errors, pictures),
        "no class": _no_class(odd, pictures),
        "more pictures": _more(summary),
    }
    order = sorted(worth, key=lambda what: -worth[what])
    return NextStepsPart(
        pictures=pictures,
        label_errors=errors,
        off_topic=odd,
        curve=[CurvePart(pictures=one.pictures, units=one.units, accuracy=one.accuracy) for one in summary.curve],
        forecast=ForecastPart(more=found.more, gain=found.gain, gain_ci=found.gain_ci) if found else None,
        statements={"First": _first(order[0], worth)} | {_TITLES[what]: said[what] for what in order},
    )


_LOOKED_AT = {
    "labels": ("the likely label errors", "A model that is right about them is called wrong."),
    "no class": ("the pictures of no class", "Whatever a model says of one that shows no class is wrong."),
}
_TITLES = {"labels": "Labels", "no class": "Pictures of no class", "more pictures": "More pictures"}


def law_of(summary: Summary) -> Law | None:
    """What is drawn through the curve; None where nothing supports it."""
    found = summary.forecast
    return Law(found.a, found.b, found.c) if found else None


def _first(best: str, worth: Mapping[str, float]) -> str:
    if not worth[best]:
        return (
            "Nothing that this page can name: no label looks wrong, no picture is out of place, and nothing shows that "
            "more pictures would help the baseline. What is left are the mistakes above."
        )
    if best == "more pictures":
        return f"Find more pictures: of all that is named here it promises most, {_points(worth[best])} points."
    what, why = _LOOKED_AT[best]
    gain = worth["more pictures"]
    instead = f" As many pictures again promise {_points(gain)} points." if gain else ""
    return (
        f"Look at {what} below: they are {percent(worth[best])} of all pictures, a few minutes for a person. "
        f"{why}{instead}"
    )


def _labels(errors: int, pictures: int) -> str:
    if not errors:
        return f"Of {count_of(pictures, 'picture')} none looks as if it were of another class than its source's."
    if errors == 1:
        return (
            f"1 picture of {pictures:,} is likely of another class than its source's. Who looks at it decides: it may "
            "be rightly labelled and merely hard."
        )
    return (
        f"{errors:,} pictures of {pictures:,} are likely of another class than their source's. Who looks at them "
        "decides: some will be rightly labelled and merely hard."
    )


def _no_class(odd: int, pictures: int) -> str:
    if not odd:
        return f"Of {count_of(pictures, 'picture')} none is far from all others."
    is_or_are = "picture of {:,} is" if odd == 1 else "pictures of {:,} are"
    return (
        f"{odd:,} {is_or_are.format(pictures)} far from all others: of no class, or an odd one of its class, such as a "
        "drawing."
    )


def _more(summary: Summary) -> str:
    found = summary.forecast
    if found is None:
        return (
            "Nothing is said of what more pictures would bring: there are too few for that, or accuracy did not rise "
            "with their number beyond chance."
        )
    low, high = found.gain_ci
    if high < HARDLY:
        return f"{found.more:,} more pictures would bring the baseline hardly anything: at most {_points(high)} points."
    return (
        f"{found.more:,} more pictures of the same kind would bring the baseline about {_points(found.gain)} points "
        f"(from {_points(low)} to {_points(high)}), if its mistakes go on to fall as they did."
    )


def _points(gain: float) -> str:
    return f"{100 * gain:.1f}" if gain >= HARDLY else f"{100 * gain:.2f}"
