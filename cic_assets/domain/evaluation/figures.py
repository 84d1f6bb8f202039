"""What is better seen than read: curves, confusions, calibration, comparisons, balance; each an SVG as text.

Every function takes plain numbers and gives a figure in the report's own look, see `svg`. No files, no statistics.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cic_assets.domain.evaluation.calibration import Reliability
from cic_assets.domain.evaluation.statistics import Floats, Interval, Ints
from cic_assets.domain.evaluation.svg import PALETTE, SERIES, draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 360.0
"""Points: the width of a phone, so that text is never scaled below its size."""

MAX_ANNOTATED = 12
"""Classes up to which each cell of a confusion matrix has its count written in."""

_LONGEST_NAME = 16
_LETTERS_ACROSS = 28


class Measured(NamedTuple):
    """A model's accuracy with its interval, and that of always giving one answer to the same pictures; all 0..1."""

    name: str
    accuracy: float
    interval: Interval
    baseline: float


def accuracy_comparison(models: Sequence[Measured]) -> str:
    """Accuracy of each model with its 95 % interval against the majority class of what it was judged on."""
    baselines = [100 * model.baseline for model in models]
    half = 0.5 if len(set(baselines)) == 1 else 0.35

    def paint(_: "Figure", axes: list["Axes"]) -> None:
        axis, rows = axes[0], range(len(models))
        for row, model in zip(rows, models, strict=True):
            low, high = (100 * edge for edge in model.interval)
            axis.plot([low, high], [row, row], color=PALETTE["accent"], linewidth=7, alpha=0.28)
            axis.plot([100 * model.accuracy], [row], "o", color=PALETTE["accent"], markersize=7)
            axis.annotate(
                f"{100 * model.accuracy:.1f}", (100 * model.accuracy, row), (0, 9), textcoords="offset points",
                ha="center", fontweight="bold",
            )  # fmt: skip
        for row, baseline in zip(rows, baselines, strict=True):
            edges = [row - half, row + half] if row else [-0.95, half]
            axis.plot([baseline] * 2, edges, color=PALETTE["bad"], linewidth=1.2, linestyle=(0, (4, 3)))
        same = len(set(baselines)) == 1
        axis.annotate(
            f"always the same answer: {baselines[0]:.1f}" if same else "always the same answer", (baselines[0], 1),
            (4, -2), color=PALETTE["bad"], xycoords=("data", "axes fraction"), textcoords="offset points", va="top",
            fontsize=9,
        )  # fmt: skip
        for row, baseline in zip(rows, [] if same else baselines, strict=False):
            axis.annotate(
                f"{baseline:.1f}", (baseline, row), (4, 0), color=PALETTE["bad"], textcoords="offset points",
                va="center", fontsize=9,
            )  # fmt: skip
        axis.set_yticks(rows, [_short(model.name) for model in models])
        axis.tick_params(axis="y", labelcolor=PALETTE["ink"])
        axis.set_ylim(len(models) - 0.5, -0.95)
        axis.set_xlim(_floor_to_ten(min(min(model.baseline, model.interval.low) for model in models)), 101)
        axis.set_xlabel("% of the pictures right, with 95 % interval")
        axis.grid(visible=False, axis="y")

    return draw(1.25 * WIDTH, 58 + 42 * len(models), paint)


def accuracy_by_pictures(points: Mapping[int, float], fitted: Callable[[float], float] | None, pictures: int) -> str:
    """Accuracy over the number of pictures learned from, and where it would go with twice as many.

    Args:
        points: accuracy by pictures.
        fitted: accuracy after so many pictures; None where nothing supports any.
        pictures: that there are.
    """
    sizes = list(points)

    def paint(figure: "Figure", axes: list["Axes"]) -> None:
        from matplotlib.ticker import FuncFormatter, NullFormatter

        axis = axes[0]
        axis.plot(sizes, [100 * points[n] for n in sizes], "o", color=PALETTE["accent"], markersize=6, label="measured")
        if fitted:
            drawn = np.geomspace(sizes[0], 2 * pictures, 80)
            line = [100 * fitted(n) for n in drawn]
            axis.plot(drawn, line, color=PALETTE["second"], linestyle=(0, (4, 3)), label="law through them")
            axis.axvline(pictures, color=PALETTE["muted"], linewidth=1, linestyle=(0, (2, 3)))
            axis.annotate(
                "all there are", (pictures, 0), (-4, 4), xycoords=("data", "axes fraction"),
                textcoords="offset points", ha="right", fontsize=9, color=PALETTE["muted"],
            )  # fmt: skip
        axis.set_xscale("log", base=2)
        axis.set_xticks(sizes)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.set_xlabel("pictures that it learned from")
        axis.set_ylabel("% right")
        figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2)

    return draw(WIDTH, 210, paint)


