"""The report's tables in a terminal, at the end of `cic run` and `cic demo`."""

import io
import shutil
import sys

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from cic_assets.domain.evaluation import formats, judging, wording
from cic_assets.domain.evaluation.contract import ModelPart, ReportData, SharePart
from cic_assets.domain.evaluation.report import read_report
from cic_assets.storage import DataRoot

_MIN_WIDTH = 110  # narrower, a table is cut rather than wrapped into a heap


def report_tables(root: DataRoot) -> str:
    """The original's three tables with our numbers, and the answer, as text; coloured where stdout is a terminal.

    Raises:
        ReportInputError: there is no report of this version; the message says what to do.
    """
    data = read_report(root)
    target = io.StringIO()
    width = max(_MIN_WIDTH, shutil.get_terminal_size().columns)
    console = Console(file=target, width=width, force_terminal=sys.stdout.isatty(), highlight=False)
    console.print(Group(_scraping(data), _final_set(data), _models(data), _answer(data)))
    return target.getvalue()


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold")
    for position, column in enumerate(columns):
        table.add_column(column, justify="left" if position == 0 else "right")
    return table


def _scraping(data: ReportData) -> Table:
    table = _table(
        "Scraping and cleaning",
        "source",
        "class",
        wording.looked_at(data.dataset),
        "media",
        "pictures",
        "after cleaning",
    )
    for source in data.dataset.sources.values():
        numbers = (source.posts, source.media, source.images, source.kept)
        # Text, not str: what a class or a source is called is no markup.
        table.add_row(Text(source.label), Text(source.klass), *(f"{number:,}" for number in numbers))
    return table


def _final_set(data: ReportData) -> Table:
    splits = list(data.dataset.counts)
    table = _table("Final set", "class", "pictures", *splits, "as they came", f"at {data.dataset.side} pixels")
    for klass, part in data.dataset.per_class.items():
        in_splits = [f"{data.dataset.counts[split][klass]:,}" for split in splits]
        sizes = formats.size(part.bytes_before), formats.size(part.bytes_after)
        table.add_row(Text(klass), f"{part.pictures:,}", *in_splits, *sizes)
    return table


def _models(data: ReportData) -> Table:
    is_in_folds = any(map(judging.in_folds, data.models.values()))
    table = _table(
        f"Models, on the test pictures{' and in folds' if is_in_folds else ''}", "model", "accuracy", "95 % interval",
        "right", "epochs", "training", "memory", "parameters",
    )  # fmt: skip
    for name, model in data.models.items():
        where = ": folds" if judging.in_folds(model) else ""
        table.add_row(
            Text(model.title + where + (" (random weights)" if model.random_weights else "")),
            *_share(model),
            str(model.epochs),
            formats.duration(model.train_seconds + (model.features_seconds or 0)),
            formats.size(model.peak_rss_bytes),
            formats.amount(model.parameters),
            style="bold" if name == data.answer.model else "",
        )
        if judging.in_folds(model) and model.tested:
            table.add_row(Text(f"{model.title}: test"), *_share(model.tested))
    return table


def _share(part: ModelPart | SharePart) -> tuple[str, str, str]:
    right = f"{part.right:,} of {part.n:,}"
    return formats.percent(part.accuracy), formats.interval(part.accuracy_ci), right


def _answer(data: ReportData) -> RenderableType:
    lines = [Text(data.answer.text)]
    lines += [Text(f"{notice.title} {notice.text}", style="bold yellow") for notice in data.notices]
    return Group(*lines)
