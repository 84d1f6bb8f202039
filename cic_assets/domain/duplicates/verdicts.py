"""What the search found out of pairs of pictures, kept: nothing is searched or compared twice, however often this runs.

Which pictures were searched is kept with the pairs that the search proposed of them, with what comparing their pixels
gave, and with which of two was enlarged from the other: in one table, so that no kill can leave one without the other.
"""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.fingerprints import VERSION
from cic_assets.domain.duplicates.settings import DuplicateSettings
from cic_assets.domain.duplicates.sharpness import Finding
from cic_assets.domain.schema import Column
from cic_assets.storage import content_version

SEARCH_VERSION = 6
"""Of the search for duplicates: another one, and all is searched, and compared, again."""

SHARPNESS_VERSION = 1
"""Of what tells an enlarged copy: another one, and that alone is looked at again."""

VERDICTS = "verdicts"
"""The table of them."""

UNFINISHED_VERDICTS = "unfinished_verdicts"
"""The table of what a run has compared until its own is written."""

VERDICT_COLUMNS: Mapping[str, Column] = {
    "one": Column("uint64", "of a picture: the first 64 bits of its SHA-256"),
    "other": Column("uint64", "of another, the larger of the two numbers; or of the same, see 5 and 6"),
    "verified_by": Column(
        "int64",
        "0: they are two pictures, 1: one by alignment, 2: mirrored, 3: turned; 4: may be one, and their pixels needed "
        "no comparing; 5: no pair but one picture, which was searched for among all that are here; 6: the same of one "
        "in a crowd, which was alike to more than it is paired with; beside that, of a pair that is one: 7: the one "
        "with more pixels was enlarged from the other, 8: it was not, 9: neither is sure",
    ),
    "distance": Column("float64", "1 less the correlation; 0 where none was computed"),
}
"""Columns of the table of verdicts."""