def learning_curves(history: Sequence[Mapping[str, float]], kept_epoch: int | None = None) -> str:
    """Loss and accuracy by epoch, training and validation.

    Args:
        history: rows of `epoch, loss, accuracy, val_loss, val_accuracy`.
        kept_epoch: the epoch whose weights were kept, marked.
    """
    epochs = [int(row["epoch"]) for row in history]

    def paint(figure: "Figure", axes: list["Axes"]) -> None:
        from matplotlib.ticker import MaxNLocator

        for axis, key, title, scale in zip(axes, ("loss", "accuracy"), ("Loss", "Accuracy, %"), (1, 100), strict=True):
            for prefix, label, colour in (("", "training", "second"), ("val_", "validation", "accent")):
                values = [scale * row[prefix + key] for row in history]
                axis.plot(epochs, values, marker="o", markersize=3.5, color=PALETTE[colour], label=label)
            if kept_epoch is not None:
                axis.axvline(kept_epoch, color=PALETTE["muted"], linewidth=1, linestyle=(0, (2, 3)))
            axis.set_title(title)
            axis.set_xlabel("epoch")
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            if len(epochs) == 1:
                axis.set_xlim(epochs[0] - 1, epochs[0] + 1)
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)

    return draw(WIDTH, 190, paint, columns=2)


def confusion(matrix: ArrayLike, classes: Sequence[str]) -> str:
    """A confusion matrix, coloured by the share of each true class; right answers in one colour, errors in another.

    Of many classes the cells are one image, a pixel each: ten thousand shapes take half a minute to draw, and 2 MB.
    """
    counts = np.asarray(matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = len(classes)

    def paint(_: "Figure", axes: list["Axes"]) -> None:
        axis = axes[0]
        # At most half opaque: the ink on it stays readable on any page.
        opacity = 0.03 + 0.47 * shares
        if size <= MAX_ANNOTATED:
            _paint_cells(axis, counts, shares, opacity)
        else:
            axis.imshow(_pixels(np.where(counts > 0, opacity, 0)), interpolation="none")
        step = max(1, size // 24)
        names = [_short(klass) for klass in classes[::step]]
        flat = sum(map(len, names)) <= _LETTERS_ACROSS
        axis.set_xticks(range(0, size, step), names, rotation=0 if flat else 60)
        axis.set_yticks(range(0, size, step), names)
        axis.tick_params(labelcolor=PALETTE["ink"])
        axis.set_xlabel("the model said")
        axis.set_ylabel("it was")
        axis.set_xlim(-0.5, size - 0.5)
        axis.set_ylim(size - 0.5, -0.5)
        axis.set_aspect("equal")
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)

    return draw(0.8 * WIDTH, 0.72 * WIDTH, paint)


def reliability_diagram(bins: Reliability) -> str:
    """How often answers of each confidence are right; on the diagonal the probabilities mean what they say."""
    edges = np.linspace(0, 100, len(bins.answers) + 1)
    filled = bins.answers > 0

    def paint(figure: "Figure", axes: list["Axes"]) -> None:
        axis = axes[0]
        axis.plot([0, 100], [0, 100], color=PALETTE["muted"], linewidth=1, linestyle=(0, (4, 3)))
        share = 100 * bins.answers / max(1, bins.answers.sum())
        axis.bar(
            edges[:-1], share, np.diff(edges), align="edge", color=PALETTE["muted"], alpha=0.18, linewidth=0,
            label="share of answers",
        )  # fmt: skip
        axis.plot(
            100 * bins.confidence[filled], 100 * bins.accuracy[filled], marker="o", color=PALETTE["accent"],
            markersize=5, label="right",
        )  # fmt: skip
        axis.set_xlim(0, 101)
        axis.set_ylim(0, 103)
        axis.set_xlabel("probability that the model gave, %")
        axis.set_ylabel("%")
        figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=2)

    return draw(0.8 * WIDTH, 0.78 * WIDTH, paint)


