"""How a source of pictures is written, and what its partition is called."""

import itertools
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator

from cic_assets.domain.reddit import MULTIREDDIT_NAME, SUBREDDIT_NAME, USER_NAME
from cic_assets.domain.sources.options import (
    MOST_LETTERS,
    OPTIONS,
    category_name,
    checked_options,
    split_kind,
    split_options,
    write_source,
)
from cic_assets.storage import sha256_hex

KAGGLE = re.compile(r"[\w-]+/[\w-]+(/.+)?", re.ASCII)
"""Owner and name as they stand in the address of a data set's page, and a folder inside it."""

FORMS = (
    "r/NAME, folder:PATH, urls:FILE, dump:FILE, kaggle:OWNER/NAME, commons:CATEGORY, inat:TAXON, openverse:QUERY, "
    "r/ONE+OTHER, u/NAME or user/NAME/m/MULTIREDDIT"
)
"""How sources are written, for messages."""


class SourceKind(StrEnum):
    """Where pictures of a class may come from."""

    SUBREDDIT = "r"
    """One, or several in one: `r/cars+trucks`."""
    USER = "u"
    MULTIREDDIT = "user"
    FOLDER = "folder"
    URLS = "urls"
    DUMP = "dump"
    KAGGLE = "kaggle"
    COMMONS = "commons"
    INATURALIST = "inat"
    OPENVERSE = "openverse"

    @property
    def lists_all(self) -> bool:
        """Whether it shows everything it has each time, so that what it no longer shows is gone on purpose.

        Reddit's listings end near 1,000 posts, and a search ranks anew: what falls off them is still there.
        """
        return not self.is_reddit and self is not SourceKind.OPENVERSE

    @property
    def is_reddit(self) -> bool:
        """Whether Reddit itself is asked for it."""
        return self in (SourceKind.SUBREDDIT, SourceKind.USER, SourceKind.MULTIREDDIT)

    @property
    def has_path(self) -> bool:
        """Whether it is a file or folder of this machine."""
        return self in (SourceKind.FOLDER, SourceKind.URLS, SourceKind.DUMP)

    @property
    def is_open(self) -> bool:
        """Whether anybody may ask it, without an account, for pictures whose licence it names."""
        return self in (SourceKind.COMMONS, SourceKind.INATURALIST, SourceKind.OPENVERSE)


