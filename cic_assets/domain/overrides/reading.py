"""What a person decided about pictures, in a file that wins over every measure, for ever.

    same:                       # one picture, whatever the measures say
      - [3f2a9c…, 77b01d…]
    different:                  # never one picture
      - [ab12…, cd34…]
    keep:                       # this one is kept; of a picture under two classes, name the source that is right
      - 3f2a9c…
      - {sha256: 77b01d…, subreddit: tanks}
    labels:                     # this one is of that class, whatever its source says
      3f2a9c…: tank
    leave_out:                  # this one is of no class: never in the data set
      - 77b01d…

Pictures are named by their SHA-256, as the tables and contact sheets show it: whole, or the first eight or more digits.
"""

import re
from collections.abc import Collection, Hashable, Mapping
from os import PathLike
from typing import Any, NamedTuple, Protocol

import yaml

from cic_assets.domain.overrides.decisions import Kept, Overrides, OverridesError
from cic_assets.domain.overrides.labels import LabelDecisions

NAME = re.compile(r"[0-9a-f]{8,64}")
SAME, DIFFERENT, KEEP, LABELS, LEAVE_OUT = SECTIONS = ("same", "different", "keep", "labels", "leave_out")


class _TextFile(Protocol):
    """What is read: a `Path`, or a `UPath` of any file system."""

    def exists(self) -> bool: ...
    def read_text(self, encoding: str) -> str: ...


class Decisions(NamedTuple):
    """All that a file says.

    Attributes:
        copies: which pictures are one, and which of them is kept.
        labels: which class pictures are of.
    """

    copies: Overrides = Overrides()
    labels: LabelDecisions = LabelDecisions()


def load_overrides(path: "_TextFile | PathLike[str]", classes: Collection[str] | None = None) -> Decisions:
    """Read an overrides file; one that is not there holds no decisions.

    Args:
        path: of the file.
        classes: of the problem; any are taken where they are not given.

    Raises:
        OverridesError: with one line for each mistake, naming file, key, what was found and what is expected.
    """
    file: Any = path
    if not file.exists():
        return Decisions()
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise OverridesError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    return parse_overrides(text, str(path), classes)


