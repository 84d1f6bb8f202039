"""`report.html`: one file that shows itself, offline, for ever. No scripts, nothing fetched, everything escaped."""

from collections.abc import Callable
from typing import Any

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from cic_assets.domain.evaluation import formats
from cic_assets.domain.evaluation.svg import themed


def render_page(**values: Any) -> str:
    """The page from `templates/report.html`; a value that it lacks is an error, not a blank."""
    return _environment().get_template("report.html").render(**values)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("cic_assets.domain.evaluation"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = (formats.percent, formats.interval, formats.size, formats.amount, formats.duration, formats.p_value)
    environment.filters |= {function.__name__: _unbroken(function) for function in numbers}
    environment.filters |= {
        "as_yaml": lambda value: yaml.safe_dump(value, sort_keys=False),
        "figure": _figure,
    }
    environment.globals |= {"count_of": formats.count_of, "minus": formats.minus}
    return environment


def _unbroken(say: Callable[..., str]) -> Callable[..., str]:
    """The same words, never broken over two lines."""
    return lambda value: say(value).replace(" ", "\N{NO-BREAK SPACE}")


def _figure(svg: str, label: str) -> Markup:
    """An SVG of our own drawing, inlined: the one thing in the page that is not escaped. `label` is read aloud."""
    named = themed(svg).replace('role="img"', f'role="img" aria-label="{escape(label)}"', 1)
    return Markup(named)  # noqa: S704 - matplotlib escapes the texts that it draws
