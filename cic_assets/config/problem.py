"""The question, as a person writes it down in `problem.yaml`, validated.

At its shortest:

    name: cars-and-tanks
    classes:
      car: [r/carporn]
      tank: [r/tankporn, r/tanks]

Everything else has a default. The settings of each stage are declared where the stage is (`DownloadSettings` in
`download`, and so on) and put together here. No file of the data root is read here.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from cic_assets.config.dagster_settings import DagsterSettings
from cic_assets.config.schedule_settings import RoutineSettings
from cic_assets.domain.champions import PromotionSettings
from cic_assets.domain.dataset import DatasetSettings, Split, read_given
from cic_assets.domain.download import DownloadSettings
from cic_assets.domain.duplicates import DuplicateSettings
from cic_assets.domain.evaluation import ReportSettings
from cic_assets.domain.features import FeatureSettings
from cic_assets.domain.licenses import FAMILIES, SHAREABLE
from cic_assets.domain.models import ModelSettings, default_models
from cic_assets.domain.overrides import Decisions, load_overrides
from cic_assets.domain.prediction import PredictionSettings
from cic_assets.domain.reddit import RedditSettings
from cic_assets.domain.sources import (
    Partition,
    Source,
    SourceKind,
    checked_licenses,
    name_background,
    name_partitions,
    why_missing,
)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
MODEL_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
"""Of models: names of assets too, which Dagster allows no dashes and dots in."""


class Problem(BaseModel):
    """A question that a picture answers, with where its pictures come from and how they are treated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="short name: letters, digits, dashes")
    question: str = Field(default="", max_length=200, description="as one would ask it; shown at the top of the report")
    classes: dict[str, list[Source]] = Field(description="at least two classes, each with at least one source")
    licenses: tuple[str, ...] = Field(
        default=SHAREABLE,
        description="licences under which pictures of commons:, inat: and openverse: are taken, of all versions: "
        f"{', '.join(FAMILIES)}",
    )
    background: list[Source] = Field(
        default=[],
        description="sources of pictures of other things, which are in no data set: by them is measured how well "
        "models tell that a picture is none of the classes",
    )
    reddit: RedditSettings = RedditSettings()
    download: DownloadSettings = DownloadSettings()
    duplicates: DuplicateSettings = Field(default=DuplicateSettings(), validate_default=True)
    dataset: DatasetSettings = DatasetSettings()
    features: FeatureSettings = FeatureSettings()
    models: dict[str, ModelSettings] = Field(default_factory=default_models)
    prediction: PredictionSettings = PredictionSettings()
    promotion: PromotionSettings = PromotionSettings()
    routine: RoutineSettings = RoutineSettings()
    report: ReportSettings = ReportSettings()
    dagster: DagsterSettings = DagsterSettings()

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError("expected letters, digits, dashes, dots and underscores, at most 64, no spaces")
        return value

    @field_validator("licenses")
    @classmethod
    def _are_licenses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return checked_licenses(value)

    @field_validator("classes")
    @classmethod
    def _at_least_two(cls, value: dict[str, list[Source]]) -> dict[str, list[Source]]:
        if len(value) < 2:  # noqa: PLR2004 - a classifier of one class says nothing
            raise ValueError("expected at least two classes")
        for klass, sources in value.items():
            if not NAME.fullmatch(klass):
                raise ValueError(f"class {klass!r}: expected letters, digits, dashes, dots and underscores, no spaces")
            if not sources:
                raise ValueError(f"class {klass!r} has no source: expected at least one, such as r/NAME or folder:PATH")
        return value

    @field_validator("classes", mode="before")
    @classmethod
    def _are_lists(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise ValueError("expected names, each with its sources, such as car: [r/carporn]")  # noqa: TRY004 - pydantic takes only this one for a mistake in the file
        single = next(((klass, sources) for klass, sources in value.items() if isinstance(sources, str)), None)
        if single:
            klass, written = single
            raise ValueError(f"class {klass}: found {written!r}, expected a list of sources: [{_likely(written)}]")
        return value

    @field_validator("models")
    @classmethod
    def _are_named_models(cls, value: dict[str, ModelSettings]) -> dict[str, ModelSettings]:
        if not value:
            raise ValueError("all are left out: expected at least one model")
        for name in value:
            if not MODEL_NAME.fullmatch(name):
                raise ValueError(f"name {name!r}: expected letters, digits and underscores, at most 64")
        return value

    @field_validator("classes")
    @classmethod
    def _with_absolute_paths(cls, value: dict[str, list[Source]], info: ValidationInfo) -> dict[str, list[Source]]:
        """Before sources are compared: the same folder can be written in many ways."""
        folder = _folder(info)
        return {klass: [source.relative_to(folder) for source in sources] for klass, sources in value.items()}

    @field_validator("classes")
    @classmethod
    def _no_source_twice(cls, value: dict[str, list[Source]]) -> dict[str, list[Source]]:
        seen: dict[Source, str] = {}
        for source, klass in _with_classes(value):
            if source.canonical in seen:
                raise ValueError(
                    f"source {source} is given twice, in {seen[source.canonical]} and {klass}: give it once"
                )
            seen[source.canonical] = klass
        return value

    @field_validator("classes")
    @classmethod
    def _no_folder_in_another(cls, value: dict[str, list[Source]]) -> dict[str, list[Source]]:
        """Its pictures would have two labels."""
        folders = [
            (source.canonical, klass)
            for source, klass in _with_classes(value)
            if source.kind in (SourceKind.FOLDER, SourceKind.KAGGLE)
        ]
        for (inner, klass), (outer, other) in itertools.permutations(folders, 2):
            if inner.kind is outer.kind and Path(outer.value) in Path(inner.value).parents:
                raise ValueError(f"source {inner} of {klass} lies inside {outer} of {other}: name folders side by side")
        return value

    @field_validator("classes")
    @classmethod
    def _no_post_in_two_classes(cls, value: dict[str, list[Source]]) -> dict[str, list[Source]]:
        """A subreddit may feed two classes, where each source takes other posts of it."""
        for (one, klass), (other, another) in itertools.combinations(_with_classes(value), 2):
            if klass != another and one.shares_posts_with(other):
                raise ValueError(
                    f"source {one} of {klass} has posts of {other} of {another}: say by flair, or by another option, "
                    f"which are of which, such as {{{one.kind}: {one.value}, flair: FLAIR}}"
                )
        return value

    @field_validator("background")
    @classmethod
    def _is_of_other_sources(cls, value: list[Source], info: ValidationInfo) -> list[Source]:
        """With absolute paths; what trains a class cannot be of none of them."""
        sources = [source.relative_to(_folder(info)) for source in value]
        taken = {source.canonical: klass for source, klass in _with_classes(info.data.get("classes", {}))}
        for source in sources:
            if source.canonical in taken:
                raise ValueError(f"source {source} is given twice, also in {taken[source.canonical]}: give it once")
            for folder, klass in taken.items():
                if folder.kind is source.kind is SourceKind.FOLDER and _overlap(folder, source.canonical):
                    raise ValueError(f"source {source} and {folder} of {klass} lie inside one another")
            taken[source.canonical] = "background"
        return sources

    @field_validator("duplicates")
    @classmethod
    def _with_absolute_overrides(cls, value: DuplicateSettings, info: ValidationInfo) -> DuplicateSettings:
        return value.model_copy(update={"overrides": _folder(info) / value.overrides.expanduser()})

    @field_validator("dataset")
    @classmethod
    def _with_absolute_splits(cls, value: DatasetSettings, info: ValidationInfo) -> DatasetSettings:
        if value.splits.given is None:
            return value
        splits = value.splits.model_copy(update={"given": _folder(info) / value.splits.given.expanduser()})
        return value.model_copy(update={"splits": splits})

    @field_validator("prediction")
    @classmethod
    def _with_absolute_inbox(cls, value: PredictionSettings, info: ValidationInfo) -> PredictionSettings:
        if value.inbox is None:
            return value
        return value.model_copy(update={"inbox": (_folder(info) / value.inbox.expanduser()).absolute()})

    @field_validator("dagster")
    @classmethod
    def _with_absolute_home(cls, value: DagsterSettings, info: ValidationInfo) -> DagsterSettings:
        if value.home is None:
            return value
        return value.model_copy(update={"home": (_folder(info) / value.home.expanduser()).resolve()})

    @property
    def missing_sources(self) -> list[str]:
        """A line for each source whose file or folder is not on this machine."""
        return [why for partition in self.partitions.values() if (why := why_missing(partition.source))]

    @property
    def class_names(self) -> list[str]:
        """The classes in the order of their integer labels."""
        return list(self.classes)

    @cached_property
    def partitions(self) -> dict[str, Partition]:
        """Every source by its partition key, in the order of the file; those of other things last."""
        return self.class_partitions | self.background_partitions

    @cached_property
    def class_partitions(self) -> dict[str, Partition]:
        """The sources of the classes: what the data set is made of."""
        return name_partitions(self.classes)

    @cached_property
    def background_partitions(self) -> dict[str, Partition]:
        """The sources of other things."""
        return name_background(self.background, self.class_partitions)

    @property
    def classes_by_key(self) -> dict[str, str]:
        """Which class the pictures of each partition of the classes are of."""
        return {key: partition.klass for key, partition in self.class_partitions.items()}

    @cached_property
    def decisions(self) -> Decisions:
        """What a person decided about pictures."""
        return load_overrides(self.duplicates.overrides, self.class_names)

    @cached_property
    def given_splits(self) -> dict[str, Split]:
        """Splits that somebody else decided, by SHA-256; none unless asked for."""
        given = self.dataset.splits.given
        return read_given(given) if given else {}


def _folder(info: ValidationInfo) -> Path:
    """Of the problem file: what paths in it are relative to."""
    return Path((info.context or {}).get("folder", ""))


def _with_classes(classes: Mapping[str, list[Source]]) -> Iterator[tuple[Source, str]]:
    for klass, sources in classes.items():
        for source in sources:
            yield source, klass


def _overlap(one: Source, other: Source) -> bool:
    return Path(one.value) in Path(other.value).parents or Path(other.value) in Path(one.value).parents


def _likely(written: str) -> str:
    """The source that somebody meant: a path unless it is written as one."""
    try:
        return str(Source.model_validate(written))
    except ValidationError:
        return f"folder:{written}"
