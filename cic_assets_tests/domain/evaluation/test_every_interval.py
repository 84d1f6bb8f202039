"""Every interval and every chance in `report.json`, computed once more in another way from the tables it is made of.

Another way: ends are searched for where the textbook's equation holds, effective numbers are counted pair by pair,
tests count all that could have been; scipy and scikit-learn do what they do. Pictures hang together in units here.
"""

import re
from collections import Counter
from dataclasses import replace
from itertools import pairwise
from types import UnionType
from typing import Union, get_args, get_origin

import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.evaluation import load_report_inputs
from cic_assets.domain.evaluation.contract import ReportData
from cic_assets.domain.evaluation.contract.part import Part
from cic_assets.domain.evaluation.report import _data
from cic_assets.domain.models import QuantizedCard, fit_calibration

from .conftest import World
from .test_next_steps import audited

pytestmark = pytest.mark.slow  # importing scipy and scikit-learn takes seconds

CLOSE = {"abs": 1e-6}
Z = 1.959963984540054
JUDGED = {"ForecastPart.gain_ci"}
"""Which are computed once more, by their parts; of this one, which is drawn, `test_learning_curve` says how often it
holds the truth."""


def judges(*names):
    """Says of which a test is."""
    JUDGED.update(names)
    return lambda test: test


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("units"), each=60)
    made.write_model("vgg", 0.75)
    made.write_model("xception", 0.9)
    made.judge_in_folds("xception", 0.85)
    audited(made, skill=0.8)
    found = load_report_inputs(made.root, made.question())
    ranks = found.manifest.groupby(["klass", "split"]).cumcount() // 3  # three pictures a unit
    unit = found.manifest["klass"] + "-" + found.manifest["split"] + "-" + ranks.astype(str)
    manifest = found.manifest.assign(unit_id=unit)
    table = found.audited.table.assign(
        unit_id=found.audited.table["sha256"].map(manifest.set_index("sha256")["unit_id"])
    )
    runs = {**found.models, "vgg": replace(found.models["vgg"], quantized=[quantized(found.models["vgg"].card)])}
    return replace(found, manifest=manifest, audited=found.audited._replace(table=table), models=runs)


def quantized(card):
    """One picture more is wrong."""
    tested = card.scores["test"]
    less = tested.model_copy(update={"accuracy": tested.accuracy - 1 / tested.count})
    full, fewer = ({"scores": {"test": one}, "bytes": 1, "milliseconds": 1.0} for one in (tested, less))
    changes = {"test": {"labels": 1, "largest": 0.5, "mean": 0.1}}
    about = {"made_from": {}, "sha256s": {}, "calibration_pictures": 0, "onnxruntime_version": "1"}
    calibration = {"temperature": 1.0, "largest_doubts": {}, "pictures": 1, "units": 1}
    return QuantizedCard.model_validate(
        {**about, "precision": "int8", "measured": fewer, "full": full, "changes": changes, "calibration": calibration}
    )


@pytest.fixture(scope="module")
def data(inputs):
    return _data(inputs)  # without its figures, which are most of what a report takes


def rows_of(inputs, name):
    """What a model is judged by, with the unit of each picture, straight from its table."""
    run = inputs.models[name]
    rows = run.folds if run.folds is not None else run.predictions[run.predictions["split"] == "test"]
    return with_units(inputs, rows)


def with_units(inputs, rows):
    units = inputs.manifest.set_index("sha256")["unit_id"]
    return rows.assign(unit=rows["sha256"].map(units), right=rows["predicted"] == rows["klass"])


def worth(values, units):
    """Independent pictures: Kish's number with a correlation counted over all pairs of one unit."""
    values, units = np.asarray(values, float), list(units)
    sizes, errors, n = Counter(units), values - values.mean(), len(values)
    mean_size = np.mean([sizes[unit] for unit in units])
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j and units[i] == units[j]]
    telling = [sum(e * e for e, one in zip(errors, units, strict=True) if one == unit) for unit in sizes]
    telling = np.array([one for one, size in zip(telling, sizes.values(), strict=True) if size > 1])
    if not pairs or telling.sum() < 1e-12 * n:
        return n / mean_size
    together = np.clip(np.mean([errors[i] * errors[j] for i, j in pairs]) / errors.var(), 0, 1)
    count = telling.sum() ** 2 / (telling**2).sum()
    return n / (1 + (count * together + 4) / (count + 4) * (mean_size - 1))


