"""What a simple model over folds says of each picture of a data set: whether its label is wrong, whether it is odd."""

from cic_assets.domain.audit.audit import AUDIT_COLUMNS, TABLE, Audit, audit_dataset, likely_label_errors, of_no_class
from cic_assets.domain.audit.learning_curve import Law
from cic_assets.domain.audit.summary import CurvePoint, ForecastPart, Summary, read_summary, summary_path, write_summary

__all__ = [
    "AUDIT_COLUMNS",
    "TABLE",
    "Audit",
    "CurvePoint",
    "ForecastPart",
    "Law",
    "Summary",
    "audit_dataset",
    "likely_label_errors",
    "of_no_class",
    "read_summary",
    "summary_path",
    "write_summary",
]  # fmt: skip
