"""The question, as a person writes it down in `problem.yaml`, validated.

At its shortest:

    name: cars-and-tanks
    classes:
      car: [r/carporn]
      tank: [r/tankporn, r/tanks]

Everything else has a default. The settings of each stage are declared where the stage is (`DownloadSettings` in
`download`, and so on) and put together here. No file of the data root is read here.
"""

import difflib
import itertools
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator

from cic_assets.dagster_settings import DagsterSettings
from cic_assets.dataset import DatasetError, DatasetSettings, Split, read_given
from cic_assets.download import DownloadSettings
from cic_assets.duplicates import DuplicateSettings, Overrides, OverridesError, load_overrides
from cic_assets.evaluation import ReportSettings
from cic_assets.models import ModelSettings, default_models
from cic_assets.presets import PRESETS
from cic_assets.reddit import RedditSettings
from cic_assets.routine import RoutineSettings
from cic_assets.sources import Partition, Source, SourceKind, name_partitions, why_missing

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
MODEL_NAME = re.compile(r"[A-Za-z0-9_]{1,64}")
"""Of models: names of assets too, which Dagster allows no dashes and dots in."""


class ProblemError(ValueError):
    """A problem file is not usable; the message has one line a mistake: key, what was found, what is allowed."""


class PresetError(ProblemError):
    """There is no such preset: not the file is wrong, but what was asked of it."""


class Problem(BaseModel):
    """A question that a picture answers, with where its pictures come from and how they are treated."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="short name: letters, digits, dashes")
    question: str = Field(default="", max_length=200, description="as one would ask it; shown at the top of the report")
    classes: dict[str, list[Source]] = Field(description="at least two classes, each with at least one source")
    reddit: RedditSettings = RedditSettings()
    download: DownloadSettings = DownloadSettings()
    duplicates: DuplicateSettings = Field(default=DuplicateSettings(), validate_default=True)
    dataset: DatasetSettings = DatasetSettings()
    models: dict[str, ModelSettings] = Field(default_factory=default_models)
    routine: RoutineSettings = RoutineSettings()
    report: ReportSettings = ReportSettings()
    dagster: DagsterSettings = DagsterSettings()

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if not NAME.fullmatch(value):
            raise ValueError("expected letters, digits, dashes, dots and underscores, at most 64, no spaces")
        return value

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
        """Every source by its partition key, in the order of the file."""
        return name_partitions(self.classes)

    @property
    def classes_by_key(self) -> dict[str, str]:
        """Which class each partition's pictures are of."""
        return {key: partition.klass for key, partition in self.partitions.items()}

    @cached_property
    def overrides(self) -> Overrides:
        """What a person decided about pictures."""
        return load_overrides(self.duplicates.overrides)

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


def _likely(written: str) -> str:
    """The source that somebody meant: a path unless it is written as one."""
    try:
        return str(Source.model_validate(written))
    except ValidationError:
        return f"folder:{written}"


def load_problem(path: Path, preset: str = "full") -> Problem:
    """Read and validate a problem file.

    Args:
        path: of the YAML file; paths of sources in it are relative to its folder.
        preset: `full` takes the file as it is; `demo` puts small sizes over it; a `presets:` section of the file
            adds to a preset or makes a new one.

    Raises:
        ProblemError: with one line for each mistake.
        PresetError: there is no such preset.
    """
    return parse_problem(_read(path), path, preset)


