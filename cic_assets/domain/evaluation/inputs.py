"""What a report is made from, read from a data root and checked: tables, data set, model cards, predictions, pictures.

Whatever does not fit together (another data set, missing pictures, strange labels) is refused here, with the file and
the key in the message, so that no number downstream compares what cannot be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any, Protocol

import numpy as np
import pandas as pd
from upath import UPath

from cic_assets.domain.dataset import DatasetInfo, load_info
from cic_assets.domain.evaluation.answers import Answers, answers_of
from cic_assets.domain.evaluation.calibration import as_probabilities
from cic_assets.domain.models import PREDICTIONS_FILE, Card, ModelSettings, QuantizedCard, quantized_cards, read_card
from cic_assets.storage import ContentStore, DataRoot

PLACES: Mapping[str, Any] = {
    "classes": True,
    "dagster": True,
    "dataset": {"splits": {"given"}},
    "duplicates": {"overrides"},
    "prediction": {"inbox"},
}
"""Of a problem's settings, those that say where something lies on this machine: not the business of a report's readers.
The labels of sources are in the report."""


class ReportInputError(ValueError):
    """What a report is to be made from is missing or does not fit together; the message names it and what to do."""


class _Source(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def value(self) -> str: ...


class _Partition(Protocol):
    @property
    def klass(self) -> str: ...
    @property
    def source(self) -> _Source: ...


class Question(Protocol):
    """What of a problem the report needs; `cic_assets.config.problem.Problem` is one."""

    @property
    def name(self) -> str:
        """Short name."""

    @property
    def question(self) -> str:
        """As one would ask it, or empty."""

    @property
    def class_names(self) -> list[str]:
        """In the order of the labels."""

    @property
    def partitions(self) -> Mapping[str, _Partition]:
        """Sources by partition key."""

    @property
    def models(self) -> Mapping[str, ModelSettings]:
        """Settings of each model by its name."""

    def model_dump(self, *, mode: str = ..., exclude: Mapping[str, Any] = ...) -> dict[str, Any]:
        """All settings as JSON values."""


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """One source: its partition key, what to call it, and its class."""

    key: str
    label: str
    klass: str


@dataclass(frozen=True, slots=True)
class ModelRun:
    """A trained model's card and its answers.

    Attributes:
        card: all that is known about it.
        predictions: one row a picture of validation and test: `sha256, split, klass, label, predicted, p_KLASS…`.
        quantized: what is known of it in fewer bits.
    """

    card: Card
    predictions: pd.DataFrame
    quantized: Sequence[QuantizedCard] = ()

    def of_split(self, split: str) -> pd.DataFrame:
        """The answers on one split, ordered by sha256, the same for every model."""
        rows = self.predictions[self.predictions["split"] == split]
        return rows.sort_values("sha256", ignore_index=True)

    def probabilities(self, split: str) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        """(N, K) in the order of `of_split` and of the card's labels."""
        return self.of_split(split)[[f"p_{klass}" for klass in self.card.labels]].to_numpy(np.float64)


@dataclass(frozen=True, kw_only=True)
class ReportInputs:
    """All that a report is made from.

    Attributes:
        question: as one asks it, shown at the top.
        sources: in the order of the problem file.
        raw: `raw_images` of all sources: one row a medium.
        duplicates: one row a picture in a group of two or more.
        manifest: one row a picture of the data set.
        dataset: its description.
        models: by name, in the order of the problem file.
        images: pictures as they came.
        resized: their resized copies, JPEG, under the SHA-256 of the picture each was made from.
        folders: of the models, by name, for what they see in pictures; of one that is missing nothing is shown.
        settings: of the problem, for the record.
        generated_at: the report's date.
    """

    question: str
    sources: Sequence[SourceInfo]
    raw: pd.DataFrame
    duplicates: pd.DataFrame
    manifest: pd.DataFrame
    dataset: DatasetInfo
    models: Mapping[str, ModelRun]
    images: ContentStore
    resized: ContentStore
    folders: Mapping[str, UPath] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    generated_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        _check_columns(self.raw, _RAW, "raw_images")
        _check_columns(self.duplicates, _DUPLICATES, "duplicates.parquet")
        _check_columns(self.manifest, _MANIFEST, "dataset/manifest.parquet")
        if not self.models:
            raise ReportInputError("no models: train at least one, or use `cic run`")
        for name, run in self.models.items():
            _check_run(name, run, self.dataset, self.manifest)

    def judged(self, name: str) -> Answers:
        """What all numbers of a model are computed from."""
        return self._answers(name, "test")

    def validated(self, name: str) -> Answers:
        """What may be set by a model's answers before it is judged."""
        return self._answers(name, "validation")

    def _answers(self, name: str, split: str) -> Answers:
        run = self.models[name]
        return answers_of(run.of_split(split), self.manifest, run.card.labels)


