"""What a simple model says of each picture of a data set, and of the whole: the table `audit`, and `audit.json`."""

from collections.abc import Collection, Mapping, Sequence
from importlib.metadata import version
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.audit.baseline import Features, Labels, out_of_fold
from cic_assets.domain.audit.label_errors import find_label_errors
from cic_assets.domain.audit.learning_curve import Curve, Forecast, forecast, measure_curve
from cic_assets.domain.audit.off_topic import find_off_topic
from cic_assets.domain.audit.summary import CurvePoint, ForecastPart, Summary
from cic_assets.domain.dataset import assign_folds
from cic_assets.domain.features import feature_matrix
from cic_assets.domain.schema import Column, columns_of, types_of

TABLE = "audit"

NO_FEATURES = "there are no features of its pictures"
ONE_CLASS = "only one class has pictures with features"


class _Row(NamedTuple):
    """What the table holds of a picture.

    Attributes:
        sha256: of the picture.
        unit_id: of what is in one fold with it.
        subreddit: key of its source.
        klass: the class of its source.
        label: the class as a number.
        fold: which one it is in, from 0: it was judged by what learned from the others.
        predicted: the class that the baseline says, a logistic regression on the features.
        label_score: probability of its own class by what learned from no suspect label, 0 to 1: low is likely wrong.
        likely_error: its class is likely wrong.
        likely_class: the most probable one but for its own.
        off_topic_score: how far it is from all others and from each class, 0 to 1.
        off_topic: it is farther than pictures of this set are from one another.
    """

    sha256: str
    unit_id: str
    subreddit: str
    klass: str
    label: int
    fold: int
    predicted: str
    label_score: float
    likely_error: bool
    likely_class: str
    off_topic_score: float
    off_topic: bool


_OF_ROW = columns_of(_Row)
AUDIT_COLUMNS: Mapping[str, Column] = {
    **{name: _OF_ROW[name] for name in list(_OF_ROW)[:7]},
    "p_CLASS": Column("float64", "the baseline's probability of the class of that name, 0 to 1; a column a class"),
    **{name: _OF_ROW[name] for name in list(_OF_ROW)[7:]},
}


class Audit(NamedTuple):
    """What was found.

    Attributes:
        table: `AUDIT_COLUMNS`, a row a picture that has features, ordered by sha256; no row where `summary.why_none`
            says why.
        summary: what `audit.json` holds.
    """

    table: pd.DataFrame
    summary: Summary


def likely_label_errors(table: pd.DataFrame) -> pd.DataFrame:
    """Of a table `audit`, those whose label is likely wrong, the surest first."""
    return table[table["likely_error"]].sort_values(["label_score", "sha256"], ignore_index=True)


def of_no_class(table: pd.DataFrame) -> pd.DataFrame:
    """Of a table `audit`, those that are of no class, the farthest first."""
    far = table[table["off_topic"]]
    return far.sort_values(["off_topic_score", "sha256"], ascending=[False, True], ignore_index=True)


def audit_dataset(
    manifest: pd.DataFrame, features: pd.DataFrame, classes: Sequence[str], dataset_version: str = ""
) -> Audit:
    """Judge every picture by what has learned from other units, and the set by how that gets better with its size.

    Args:
        manifest: of the data set: `sha256, resized_sha256, unit_id, subreddit, klass, label`, and `by_hand` where a
            person may have named classes.
        features: `image_features` of all sources.
        classes: in the order of the labels.
        dataset_version: of the data set, for the record.
    """
    pictures, known = _with_features(manifest, features)
    why_none = _why_none(pictures)
    summary = Summary(
        dataset_version=dataset_version,
        pictures=len(manifest),
        audited=0 if why_none else len(pictures),
        why_none=why_none,
        features_version="" if known.empty else str(known["features_version"].iloc[0]),
        programs={name: version(name) for name in ("cleanlab", "scikit-learn")},
    )
    if why_none:
        return Audit(_empty(classes), summary)
    try:
        folds = assign_folds(pictures)
    except ValueError as error:
        return Audit(_empty(classes), summary.model_copy(update={"audited": 0, "why_none": str(error)}))
    return _judged(pictures, feature_matrix(known), folds, classes, summary)