class Source(BaseModel):
    """One source of pictures.

    Written `r/NAME`, `r/ONE+OTHER`, `u/NAME`, `user/NAME/m/MULTIREDDIT`, `folder:PATH` (a folder, a zip archive, or a
    folder inside one: `folder:cars.zip/train/car`), `urls:FILE`, `dump:FILE`,
    `kaggle:OWNER/NAME[/versions/N][/FOLDER]`, `commons:CATEGORY`, `inat:TAXON` or `openverse:QUERY`; with options in
    one line, `commons:Tanks|depth=1|width=960` or `r/cars|flair=Classic`, or as `{r: cars, flair: Classic}`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SourceKind
    value: str
    options: tuple[tuple[str, str], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            if "kind" in value and set(value) - {"options"} != {"kind", "value"}:
                return value  # refused by validation, with the key
            value = _in_one_line(value)
        text, options = split_options(str(value).strip())
        prefix, separator, rest = split_kind(text)
        if not separator or prefix not in set(SourceKind) or not rest.strip():
            raise ValueError(f"expected {FORMS}")
        name = rest.strip() if options else rest
        if (form := _NAMES.get(prefix)) and not form.pattern.fullmatch(name):
            raise ValueError(f"expected {form.expected}")
        return {
            "kind": prefix,
            "value": rest.strip() if prefix in OPTIONS else rest,
            "options": checked_options(prefix, name, options),
        }

    def option(self, name: str) -> str:
        """What an option is set to, or its default."""
        return dict(self.options).get(name, OPTIONS[self.kind][name].default)

    def shares_posts_with(self, other: "Source") -> bool:
        """Whether a post that this source of Reddit's posts takes may be one of another, as far as options tell."""
        if self.kind is not other.kind or not (self.kind.is_reddit or self.kind is SourceKind.DUMP):
            return False
        mine, others = self.canonical, other.canonical
        if not _joined(mine) & _joined(others):
            return False
        one, two = dict(mine.options), dict(others.options)
        # Two searches may find the same post: who searches knows what he asks for.
        return not any(name in one and name in two and one[name] != two[name] for name in _NAMING)

    @property
    def is_plain(self) -> bool:
        """Whether it is one subreddit, whatever its flair: its name is that of its partition."""
        is_narrowed = any(name in _NAMING for name, _ in self.options)
        return self.kind is SourceKind.SUBREDDIT and "+" not in self.value and not is_narrowed

    @property
    def stem(self) -> str:
        """What its partition is called unless another source is called the same.

        It ends with a hash where its options have letters that a name cannot have, or are too long: no number, which
        would be another one as soon as the problem gets one more such source.
        """
        if self.is_plain:
            return self.value.lower()
        settings = [setting for name, setting in self.canonical.options if name in _NAMING]
        name = "-".join(filter(None, map(_as_name, [self._name, *settings])))
        is_cut = len(name) > MOST_LETTERS and (settings or self.kind.is_reddit)
        if not is_cut and all(map(_WORDS.fullmatch, settings)):
            return name[:MOST_LETTERS].strip("-") or "source"
        told = [self.canonical.value if self.kind.is_reddit else "", *settings]
        digits = sha256_hex("\n".join(told).encode("utf-8", "surrogatepass"))[:_DIGITS]
        return f"{name[: MOST_LETTERS - _DIGITS - 1].strip('-') or 'source'}-{digits}"

    @property
    def _name(self) -> str:
        match self.kind:
            case SourceKind.SUBREDDIT:
                return self.value
            case SourceKind.USER:
                return f"u-{self.value}"
            case SourceKind.MULTIREDDIT:
                return self.value.replace("/m/", "-")
            case _:
                return self.canonical.value if self.kind.is_open else Path(self.value).name.split(".")[0]

    def relative_to(self, folder: Path) -> "Source":
        """The same source, its path taken from `folder`, which goes by no links, where it is relative.

        Raises:
            ValueError: it starts with `~` and the name of nobody.
        """
        if not self.kind.has_path:
            return self
        try:
            path = Path(self.value).expanduser()
        except RuntimeError:
            raise ValueError(
                f"source {self}: found no home of {Path(self.value).parts[0]}: write out the path"
            ) from None
        while path.parts[:1] == ("..",) and folder.is_absolute():
            folder, path = folder.parent, Path(*path.parts[1:])
        return self.model_copy(update={"value": str(folder / path)})

    @property
    def canonical(self) -> "Source":
        """The same source in the one way that tells it from all others: links and `..` followed, no capitals in r/."""
        folded = [(name, setting.casefold() if name in _FOLDED else setting) for name, setting in self.options]
        if self.kind.is_reddit:
            name = "+".join(sorted(set(self.value.lower().split("+"))))
            return self.model_copy(update={"value": name, "options": tuple(folded)})
        if self.kind is SourceKind.COMMONS:
            return self.model_copy(update={"value": category_name(self.value)})
        if self.kind.is_open:
            return self.model_copy(update={"value": " ".join(self.value.lower().split())})
        if self.kind.has_path:
            return self.model_copy(update={"value": str(Path(self.value).resolve()), "options": tuple(folded)})
        return self.model_copy(update={"value": self.value.strip("/")})

    def __str__(self) -> str:
        return write_source(self.kind, self.value, self.options)


class _Form(NamedTuple):
    """How names of a kind of source are written."""

    pattern: re.Pattern[str]
    expected: str