def ends(seen, deviation):
    """Where what was seen is 1.96 deviations away, on either side of it."""
    from scipy.optimize import brentq

    away = lambda end: abs(seen - end) - Z * deviation(end)  # noqa: E731 - one line, used twice
    low = brentq(away, 0, seen - 1e-9) if seen > 0 else 0.0
    high = brentq(away, seen + 1e-9, 1) if seen < 1 else 1.0
    return pytest.approx((low, high), **CLOSE)


def wilson(share, n):
    return ends(share, lambda p: (p * (1 - p) / n) ** 0.5)


def share(right, units):
    return wilson(np.mean(right), worth(right, units))


def newcombe(area, positive, negative):
    """With the variance of Hanley and McNeil."""

    def deviation(p):
        first, second, others = p / (2 - p), 2 * p * p / (1 + p), (positive + negative) / 2 - 1
        return ((p * (1 - p) + others * (first + second - 2 * p * p)) / (positive * negative)) ** 0.5

    return ends(area, deviation)


def told(scores, others):
    return [np.mean((score > others) + (score == others) / 2) for score in scores]


def holm(p_values):
    """Step by step down."""
    found, highest = {}, 0.0
    for step, place in enumerate(np.argsort(p_values, kind="stable")):
        highest = max(highest, min(1.0, (len(p_values) - step) * p_values[place]))
        found[int(place)] = highest
    return pytest.approx([found[place] for place in range(len(p_values))], **CLOSE)


def by_signs(first, second, units):
    """All ways in which each unit could have been in favour of one or of the other, counted."""
    ahead = Counter()
    for one, other, unit in zip(first, second, units, strict=True):
        ahead[unit] += int(one) - int(other)
    ways = Counter({0: 1})
    for by in ahead.values():
        ways = sum(
            (Counter({total + sign * by: count}) for total, count in ways.items() for sign in (1, -1)), Counter()
        )
    seen = abs(sum(ahead.values()))
    return sum(count for total, count in ways.items() if abs(total) >= seen) / sum(ways.values())


@judges(
    "ModelPart.accuracy_ci",
    "FurtherPart.accuracy_ci",
    "SharePart.accuracy_ci",
    "ClassScore.recall_ci",
    "ModelPart.balanced_accuracy_ci",
    "SourceScore.accuracy_ci",
    "ModelPart.independence_p",
)
@pytest.mark.parametrize("name", ["vgg", "xception"])
def test_accuracy_and_recalls(inputs, data, name):
    from scipy.stats import fisher_exact
    from sklearn.metrics import balanced_accuracy_score

    model, rows = data.models[name], rows_of(inputs, name)
    n = worth(rows["right"], rows["unit"])
    assert n < 0.9 * len(rows)
    assert model.judged.worth == pytest.approx(n)
    assert model.accuracy_ci == share(rows["right"], rows["unit"])
    for part in model.further:
        p, further = rows["right"].mean(), part.pictures * n / len(rows)

        def pooled(end, p=p, further=further):
            both = (p * n + end * further) / (n + further)
            return (both * (1 - both) * (1 / n + 1 / further)) ** 0.5

        assert part.accuracy_ci == ends(p, pooled)
    tested = with_units(inputs, inputs.models[name].of_split("test"))
    assert model.tested.accuracy_ci == share(tested["right"], tested["unit"])
    sums = np.zeros(2)
    for klass, part in model.per_class.items():
        of_class = rows[rows["klass"] == klass]
        assert part.recall_ci == share(of_class["right"], of_class["unit"])
        sums += (np.array(part.recall_ci) - part.recall) ** 2
    assert model.balanced_accuracy == pytest.approx(balanced_accuracy_score(rows["klass"], rows["predicted"]))
    low, high = sums**0.5 / len(model.per_class)
    assert model.balanced_accuracy_ci == pytest.approx(
        (max(0, model.balanced_accuracy - low), min(1, model.balanced_accuracy + high)), **CLOSE
    )
    sources = rows["sha256"].map(inputs.manifest.set_index("sha256")["subreddit"])
    for key, part in model.per_source.items():
        of_source = rows[(sources == key).to_numpy()]
        assert part.accuracy_ci == share(of_source["right"], of_source["unit"])
    matrix = np.floor(n / len(rows) * np.array(model.confusion)).astype(int)
    assert model.independence_p == pytest.approx(fisher_exact(matrix, alternative="greater").pvalue)


