"""A new problem file, beside others: `problems/NAME/problem.yaml`, its data root below it."""

import math
import os
import re
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from cic_assets.config.problem import Problem
from cic_assets.config.problem_file import ProblemError, parse_problem
from cic_assets.domain.sources import Source

PROBLEMS = Path("problems")
"""The folder of all problems that `cic new` makes, one folder each."""

_LINE_BREAKS = frozenset("\x85\u2028\u2029")

HOME = Path("..") / ".dagster"
"""The instance that they share, as seen from one of them: no problem can have this name."""


def write_new_problem(
    name: str, classes: Mapping[str, Sequence[str]], question: str = "", problems: Path = PROBLEMS
) -> tuple[Path, Problem]:
    """Write the file of a new problem, whole or not at all; returns its path and what it says.

    Args:
        name: of the problem and of its folder.
        classes: the sources of each class, as they are written in a problem file; paths relative to the working folder.
        question: as one would ask it.
        problems: the folder for all problems.

    Raises:
        ProblemError: no problem can be made of this, a file or folder is missing, or there is such a problem already.
    """
    path = problems / name / "problem.yaml"
    moved = {klass: [_seen_from(path.parent, source) for source in sources] for klass, sources in classes.items()}
    text = _text(name, question, moved)
    try:
        problem = parse_problem(text, path)
    except ProblemError as error:
        # There is no such file yet to look into.
        raise ProblemError(str(error).replace(f"{path}: ", "")) from None
    if missing := problem.missing_sources:
        raise ProblemError("\n".join(missing))
    _write_once(path, text)
    return path, problem


def _seen_from(folder: Path, written: str) -> str:
    """A source that is written as seen from here, with a path as seen from a folder."""
    try:
        source = Source.model_validate(written)
    except ValidationError:
        return written  # refused with all other mistakes
    if not source.kind.has_path or Path(source.value).expanduser().is_absolute():
        return str(source)
    return str(source.model_copy(update={"value": Path(os.path.relpath(source.value, folder)).as_posix()}))


def _text(name: str, question: str, classes: Mapping[str, Sequence[str]]) -> str:
    parts = [
        _HEAD,
        f"name: {_inline(name)}\n",
        f"question: {_inline(question)}\n",
        _SOURCES,
        *(f"  {_inline(klass)}: {_inline(list(sources))}\n" for klass, sources in classes.items()),
        _SUBREDDITS
        if any(source.startswith(("r/", "u/", "user/")) for sources in classes.values() for source in sources)
        else "",
        _DAGSTER.format(home=HOME.as_posix(), prefix=_inline(re.sub(r"\W", "_", name))),
    ]
    return "".join(parts)


def _inline(value: Any) -> str:
    """YAML in one line, quoted where it has to be."""
    # Written as they are, YAML takes these for breaks of a line, and makes them spaces.
    is_legible = not _LINE_BREAKS.intersection(str(value))
    return yaml.safe_dump([value], allow_unicode=is_legible, default_flow_style=True, width=math.inf).strip()[1:-1]


_HEAD = """# Everything that is not said here has a default; see "Ask your own question" in README.
"""

_SOURCES = """
# Two classes or more, each with one source or more: r/NAME, u/NAME, user/NAME/m/MULTIREDDIT, folder:PATH, urls:FILE,
# dump:FILE, kaggle:OWNER/NAME, commons:CATEGORY, inat:TAXON, openverse:QUERY.
# Paths are relative to this file.
classes:
"""

_SUBREDDITS = """
# Subreddits need an API key that Reddit approved, and this line once you have read "Terms" in README:
# reddit: {terms_acknowledged: true}
"""

_DAGSTER = """
# For `cic dev` with several problems in one UI: they record their runs in one place, under names of their own.
dagster:
  home: {home}
  asset_prefix: {prefix}
"""


def _write_once(path: Path, text: str) -> None:
    """Write a file whole, or leave the one that is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
        Path(file.name).chmod(0o644)
        try:
            os.link(file.name, path)  # unlike a rename it takes nobody's place
        except FileExistsError:
            raise ProblemError(f"{path} is there already: edit it, or choose another name") from None