def parse_problem(text: str, path: Path, preset: str = "full") -> Problem:
    """Validate the text of a problem file, which need not be written yet.

    Args:
        text: YAML.
        path: where it stands or will stand: paths of sources are relative to its folder.
        preset: as of `load_problem`.

    Raises:
        ProblemError: with one line for each mistake.
        PresetError: there is no such preset.
    """
    content = _parse(text, path)
    own = _own_presets(path, content.pop("presets", None))
    allowed = sorted({*PRESETS, *own})
    if preset not in allowed:
        near = difflib.get_close_matches(preset, allowed, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise PresetError(f"{path}: preset {preset!r} is unknown: {hint}expected one of {', '.join(allowed)}")
    content["models"] = _with_default_models(content.get("models") or {})
    content = _merge(content, _for_models(PRESETS.get(preset, {}), content["models"]))
    content = _merge(content, own.get(preset) or {})
    content["models"] = _without_nulls(content["models"])
    try:
        problem = Problem.model_validate(content, context={"folder": path.resolve().parent})
    except ValidationError as error:
        raise ProblemError("\n".join(f"{path}: {line}" for line in _lines(error))) from None
    try:
        _ = problem.overrides, problem.given_splits  # read now: a mistake in them is a mistake in the problem
    except (OverridesError, DatasetError) as error:
        raise ProblemError(str(error)) from None
    return problem


def _own_presets(path: Path, presets: Any) -> dict[str, Any]:
    """The `presets:` section: what each lays over the rest of the file."""
    if not isinstance(presets, Mapping | None):
        raise ProblemError(f"{path}: presets: found {presets!r}, expected names, each with the settings to change")
    for name, overlay in (presets or {}).items():
        if not isinstance(name, str):
            raise ProblemError(f"{path}: presets: found the name {name!r}, expected text: put it in quotes")
        if not isinstance(overlay, Mapping | None):
            raise ProblemError(f"{path}: presets.{name}: found {overlay!r}, expected the settings to change")
    return dict(presets or {})


def _with_default_models(models: Any) -> Any:
    """The three models with what the file says over them; one that the file sets to null is left out."""
    if not isinstance(models, Mapping):
        return models  # refused by validation, with the key
    return _without_nulls(_merge({name: {"architecture": name} for name in default_models()}, models))


def _without_nulls(models: Any) -> Any:
    if not isinstance(models, Mapping):
        return models
    return {name: settings for name, settings in models.items() if settings is not None}


def _for_models(preset: Mapping[str, Any], models: Any) -> dict[str, Any]:
    """A preset of ours for the models that the file has, each in the sizes of its variant."""
    if not isinstance(models, Mapping):
        return {}  # refused by validation, with the key
    known = preset.get("models", {})
    sizes = {name: _of_variant(known[name], given) for name, given in models.items() if name in known}
    return {**preset, "models": sizes}


def _of_variant(sizes: Mapping[str, Mapping[str, Any]], model: Any) -> dict[str, Any]:
    named = model.get("variant") if isinstance(model, Mapping) else None
    variant = next(iter(sizes)) if named is None else str(named)
    return {"variant": named or variant, **sizes.get(variant, {})}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProblemError(
            f"{path}: cannot be read ({error.strerror}): expected a problem file, as `cic new` writes one"
        ) from None
    except UnicodeDecodeError:
        raise ProblemError(f"{path}: is not UTF-8 text: expected a YAML file") from None


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(text, Loader=_StrictLoader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise ProblemError(f"{path}{where}: is not valid YAML: {getattr(error, 'problem', error)}") from None
    if not isinstance(content, dict):
        raise ProblemError(f"{path}: found {type(content).__name__}, expected keys such as `name:` and `classes:`")
    return content


class _StrictLoader(yaml.SafeLoader):
    """YAML without its silent last-one-wins for repeated keys, and without keys that are lists."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        # Before `<<:` is followed: what it brings may be said again.
        mapping = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.composer.ComposerError(None, None, "expected a word as a key", key.start_mark)
            if (key.tag, key.value) in seen:
                raise yaml.composer.ComposerError(None, None, f"key {key.value!r} is given twice", key.start_mark)
            seen.add((key.tag, key.value))
        return mapping


def _merge(base: Mapping[str, Any], overlay: Mapping[str, Any]) -> dict[str, Any]:
    """`overlay` over `base`, section by section."""
    merged = dict(base)
    for key, value in overlay.items():
        both = isinstance(merged.get(key), Mapping) and isinstance(value, Mapping)
        merged[key] = _merge(merged[key], value) if both else value
    return merged


def _lines(error: ValidationError) -> Iterator[str]:
    for mistake in error.errors():
        key = ".".join(str(part) for part in mistake["loc"]) or "(file)"
        message = mistake["msg"].removeprefix("Value error, ")
        message = message.removeprefix("Input should be ").removeprefix("Assertion failed, ")
        if mistake["type"] == "missing":
            yield f"{key} is missing: {_description(mistake['loc'])}"
        elif mistake["loc"][-1:] == ("[key]",):
            section = ".".join(map(str, mistake["loc"][:-2]))
            yield f"{section}: found the key {mistake['input']!r}, expected text: put it in quotes"
        elif mistake["type"] in ("extra_forbidden", "invalid_key"):
            yield _unknown_key(mistake["loc"])
        elif mistake["type"] in ("value_error", "assertion_error") and isinstance(mistake["input"], Mapping):
            yield f"{key}: {message}"
        else:
            found = repr(mistake["input"])
            found = found if len(found) <= 80 else f"{found[:77]}..."  # noqa: PLR2004 - one line of a terminal
            yield f"{key}: found {found}, {message if message.startswith('expected') else f'expected {message}'}"


def _unknown_key(location: tuple[int | str, ...]) -> str:
    key = ".".join(map(str, location))
    model = _model_at(location[:-1])
    allowed = sorted(model.model_fields) if model else []
    if model is Problem:
        allowed = sorted([*allowed, "presets"])  # taken out before validation
    near = difflib.get_close_matches(str(location[-1]), allowed, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return f"{key} is not a setting: {hint}allowed here: {', '.join(allowed)}"


def _description(location: tuple[int | str, ...]) -> str:
    model = _model_at(location[:-1])
    field = model.model_fields.get(str(location[-1])) if model else None
    return f"expected {field.description}" if field and field.description else "it must be given"


def _model_at(location: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The settings class that a key path leads to."""
    model: Any = Problem
    for part in location:
        if isinstance(model, type) and issubclass(model, BaseModel):
            field = model.model_fields.get(str(part))
            model = field.annotation if field else None
        else:  # dict[str, Settings], or a union with None
            model = next((arg for arg in get_args(model) if isinstance(arg, type) and issubclass(arg, BaseModel)), None)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return next((arg for arg in get_args(model) if isinstance(arg, type) and issubclass(arg, BaseModel)), None)
    return model