_RAW = {"post_id", "subreddit", "outcome", "sha256", "format", "permalink", "title", "fetched_at"}
_DUPLICATES = {"sha256", "subreddit", "klass", "group_id", "keep", "distance", "verified_by", "label_conflict"}
_MANIFEST = {
    "sha256", "subreddit", "klass", "split", "width", "height", "bytes", "bytes_after", "upscaled", "created_utc"
}  # fmt: skip


def load_report_inputs(root: DataRoot, question: Question) -> ReportInputs:
    """Read all that a report is made from.

    Args:
        root: where it was materialized.
        question: the problem, whose sources and models are reported.

    Raises:
        ReportInputError: something does not fit together.
        FileNotFoundError: something was not materialized yet; the message says what to do.
    """
    dataset = load_info(root.dataset)
    return ReportInputs(
        question=question.question or " or ".join(question.class_names) + "?",
        sources=[SourceInfo(key, _label(one.source), one.klass) for key, one in question.partitions.items()],
        raw=root.read_tables("raw_images", question.partitions),
        duplicates=root.read_table("duplicates"),
        manifest=_read_parquet(root.dataset / "manifest.parquet"),
        dataset=dataset,
        models={name: load_run(root.model(name)) for name in question.models},
        images=root.images,
        resized=root.resized(dataset.side),
        folders={name: root.model(name) for name in question.models},
        settings=question.model_dump(mode="json", exclude=PLACES),
    )


def load_run(folder: UPath) -> ModelRun:
    """The card and the predictions in a model's folder."""
    return ModelRun(read_card(folder), _read_parquet(folder / PREDICTIONS_FILE), quantized_cards(folder))


def _read_parquet(path: UPath) -> pd.DataFrame:
    if not path.exists():
        raise ReportInputError(f"{path} is missing: materialize what is upstream of the report, or use `cic run`")
    with path.open("rb") as file:
        return pd.read_parquet(file)


def _label(source: _Source) -> str:
    return f"r/{source.value}" if source.kind == "r" else f"{source.kind}:{PurePath(source.value).name}"


def _check_columns(table: pd.DataFrame, needed: set[str], file: str) -> None:
    if missing := sorted(needed - set(table.columns)):
        raise ReportInputError(f"{file}: lacks the column {', '.join(missing)}: materialize it again")


def _check_run(name: str, run: ModelRun, dataset: DatasetInfo, manifest: pd.DataFrame) -> None:
    card, where = run.card, f"models/{name}"
    if card.labels != dataset.classes:
        raise ReportInputError(f"{where}/card.json: labels are {card.labels}, the data set's are {dataset.classes}")
    if card.data_version != dataset.version:
        raise ReportInputError(
            f"{where}/card.json: data_version is {card.data_version}, the data set's is {dataset.version}: "
            f"train {name} again"
        )
    file = f"{where}/{PREDICTIONS_FILE}"
    probabilities = [f"p_{klass}" for klass in card.labels]
    _check_columns(run.predictions, {"sha256", "split", "klass", "label", "predicted", *probabilities}, file)
    for split in ("validation", "test"):
        _check_predictions(run, split, manifest, file)


def _check_predictions(run: ModelRun, split: str, manifest: pd.DataFrame, file: str) -> None:
    rows, expected = run.of_split(split), manifest.loc[manifest["split"] == split, "sha256"]
    if rows.empty:
        raise ReportInputError(f"{file}: no predictions for the {split} split")
    if sorted(expected) != list(rows["sha256"]):
        raise ReportInputError(
            f"{file}: its {len(rows)} pictures are not the {len(expected)} of the {split} split: train it again"
        )
    try:
        table, _ = as_probabilities(run.probabilities(split), rows["label"])
    except ValueError as error:
        raise ReportInputError(f"{file}, {split} split: {error}") from None
    if list(rows["predicted"]) != [run.card.labels[k] for k in table.argmax(axis=1)]:
        raise ReportInputError(f"{file}: `predicted` is not the class of the highest probability")
