"""Writes `docs/reference/` out of the code: settings, commands, tables, the report's JSON, and metrics.

    python docs/reference.py

All words come from where the thing itself is: descriptions of fields, help of options, meanings of columns. One that
has none is an error.
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, get_args

import click
import yaml
from pydantic import BaseModel

from cic_assets.cli import cli
from cic_assets.config.environment import Environment
from cic_assets.config.presets import PRESETS
from cic_assets.config.problem import Problem
from cic_assets.defs.assets.inbox import InboxConfig
from cic_assets.defs.assets.prediction import PredictionConfig
from cic_assets.domain.catalog import TABLES, Table
from cic_assets.domain.evaluation import ReportData
from cic_assets.domain.models import AcceleratorSettings, Architecture, ModelSettings, Variant
from cic_assets.domain.schema import Column
from cic_assets.domain.sources import Source
from cic_assets.orchestration.metrics import METRICS as ALL_METRICS

TARGET = Path(__file__).parent / "reference"
HEAD = "<!-- Written by `make docs` out of the code: change it there. -->\n"

Schema = Mapping[str, Any]

WORDS = {"integer": "whole number", "number": "number", "string": "text", "boolean": "true or false", "null": "null"}
BOUNDS = {
    "minimum": "at least {}", "exclusiveMinimum": "more than {}", "maximum": "at most {}",
    "exclusiveMaximum": "less than {}", "maxLength": "at most {} characters", "minItems": "at least {} of them",
}  # fmt: skip
"""What JSON Schema calls the bounds that are worth a word, and how they are said."""


class MissingDescriptionError(ValueError):
    """Something has no description; the message says what."""


def pages() -> dict[str, str]:
    """The text of each page by its file name."""
    texts = {
        "settings.md": settings(), "commands.md": commands(), "tables.md": tables(), "report.md": report(),
        "metrics.md": metrics(),
    }  # fmt: skip
    return {name: f"{HEAD}\n{text.strip()}\n" for name, text in texts.items()}


def main() -> None:
    """Write all pages."""
    TARGET.mkdir(exist_ok=True)
    for name, text in pages().items():
        (TARGET / name).write_text(text, encoding="utf-8")


def settings() -> str:
    """The problem file, the launchpad and the environment variables."""
    sections = "\n".join(_Fields(Problem, with_defaults=True).sections("problem.yaml"))
    launchpad: dict[str, type[BaseModel]] = {
        "ops.adhoc_predictions.config": PredictionConfig,
        "ops.inbox_predictions.config": InboxConfig,
        "resources.accelerator.config": AcceleratorSettings,
    }
    configs = [line for key, model in launchpad.items() for line in _Fields(model, with_defaults=True).sections(key)]
    return "\n".join([SETTINGS, sections, VARIED, *_variants(), PRESET, _presets(), LAUNCHPAD, *configs, *_variables()])


SETTINGS = """# Settings

