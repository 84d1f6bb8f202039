"""Reading `problem.yaml`: YAML, presets laid over it, and each mistake as a line."""

import difflib
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

import yaml
from pydantic import BaseModel, ValidationError

from cic_assets.config.presets import PRESETS
from cic_assets.config.problem import Problem
from cic_assets.domain import evaluation, models
from cic_assets.domain.dataset import DatasetError
from cic_assets.domain.models import default_models
from cic_assets.domain.overrides import OverridesError
from cic_assets.domain.renaming import RenamedSettingWarning, with_new_names


class ProblemError(ValueError):
    """A problem file is not usable; the message has one line a mistake: key, what was found, what is allowed."""


class PresetError(ProblemError):
    """There is no such preset: not the file is wrong, but what was asked of it."""


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
    # Before they are laid over each other: one may say it under the old name, another under the new.
    content = _with_new_names(content, path)
    own = {name: _with_new_names(overlay or {}, path, f"presets.{name}.") for name, overlay in own.items()}
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
        _ = problem.decisions, problem.given_splits  # read now: a mistake in them is a mistake in the problem
    except (OverridesError, DatasetError) as error:
        raise ProblemError(str(error)) from None
    return problem


def _with_new_names(content: Mapping[str, Any], path: Path, before: str = "") -> dict[str, Any]:
    """A problem file, or what a preset lays over it, with the names of today; each old one is warned of."""
    renamed = dict(content)
    if "report" in content:
        renamed["report"] = _section(content["report"], evaluation.RENAMED, f"{path}: {before}report")
    if isinstance(of_models := content.get("models"), Mapping):
        renamed["models"] = {
            name: _section(given, models.RENAMED, f"{path}: {before}models.{name}")
            if isinstance(given, Mapping)
            else given
            for name, given in of_models.items()
        }
    return renamed


def _section(given: Any, renamed: Mapping[str, str], where: str) -> Any:
    if not isinstance(given, Mapping):
        return given  # null, or a mistake that validation names
    try:
        of_today = with_new_names(given, renamed)
    except ValueError as error:
        raise ProblemError(f"{where}: {error}") from None
    for name in [name for name in given if name in renamed]:
        warnings.warn(f"{where}.{name} is called {renamed[name]} now", RenamedSettingWarning, stacklevel=2)
    return of_today


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
