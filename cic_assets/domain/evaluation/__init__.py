"""What the trained models are worth, and the report that says so."""

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
from cic_assets.domain.evaluation.report import Report, build_report, read_report, write_report
from cic_assets.domain.evaluation.settings import RENAMED, ReportSettings
from cic_assets.domain.evaluation.statistics import Interval, McNemar, mcnemar_exact, wilson_interval
from cic_assets.domain.evaluation.terminal import report_tables

__all__ = [
    "PLACES", "RENAMED", "Interval", "McNemar", "ModelRun", "Question", "Report", "ReportData", "ReportInputError",
    "ReportInputs", "ReportSettings", "SourceInfo", "build_report", "has_empty_places", "load_report_inputs",
    "mcnemar_exact", "read_report", "report_tables", "take_off_report", "wilson_interval", "write_report",
]  # fmt: skip
