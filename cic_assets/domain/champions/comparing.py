"""Two versions of a model, or two models, on the test pictures of today of which neither has learned."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
from upath import UPath

from cic_assets.domain.evaluation import difference
from cic_assets.domain.models import (
    PICTURES_FILE,
    PREDICTIONS_FILE,
    Comparison,
    ExportedModel,
    ModelError,
    Version,
    fit_to_side,
    is_learned,
    load_exported,
    load_training_data,
)
from cic_assets.engine import Threads
from cic_assets.storage import DataRoot, read_json

MOST_ASKED = 2000
"""Pictures that a version is asked about which it has no answer on: more would change an interval by little."""


class NotComparableError(ValueError):
    """Two versions cannot be compared; the message says why."""


def compare(root: DataRoot, first: Version, second: Version) -> Comparison:
    """Compare by the test pictures of the data set of today.

    A picture counts if neither has learned from it, nor from another of its unit, and both have an answer: the one that
    was kept from the training, or one that the exported model gives now.

    Args:
        root: with the data set.
        first: a version, as a rule the champion.
        second: another one.

    Raises:
        NotComparableError: there is no such picture, or no data set.
        ModelError: the files of one are not those of its card.
    """
    if set(first.card.labels) != set(second.card.labels):
        raise NotComparableError("they know other classes")
    manifest = _read_manifest(root)
    is_new = manifest["split"] == "test"
    for version in (first, second):
        is_new &= ~_is_learned(manifest, version, root)
    pictures = manifest[is_new]
    if pictures.empty:
        raise NotComparableError("there is no test picture that neither has learned from")
    answers = [_answers(root, version, pictures) for version in (first, second)]
    both = pictures.assign(first=answers[0], second=answers[1]).dropna(subset=["first", "second"])
    if both.empty:
        raise NotComparableError("there is no test picture that both have an answer on")
    right = [both[name] == both["klass"] for name in ("first", "second")]
    units = pd.factorize(both["unit_id"])[0]
    found = difference(right[0], right[1], units)
    return Comparison(
        pictures=len(both),
        units=len(np.unique(units)),
        worth=found.worth,
        first_right=int(right[0].sum()),
        second_right=int(right[1].sum()),
        only_first=found.test.only_first,
        only_second=found.test.only_second,
        difference=found.value,
        difference_ci=found.interval,
        p_value=found.test.p_value,
        cost=second.card.measures.flops / max(first.card.measures.flops, 1),
        skipped=len(pictures) - len(both),
    )


def _read_manifest(root: DataRoot) -> pd.DataFrame:
    path = root.dataset / "manifest.parquet"
    if not path.exists():
        raise NotComparableError("there is no data set")
    manifest = _read(path)
    if "unit_id" not in manifest:
        manifest = manifest.assign(unit_id=manifest["sha256"])
    return manifest.sort_values("sha256", ignore_index=True)


def _is_learned(manifest: pd.DataFrame, version: Version, root: DataRoot) -> "pd.Series[bool]":
    path = version.folder / PICTURES_FILE
    if not path.exists():
        if version.card.data_version != read_json(root.dataset / "dataset.json")["version"]:
            raise NotComparableError(f"it is not known which pictures {version.id} has learned from")
        return pd.Series(False, index=manifest.index)
    return is_learned(manifest, _read(path), "test")


def _answers(root: DataRoot, version: Version, pictures: pd.DataFrame) -> "pd.Series[str]":
    """The class that a version names of each picture; none where it cannot be asked, or was asked about enough."""
    kept = _read(version.folder / PREDICTIONS_FILE)
    said = dict(zip(kept["sha256"], kept["predicted"], strict=True))
    missing = pictures[~pictures["sha256"].isin(list(said))].head(MOST_ASKED)
    if len(missing) and (loaded := load_exported(version.folder, threads=1)):
        said |= dict(zip(missing["sha256"], _asked(root, loaded[0], version, missing["row"]), strict=True))
    return pictures["sha256"].map(said)


def _asked(root: DataRoot, model: ExportedModel, version: Version, rows: "pd.Series[int]") -> Iterator[str]:
    images = load_training_data(root.dataset).splits["test"].images
    side = version.card.preprocessing.input_size

    def ask(row: int) -> str:
        answer = model.probabilities(fit_to_side(np.asarray(images[row : row + 1]), side))
        return version.card.labels[int(answer[0].argmax())]

    return iter(Threads().map(ask, map(int, rows)))


def _read(path: UPath) -> pd.DataFrame:
    try:
        with path.open("rb") as file:
            return pd.read_parquet(file)
    except FileNotFoundError:
        raise ModelError(f"{path} is missing: train the model again") from None