_MEASURES = ("alignment", "alignment mirrored", "alignment turned")
_PROPOSED, _SEARCHED, _CUT = 4, 5, 6
_FINDINGS = (Finding.ENLARGED, Finding.OWN_DETAIL, Finding.UNSURE)
_ENLARGED = 7  # the first of them
_FEWEST_OF_CROWD = 32
"""Pictures of a crowd that are left of those that another was paired with: with fewer it is searched for again."""
_RULES = "compared_by"
_SHARPNESS = "sharpness_by"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Two pictures are the same.

    Attributes:
        verified_by: the measure that says so.
        distance: by that measure, from 0 (identical) to 1: the share of the 256 bits, or 1 less the correlation.
    """

    verified_by: str
    distance: float


def short_ids(sha256s: Iterable[str]) -> NDArray[np.uint64]:
    """(N,) what stands for pictures in the table: half the room of all else that tells them apart."""
    return np.fromiter((int(sha256[:16], 16) for sha256 in sha256s), np.uint64)


class Verdicts:
    """Of pairs of some pictures, by position: those of earlier runs, and what is added."""

    def __init__(
        self, sha256s: Sequence[str], settings: DuplicateSettings, before: Sequence[pd.DataFrame] = ()
    ) -> None:
        """Take over what is known.

        Args:
            sha256s: of the pictures.
            settings: how alike is the same.
            before: tables of earlier runs; what was compared by other rules is left out, and so are pairs with a
                picture that is not among these.
        """
        self._ids = short_ids(sha256s)
        self._rules = _rules(settings)
        self._count = len(self._ids)
        tables = [table for table in before if table.attrs.get(_RULES) == self._rules]
        found = pd.concat(tables) if tables else pd.DataFrame(columns=list(VERDICT_COLUMNS))
        measures = found["verified_by"].to_numpy(np.int8)
        order = np.argsort(self._ids)
        places = np.searchsorted(self._ids, (ends := found[["one", "other"]].to_numpy(np.uint64)), sorter=order)
        at = order[np.minimum(places, self._count - 1)] if self._count else np.zeros(ends.shape, np.int64)
        is_here = (self._ids[at] == ends).all(axis=1) if self._count else np.zeros(len(ends), bool)
        self._searched = np.zeros(self._count, bool)
        is_one = is_here & ((measures == _SEARCHED) | (measures == _CUT))
        # They were searched among each other: of two tables, what one alone has was never compared with the other's.
        of_table = np.repeat(np.arange(len(tables)), np.array([len(table) for table in tables], np.int64))
        fullest = np.bincount(of_table[is_one], minlength=1).argmax()
        self._searched[at[is_one & (of_table == fullest), 0]] = True
        self._is_cut = np.zeros(self._count, bool)
        self._is_cut[at[is_one & (measures == _CUT), 0]] = True
        is_pair = is_here & (measures < _SEARCHED)
        self._proposed = np.unique(self._keys(at[is_pair, 0], at[is_pair, 1]))
        pairs_of = np.bincount(self.proposed.ravel(), minlength=self._count)
        self._searched[self._is_cut & (pairs_of < _FEWEST_OF_CROWD)] = False
        is_compared = is_pair & (measures != _PROPOSED)
        self._known, first = np.unique(self._keys(at[is_compared, 0], at[is_compared, 1]), return_index=True)
        self._measures = measures[is_compared][first]
        self._distances = found["distance"].to_numpy(np.float64)[is_compared][first]
        self._added = array("q"), array("b"), array("d")
        is_by_same = [table.attrs.get(_SHARPNESS) == SHARPNESS_VERSION for table in tables]
        is_finding = is_here & (measures >= _ENLARGED) & np.array(is_by_same, bool)[of_table]
        keys = self._keys(at[is_finding, 0], at[is_finding, 1]).tolist()
        self._findings = dict(zip(keys, measures[is_finding].tolist(), strict=True))

    @property
    def is_searched(self) -> NDArray[np.bool_]:
        """(n,) which of the pictures have been searched for among each other."""
        return self._searched

    @property
    def proposed(self) -> NDArray[np.int64]:
        """(m, 2): the pairs that may be one, of those that were searched; ascending, the smaller position first."""
        return np.stack(np.divmod(self._proposed, max(1, self._count)), axis=1)

    def add_search(self, pairs: NDArray[np.int64], is_cut: NDArray[np.bool_]) -> None:
        """Keep that all pictures are searched, pairs that were not known to be proposed, and who is alike to more."""
        self._is_cut = (self._is_cut & self._searched) | is_cut
        self._proposed = np.union1d(self._proposed, self._keys(pairs[:, 0], pairs[:, 1]))
        self._searched[:] = True

    def known(self, pairs: Sequence[tuple[int, int]]) -> dict[tuple[int, int], Verdict | None]:
        """Of some pairs those that were compared in an earlier run: None for two pictures."""
        if not len(self._known) or not pairs:
            return {}
        ends = np.array(pairs, np.int64)
        keys = self._keys(ends[:, 0], ends[:, 1])
        at = np.minimum(np.searchsorted(self._known, keys), len(self._known) - 1)
        return {pairs[row]: self._verdict(int(at[row])) for row in np.flatnonzero(self._known[at] == keys).tolist()}

    def add(self, one: int, other: int, verdict: Verdict | None) -> None:
        """Keep what was found out of a pair."""
        keys, measures, distances = self._added
        keys.append(min(one, other) * self._count + max(one, other))
        measures.append(_MEASURES.index(verdict.verified_by) + 1 if verdict else 0)
        distances.append(verdict.distance if verdict else 0.0)

    def finding(self, one: int, other: int) -> Finding | None:
        """Whether one of two copies was enlarged from the other; None where they were not looked at."""
        found = self._findings.get(min(one, other) * self._count + max(one, other))
        return None if found is None else _FINDINGS[found - _ENLARGED]

    def add_finding(self, one: int, other: int, finding: Finding) -> None:
        """Keep that."""
        self._findings[min(one, other) * self._count + max(one, other)] = _ENLARGED + _FINDINGS.index(finding)

    def table(self) -> pd.DataFrame:
        """All, to be kept: `VERDICT_COLUMNS`."""
        added, measures, distances = (np.array(part) for part in self._added)
        compared = np.concatenate([self._known, added.astype(np.int64)])
        waiting = np.setdiff1d(self._proposed, compared)
        searched = np.flatnonzero(self._searched)
        how = np.where(self._is_cut[searched], _CUT, _SEARCHED)
        findings = np.array(list(self._findings.items()), np.int64).reshape(-1, 2)
        keys = np.concatenate([compared, waiting, self._keys(searched, searched), findings[:, 0]])
        others = len(waiting) + len(searched) + len(findings)
        ends = np.stack(np.divmod(keys, max(self._count, 1)))
        ends = np.sort(self._ids[ends], axis=0)
        table = pd.DataFrame(
            {
                "one": ends[0],
                "other": ends[1],
                "verified_by": np.concatenate(
                    [self._measures, measures.astype(np.int8), np.full(len(waiting), _PROPOSED), how, findings[:, 1]]
                ).astype(np.int64),
                "distance": np.concatenate([self._distances, distances.astype(np.float64), np.zeros(others)]),
            }
        )
        # A pair has a verdict, and may have a finding: one row each.
        is_twice = table.assign(is_finding=table["verified_by"] >= _ENLARGED).duplicated(["one", "other", "is_finding"])
        table = table[~is_twice].sort_values(["one", "other", "verified_by"], ignore_index=True)
        table.attrs[_RULES] = self._rules
        table.attrs[_SHARPNESS] = SHARPNESS_VERSION
        return table

    def _keys(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.asarray(np.minimum(one, other) * self._count + np.maximum(one, other), np.int64)

    def _verdict(self, at: int) -> Verdict | None:
        measure = int(self._measures[at])
        return Verdict(_MEASURES[measure - 1], float(self._distances[at])) if measure else None


def count_compared(table: pd.DataFrame) -> int:
    """Of how many pairs in a table of verdicts the pixels were compared."""
    return int((table["verified_by"] < _PROPOSED).sum())


def without_pictures(table: pd.DataFrame, sha256s: Iterable[str]) -> pd.DataFrame:
    """A table of verdicts without those on some pictures."""
    gone = short_ids(sha256s)
    return table[~(table["one"].isin(gone) | table["other"].isin(gone))].reset_index(drop=True)


def _rules(settings: DuplicateSettings) -> str:
    """What a verdict depends on, beside the two pictures."""
    of_settings: dict[str, Any] = settings.model_dump(exclude={"overrides"})
    return content_version(SEARCH_VERSION, VERSION, of_settings)