@judges("ModelPart.roc_auc_ci", "ModelPart.pr_auc_ci")
@pytest.mark.parametrize("name", ["vgg", "xception"])
def test_areas(inputs, data, name):
    from sklearn.metrics import average_precision_score, roc_auc_score

    model, rows = data.models[name], rows_of(inputs, name)
    truth, scores, units = (rows["klass"] == "tank").to_numpy(), rows["p_tank"].to_numpy(), rows["unit"].to_numpy()
    above, below = told(scores[truth], scores[~truth]), told(-scores[~truth], -scores[truth])
    of_tanks, of_cars = worth(above, units[truth]), worth(below, units[~truth])
    assert model.roc_auc == pytest.approx(roc_auc_score(truth, scores))
    assert model.roc_auc_ci == newcombe(model.roc_auc, of_tanks, of_cars)
    areas = [average_precision_score(truth, scores), average_precision_score(~truth, -scores)]
    assert model.pr_auc == pytest.approx(np.mean(areas))
    each = [wilson(areas[0], of_tanks).expected, wilson(areas[1], of_cars).expected]
    assert model.pr_auc_ci == pytest.approx(np.mean(each, axis=0), **CLOSE)


def expected_error(confidence, right):
    bins = pairwise(np.linspace(0, 1, 11))
    masks = [(confidence > low + 1e-12) & (confidence <= high + 1e-12) for low, high in bins]
    return sum(abs((right[mask] - confidence[mask]).sum()) for mask in masks) / len(confidence)


@judges(
    "CalibrationError.if_calibrated",
    "CalibrationError.if_calibrated_highest",
    "CalibrationError.gap_p",
    "PlausiblePart.coverage_ci",
)
@pytest.mark.parametrize("name", ["vgg", "xception"])
def test_calibration_and_what_chance_makes_of_it(inputs, data, name):
    from sklearn.metrics import brier_score_loss, log_loss

    part, rows, run = data.models[name].calibration, rows_of(inputs, name), inputs.models[name]
    table = rows[["p_car", "p_tank"]].to_numpy()
    truth, right = (rows["klass"] == "tank").to_numpy(), rows["right"].to_numpy(float)
    validated = with_units(inputs, run.of_split("validation"))
    own = fit_calibration(validated[["p_car", "p_tank"]].to_numpy(), validated["label"].to_numpy(), validated["unit"])
    assert part.temperature == own.temperature
    hows = [own] * len(rows) if run.folds is None else [run.card.folds.calibrations[fold] for fold in rows["fold"]]
    powers = table ** (1 / np.array([how.temperature for how in hows]))[:, None]
    put_right = powers / powers.sum(axis=1, keepdims=True)
    for given, said in ((table, part.before), (put_right, part.after)):
        confidence = given.max(axis=1)
        assert said.error == pytest.approx(expected_error(confidence, right), abs=1e-9)
        assert said.log_loss == pytest.approx(log_loss(truth, given))
        # Each picture does as its unit with a chance whose square is how much two of a unit go together.
        n, sizes = worth(right - confidence, rows["unit"]), rows.groupby("unit")["unit"].transform("size")
        together = ((len(rows) / n - 1) / (sizes.mean() - 1)) ** 0.5
        numbers, random = pd.factorize(rows["unit"])[0], np.random.default_rng(99)
        errors, gaps = [], []
        for _ in range(2000):
            of_unit = random.random(numbers.max() + 1)
            chance = [of_unit[unit] if random.random() < together else random.random() for unit in numbers]
            drawn = (np.array(chance) < confidence).astype(float)
            errors.append(expected_error(confidence, drawn))
            gaps.append(abs((drawn - confidence).sum()))
        assert said.if_calibrated == pytest.approx(np.median(errors), rel=0.08)
        assert said.if_calibrated_highest == pytest.approx(np.quantile(errors, 0.95), rel=0.1)
        assert said.gap_p == pytest.approx(np.mean(np.array(gaps) >= abs((right - confidence).sum())), abs=0.05)
    for level, sets in part.plausible.items():
        largest = np.array([how.largest_doubts[level] for how in hows])
        held = (1 - put_right)[np.arange(len(rows)), truth.astype(int)] <= largest + 1e-12
        assert sets.coverage == pytest.approx(held.mean())
        assert sets.coverage_ci == share(held, rows["unit"])
        assert sets.mean_size == pytest.approx((1 - put_right <= largest[:, None] + 1e-12).sum(axis=1).mean())
    brier = brier_score_loss(truth, table[:, 1])  # of one class; of two it is twice as much
    assert data.models[name].brier_score == pytest.approx(2 * brier)


