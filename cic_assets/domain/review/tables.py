"""What the queues are made of, read from the tables of a data root, and again once one of them was written anew."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cic_assets.domain import audit, duplicates, prediction
from cic_assets.domain.duplicates import DuplicateSettings
from cic_assets.domain.review import queues
from cic_assets.domain.review.entries import Entry, Queue
from cic_assets.domain.review.queues import GROUP_COLUMNS, copies_of
from cic_assets.domain.schema import types_of
from cic_assets.storage import DataRoot, FileState

_SHOWN_COLUMNS = [
    "sha256", "subreddit", "permalink", "title", "author", "created_utc", "format", "width", "height", "bytes",
]  # fmt: skip
_OF_GROUPS = {name: duplicates.COLUMNS[name].kind for name in GROUP_COLUMNS}


@dataclass(frozen=True, slots=True)
class Seen:
    """A picture in one source: what is shown of it beside its pixels.

    Attributes:
        source: partition of the source; empty for one that was only brought to the prediction page.
        permalink, title, author: of its post, as somebody wrote them.
        created_utc: when it was posted, seconds since 1970; 0 where nobody knows.
    """

    source: str
    permalink: str
    title: str
    author: str
    created_utc: float
    format: str
    width: int
    height: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All entries, decided or not, and the pictures in them.

    Attributes:
        entries: of each queue, in order.
        pictures: by SHA-256, in each of its sources.
        group_of: the group of each picture that is in one.
        unseen: pictures that were called wrong and that nobody let be kept: there is nothing to look at.
    """

    entries: Mapping[Queue, Sequence[Entry]] = field(default_factory=lambda: dict.fromkeys(Queue, ()))
    pictures: Mapping[str, Sequence[Seen]] = field(default_factory=dict)
    group_of: Mapping[str, str] = field(default_factory=dict)
    unseen: int = 0


class Tables:
    """The tables of one data root."""

    def __init__(self, root: DataRoot, settings: DuplicateSettings, partitions: Collection[str]) -> None:
        """Read those of some sources; what was not materialized yet gives no entries."""
        self._root, self._settings, self._partitions = root, settings, list(partitions)
        names = ["duplicates", "bridges", audit.TABLE, prediction.REVIEWS]
        paths = [root.table_path(name) for name in names]
        paths += [root.table_path("image_hashes", key) for key in self._partitions]
        self._states = [FileState(path) for path in paths]

    def state(self) -> object:
        """Something that is another once one of them was written anew."""
        return tuple(state.now() for state in self._states)

    def read(self) -> Snapshot:
        """All of it, as it is now."""
        groups = self._read("duplicates", _OF_GROUPS)
        bridges = self._read("bridges", types_of(duplicates.BRIDGE_COLUMNS))
        audited = self._audited()
        reviews = self._read(prediction.REVIEWS, types_of(prediction.REVIEW_COLUMNS))
        one_with = copies_of(groups)
        found = {
            Queue.CONFLICTS: list(queues.label_conflicts(groups)),
            Queue.LABEL_ERRORS: list(queues.label_errors(audited, one_with)),
            Queue.OFF_TOPIC: list(queues.off_topic(audited, one_with)),
            Queue.COPIES: list(queues.copies(groups, bridges, self._settings)),
            Queue.WRONG: list(queues.called_wrong(reviews, one_with)),
        }
        pictures = self._pictures({name for entries in found.values() for one in entries for name in one.pictures})
        pictures = _kept_for_review(reviews) | pictures
        # What cannot be looked at is nothing to decide about by looking.
        shown = {queue: [one for one in found[queue] if pictures.keys() >= set(one.pictures)] for queue in Queue}
        group_of = dict(zip(groups["sha256"], groups["group_id"], strict=True))
        return Snapshot(shown, pictures, group_of, len(found[Queue.WRONG]) - len(shown[Queue.WRONG]))

    def _read(self, name: str, kinds: Mapping[str, str]) -> pd.DataFrame:
        path = self._root.table_path(name)
        if not path.exists():
            return pd.DataFrame(columns=list(kinds)).astype(dict(kinds))
        with path.open("rb") as file:
            return pd.read_parquet(file, columns=list(kinds))

    def _audited(self) -> pd.DataFrame:
        """Of the audit only what it suspects."""
        kinds = types_of(audit.AUDIT_COLUMNS)
        wanted = ["sha256", "klass", "label_score", "likely_error", "likely_class", "off_topic_score", "off_topic"]
        path = self._root.table_path(audit.TABLE)
        if not path.exists():
            return pd.DataFrame(columns=wanted).astype({name: kinds[name] for name in wanted})
        with path.open("rb") as file:
            suspected: Any = [[("likely_error", "==", True)], [("off_topic", "==", True)]]
            return pd.read_parquet(file, columns=wanted, filters=suspected)

    def _pictures(self, names: Collection[str]) -> dict[str, list[Seen]]:
        found: dict[str, list[Seen]] = {}
        for key in self._partitions:
            path = self._root.table_path("image_hashes", key)
            if names and path.exists():
                with path.open("rb") as file:
                    rows = pd.read_parquet(file, columns=_SHOWN_COLUMNS, filters=[("sha256", "in", list(names))])
                for row in rows[_SHOWN_COLUMNS].itertuples(index=False, name=None):
                    found.setdefault(row[0], []).append(Seen(*row[1:]))
        return found


def _kept_for_review(reviews: pd.DataFrame) -> dict[str, list[Seen]]:
    """Pictures that people brought to the page and let be kept; their size is not noted."""
    kept = reviews[reviews["format"] != ""].drop_duplicates("sha256")
    named = zip(kept["sha256"], kept["format"], kept["bytes"], strict=True)
    return {sha256: [Seen("", "", "", "", 0.0, kind, 0, 0, size)] for sha256, kind, size in named}