def parse_overrides(text: str, path: str, classes: Collection[str] | None = None) -> Decisions:
    """The decisions of an overrides file's text; `path` is for messages.

    Raises:
        OverridesError: as of `load_overrides`.
    """
    try:
        content = _content(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise OverridesError(f"{path}{where}: is not valid YAML: {getattr(error, 'problem', error)}") from None
    return _parsed({} if content in (None, "") else content, path, classes)


def _content(text: str) -> Any:
    if yaml.__with_libyaml__:
        try:
            return yaml.load(text, Loader=QuickLoader)  # noqa: S506 - makes strings only
        except yaml.YAMLError:
            pass  # the other takes ten times as long, and says better what is wrong where
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - makes strings only


class _StringsOnce(yaml.constructor.BaseConstructor):
    """YAML in which 12345678 and 1e234567 are names, as their writer meant them, and no key comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen = set()
        for key_node, _ in node.value:
            if isinstance(key_node, yaml.ScalarNode):
                if key_node.value in seen:
                    said = f"key {key_node.value!r} is given twice"
                    raise yaml.constructor.ConstructorError(None, None, said, key_node.start_mark)
                seen.add(key_node.value)
        mapping: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return mapping


class _Loader(_StringsOnce, yaml.BaseLoader):
    pass


class QuickLoader(_StringsOnce, yaml.CBaseLoader if yaml.__with_libyaml__ else yaml.BaseLoader):  # type: ignore[misc]
    """The same in a tenth of the time, where libyaml is there; it says less about mistakes."""


def _parsed(content: Any, path: str, classes: Collection[str] | None) -> Decisions:
    if not isinstance(content, Mapping):
        raise OverridesError(f"{path}: found {_shown(content)}, expected the keys {', '.join(SECTIONS)}")
    mistakes = [f"{key} is not a section: expected {', '.join(SECTIONS)}" for key in content if key not in SECTIONS]
    same = [_names(f"same.{i}", item, mistakes, 2, None) for i, item in _items(content, "same", mistakes)]
    different = [_names(f"different.{i}", item, mistakes, 2, 2) for i, item in _items(content, "different", mistakes)]
    keep = [_kept(f"keep.{i}", item, mistakes) for i, item in _items(content, "keep", mistakes)]
    labels = _labels(content.get(LABELS) or {}, classes, mistakes)
    leave_out = {_name(f"{LEAVE_OUT}.{i}", item, mistakes) for i, item in _items(content, LEAVE_OUT, mistakes)}
    mistakes += [f"{LABELS}.{name}: is under {LEAVE_OUT} too, expected one of them" for name in leave_out & set(labels)]
    if mistakes:
        raise OverridesError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return Decisions(
        Overrides(tuple(same), tuple((pair[0], pair[1]) for pair in different), tuple(keep)),
        LabelDecisions(tuple(sorted(labels.items())), tuple(sorted(leave_out))),  # in whatever order they are written
    )


def _items(content: Mapping[str, Any], section: str, mistakes: list[str]) -> list[tuple[int, Any]]:
    items = content.get(section) or []
    if isinstance(items, list):
        return list(enumerate(items))
    mistakes.append(f"{section}: found {_shown(items)}, expected a list")
    return []


def _labels(items: Any, classes: Collection[str] | None, mistakes: list[str]) -> dict[str, str]:
    if not isinstance(items, Mapping):
        mistakes.append(f"{LABELS}: found {_shown(items)}, expected pictures, each with its class")
        return {}
    labels: dict[str, str] = {}
    for key, klass in items.items():
        where = f"{LABELS}.{key}"
        name = _name(where, key, mistakes)
        if not isinstance(klass, str) or not klass or (classes is not None and klass not in classes):
            mistakes.append(f"{where}: found {_shown(klass)}, expected {_one_of(classes)}")
        elif labels.setdefault(name, klass) != klass:
            mistakes.append(f"{where}: found one picture twice, as {labels[name]} and {klass}")
    return labels


def _one_of(classes: Collection[str] | None) -> str:
    return "a class" if classes is None else f"one of {', '.join(classes)}"


def _names(where: str, item: Any, mistakes: list[str], fewest: int, most: int | None) -> tuple[str, ...]:
    expected = f"{fewest} pictures" if fewest == most else f"{fewest} or more pictures"
    if not isinstance(item, list) or len(item) < fewest or (most is not None and len(item) > most):
        mistakes.append(f"{where}: found {_shown(item)}, expected a list of {expected}")
        return ("", "")
    names = tuple(_name(where, name, mistakes) for name in item)
    if len(set(names)) < len(names):
        mistakes.append(f"{where}: found one picture twice, expected {expected}")
    return names


def _kept(where: str, item: Any, mistakes: list[str]) -> Kept:
    if not isinstance(item, Mapping):
        return Kept(_name(where, item, mistakes))
    subreddit = item.get("subreddit")
    if set(item) != {"sha256", "subreddit"} or not isinstance(subreddit, str):
        mistakes.append(f"{where}: found {_shown(item)}, expected a SHA-256, or sha256: and subreddit:")
        return Kept("")
    return Kept(_name(where, item["sha256"], mistakes), subreddit)


def picture_name(written: str) -> str:
    """The digits of a picture as somebody wrote them."""
    return written.strip().lower().removesuffix("…")


def digits_of(written: str) -> str:
    """The digits of one picture that somebody named.

    Raises:
        OverridesError: these are none, or too few.
    """
    name = picture_name(written)
    if not NAME.fullmatch(name):
        raise OverridesError(f"found {written!r}, expected 8 to 64 hexadecimal digits of a picture's SHA-256")
    return name


def _name(where: str, value: Any, mistakes: list[str]) -> str:
    name = picture_name(value) if isinstance(value, str) else ""
    if not NAME.fullmatch(name):
        mistakes.append(f"{where}: found {_shown(value)}, expected 8 to 64 hexadecimal digits of a picture's SHA-256")
    return name


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a part of one line