Everything in the problem file but `name` and `classes` has a default. A key that is not here is refused, but for
[`presets`](#presets). Paths are relative to the file.
"""

VARIED = """
## What the variants set otherwise

The defaults of `models.NAME` above are those of the notebooks. These stand in their place where the file does not say:
"""

PRESET = """
## Presets

A preset lies over the file: `--preset NAME`. `full` changes nothing. A section `presets` in the file adds to one, or
makes a new one: names, each with the settings to change. `demo` is this, of each model what is said of its variant:
"""

LAUNCHPAD = """
## In the launchpad

What a person can set for one run, in Dagster's UI or in a file for `dg launch --config`:
"""


def _variants() -> Iterator[str]:
    plain = _flat({key: field.default for key, field in ModelSettings.model_fields.items()})
    models = {
        f"{name}, {variant}": _flat({**plain, **ModelSettings(architecture=name, variant=variant).model_dump()})
        for name in get_args(Architecture)
        for variant in get_args(Variant)
    }
    keys = [key for key in plain if key not in ("architecture", "variant")]
    models = {name: model for name, model in models.items() if any(model[key] != plain[key] for key in keys)}
    yield from _row("setting", "default", *models)
    yield from _row(*["---"] * (len(models) + 2))
    for key in keys:
        if any(model[key] != plain[key] for model in models.values()):
            yield from _row(f"`{key}`", *(_value(one[key]) for one in (plain, *models.values())))


def _flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings with those of sections inside them, by their paths."""
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        inner = value.model_dump() if isinstance(value, BaseModel) else value
        flat |= {f"{key}.{name}": one for name, one in inner.items()} if isinstance(inner, dict) else {key: inner}
    return flat


def _presets() -> str:
    content = json.loads(json.dumps(PRESETS["demo"]))
    return f"```yaml\n{yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=100)}```\n"


def _variables() -> Iterator[str]:
    yield "\n## Environment variables\n"
    yield from _row("variable", "default", "what it is")
    yield from _row("---", "---", "---")
    for field in Environment.model_fields.values():
        yield from _row(
            f"`{field.title}`", _value(str(field.default or "")), _described(field.description, field.title)
        )
    for name, meaning in REDDIT.items():
        yield from _row(f"`{name}`", "", meaning)


REDDIT = {
    "REDDIT_CLIENT_ID": "of an API key that Reddit approved",
    "REDDIT_CLIENT_SECRET": "of that key; an installed app has none",
    "REDDIT_USERNAME": "the account behind it, for the user agent",
}


def commands() -> str:
    """Every command with its arguments and options, as its own help has them."""
    context = click.Context(cli, info_name="cic")
    blocks = (_command(command, inner) for command, inner in _walk(cli, context))
    return "\n".join([COMMANDS, *blocks])


COMMANDS = """# Commands

`cic COMMAND --help` says the same. What they end with: [exit codes](../exit-codes.md). Of an option and its environment
variable the option counts.
"""


def _walk(command: click.Command, context: click.Context) -> Iterator[tuple[click.Command, click.Context]]:
    if isinstance(command, click.Group):
        for name, inner in sorted(command.commands.items()):
            yield from _walk(inner, click.Context(inner, info_name=name, parent=context))
        return
    yield command, context
    for name, other in getattr(command, "further", {}).items():  # of `cic export`
        yield other, click.Context(other, info_name=f"{context.info_name} {name}", parent=context.parent)


def _command(command: click.Command, context: click.Context) -> str:
    usage = " ".join(command.collect_usage_pieces(context))
    lines = [f"\n## {context.command_path}\n", f"```text\n{context.command_path} {usage}\n```\n"]
    lines.append(_described(command.help and inspect.cleandoc(command.help), context.command_path))
    if command.epilog:
        lines.append(f"\n```text\n{_without_marks(command.epilog)}\n```")
    options = [one for one in command.params if isinstance(one, click.Option)]
    if options:
        lines += ["", *_row("option", "default", "variable", "what it is"), *_row(*["---"] * 4)]
    lines += [line for option in options for line in _option(option, context)]
    return "\n".join(lines)


def _without_marks(text: str) -> str:
    """What click's marks for text that is not to be filled would leave empty lines of."""
    return re.sub(r"\n{2,}", "\n\n", inspect.cleandoc(text).replace(chr(8), "")).strip()


def _option(option: click.Option, context: click.Context) -> list[str]:
    metavar = "" if option.is_flag else f" {option.make_metavar(context)}"
    given = option.to_info_dict()["default"]
    default = "" if given is None or option.is_flag or option.multiple else _value(given)
    variable = f"`{option.envvar}`" if option.envvar else ""
    return _row(
        f"`{'`, `'.join(option.opts)}{metavar}`", default, variable, _described(option.help, f"option {option.opts}")
    )


def tables() -> str:
    """Every table with its columns."""
    known: dict[Column, str] = {}
    lines = [TABLES_HEAD]
    for name, table in TABLES.items():
        lines += _table(name, table, known)
        known = {**dict.fromkeys(table.columns.values(), name), **known}
    return "\n".join(lines)


TABLES_HEAD = """# Tables

Parquet files under the data root. A text that is not known is empty, a number 0. `SOURCE` stands for the name of a
partition, `MODEL` for that of a model. What lies under `dagster` is Dagster's own: SQLite files, to be read by its UI.
"""


FEWEST_CARRIED = 3
"""Columns in common from which a table is said to carry those of another; fewer are said again."""


def _table(name: str, table: Table, known: Mapping[Column, str]) -> Iterator[str]:
    """A table; of columns that one before has too, in which one they are."""
    yield f"\n## {name}\n\n`{table.path}`: a row is {table.row}.\n"
    own = dict(table.columns)
    for earlier in dict.fromkeys(known.values()):
        same = [key for key, column in own.items() if known.get(column) == earlier]
        if len(same) >= FEWEST_CARRIED:
            yield f"From [{earlier}](#{earlier}): {', '.join(f'`{key}`' for key in same)}.\n"
            own = {key: column for key, column in own.items() if key not in same}
    yield from _row("column", "type", "what it is")
    yield from _row("---", "---", "---")
    for key, (kind, meaning) in own.items():
        yield from _row(f"`{key}`", kind, _described(meaning, f"{name}.{key}"))


def report() -> str:
    """The JSON beside the report's page."""
    return "\n".join([REPORT, *_Fields(ReportData, with_defaults=False).sections("All of it")])


REPORT = f"""# report.json

{inspect.getdoc(inspect.getmodule(ReportData))}
"""


def metrics() -> str:
    """Every metric with its labels."""
    lines = [METRICS, *_row("metric", "labels", "what it is"), *_row(*["---"] * 3)]
    for metric in ALL_METRICS:
        labels = " ".join(f"`{label}`" for label in metric.labels)
        lines += _row(f"`{metric.name}`", labels, _described(metric.meaning, metric.name))
    return "\n".join(lines)


METRICS = """# Metrics

What [`cic metrics`](../monitoring.md) tells of a Dagster home, for Prometheus. Times are seconds since 1970. What is
not known is left out, such as the seconds of what an earlier version made; `source` is left out where an asset is of
all sources. Names, labels and units stay: what is told in another way gets a new name.
"""


class _Section(NamedTuple):
    path: str
    schema: Schema


class _Fields:
    """The fields of a model and of all models in it, each a section with a table."""

    def __init__(self, model: type[BaseModel], *, with_defaults: bool) -> None:
        self._schema = model.model_json_schema()
        self._with_defaults = with_defaults

    def sections(self, title: str) -> Iterator[str]:
        """Sections in the order of their fields, each followed by those inside it; the first is called `title`."""
        waiting = [_Section("", self._schema)]
        while waiting:
            path, schema = waiting.pop(0)
            found: list[_Section] = []
            about = " ".join(schema.get("description", "").split("\n\n")[0].split())
            yield f"\n## {f'`{path}`' if path else title}\n\n{about}\n"
            headings = (
                ["key", "type", "default", "what it is"] if self._with_defaults else ["key", "type", "what it is"]
            )
            yield from _row(*headings)
            yield from _row(*["---"] * len(headings))
            for key, field in schema["properties"].items():
                place = f"{path}.{key}" if path else key
                yield from self._field(key, place, field, key in schema.get("required", []))
                found += self._inner(place, field)
            waiting = found + waiting

    def _field(self, key: str, place: str, field: Schema, required: bool) -> list[str]:
        inner = next(iter(self._inner(place, field)), None)
        about = field.get("description") or (f"see [`{inner.path}`](#{_anchor(inner.path)})" if inner else None)
        default = [self._default(field, required)] if self._with_defaults else []
        return _row(f"`{key}`", self._type(field), *default, _described(about, place))

    def _default(self, field: Schema, required: bool) -> str:
        if required:
            return "must be given"
        value = field.get("default")
        if "default" not in field or isinstance(value, dict):
            return ""
        return _value(sorted(value) if value and field.get("uniqueItems") else value)

    def _inner(self, place: str, field: Schema) -> Iterator[_Section]:
        """The models that a field holds, with the paths under which their fields stand."""
        if "$ref" in field:
            found = self._at(field)
            if "properties" in found and found["title"] != Source.__name__:  # which a person writes as a text
                yield _Section(place, found)
        elif "additionalProperties" in field:
            inner = field["additionalProperties"]
            yield from self._inner(f"{place}.NAME", inner) if isinstance(inner, dict) else ()
        elif "items" in field:
            yield from self._inner(f"{place}[]", field["items"])
        for one in field.get("anyOf", []):
            yield from self._inner(place, one)

    def _at(self, field: Schema) -> Schema:
        found: Schema = self._schema["$defs"][field["$ref"].rpartition("/")[2]]
        return found

    def _type(self, field: Schema) -> str:
        """What may stand there, in words, with its bounds."""
        # What is bounded may be null too: the bounds come last.
        parts = [field, *(one for one in field.get("anyOf", []) if one.get("type") != "null")]
        bounds = [
            words.format(f"{part[key]:,}") for part in parts for key, words in BOUNDS.items()
            if key in part and "prefixItems" not in part
        ]  # fmt: skip
        return ", ".join([self._kind(field), *bounds])

    def _kind(self, field: Schema) -> str:
        if "$ref" in field:
            found = self._at(field)
            return self._kind(found) if "enum" in found else self._noun(found)
        if "anyOf" in field:
            return " or ".join(self._kind(one) for one in field["anyOf"])
        if "enum" in field or "const" in field:
            return ", ".join(_value(value) for value in field.get("enum", [field.get("const")]))
        if field["type"] == "array":
            return self._list(field)
        if field["type"] == "object":
            inner = field.get("additionalProperties")
            return f"{self._kind(inner)}, by name" if isinstance(inner, dict) else self._noun(field)
        return "path" if field.get("format") == "path" else WORDS[field["type"]]

    def _list(self, field: Schema) -> str:
        if "prefixItems" in field:
            return f"[{', '.join(self._type(one) for one in field['prefixItems'])}]"
        kind, *bounds = self._type(field["items"]).split(", ")
        return ", ".join([f"list of {kind}{'' if kind.endswith(('`', 's')) else 's'}", *bounds])

    def _noun(self, found: Schema) -> str:
        if found.get("title") == Source.__name__:
            return "source"
        return "section" if self._with_defaults else "object"


def _anchor(path: str) -> str:
    """What Markdown calls a heading that is a path in backticks."""
    return "".join(letter for letter in path.lower() if letter.isalnum() or letter in "_-")


def _described(text: str | None, what: str | None) -> str:
    if not text:
        raise MissingDescriptionError(f"{what} has no description: write it where it is declared")
    return text


def _value(value: Any) -> str:
    """A value as YAML has it, in one line; nothing for an empty text."""
    text = value if isinstance(value, str) else json.dumps(value)
    return f"`{text}`" if text else ""


def _row(*cells: str) -> list[str]:
    escaped = (" ".join(cell.split()).replace("|", r"\|") for cell in cells)
    return [f"| {' | '.join(escaped)} |"]


if __name__ == "__main__":
    main()
