"""The queues, out of the tables: which entries there are, what speaks for each, and in which order they come."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import islice

import pandas as pd

from cic_assets.domain.audit import likely_label_errors, of_no_class
from cic_assets.domain.duplicates import DuplicateSettings
from cic_assets.domain.hostile import plain_text
from cic_assets.domain.review.entries import Entry, Queue, listed, percent

NEAR_THE_LIMIT = 0.5
"""Of the distance that two pictures may have to be one, laid on each other: what is farther apart is asked about.
Nearly all copies measured within half of it (`DuplicateSettings.correlation`)."""

SHOWN = 6
"""Pictures of one group that are shown."""

GROUP_COLUMNS = [
    "sha256", "subreddit", "klass", "group_id", "distance", "verified_by", "verified_against", "label_conflict",
]  # fmt: skip

Copies = Mapping[str, frozenset[str]]
"""By a picture's SHA-256, those of all that are one with it, its own among them."""


def copies_of(groups: pd.DataFrame) -> Copies:
    """Who is one with whom, of the table of duplicates."""
    pairs = list(zip(groups["sha256"], groups["group_id"], strict=True))
    members = defaultdict[str, set[str]](set)
    for sha256, group in pairs:
        members[group].add(sha256)
    whole = {group: frozenset(names) for group, names in members.items()}
    return {sha256: whole[group] for sha256, group in pairs}


def near_the_limit(groups: pd.DataFrame, bridges: pd.DataFrame, settings: DuplicateSettings) -> pd.DataFrame:
    """Pairs that were found to be one by their pixels alone, and hardly: `sha256`, `verified_against`, `distance`."""
    limit = 1 - settings.correlation
    found = pd.concat([table[["sha256", "verified_against", "verified_by", "distance"]] for table in (groups, bridges)])
    by_pixels = found["verified_by"].astype(str).str.startswith("alignment")
    near = found[by_pixels & (found["distance"] > NEAR_THE_LIMIT * limit)]
    return near.drop_duplicates(["sha256", "verified_against"]).sort_values(
        ["distance", "sha256"], ascending=[False, True], ignore_index=True
    )


def copies(groups: pd.DataFrame, bridges: pd.DataFrame, settings: DuplicateSettings) -> Iterator[Entry]:
    """Copies near the limit, the nearest to it first."""
    near, one_with = near_the_limit(groups, bridges, settings), copies_of(groups)
    for row in near.to_dict("records"):
        first, other = row["verified_against"], row["sha256"]
        mirrored = " once one is mirrored" if "mirrored" in row["verified_by"] else ""
        why = (
            f"Laid on each other{mirrored}, four fifths of their parts correlate by {1 - row['distance']:.2f} or more; "
            f"from {settings.correlation:.2f} on they count as one picture."
        )
        together = one_with.get(first, frozenset({first}))
        yield Entry(Queue.COPIES, (first, other), together | {first}, (why,), pair=True)


class _InDoubt:
    """A group of two classes: who is in it, whose pictures they are by class, and how far they are apart at most."""

    def __init__(self, group: str) -> None:
        self.group, self.distance = group, 0.0
        self.names = {group: None}
        self.sources = defaultdict[str, set[str]](set)

    def add(self, sha256: str, subreddit: str, klass: str, distance: float) -> None:
        self.names[sha256] = None
        self.sources[klass].add(subreddit)
        self.distance = max(self.distance, distance)


def label_conflicts(groups: pd.DataFrame) -> Iterator[Entry]:
    """Groups of two classes, those first that are least surely one picture."""
    doubt = groups[groups["label_conflict"].astype(bool)]
    found: dict[str, _InDoubt] = {}
    # Tens of thousands of a million pictures: a table for each would take minutes.
    columns = (doubt[name].tolist() for name in ("group_id", "sha256", "subreddit", "klass", "distance"))
    for group, sha256, subreddit, klass, distance in zip(*columns, strict=True):
        found.setdefault(group, _InDoubt(group)).add(sha256, str(subreddit), str(klass), distance)
    for one in sorted(found.values(), key=lambda one: (-one.distance, one.group)):
        names = tuple(one.names)
        sources = {klass: listed(sorted(of)) for klass, of in sorted(one.sources.items())}
        said = listed([f"{klass} (from {plain_text(of)})" for klass, of in sources.items()])
        yield Entry(
            Queue.CONFLICTS,
            tuple(islice(names, SHOWN)),
            frozenset(names),
            (
                f"One picture under {len(sources)} classes: {said}.",
                "It is left out until somebody says which is right.",
            ),
            pair=len(names) == 2,  # noqa: PLR2004 - of more, which are meant is not said by one key
        )


def label_errors(audited: pd.DataFrame, one_with: Copies) -> Iterator[Entry]:
    """Likely label errors, the surest first."""
    for row in likely_label_errors(audited).to_dict("records"):
        sha256, given, likely = row["sha256"], str(row["klass"]), str(row["likely_class"])
        why = (
            f"Its class in the data set is {given}. A simple model that has not seen it gives that "
            f"{percent(float(row['label_score']))}, and says {likely}."
        )
        yield Entry(Queue.LABEL_ERRORS, (sha256,), one_with.get(sha256, frozenset({sha256})), (why,), likely)


def off_topic(audited: pd.DataFrame, one_with: Copies) -> Iterator[Entry]:
    """Pictures of no class, the farthest first."""
    for row in of_no_class(audited).to_dict("records"):
        sha256 = row["sha256"]
        why = (
            f"Its class in the data set is {row['klass']}. It is farther from all others and from what each class is "
            f"like ({float(row['off_topic_score']):.2f} of 1) than pictures of this set are."
        )
        yield Entry(Queue.OFF_TOPIC, (sha256,), one_with.get(sha256, frozenset({sha256})), (why,))


def called_wrong(reviews: pd.DataFrame, one_with: Copies) -> Iterator[Entry]:
    """Pictures about which people called an answer wrong, those first that most did, then the latest."""
    latest = reviews.sort_values("reviewed_at", ascending=False, kind="stable")
    by_picture = {str(sha256): rows for sha256, rows in latest.groupby("sha256", sort=False)}
    for sha256, rows in sorted(by_picture.items(), key=lambda one: -len(one[1])):
        said = rows.drop_duplicates(["model", "label"]).head(3).to_dict("records")
        truths = rows["truth"].value_counts()
        models = [
            f"{plain_text(one['model'])} said {one['label']} ({percent(float(one['probability']))})" for one in said
        ]
        people = [f"{truth or 'none of these'} ({times})" for truth, times in truths.items()]
        yield Entry(
            Queue.WRONG,
            (sha256,),
            one_with.get(sha256, frozenset({sha256})),
            (f"{listed(models)}.", f"On the page people said that it is {listed(people)}."),
            str(truths.index[0]),
        )
