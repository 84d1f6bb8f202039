"""How often intervals of 95 % hold the truth, where pictures hang together in units.

    python benchmarks/intervals.py [--draws 400] [--output benchmarks/results/intervals.md]

Test sets are drawn whose accuracy is known: units of some sizes, and answers that go together within a unit by a
correlation. For each way of making an interval it is counted how many hold the truth, and how wide they are: the mean
over all sizes of sets and accuracies, and the worst of them. Areas under curves likewise, from normal scores.
"""

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from peers.environment import machine
from scipy.stats import norm
from sklearn.metrics import average_precision_score

from cic_assets.domain.dataset import roc_interval
from cic_assets.domain.evaluation.intervals import effective_number, precision_recall_area, roc_area, share_interval
from cic_assets.domain.evaluation.statistics import Interval, wilson_interval

HERE = Path(__file__).resolve().parent
PICTURES = (60, 160, 400, 1300)
ACCURACIES = (0.8, 0.9, 0.95, 0.98, 0.995)
CORRELATIONS = (0.0, 0.3, 0.7, 1.0)
AREAS = (0.8, 0.95, 0.995)
RESAMPLED = 300
"""Draws of one bootstrap."""

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Random = np.random.Generator


def _single(_: Random, pictures: int) -> Ints:
    return np.ones(pictures, np.int64)


def _galleries(random: Random, pictures: int) -> Ints:
    return _until(pictures, lambda: 1 if random.random() < 0.85 else int(random.integers(2, 9)))


