"""The report, put together: one object of numbers, drawn as `report.html` and kept as `report.json`."""

import json
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from importlib.metadata import version
from typing import Any

from pydantic import ValidationError
from upath import UPath

from cic_assets.domain.evaluation import calibration, figures, judging, next_steps, notices, wording
from cic_assets.domain.evaluation.cleaning import describe_dataset, when_posted
from cic_assets.domain.evaluation.contract import ReportData
from cic_assets.domain.evaluation.gallery import Gallery
from cic_assets.domain.evaluation.inputs import ReportInputError, ReportInputs
from cic_assets.domain.evaluation.scores import compare_models, score_model
from cic_assets.domain.evaluation.settings import ReportSettings
from cic_assets.domain.evaluation.statistics import Interval
from cic_assets.domain.evaluation.suspects import suspects
from cic_assets.domain.evaluation.svg import standalone
from cic_assets.domain.models import best_model
from cic_assets.storage import DataRoot, content_version, write_atomically

HTML_FILE = "report.html"
JSON_FILE = "report.json"
FIGURES = "figures"


@dataclass(frozen=True)
class Report:
    """A report that is not written yet.

    Attributes:
        data: every number.
        html: the page.
        mistakes: the surest mistakes of the best model on one sheet, a JPEG; None where it made none.
        figures: SVG by name, such as `confusion-vgg`.
    """

    data: ReportData
    html: str
    mistakes: bytes | None
    figures: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        """`report.json`."""
        return self.data.model_dump(mode="json")

    @property
    def version(self) -> str:
        """The same exactly when all numbers are; the date does not count."""
        return content_version(self.data.model_dump(mode="json", exclude={"generated_at"}))


def build_report(inputs: ReportInputs, settings: ReportSettings | None = None) -> Report:
    """Compute every number, draw every figure, choose every picture, and put them on the page."""
    from cic_assets.domain.evaluation.page import render_page  # with Jinja

    settings = settings or ReportSettings()
    data = _data(inputs)
    drawn = _figures(inputs, data)
    shown = _pictures(inputs, data, settings)
    html = render_page(data=data, figures=drawn, pictures=shown, words=wording, judging=judging, steps=next_steps)
    sheet = Gallery(inputs, settings).mistakes_sheet(data.answer.model)
    return Report(data, html, sheet, drawn)


def write_report(report: Report, root: DataRoot) -> UPath:
    """Write figures, `report.json` and `report.html`; figures of an earlier report go. Returns the page's path."""
    folder = root.report / FIGURES
    for name, svg in report.figures.items():
        write_atomically(folder / f"{name}.svg", standalone(svg).encode())
    for stale in [path for path in folder.glob("*.svg") if path.stem not in report.figures]:
        stale.unlink()
    # Not sorted: classes and models stay in the order of the problem file.
    text = json.dumps(report.json, indent=2, allow_nan=False)
    write_atomically(root.report / JSON_FILE, f"{text}\n".encode())
    write_atomically(root.report / HTML_FILE, report.html.encode())
    return root.report / HTML_FILE


def read_report(root: DataRoot) -> ReportData:
    """The numbers of the report that was written last.

    Raises:
        ReportInputError: there is none, or it is not one of this version; the message says what to do.
    """
    path = root.report / JSON_FILE
    if not path.exists():
        raise ReportInputError(f"{path} is missing: materialize evaluation_report in the UI (`cic dev`)")
    try:
        return ReportData.model_validate_json(path.read_bytes())
    except ValidationError as error:
        key = ".".join(map(str, error.errors()[0]["loc"]))
        raise ReportInputError(
            f"{path} is no report of this version ({key}): materialize evaluation_report again, in the UI (`cic dev`)"
        ) from None


def _data(inputs: ReportInputs) -> ReportData:
    answers = {name: inputs.judged(name) for name in inputs.models}
    models = {
        name: score_model(run, answers[name], inputs.validated(name), inputs.manifest, inputs.tested(name))
        for name, run in inputs.models.items()
    }
    dataset = describe_dataset(inputs)
    return ReportData(
        generated_at=inputs.generated_at.astimezone(UTC).isoformat(timespec="seconds"),
        question=inputs.question,
        answer=wording.answer(best_model(run.card for run in inputs.models.values()), models, dataset),
        notices=notices.notices(dataset, models),
        dataset=dataset,
        models=models,
        comparisons=compare_models(answers),
        baseline=next_steps.score_baseline(inputs.audited.table, answers) if inputs.audited else None,
        next_steps=next_steps.next_steps(*inputs.audited) if inputs.audited else None,
        provenance=_provenance(inputs),
        settings=dict(inputs.settings),
    )


def _provenance(inputs: ReportInputs) -> dict[str, str]:
    cards = [run.card for run in inputs.models.values()]
    return {
        "scraped": f"{inputs.raw['fetched_at'].min()} to {inputs.raw['fetched_at'].max()}",
        "data set": inputs.dataset.version,
        **{f"model {name}": run.card.sha256 for name, run in inputs.models.items()},
        "cic_assets": version("cic-assets"),
        "keras": ", ".join(sorted({f"{card.keras_version} on {card.backend}" for card in cards})),
        "device": ", ".join(sorted({card.device for card in cards})),
        "python": platform.python_version(),
    }


def _figures(inputs: ReportInputs, data: ReportData) -> dict[str, str]:
    measured = [
        figures.Measured(m.title, m.accuracy, Interval(*m.accuracy_ci), m.majority_baseline)
        for m in data.models.values()
    ]
    drawn = {
        "accuracy": figures.accuracy_comparison(measured),
        "balance": figures.class_balance(data.dataset.counts, data.dataset.classes),
    }
    if posted := when_posted(inputs):
        drawn["time"] = figures.pictures_over_time(posted)
    if inputs.audited and len(inputs.audited.summary.curve) > 1:
        summary = inputs.audited.summary
        points, law = {one.pictures: one.accuracy for one in summary.curve}, next_steps.law_of(summary)
        drawn["accuracy-by-pictures"] = figures.accuracy_by_pictures(points, law and law.accuracy, summary.audited)
    for name, model in data.models.items():
        answers = inputs.judged(name)
        bins = calibration.reliability(answers.probabilities, answers.truth)
        drawn[f"curves-{name}"] = figures.learning_curves(model.history, model.best_epoch)
        drawn[f"confusion-{name}"] = figures.confusion(model.confusion, data.dataset.classes)
        drawn[f"reliability-{name}"] = figures.reliability_diagram(bins)
    return drawn


def _pictures(inputs: ReportInputs, data: ReportData, settings: ReportSettings) -> dict[str, Any]:
    gallery, best = Gallery(inputs, settings), data.answer.model
    best_settings = inputs.models[best].card.settings
    return {
        "mistakes": {best: gallery.mistakes(best, settings.mistakes)}
        | {name: gallery.mistakes(name, settings.other_mistakes) for name in data.models if name != best},
        "most_certain": gallery.most_certain(best),
        "least_certain": gallery.least_certain(best),
        "wrong_beside_known": gallery.wrong_beside_known(best),
        "nearest_beside_known": gallery.nearest_beside_known(best),
        "samples": gallery.samples(),
        "resizing": gallery.resizing(),
        "augmented": gallery.augmented(best_settings.augmentation, best_settings.seed),
        "quality_issues": gallery.quality_issues(),
        "suspects": suspects(inputs.audited.table, gallery.resized, settings.suspects) if inputs.audited else {},
        "groups": gallery.groups(),
        "conflicts": gallery.conflicts(),
    }
