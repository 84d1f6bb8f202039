"""What a report is made from, read from a data root and checked: tables, data set, model cards, predictions, pictures.

Whatever does not fit together (another data set, missing pictures, strange labels) is refused here, with the file and
the key in the message, so that no number downstream compares what cannot be compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import PurePath
from typing import Any, Protocol

import numpy as np
import pandas as pd
from upath import UPath

from cic_assets.domain import audit
from cic_assets.domain.dataset import DatasetInfo, load_info
from cic_assets.domain.evaluation.answers import Answers, answers_of
from cic_assets.domain.evaluation.background import distances_of, pictures_of_other_things
from cic_assets.domain.evaluation.calibration import as_probabilities
from cic_assets.domain.evaluation.contract import AnsweringPart
from cic_assets.domain.models import (
    FOLDS_FILE,
    PREDICTIONS_FILE,
    Card,
    Embeddings,
    ModelSettings,
    QuantizedCard,
    judged_version,
    load_embeddings,
    quantized_cards,
    read_card,
    read_champion,
    read_record,
    read_version,
)
from cic_assets.storage import ContentStore, DataRoot

PLACES: Mapping[str, Any] = {
    "background": True,
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
        folds: one row a picture of the data set, judged in folds: `sha256, fold, klass, label, predicted, p_KLASS…`;
            None of a model that was judged by the test pictures alone.
        embeddings: what its pictures are to it; None of a model of before.
        background: how far pictures of other things are from those that it learned from.
        answering: the version that answers where this is not the champion, as it was decided.
    """

    card: Card
    predictions: pd.DataFrame
    quantized: Sequence[QuantizedCard] = ()
    folds: pd.DataFrame | None = None
    embeddings: Embeddings | None = None
    background: Sequence[float] = ()
    answering: AnsweringPart | None = None

    def of_split(self, split: str) -> pd.DataFrame:
        """The answers on one split, ordered by sha256, the same for every model."""
        rows = self.predictions[self.predictions["split"] == split]
        return rows.sort_values("sha256", ignore_index=True)


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
        audited: the table and the summary of the data set's audit; None where it says nothing of this data set.
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
    audited: audit.Audit | None = None
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

    @cached_property
    def groups(self) -> pd.DataFrame:
        """The duplicates as the data set has them: with the class that a person gave what is kept.

        A group of two classes is in conflict no more once a person said which is right.
        """
        classes = self.manifest.set_index(["sha256", "subreddit"])["klass"]
        in_set = pd.MultiIndex.from_frame(self.duplicates[["sha256", "subreddit"]])
        said = pd.Series(classes.reindex(in_set).to_numpy(), index=self.duplicates.index, dtype="str")
        in_doubt = self.duplicates["label_conflict"].astype(bool)
        settled = self.duplicates["group_id"].isin(self.duplicates.loc[in_doubt & said.notna(), "group_id"])
        return self.duplicates.assign(
            klass=self.duplicates["klass"].astype("str").where(said.isna(), said),
            keep=self.duplicates["keep"].mask(in_doubt & said.notna(), 1),
            label_conflict=in_doubt & ~settled,
        )

    def judged(self, name: str) -> Answers:
        """What all numbers of a model are computed from: all pictures in folds where it has any, or the test split."""
        run = self.models[name]
        return self.tested(name) if run.folds is None else answers_of(run.folds, self.manifest, run.card.labels)

    def tested(self, name: str) -> Answers:
        """What the model itself says of the test split."""
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
    dataset, manifest = load_info(root.dataset), _read_parquet(root.dataset / "manifest.parquet")
    of_classes = {key: one for key, one in question.partitions.items() if one.klass}
    folders = {name: _judged_folder(root.model(name), dataset.version) for name in question.models}
    runs = {name: _judged_run(root.model(name), dataset.version) for name in question.models}
    columns = _RAW.intersection(*(root.columns_of("raw_images", key) for key in of_classes))
    raw = root.read_tables("raw_images", of_classes, sorted(columns))
    if others := pictures_of_other_things(root, question.partitions.keys() - of_classes.keys(), raw, manifest):
        resized = root.resized(dataset.side)
        runs = {
            name: replace(run, background=distances_of(others, resized, folders[name], run.card, run.embeddings))
            for name, run in runs.items()
        }
    return ReportInputs(
        question=question.question or " or ".join(question.class_names) + "?",
        sources=[SourceInfo(key, _label(one.source), one.klass) for key, one in of_classes.items()],
        raw=raw,
        duplicates=root.read_table("duplicates"),
        manifest=manifest,
        dataset=dataset,
        models=runs,
        images=root.images,
        resized=root.resized(dataset.side),
        audited=_load_audit(root, dataset),
        folders=folders,
        settings=question.model_dump(mode="json", exclude=PLACES),
    )


