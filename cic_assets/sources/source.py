"""How a source of pictures is written, and what its partition is called."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, model_validator

SUBREDDIT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_]{1,20}")
"""Reddit's own rule: 2 to 21 letters, digits and underscores, no underscore first."""

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
            return value
        text = str(value).strip()
        prefix, separator, rest = text.partition("/" if text.startswith("r/") else ":")
        if not separator or prefix not in set(SourceKind) or not rest:
            raise ValueError(f"expected {FORMS}")
        if prefix == SourceKind.SUBREDDIT and not SUBREDDIT.fullmatch(rest):
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
        """The same source, its path taken from `folder` where it is relative."""
        if not self.kind.has_path:
            return self
        return self.model_copy(update={"value": str(folder / Path(self.value).expanduser())})

    def __str__(self) -> str:
        return f"{self.kind}{'/' if self.kind is SourceKind.SUBREDDIT else ':'}{self.value}"


class Partition(NamedTuple):
    """One source under the name that its tables and its Dagster partition have."""

    key: str
    klass: str
    source: Source