def class_balance(counts: Mapping[str, Mapping[str, int]], classes: Sequence[str]) -> str:
    """Pictures of each class in each split, as stacked bars. `counts` is {split: {class: pictures}}."""

    def paint(figure: "Figure", axes: list["Axes"]) -> None:
        axis, left = axes[0], np.zeros(len(classes))
        for (split, of_split), colour in zip(counts.items(), SERIES, strict=False):
            widths = np.array([of_split.get(klass, 0) for klass in classes], dtype=float)
            axis.barh(range(len(classes)), widths, 0.62, left=left, label=split, color=PALETTE[colour], alpha=0.8)
            left += widths
        for row, total in enumerate(left):
            axis.annotate(f"{int(total):,}", (total, row), (5, 0), textcoords="offset points", va="center")
        axis.set_yticks(range(len(classes)), [_short(klass) for klass in classes])
        axis.tick_params(axis="y", labelcolor=PALETTE["ink"])
        axis.set_ylim(len(classes) - 0.5, -0.5)
        axis.set_xlim(0, 1.12 * max(1.0, left.max(initial=0)))
        axis.set_xlabel("pictures")
        axis.grid(visible=False, axis="y")
        figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3)

    return draw(1.2 * WIDTH, 84 + 26 * len(classes), paint)


def pictures_over_time(posted: Mapping[str, Sequence[float]]) -> str:
    """When the pictures of each class were posted: stacked bars by year, month or day, whichever tells most.

    Of many classes no bar is cut by class: nobody could tell their colours apart.

    Args:
        posted: seconds since 1970 of each picture, by class; at least one picture in all.
    """
    times = {klass: np.array(seconds).astype("int64").astype("datetime64[s]") for klass, seconds in posted.items()}
    together = np.concatenate(list(times.values()))
    if len(times) > MAX_ANNOTATED:
        times = {"all classes": together}
    unit = _unit_of_time(together.min(), together.max())
    first, last = (edge.astype(f"datetime64[{unit}]") for edge in (together.min(), together.max()))
    slots = np.arange(first, last + 1)

    def paint(figure: "Figure", axes: list["Axes"]) -> None:
        axis, below = axes[0], np.zeros(len(slots))
        for (klass, moments), colour in zip(times.items(), itertools.cycle(SERIES)):
            counts = np.bincount((moments.astype(f"datetime64[{unit}]") - first).astype(int), minlength=len(slots))
            axis.bar(
                range(len(slots)), counts, 0.82, bottom=below, label=_short(klass), color=PALETTE[colour], alpha=0.8
            )
            below += counts
        step = -(-len(slots) // 5)
        axis.set_xticks(range(0, len(slots), step), [str(slot) for slot in slots[::step]])
        axis.set_ylabel("pictures")
        axis.grid(visible=False, axis="x")
        figure.legend(*axis.get_legend_handles_labels(), loc="outside lower center", ncols=3)

    return draw(1.2 * WIDTH, 84 + 26 * len(times), paint)


def _short(name: str) -> str:
    """A name that leaves room for the figure; the tables have it whole."""
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _unit_of_time(first: np.datetime64, last: np.datetime64) -> str:
    days = (last - first) / np.timedelta64(1, "D")
    return "D" if days < 60 else "M" if days < 5 * 365 else "Y"  # noqa: PLR2004 - at most some 60 bars


def _paint_cells(axis: "Axes", counts: Ints, shares: Floats, opacity: Floats) -> None:
    from matplotlib.patches import Rectangle

    for (row, column), count in np.ndenumerate(counts):
        colour = PALETTE["accent" if row == column else "bad"]
        alpha = opacity[row, column]
        axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, color=colour, linewidth=0, alpha=alpha))
        _annotate_cell(axis, row, column, int(count), float(shares[row, column]), small=len(counts) > 4)  # noqa: PLR2004


def _pixels(opacity: Floats) -> NDArray[np.uint8]:
    """A square of cells as RGBA bytes: the diagonal in one colour, the rest in another, both seen on light and dark."""
    from matplotlib.colors import to_rgba_array

    on, off = to_rgba_array([PALETTE["accent"], PALETTE["bad"]])
    pixels = np.where(np.eye(len(opacity), dtype=bool)[:, :, None], on, off)
    pixels[:, :, 3] = opacity
    return np.asarray(np.round(255 * pixels), np.uint8)


def _annotate_cell(axis: "Axes", row: int, column: int, count: int, share: float, *, small: bool) -> None:
    if small:
        axis.text(column, row, f"{count}", ha="center", va="center", fontsize=8)
        return
    axis.text(column, row - 0.08, f"{count:,}", ha="center", va="center", fontsize=15, fontweight="bold")
    axis.text(column, row + 0.2, f"{share:.1%}", ha="center", va="center", fontsize=9, color=PALETTE["muted"])


def _floor_to_ten(share: float) -> float:
    return max(0.0, 10.0 * math.floor(10 * share - 0.3))
