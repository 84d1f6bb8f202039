"""`audit.json`: what the audit found of a data set as a whole. It names no picture."""

from pydantic import BaseModel, ConfigDict, ValidationError
from upath import UPath

from cic_assets.storage import DataRoot, write_json


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CurvePoint(_Part):
    """One size of what the baseline learned from.

    Attributes:
        pictures, units: that a fold learned from, on average.
        accuracy: on the fold that was left out, the mean over folds and draws.
        spread: standard deviation of that over folds and draws.
    """

    pictures: int
    units: int
    accuracy: float
    spread: float


class ForecastPart(_Part):
    """What more pictures would bring.

    Attributes:
        a, b, c: the share of mistakes after n pictures is a·n^-b + c.
        more: pictures, as many again as there are.
        gain: in accuracy.
        gain_ci: 95 % interval of it.
    """

    a: float
    b: float
    c: float
    more: int
    gain: float
    gain_ci: tuple[float, float]


class Summary(_Part):
    """All of it.

    Attributes:
        dataset_version: of the data set.
        pictures: of it.
        audited: those that have features; 0 where `why_none` says why.
        why_none: why nothing was judged; empty where something was.
        folds: that each picture was judged in one of.
        curve: by size.
        forecast: None where the curve does not support any.
        features_version: of the backbone.
        programs: versions of what judged.
    """

    dataset_version: str
    pictures: int
    audited: int
    why_none: str = ""
    folds: int = 0
    curve: list[CurvePoint] = []
    forecast: ForecastPart | None = None
    features_version: str = ""
    programs: dict[str, str] = {}


def summary_path(root: DataRoot) -> UPath:
    """Where it lies: beside the table."""
    return root.table_path("audit").with_suffix(".json")


def write_summary(root: DataRoot, summary: Summary) -> None:
    """Write it in the place of the one before."""
    write_json(summary_path(root), summary.model_dump(mode="json"))


def read_summary(root: DataRoot) -> Summary | None:
    """What was written last; None where there is nothing, or nothing of this version."""
    path = summary_path(root)
    if not path.exists():
        return None
    try:
        return Summary.model_validate_json(path.read_bytes())
    except ValidationError:
        return None
