"""How a source of pictures is written, and what its partition is called."""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator

from cic_assets.domain.reddit import SUBREDDIT_NAME

KAGGLE = re.compile(r"[\w-]+/[\w-]+(/.+)?", re.ASCII)
"""Owner and name as they stand in the address of a data set's page, and a folder inside it."""

FORMS = "r/NAME, folder:PATH, urls:FILE, dump:FILE or kaggle:OWNER/NAME"
"""How sources are written, for messages."""


class SourceKind(StrEnum):
    """Where pictures of a class may come from."""

    SUBREDDIT = "r"
    FOLDER = "folder"
    URLS = "urls"
    DUMP = "dump"
    KAGGLE = "kaggle"

    @property
    def lists_all(self) -> bool:
        """Whether it shows everything it has each time, so that what it no longer shows is gone on purpose.

        A subreddit's listings end near 1,000 posts: what falls off them is still there.
        """
        return self is not SourceKind.SUBREDDIT

    @property
    def has_path(self) -> bool:
        """Whether it is a file or folder of this machine."""
        return self not in (SourceKind.SUBREDDIT, SourceKind.KAGGLE)


class Source(BaseModel):
    """One source of pictures.

    Written `r/NAME`, `folder:PATH` (a folder, a zip archive, or a folder inside one: `folder:cars.zip/train/car`),
    `urls:FILE`, `dump:FILE` or `kaggle:OWNER/NAME[/versions/N][/FOLDER]`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: SourceKind
    value: str

    @model_validator(mode="before")
    @classmethod
    def _parse(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            if set(value) != set(cls.model_fields):
                return value  # refused by validation, with the key
            value = _written(value["kind"], value["value"])
        text = str(value).strip()
        prefix, separator, rest = text.partition("/" if text.startswith("r/") else ":")
        if not separator or prefix not in set(SourceKind) or not rest:
            raise ValueError(f"expected {FORMS}")
        if prefix == SourceKind.SUBREDDIT and not SUBREDDIT_NAME.fullmatch(rest):
            raise ValueError("expected r/ and the name of a subreddit: 2 to 21 letters, digits or underscores")
        if prefix == SourceKind.KAGGLE and not KAGGLE.fullmatch(rest):
            raise ValueError("expected kaggle:OWNER/NAME as in the address of the data set's page, then /FOLDER if any")
        return {"kind": prefix, "value": rest}

    @property
    def stem(self) -> str:
        """What its partition is called unless another source is called the same."""
        if self.kind is SourceKind.SUBREDDIT:
            return self.value.lower()
        return re.sub(r"[^a-z0-9_-]+", "-", Path(self.value).name.split(".")[0].lower()).strip("-") or "source"

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
        if self.kind.has_path:
            return self.model_copy(update={"value": str(Path(self.value).resolve())})
        is_subreddit = self.kind is SourceKind.SUBREDDIT
        return self.model_copy(update={"value": self.value.lower() if is_subreddit else self.value.strip("/")})

    def __str__(self) -> str:
        return _written(self.kind, self.value)


def _written(kind: str, value: str) -> str:
    return f"{kind}{'/' if kind == SourceKind.SUBREDDIT else ':'}{value}"


class Partition(NamedTuple):
    """One source under the name that its tables and its Dagster partition have."""

    key: str
    klass: str
    source: Source


def name_partitions(classes: Mapping[str, Sequence[Source]]) -> dict[str, Partition]:
    """Every source by its partition key: the same one in whatever order they are written.

    A subreddit is called by its name, and any other source by that of its file or folder. Where several would be called
    the same, all but the subreddit get their class in front, and then numbers in the order of the alphabet.
    """
    sources = [(klass, source) for klass, of_class in classes.items() for source in of_class]
    times = Counter(source.stem for _, source in sources)
    keys: dict[Source, str] = {}
    for klass, source in sorted(sources, key=lambda pair: _precedence(pair[1], times)):
        alone = source.kind is SourceKind.SUBREDDIT or times[source.stem] == 1
        name = source.stem if alone else f"{klass.lower()}-{source.stem}"
        numbered = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        keys[source] = next(key for key in numbered if key not in keys.values())
    return {keys[source]: Partition(keys[source], klass, source) for klass, source in sources}


def _precedence(source: Source, times: Mapping[str, int]) -> tuple[bool, bool, str]:
    """Subreddits choose first, then those whose name nobody else has."""
    return source.kind is not SourceKind.SUBREDDIT, times[source.stem] > 1, str(source)