def _load_audit(root: DataRoot, dataset: DatasetInfo) -> audit.Audit | None:
    summary = audit.read_summary(root)
    if summary is None or summary.dataset_version != dataset.version:
        return None
    table = root.read_table_if_whole(audit.TABLE)
    return None if table is None or table.empty else audit.Audit(table, summary)


def _judged_folder(folder: UPath, data_version: str) -> UPath:
    judged = judged_version(folder, data_version)
    return judged.folder if judged else folder


def _judged_run(folder: UPath, data_version: str) -> ModelRun:
    """The version that is judged by a data set; the champion, which will be refused, where none knows it."""
    judged = judged_version(folder, data_version)
    if judged is None:
        return read_champion(folder, load_run)
    run = read_version(folder, judged.id, load_run)
    return run if judged.is_champion else replace(run, answering=_answering(folder, judged.id))


def _answering(folder: UPath, judged: str) -> AnsweringPart | None:
    record = read_record(folder)
    champion = read_champion(folder, read_card).version
    if champion == judged:  # since a moment ago
        return None
    told = [one for one in record.decisions if one.version == (champion if one.promoted else judged)]
    if not told:
        return AnsweringPart(version=champion, since="", by="", reason="nobody has decided otherwise")
    # Who a person is, is not the business of a report's readers.
    by = "a person" if told[-1].by_hand else told[-1].by
    return AnsweringPart(version=champion, since=told[-1].at, by=by, reason=told[-1].reason)


def load_run(folder: UPath) -> ModelRun:
    """The card and the predictions in a folder of a version."""
    card = read_card(folder)
    folds = _read_parquet(folder / FOLDS_FILE) if card.folds else None
    predictions, embeddings = _read_parquet(folder / PREDICTIONS_FILE), load_embeddings(folder, card)
    return ModelRun(card, predictions, quantized_cards(folder), folds, embeddings)


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
        expected = manifest.loc[manifest["split"] == split, "sha256"]
        _check_answers(run.of_split(split), expected, card, file, f"the {split} split")
    if run.folds is not None and card.folds is not None:
        file = f"{where}/{FOLDS_FILE}"
        _check_columns(run.folds, {"sha256", "fold", "klass", "label", "predicted", *probabilities}, file)
        _check_answers(run.folds.sort_values("sha256"), manifest["sha256"], card, file, "the data set")
        if not run.folds["fold"].isin(range(card.folds.count)).all():
            raise ReportInputError(f"{file}: `fold` is not one of the {card.folds.count} of card.json")


def _check_answers(rows: pd.DataFrame, expected: "pd.Series[str]", card: Card, file: str, of: str) -> None:
    """Answers are of exactly the expected pictures, ordered by sha256, and agree with themselves."""
    if rows.empty:
        raise ReportInputError(f"{file}: no predictions for {of}")
    if sorted(expected) != list(rows["sha256"]):
        raise ReportInputError(f"{file}: its {len(rows)} pictures are not the {len(expected)} of {of}: train it again")
    try:
        table, _ = as_probabilities(rows[[f"p_{klass}" for klass in card.labels]].to_numpy(np.float64), rows["label"])
    except ValueError as error:
        raise ReportInputError(f"{file}, {of}: {error}") from None
    if list(rows["predicted"]) != [card.labels[k] for k in table.argmax(axis=1)]:
        raise ReportInputError(f"{file}: `predicted` is not the class of the highest probability")