def _judged(
    pictures: pd.DataFrame, features: Features, folds: Labels, classes: Sequence[str], summary: Summary
) -> Audit:
    names, labels = np.array(classes, object), pictures["label"].to_numpy(np.int64)
    units = pd.factorize(pictures["unit_id"])[0].astype(np.int64)
    probabilities = out_of_fold(features, labels, folds, len(classes))
    errors = find_label_errors(features, labels, folds, probabilities)
    odd = find_off_topic(features, labels, units)
    is_open = ~_decided_by_hand(pictures)
    said = {
        "fold": folds,
        "predicted": names[probabilities.argmax(axis=1)],
        **{f"p_{klass}": probabilities[:, k] for k, klass in enumerate(classes)},
        "label_score": errors.scores,
        "likely_error": errors.likely & is_open,
        "likely_class": names[errors.classes],
        "off_topic_score": odd.scores,
        "off_topic": odd.far & is_open,
    }
    of_picture = pictures[["sha256", "unit_id", "subreddit", "klass", "label"]]
    table = pd.concat([of_picture, pd.DataFrame(said)], axis=1).astype(_kinds(classes))
    curve = measure_curve(features, labels, units, folds, probabilities)
    told = {
        "folds": int(folds.max()) + 1,
        "curve": _points(curve),
        "forecast": _forecast_part(forecast(curve, len(table))),
    }
    return Audit(table, summary.model_copy(update=told))


def _decided_by_hand(pictures: pd.DataFrame) -> NDArray[np.bool_]:
    """Whose class a person named: nobody is asked about them again. None in a data set from before that was told."""
    return pictures["by_hand"].to_numpy(bool) if "by_hand" in pictures else np.zeros(len(pictures), bool)


def _with_features(manifest: pd.DataFrame, features: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The pictures that have features, ordered by sha256, and those features row by row.

    Only features of the very copy that is in the set, and of one backbone: those of two cannot be compared.
    """
    usable = features[features["features_version"] == features["features_version"].mode().get(0)]
    own = usable.merge(manifest[["sha256", "resized_sha256"]], on=["sha256", "resized_sha256"])
    known = own.drop_duplicates("sha256").sort_values("sha256", ignore_index=True)
    pictures = manifest[manifest["sha256"].isin(known["sha256"])].drop_duplicates("sha256")
    return pictures.sort_values("sha256", ignore_index=True), known


def _why_none(pictures: pd.DataFrame) -> str:
    if pictures.empty:
        return NO_FEATURES
    return ONE_CLASS if pictures["label"].nunique() == 1 else ""


def _points(curve: Curve) -> list[CurvePoint]:
    columns = zip(curve.pictures, curve.units, curve.accuracies.T, strict=True)
    return [
        CurvePoint(
            pictures=round(float(pictures)),
            units=round(float(units)),
            accuracy=float(accuracies.mean()),
            spread=float(accuracies.std()),
        )
        for pictures, units, accuracies in columns
    ]


def _forecast_part(found: Forecast | None) -> ForecastPart | None:
    return found and ForecastPart(
        a=found.law.a,
        b=found.law.b,
        c=found.law.c,
        more=found.more,
        gain=found.gain,
        gain_ci=found.interval,
    )


def _empty(classes: Collection[str]) -> pd.DataFrame:
    kinds = _kinds(classes)
    return pd.DataFrame(columns=list(kinds)).astype(kinds)


def _kinds(classes: Collection[str]) -> dict[str, Any]:
    kinds: dict[str, Any] = {}
    for name, kind in types_of(AUDIT_COLUMNS).items():
        kinds |= dict.fromkeys((f"p_{klass}" for klass in classes), kind) if name == "p_CLASS" else {name: kind}
    return kinds
