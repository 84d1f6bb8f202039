"""What a person decided about classes, laid over what the sources say: nothing that was scraped or made changes.

Splits do not hang on it: all that are kept are divided, by the classes of their sources, and what is of no class is
left out afterwards. So a decision moves no other picture, and one that is taken back brings its own to its old side.
"""

from collections.abc import Mapping
from typing import NamedTuple

import pandas as pd

from cic_assets.domain.overrides import DecidedGroups, LabelDecisions
from cic_assets.domain.schema import Column


class Overlaid(NamedTuple):
    """Pictures as a person wants them.

    Attributes:
        pictures: all, with `klass` by a person's word or the source's, `klass_given` (the source's), `by_hand` (a
            person said the class, be it the same), and `is_in_set`: those without it are not trained on.
        left_out: how many are left out by hand, by source; those in two classes, which wait for a label, not counted.
        waiting: pictures in two classes about which nothing is decided.
        unknown: decisions about pictures that are not there (any more, or yet), nor is a copy of them.
        copies: the table of `DECIDED_COLUMNS`, to be given again the next time.
    """

    pictures: pd.DataFrame
    left_out: dict[str, int]
    waiting: int
    unknown: int
    copies: pd.DataFrame


DECIDED = "decided_copies"
"""The name of the table."""

DECIDED_COLUMNS: Mapping[str, Column] = {
    "sha256": Column("str", "of a picture about which something is decided, or of a copy of it"),
    "decision": Column("str", "a hash of the picture's name as it stands in overrides.yaml"),
}
"""Columns of the table of which pictures are meant by decisions, so that these hold when a copy alone is left."""


def lay_over(
    pictures: pd.DataFrame, groups: pd.DataFrame, decisions: LabelDecisions, before: pd.DataFrame | None = None
) -> Overlaid:
    """Pictures with the classes that a person gave them, or their sources; marked which have one at all.

    Args:
        pictures: columns `sha256, subreddit, group_id, klass` (of the source) and whatever else, one row a picture;
            `label_conflict` marks those in two classes.
        groups: columns `sha256, group_id` of all copies: a decision about one is about the one that is kept.
        decisions: what a person said.
        before: `copies` of the last time.

    Raises:
        OverridesError: decisions that contradict each other or do not tell which picture is meant.
    """
    known = pd.concat([pictures[["sha256", "group_id"]], groups[["sha256", "group_id"]]])
    earlier = pd.DataFrame(columns=list(DECIDED_COLUMNS), dtype="str") if before is None else before
    meant = known[decisions.may_be_about(known["sha256"]) | known["sha256"].isin(earlier["sha256"])]
    decided = decisions.of_groups(
        dict(zip(meant["sha256"], meant["group_id"], strict=True)),
        {str(decision): list(rows) for decision, rows in earlier.groupby("decision")["sha256"]},
    )
    of_none = pictures["group_id"].isin([group for group, klass in decided.classes.items() if klass is None])
    said = pictures["group_id"].map({group: klass for group, klass in decided.classes.items() if klass is not None})
    by_hand, in_doubt = said.notna(), _in_doubt(pictures)
    overlaid = pictures.drop(columns="label_conflict", errors="ignore").assign(
        klass=said.where(by_hand, pictures["klass"]).astype("str"),
        klass_given=pictures["klass"],
        by_hand=by_hand,
        is_in_set=~of_none & (by_hand | ~in_doubt),
    )
    return Overlaid(
        overlaid,
        _by_source(pictures[of_none & ~in_doubt]),
        waiting=int((in_doubt & ~by_hand & ~of_none).sum()),
        unknown=decided.unknown,
        copies=_copies(known, decided, earlier),
    )


def count_relabelled(manifest: pd.DataFrame) -> dict[str, int]:
    """How many pictures of each source are of another class than it is; of a manifest of before, none."""
    if "klass_given" not in manifest:
        return {}
    return _by_source(manifest[manifest["klass"] != manifest["klass_given"]])


def _copies(known: pd.DataFrame, decided: DecidedGroups, earlier: pd.DataFrame) -> pd.DataFrame:
    meant = pd.DataFrame(decided.groups.items(), columns=["decision", "group_id"], dtype="str")
    now = known[known["group_id"].isin(meant["group_id"])].drop_duplicates().merge(meant, on="group_id")
    rows = pd.concat([now, earlier[earlier["decision"].isin(decided.orphans)]])[list(DECIDED_COLUMNS)]
    return rows.astype("str").sort_values(list(DECIDED_COLUMNS), ignore_index=True)


def _in_doubt(pictures: pd.DataFrame) -> "pd.Series[bool]":
    if "label_conflict" not in pictures:  # of an earlier version, which kept none of them
        return pd.Series(False, index=pictures.index)
    return pictures["label_conflict"].astype(bool)


def _by_source(pictures: pd.DataFrame) -> dict[str, int]:
    return {str(source): int(count) for source, count in pictures.groupby("subreddit").size().items()}