@judges("SlicePart.accuracy_ci", "SlicePart.p_value", "SlicePart.p_value_adjusted")
@pytest.mark.parametrize("name", ["vgg", "xception"])
def test_slices(inputs, data, name):
    from scipy.stats import fisher_exact

    rows, slices = rows_of(inputs, name), data.models[name].slices
    share_of = worth(rows["right"], rows["unit"]) / len(rows)
    manifest = inputs.manifest.set_index("sha256").loc[rows["sha256"]]
    for part in slices:
        others = len(rows) - part.n, int(rows["right"].sum()) - part.right
        table = [[part.right, part.n - part.right], [others[1], others[0] - others[1]]]
        counts = np.rint(share_of * np.array(table)).astype(int)
        assert part.p_value == pytest.approx(fisher_exact(counts).pvalue)
        if part.by in ("source", "format"):
            inside = rows[(manifest[{"source": "subreddit"}.get(part.by, part.by)] == part.value).to_numpy()]
            assert (part.n, part.accuracy_ci) == (len(inside), share(inside["right"], inside["unit"]))
    assert any(part.by == "source" for part in slices)
    assert [part.p_value_adjusted for part in slices] == holm([part.p_value for part in slices])


@judges(
    "ComparisonPart.p_value",
    "ComparisonPart.p_value_adjusted",
    "BaselinePart.accuracy_ci",
    "RivalPart.p_value",
    "RivalPart.p_value_adjusted",
)
def test_comparisons_and_the_baseline(inputs, data):
    one, other = (rows_of(inputs, name).set_index("sha256") for name in ("vgg", "xception"))
    both = one.index.intersection(other.index)
    (pair,) = data.comparisons
    assert pair.p_value == pytest.approx(
        by_signs(one.loc[both, "right"], other.loc[both, "right"], one.loc[both, "unit"])
    )
    assert [pair.p_value_adjusted] == holm([pair.p_value])

    table = inputs.audited.table.set_index("sha256")
    baseline = table["predicted"] == table["klass"]
    assert data.baseline.accuracy_ci == share(baseline, table["unit_id"])
    rivals = data.baseline.rivals
    for rows, rival in zip((one, other), rivals.values(), strict=True):
        assert rival.p_value == pytest.approx(by_signs(rows["right"], baseline[rows.index], rows["unit"]))
    assert [rival.p_value_adjusted for rival in rivals.values()] == holm([rival.p_value for rival in rivals.values()])


@judges("Answer.accuracy_ci", "PrecisionPart.accuracy_ci", "RejectPart.refused_ci", "ShortcutPart.auc_ci")
def test_the_rest(inputs, data):
    best = data.models[data.answer.model]
    assert data.answer.accuracy_ci == best.accuracy_ci
    tested = with_units(inputs, inputs.models["vgg"].of_split("test"))
    n = worth(tested["right"], tested["unit"])
    assert [part.precision for part in data.models["vgg"].precisions] == ["float32", "int8"]
    for part in data.models["vgg"].precisions:
        assert part.accuracy_ci == wilson(part.accuracy, n)

    run, units = inputs.models["xception"], inputs.manifest.set_index("sha256")["unit_id"]
    refused = [one.mean > run.card.reject.threshold for one in run.embeddings.of_split(2)]
    assert 0 < sum(refused) == data.models["xception"].reject.refused
    assert data.models["xception"].reject.refused_ci == share(refused, units[list(run.embeddings.names(2))])

    sizes = inputs.manifest["klass"].value_counts()
    for shortcut in data.dataset.shortcuts:
        assert shortcut.auc_ci == newcombe(
            shortcut.auc, sizes[shortcut.klass], len(inputs.manifest) - sizes[shortcut.klass]
        )
    assert data.dataset.shortcuts


def parts_of(kind):
    """All parts that a part is made of."""
    found = {kind}
    for field in kind.model_fields.values():
        stack = [field.annotation]
        while stack:
            one = stack.pop()
            if get_origin(one) in (list, dict, tuple, Union, UnionType):
                stack += get_args(one)
            elif isinstance(one, type) and issubclass(one, Part):
                found |= parts_of(one)
    return found


def test_none_is_missing():
    said = {f"{part.__name__}.{name}" for part in parts_of(ReportData) for name in part.model_fields}
    uncertain = {name for name in said if re.search(r"_(ci|p)$|p_value|if_calibrated", name)}
    assert uncertain == JUDGED