_NAMES: Mapping[str, _Form] = {
    SourceKind.SUBREDDIT: _Form(
        re.compile(rf"({SUBREDDIT_NAME.pattern})(\+({SUBREDDIT_NAME.pattern})){{0,99}}"),
        "r/ and the name of a subreddit: 2 to 21 letters, digits or underscores; several are joined by +",
    ),
    SourceKind.USER: _Form(USER_NAME, "u/ and the name of an account: 3 to 20 letters, digits, dashes or underscores"),
    SourceKind.MULTIREDDIT: _Form(
        MULTIREDDIT_NAME, "user/NAME/m/MULTIREDDIT as in the address of the multireddit's page"
    ),
    SourceKind.KAGGLE: _Form(KAGGLE, "kaggle:OWNER/NAME as in the address of the data set's page, then /FOLDER if any"),
}
_NAMING = frozenset({"flair", "subreddit", "search"})
"""Options that make another source of one, and so another name."""
_WORDS = re.compile(r"[a-z0-9_]+( [a-z0-9_]+)*", re.ASCII | re.IGNORECASE)
"""Settings that a name says in full."""
_DIGITS = 8
_FOLDED = frozenset({"flair", "subreddit"})
"""Options that are the same in capitals."""


def _joined(source: Source) -> frozenset[str]:
    """What a source is joined of: subreddits alone are joined by a plus, which may stand in a path."""
    return frozenset(source.value.split("+") if source.kind is SourceKind.SUBREDDIT else [source.value])


def _as_name(text: str) -> str:
    return re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-")


def _in_one_line(value: Mapping[str, Any]) -> str:
    """A source that is written as a mapping, or as a model gives it away, in the form of one line."""
    if "kind" in value:
        return write_source(value["kind"], value["value"], value.get("options", ()))
    kinds = [str(name) for name in value if name in set(SourceKind)]
    if len(kinds) != 1:
        raise ValueError(f"expected {FORMS}, or one of these words with its options: {{commons: Tanks, depth: 1}}")
    options = [(str(name), setting) for name, setting in value.items() if name != kinds[0]]
    if options and kinds[0] not in OPTIONS:
        raise ValueError(f"{options[0][0]}: {kinds[0]} has no options")
    return write_source(kinds[0], str(value[kinds[0]]), [(name, _in_words(name, one)) for name, one in options])


def _in_words(name: str, setting: Any) -> str:
    """What YAML made of a setting, as it was written."""
    if setting is None or isinstance(setting, Mapping | list):
        raise ValueError(f"{name}: found {setting!r}, expected one value")
    return str(setting).lower() if isinstance(setting, bool) else str(setting)


BACKGROUND = ""
"""In place of the class of sources whose pictures are of none of them: no class is called so."""


class Partition(NamedTuple):
    """One source under the name that its tables and its Dagster partition have."""

    key: str
    klass: str
    source: Source


def name_partitions(classes: Mapping[str, Sequence[Source]]) -> dict[str, Partition]:
    """Every source by its partition key: the same one in whatever order they are written.

    A subreddit is called by its name, and any other source by that of its file or folder, with its flair. Where
    several would be called the same, all but the subreddit get their class in front, and then numbers in the order of
    the alphabet.
    """
    sources = [(klass, source) for klass, of_class in classes.items() for source in of_class]
    times = Counter(source.stem for _, source in sources)
    keys: dict[Source, str] = {}
    for klass, source in sorted(sources, key=lambda pair: _precedence(pair[1], times)):
        alone = source.is_plain or times[source.stem] == 1
        name = source.stem if alone or not klass else f"{klass.lower()}-{source.stem}"
        numbered = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        keys[source] = next(key for key in numbered if key not in keys.values())
    return {keys[source]: Partition(keys[source], klass, source) for klass, source in sources}


def name_background(sources: Sequence[Source], taken: Collection[str]) -> dict[str, Partition]:
    """The same for sources of other things, none called as another one; they change the name of none."""
    named = {}
    for key, partition in name_partitions({BACKGROUND: sources}).items():
        numbered = itertools.chain([f"background-{key}"], (f"background-{key}-{n}" for n in itertools.count(2)))
        name = next(one for one in numbered if one not in taken and one not in named)
        named[name] = partition._replace(key=name)
    return named


def _precedence(source: Source, times: Mapping[str, int]) -> tuple[bool, bool, str]:
    """Subreddits choose first, then those whose name nobody else has."""
    return not source.is_plain, times[source.stem] > 1, str(source)
