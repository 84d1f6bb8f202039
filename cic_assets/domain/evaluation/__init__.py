"""What the trained models are worth, and the report that says so."""

from cic_assets.domain.evaluation.accuracy import measure_accuracy
from cic_assets.domain.evaluation.answering import has_other_versions
from cic_assets.domain.evaluation.contract import ReportData
from cic_assets.domain.evaluation.forgetting import has_empty_places, take_off_report
from cic_assets.domain.evaluation.inputs import (
    PLACES,
    ModelRun,
    Question,
    ReportInputError,
    ReportInputs,
    SourceInfo,
    load_report_inputs,
)
from cic_assets.domain.evaluation.intervals import further_interval, share_interval
from cic_assets.domain.evaluation.paired import Difference, difference, difference_interval, smallest_margin
from cic_assets.domain.evaluation.report import Report, build_report, read_report, write_report
from cic_assets.domain.evaluation.settings import RENAMED, ReportSettings
from cic_assets.domain.evaluation.statistics import Interval, McNemar, mcnemar_exact, wilson_interval
from cic_assets.domain.evaluation.terminal import report_tables

__all__ = [
    "PLACES", "RENAMED", "Difference", "Interval", "McNemar", "ModelRun", "Question", "Report", "ReportData",
    "ReportInputError", "ReportInputs", "ReportSettings", "SourceInfo", "build_report", "difference",
    "difference_interval", "further_interval", "has_empty_places", "has_other_versions", "load_report_inputs",
    "mcnemar_exact", "measure_accuracy", "read_report", "report_tables", "share_interval", "smallest_margin",
    "take_off_report", "wilson_interval", "write_report",
]  # fmt: skip