def _fives(_: Random, pictures: int) -> Ints:
    return np.full(pictures // 5, 5)


def _heavy(random: Random, pictures: int) -> Ints:
    return _until(pictures, lambda: min(int(random.zipf(2.0)), pictures // 8))


def _until(pictures: int, one: Callable[[], int]) -> Ints:
    sizes: list[int] = []
    while sum(sizes) < pictures:
        sizes.append(one())
    return np.array(sizes)


SIZES = {
    "all single": _single,
    "0.85 single, the rest 2 to 8": _galleries,
    "all of 5": _fives,
    "heavy tail, up to an eighth of all": _heavy,
}
"""Sizes of units for so many pictures."""


@dataclass
class Held:
    """What the intervals of one way did, a row a cell of the design."""

    shares: list[float] = field(default_factory=list)
    widths: list[float] = field(default_factory=list)

    def add(self, edges: Iterable[Interval], truth: float) -> None:
        """Take in the intervals of one cell."""
        table = np.array(list(edges))
        self.shares.append(float(((table[:, 0] <= truth) & (truth <= table[:, 1])).mean()))
        self.widths.append(float((table[:, 1] - table[:, 0]).mean()))

    def __str__(self) -> str:
        return f"{np.mean(self.shares):.3f} ({min(self.shares):.2f}), ±{50 * np.mean(self.widths):.1f}"


def with_number(right: NDArray[np.bool_], number: float) -> Interval:
    """Wilson's of a share of so many pictures."""
    return wilson_interval(float(right.mean()) * number, number)


def kish(right: NDArray[np.bool_], units: Ints) -> Interval:
    """Each unit is one picture."""
    return with_number(right, len(units) ** 2 / float((np.bincount(units) ** 2).sum()))


def bootstrap(right: NDArray[np.bool_], units: Ints) -> Interval:
    """Percentiles over units drawn again."""
    random, sizes = np.random.default_rng(0), np.bincount(units)
    counts = random.multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), RESAMPLED)
    shares = (counts @ np.bincount(units, right)) / (counts @ sizes)
    return Interval(*np.percentile(shares, [2.5, 97.5]))


SHARES: Mapping[str, Callable[[NDArray[np.bool_], Ints], Interval]] = {
    "**ours**": share_interval,
    "Wilson, of pictures": lambda right, _: with_number(right, len(right)),
    "bootstrap over units": bootstrap,
    "Wilson, a unit is one": kish,
    "ours, prior 2": lambda right, units: with_number(right, effective_number(right, units, 2)),
    "ours, prior 8": lambda right, units: with_number(right, effective_number(right, units, 8)),
}


def measure_shares(draws: int) -> Iterator[tuple[str, float, dict[str, Held]]]:
    """By sizes of units and correlation, what each way does."""
    random = np.random.default_rng(1)
    for (kind, sizes_of), correlation in itertools.product(SIZES.items(), CORRELATIONS):
        if kind == "all single" and correlation:
            continue
        held = {name: Held() for name in SHARES}
        for pictures, accuracy in itertools.product(PICTURES, ACCURACIES):
            drawn = [_answers(random, sizes_of(random, pictures), accuracy, correlation) for _ in range(draws)]
            for name, way in SHARES.items():
                held[name].add((way(*one) for one in drawn), accuracy)
        yield kind, correlation, held


def _answers(random: Random, sizes: Ints, accuracy: float, correlation: float) -> tuple[NDArray[np.bool_], Ints]:
    """Each is its unit's with the root of the correlation as chance, so that two go together by the correlation."""
    units = np.repeat(np.arange(len(sizes)), sizes)
    of_unit = (random.random(len(sizes)) < accuracy)[units]
    alone = random.random(len(units)) < accuracy
    return np.where(random.random(len(units)) < correlation**0.5, of_unit, alone), units


Scored = tuple[Floats, NDArray[np.bool_], Ints]
CURVES: Mapping[str, Callable[[Scored], Interval]] = {
    "ROC, **ours**": lambda one: roc_area(*one).interval,
    "ROC, Newcombe, of pictures": lambda one: Interval(
        *roc_interval(roc_area(*one).value, int(one[1].sum()), int((~one[1]).sum()))
    ),
    "precision-recall, **ours**": lambda one: precision_recall_area(*one).interval,
    "precision-recall, bootstrap over units": lambda one: _bootstrap_precision(*one),
}


def _bootstrap_precision(scores: Floats, truth: NDArray[np.bool_], units: Ints) -> Interval:
    random, n = np.random.default_rng(0), int(units.max()) + 1
    counts = random.multinomial(n, np.full(n, 1 / n), RESAMPLED)
    areas = [average_precision_score(truth, scores, sample_weight=weights[units]) for weights in counts[:100]]
    return Interval(*np.nanpercentile(areas, [2.5, 97.5]))


def measure_curves(draws: int) -> Iterator[tuple[str, float, dict[str, Held]]]:
    """The same for areas under curves, 30 % of the pictures of the class."""
    random = np.random.default_rng(2)
    for (kind, sizes_of), correlation in itertools.product(list(SIZES.items())[:3], (0.0, 0.7)):
        if kind == "all single" and correlation:
            continue
        held = {name: Held() for name in CURVES}
        for pictures, area in itertools.product(PICTURES[:3], AREAS):
            gap = float(norm.ppf(area)) * 2**0.5
            many = _scores(random, np.ones(200_000, np.int64), gap, 0.0)
            drawn = [_scores(random, sizes_of(random, pictures), gap, correlation) for _ in range(draws)]
            for name, way in CURVES.items():
                truth = area if name.startswith("ROC") else float(average_precision_score(many[1], many[0]))
                held[name].add(map(way, drawn), truth)
        yield kind, correlation, held


def _scores(random: Random, sizes: Ints, gap: float, correlation: float) -> Scored:
    units = np.repeat(np.arange(len(sizes)), sizes)
    of_class = random.random(len(sizes)) < 0.3
    of_class[:2] = True, False
    noise = correlation**0.5 * random.normal(size=len(sizes))[units]
    noise += (1 - correlation) ** 0.5 * random.normal(size=len(units))
    return noise + gap * of_class[units], of_class[units], units


def main() -> None:
    """Measure, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "intervals.md")
    arguments = parser.parse_args()
    text = report(arguments.draws)
    arguments.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def report(draws: int) -> str:
    """The result as Markdown."""
    began = time.perf_counter()
    shares = "\n".join(_rows(SHARES, measure_shares(draws)))
    curves = "\n".join(_rows(CURVES, measure_curves(max(20, draws // 4))))
    return f"""# How often intervals hold the truth

`python benchmarks/intervals.py --draws {draws}`, {time.strftime("%Y-%m-%d")}; {machine()}.
{time.perf_counter() - began:.0f} s in all.

An interval of 95 % is to hold the truth in 0.95 of the draws. In each cell: the share of intervals that do, the worst
case of it in brackets, and half their width in points. The correlation is that of two answers within a unit.

## Accuracy

Over sets of {_list(PICTURES)} pictures and accuracies of {_list(ACCURACIES)}.
The worst case of some hundred draws is a few points off by chance.

{shares}

Where units are single pictures, ours is Wilson's. The bootstrap gives a set without a mistake no width at all.
Counting each unit as one is safest, and needlessly wide where units tell that their pictures go their own ways.

## Areas under curves

Over sets of {_list(PICTURES[:3])} pictures and areas under the ROC curve of {_list(AREAS)}; normal scores, 30 % of the
units of the class.

{curves}
"""


def _list(numbers: Iterable[float]) -> str:
    return ", ".join(map(str, numbers))


def _rows(ways: Iterable[str], measured: Iterable[tuple[str, float, dict[str, Held]]]) -> Iterator[str]:
    names = list(ways)
    yield f"| units | correlation | {' | '.join(names)} |"
    yield f"|---|---:|{'---:|' * len(names)}"
    for kind, correlation, held in measured:
        yield f"| {kind} | {correlation:g} | {' | '.join(str(held[name]) for name in names)} |"


if __name__ == "__main__":
    main()
