"""What a person decided about pictures, in a file that wins over every measure, for ever.

    same:                       # one picture, whatever the measures say
      - [3f2a9c…, 77b01d…]
    different:                  # never one picture
      - [ab12…, cd34…]
    keep:                       # this one is kept; of a picture under two classes, name the source that is right
      - 3f2a9c…
      - {sha256: 77b01d…, subreddit: tanks}

Pictures are named by their SHA-256, as the tables and contact sheets show it: whole, or the first eight or more digits.
"""

import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from os import PathLike
from typing import Any, Protocol

import yaml

NAME = re.compile(r"[0-9a-f]{8,64}")
SECTIONS = ("same", "different", "keep")


class OverridesError(ValueError):
    """An overrides file is not usable; the message has one line a mistake: where, what was found, what is expected."""


class _TextFile(Protocol):
    """What is read: a `Path`, or a `UPath` of any file system."""

    def exists(self) -> bool: ...
    def read_text(self, encoding: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture that a person wants kept; `subreddit` where one of its sources is meant and not all."""

    sha256: str
    subreddit: str | None = None


@dataclass(frozen=True, slots=True)
class Overrides:
    """A person's decisions. Pictures are named by their SHA-256 or its first digits.

    Attributes:
        same: sets of two or more pictures that are one.
        different: pairs that are not.
        keep: pictures that are kept, each as its group's keeper.
    """

    same: tuple[tuple[str, ...], ...] = ()
    different: tuple[tuple[str, str], ...] = ()
    keep: tuple[Kept, ...] = ()

    def resolved(self, sha256s: Iterable[str]) -> "Overrides":
        """The same decisions with whole SHA-256, without pictures that are not among `sha256s` (any more).

        Raises:
            OverridesError: digits that begin several pictures, or decisions that contradict each other.
        """
        whole = _Resolver(sha256s)
        resolved = Overrides(
            same=tuple(names for group in self.same if len(names := whole.all_of(group)) > 1),
            different=tuple((names[0], names[1]) for pair in self.different if len(names := whole.all_of(pair)) > 1),
            keep=tuple(Kept(name, kept.subreddit) for kept in self.keep for name in whole.all_of([kept.sha256])),
        )
        mistakes = [*whole.mistakes, *_contradictions(resolved)]
        if mistakes:
            raise OverridesError("\n".join(f"overrides: {mistake}" for mistake in mistakes))
        return resolved

    def same_groups(self) -> list[frozenset[str]]:
        """`same` with everything joined that shares a picture."""
        groups: list[frozenset[str]] = []
        for names in self.same:
            touching = [group for group in groups if group & set(names)]
            groups = [group for group in groups if group not in touching]
            groups.append(frozenset(names).union(*touching))
        return groups


class _Resolver:
    """From first digits to the one picture that has them."""

    def __init__(self, sha256s: Iterable[str]) -> None:
        self._known = sorted(set(sha256s))
        self._exact = set(self._known)
        self.mistakes: list[str] = []

    def all_of(self, names: Sequence[str]) -> tuple[str, ...]:
        """The pictures that are there, each once, in order."""
        return tuple(dict.fromkeys(whole for name in names if (whole := self._one(name)) is not None))

    def _one(self, name: str) -> str | None:
        if name in self._exact:
            return name
        matching = [sha256 for sha256 in self._known if sha256.startswith(name)]
        if len(matching) > 1:
            self.mistakes.append(f"{name} begins {len(matching)} pictures: give more digits")
            return None
        return matching[0] if matching else None


def _contradictions(overrides: Overrides) -> Iterator[str]:
    groups = overrides.same_groups()
    for one, other in overrides.different:
        if any(one in group and other in group for group in groups):
            yield f"{one[:12]} and {other[:12]} are under different, and by way of same they are one picture"
    for group in groups:
        kept = sorted({kept.sha256 for kept in overrides.keep} & group)
        for one, other in combinations(kept, 2):
            yield f"{one[:12]} and {other[:12]} are both under keep, and by way of same they are one picture"


def load_overrides(path: "_TextFile | PathLike[str]") -> Overrides:
    """Read an overrides file; one that is not there holds no decisions.

    Raises:
        OverridesError: with one line for each mistake, naming file, key, what was found and what is expected.
    """
    file: Any = path
    if not file.exists():
        return Overrides()
    try:
        content = yaml.load(file.read_text(encoding="utf-8"), Loader=_StringsLoader)  # noqa: S506 - makes strings only
    except (OSError, UnicodeDecodeError) as error:
        raise OverridesError(f"{path}: cannot be read as UTF-8 text ({error})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        raise OverridesError(f"{path}{where}: is not valid YAML: {getattr(error, 'problem', error)}") from None
    return _parsed(content if content is not None else {}, str(path))


class _StringsLoader(yaml.BaseLoader):
    """YAML in which 12345678 and 1e234567 are names, as their writer meant them, and no key comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, (key, (key_node, _)) in enumerate(zip(keys, node.value, strict=True)):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
        return super().construct_mapping(node, deep)


def _parsed(content: Any, path: str) -> Overrides:
    if not isinstance(content, Mapping):
        raise OverridesError(f"{path}: found {_shown(content)}, expected the keys {', '.join(SECTIONS)}")
    mistakes = [f"{key} is not a section: expected {', '.join(SECTIONS)}" for key in content if key not in SECTIONS]
    same = [_names(f"same.{i}", item, mistakes, 2, None) for i, item in _items(content, "same", mistakes)]
    different = [_names(f"different.{i}", item, mistakes, 2, 2) for i, item in _items(content, "different", mistakes)]
    keep = [_kept(f"keep.{i}", item, mistakes) for i, item in _items(content, "keep", mistakes)]
    if mistakes:
        raise OverridesError("\n".join(f"{path}: {mistake}" for mistake in mistakes))
    return Overrides(tuple(same), tuple((pair[0], pair[1]) for pair in different), tuple(keep))


def _items(content: Mapping[str, Any], section: str, mistakes: list[str]) -> list[tuple[int, Any]]:
    items = content.get(section) or []
    if isinstance(items, list):
        return list(enumerate(items))
    mistakes.append(f"{section}: found {_shown(items)}, expected a list")
    return []


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


def _name(where: str, value: Any, mistakes: list[str]) -> str:
    name = value.strip().lower().removesuffix("…") if isinstance(value, str) else ""
    if not NAME.fullmatch(name):
        mistakes.append(f"{where}: found {_shown(value)}, expected 8 to 64 hexadecimal digits of a picture's SHA-256")
    return name


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."  # noqa: PLR2004 - a part of one line
