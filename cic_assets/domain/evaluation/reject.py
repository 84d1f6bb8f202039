"""What a model's reject rule refuses, and which training pictures are nearest to those that it is judged by."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.dataset import area_under_roc
from cic_assets.domain.evaluation import intervals
from cic_assets.domain.evaluation.contract import BackgroundPart, RejectPart
from cic_assets.domain.evaluation.inputs import ModelRun
from cic_assets.domain.models import SPLITS

_TEST = SPLITS.index("test")


def judge_reject(run: ModelRun, manifest: pd.DataFrame) -> RejectPart | None:
    """What the rule refuses of the test pictures; None of a model that has none.

    Args:
        run: all that is known of the model.
        manifest: of the data set.
    """
    rule, embeddings = run.card.reject, run.embeddings
    if rule is None or embeddings is None:
        return None
    distances = np.array([one.mean for one in embeddings.of_split(_TEST)])
    refused = np.zeros(len(distances), bool) if rule.threshold is None else distances > rule.threshold
    unit_of = dict(zip(manifest["sha256"], manifest.get("unit_id", manifest["sha256"]), strict=True))
    units = pd.factorize(np.array([unit_of.get(name, name) for name in embeddings.names(_TEST)], object))[0]
    return RejectPart(
        threshold=rule.threshold,
        neighbours=rule.neighbours,
        references=len(embeddings.references),
        set_by=rule.pictures,
        n=len(distances),
        refused=int(refused.sum()),
        background=_of_other_things(distances, np.array(run.background), rule.threshold),
        refused_ci=intervals.share_interval(refused, units) if len(distances) else (0, 1),
    )


def _of_other_things(
    judged: NDArray[np.float64], others: NDArray[np.float64], threshold: float | None
) -> BackgroundPart | None:
    if not len(others) or not len(judged):
        return None
    is_other = np.repeat([False, True], [len(judged), len(others)])
    kept = np.quantile(judged, 0.95, method="higher")
    return BackgroundPart(
        n=len(others),
        refused=0 if threshold is None else int((others > threshold).sum()),
        auroc=area_under_roc(np.concatenate([judged, others]), is_other),
        fpr_at_95_tpr=float((others <= kept).mean()),
    )


def nearest_training_pictures(run: ModelRun) -> dict[str, tuple[str, float]]:
    """By test picture: the training picture that is nearest to it, and how far away it is."""
    embeddings = run.embeddings
    if embeddings is None or not len(embeddings.references):
        return {}
    found = embeddings.of_split(_TEST)
    return {
        name: (embeddings.name(int(near.rows[0])), float(near.distances[0]))
        for name, near in zip(embeddings.names(_TEST), found, strict=True)
    }
