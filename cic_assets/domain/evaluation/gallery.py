"""Which pictures the report shows, and in which order; how many there are is always told beside how many are shown."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
import pandas as pd

from cic_assets.domain.dataset import find_quality_issues
from cic_assets.domain.duplicates import KEPT_BY_SHARPNESS
from cic_assets.domain.evaluation.album import Album, Picture
from cic_assets.domain.evaluation.answers import Answers
from cic_assets.domain.evaluation.evidence import Evidence
from cic_assets.domain.evaluation.inputs import ReportInputs
from cic_assets.domain.evaluation.reject import nearest_training_pictures
from cic_assets.domain.evaluation.settings import ReportSettings
from cic_assets.domain.images import Tile, contact_sheet
from cic_assets.domain.models import AugmentationSettings, augmented

T = TypeVar("T")

_NONE: Mapping[str, int] = {}

MOST_BESIDE = 6
"""Pictures of a kind that are shown beside the nearest training picture."""

_REPRESENTATIVE = "representative"
"""`verified_by` of the picture that the others of its group were compared with."""


@dataclass(frozen=True, slots=True)
class Shown(Generic[T]):
    """Some of a number of things: nothing is hidden in silence."""

    items: list[T]
    total: int

    @property
    def counted(self) -> str:
        """`all 3`, or `24 of 310`."""
        return f"all {self.total}" if len(self.items) == self.total else f"{len(self.items)} of {self.total}"


@dataclass(frozen=True, slots=True)
class Answered:
    """A judged picture with what a model said of it.

    Attributes:
        truth: the class of its source.
        said: the model's answer.
        probability: that the model gave its answer.
        others: how many other models were judged on it.
        also_wrong: how many of those were wrong about it.
        where: the same picture with what spoke for the answer coloured; None where the model cannot tell.
    """

    picture: Picture
    truth: str
    said: str
    probability: float
    others: int = 0
    also_wrong: int = 0
    where: Picture | None = None


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture with its class."""

    picture: Picture
    klass: str


@dataclass(frozen=True, slots=True)
class Flagged:
    """A picture that is hard to learn from, with its class and its quality issues in words."""

    picture: Picture
    klass: str
    issues: str


@dataclass(frozen=True, slots=True)
class Resizing:
    """A picture as it came and as it is trained on, with both sizes in words."""

    before: Picture
    after: Picture
    klass: str
    size_before: tuple[int, int, int]
    """Width, height, bytes."""
    size_after: tuple[int, int, int]
    upscaled: bool

    @property
    def crop(self) -> tuple[float, float, float, float]:
        """The centre square that is kept: left, top, width and height in % of the picture as it came."""
        width, height, _ = self.size_before
        side = min(width, height)
        across, down = 100 * side / width, 100 * side / height
        return round((100 - across) / 2, 2), round((100 - down) / 2, 2), round(across, 2), round(down, 2)


@dataclass(frozen=True, slots=True)
class Member:
    """One picture of a duplicate group.

    Attributes:
        distance: from the group's representative, 0 (the same) to 1, by the measure `verified_by`.
        verified_by: empty for the representative itself.
        is_sharper: it is kept though another is larger, which was enlarged from it.
    """

    picture: Picture
    klass: str
    kept: bool
    distance: float
    verified_by: str
    is_sharper: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures that are one picture, the kept one first."""

    members: Shown[Member]


@dataclass(frozen=True, slots=True)
class Beside:
    """A test picture and the training picture that is nearest to it.

    Attributes:
        distance: 0 the same, 1 nothing in common.
    """

    picture: Picture
    klass: str
    known: Picture
    known_klass: str
    distance: float


class Gallery:
    """Chooses the report's pictures."""

    def __init__(self, inputs: ReportInputs, settings: ReportSettings) -> None:
        self._inputs = inputs
        self._settings = settings
        self._album = Album(inputs, settings)
        self._evidence = Evidence(inputs.folders)
        self._source = dict(zip(inputs.manifest["sha256"], inputs.manifest["subreddit"], strict=True))

    def mistakes(self, name: str, limit: int) -> Shown[Answered]:
        """Wrong answers of a model on the pictures that it is judged on, the surest first."""
        rows = self._answers(name)
        wrong = rows[~rows["right"]].sort_values(["doubt", "sha256"])
        others = [self._answers(other) for other in self._inputs.models if other != name]
        asked = Counter(sha256 for other in others for sha256 in other["sha256"])
        also = Counter(sha256 for other in others for sha256 in other.loc[~other["right"], "sha256"])
        shown = self._answered(wrong, limit, asked, also)
        named = zip(shown.items, wrong["sha256"].head(len(shown.items)), strict=True)
        return replace(shown, items=[self._with_where(name, item, sha256) for item, sha256 in named])

    def mistakes_sheet(self, name: str, tiles: int = 18) -> bytes | None:
        """The surest wrong answers of a model on one contact sheet, a JPEG of at most 100 kB; None without mistakes."""
        rows = self._answers(name)
        wrong = rows[~rows["right"]].sort_values(["doubt", "sha256"]).head(tiles)
        shown = [
            Tile(rgb, f"was {row['klass']}, said {row['predicted']} {row['probability']:.0%}")
            for row in wrong.to_dict("records")
            if (rgb := self._album.resized_pixels(row["sha256"])) is not None
        ]
        return contact_sheet(shown) if shown else None

    def most_certain(self, name: str) -> Shown[Answered]:
        """Right answers of a model, the surest first."""
        return self._right_ones(name, surest_first=True)

    def least_certain(self, name: str) -> Shown[Answered]:
        """Right answers of a model, the least sure first."""
        return self._right_ones(name, surest_first=False)

    def wrong_beside_known(self, name: str) -> Shown[Beside]:
        """Wrong answers of a model, the surest first, each beside the training picture that is nearest to it."""
        rows = self._answers(name)
        wrong = rows[~rows["right"]].sort_values(["doubt", "sha256"])["sha256"]
        return self._beside(name, list(wrong))

    def nearest_beside_known(self, name: str) -> Shown[Beside]:
        """The test pictures that are nearest to a training picture: one may be a copy that was not found."""
        near = nearest_training_pictures(self._inputs.models[name])
        return self._beside(name, sorted(near, key=lambda sha256: near[sha256][1]))

    def _beside(self, name: str, pictures: Sequence[str]) -> Shown[Beside]:
        near = nearest_training_pictures(self._inputs.models[name])
        known = [sha256 for sha256 in pictures if sha256 in near and near[sha256][0] in self._source]
        klass_of = dict(zip(self._inputs.manifest["sha256"], self._inputs.manifest["klass"], strict=True))
        shown = []
        for sha256 in known[: min(MOST_BESIDE, self._settings.mistakes)]:
            other, distance = near[sha256]
            pair = self.resized(sha256), klass_of[sha256], self.resized(other), klass_of[other]
            shown.append(Beside(*pair, distance))
        return Shown(shown, len(known))

    def samples(self) -> dict[str, Shown[Labelled]]:
        """Pictures of each class, spread evenly over the set."""
        classes = self._inputs.dataset.classes
        each = max(1, min(self._settings.samples_per_class, self._settings.sample_pictures // len(classes)))
        manifest = self._inputs.manifest
        samples = {}
        for klass in classes[: self._settings.sample_pictures]:
            rows = manifest[manifest["klass"] == klass].sort_values("sha256")
            chosen = _spread(list(rows["sha256"]), each)
            samples[klass] = Shown([Labelled(self.resized(sha256), klass) for sha256 in chosen], len(rows))
        return samples

    def resizing(self) -> Shown[Resizing]:
        """Before and after, over the classes and over shapes from the tallest to the widest."""
        manifest = self._inputs.manifest
        rows = manifest.assign(shape=manifest["width"] / manifest["height"]).sort_values(["shape", "sha256"])
        chosen = _in_turns(_by_class(rows), self._settings.resized)
        facts = {row["sha256"]: row for row in manifest[manifest["sha256"].isin(chosen)].to_dict("records")}
        return Shown([self._before_and_after(sha256, facts[sha256]) for sha256 in chosen], len(manifest))

    def augmented(self, settings: AugmentationSettings, seed: int) -> list[Labelled]:
        """Training pictures, varied as training varies them."""
        train = self._inputs.manifest[self._inputs.manifest["split"] == "train"].sort_values("sha256")
        klass_of = dict(zip(train["sha256"], train["klass"], strict=True))
        pixels = {
            sha256: self._album.resized_pixels(sha256)
            for sha256 in _in_turns(_by_class(train), self._settings.augmented)
        }
        there = {sha256: rgb for sha256, rgb in pixels.items() if rgb is not None}
        if not there:
            return []
        varied = augmented(np.stack(list(there.values())), settings, seed)
        return [
            Labelled(self._album.of_pixels(rgb, sha256), klass_of[sha256])
            for sha256, rgb in zip(there, varied, strict=True)
        ]

    def quality_issues(self) -> Shown[Flagged]:
        """Pictures that are hard to learn from, those with the most issues first."""
        rows = find_quality_issues(self._inputs.manifest)
        shown = [
            Flagged(self.resized(row["sha256"]), str(row["klass"]), str(row["issues"]))
            for row in rows.head(self._settings.quality_issues).to_dict("records")
        ]
        return Shown(shown, len(rows))

    def groups(self) -> Shown[Group]:
        """Duplicate groups within a class, the least alike first: those that a person may want to doubt."""
        table = self._inputs.groups
        return self._grouped(table[~table["label_conflict"].astype(bool)])

    def conflicts(self) -> Shown[Group]:
        """Pictures that were posted under two classes."""
        table = self._inputs.groups
        return self._grouped(table[table["label_conflict"].astype(bool)])

    def _answers(self, name: str) -> pd.DataFrame:
        return _with_doubt(self._inputs.judged(name))

    def resized(self, sha256: str) -> Picture:
        """A picture of the data set, as the models get it."""
        return self._album.resized(sha256, self._source[sha256])

    def _right_ones(self, name: str, *, surest_first: bool) -> Shown[Answered]:
        rows = self._answers(name)
        right = rows[rows["right"]].sort_values(["doubt", "sha256"], ascending=[surest_first, True])
        return self._answered(right, self._settings.certain)

    def _answered(
        self, rows: pd.DataFrame, limit: int, others: Mapping[str, int] = _NONE, also_wrong: Mapping[str, int] = _NONE
    ) -> Shown[Answered]:
        items = [
            Answered(
                self.resized(row["sha256"]),
                truth=row["klass"],
                said=row["predicted"],
                probability=float(row["probability"]),
                others=others.get(row["sha256"], 0),
                also_wrong=also_wrong.get(row["sha256"], 0),
            )
            for row in rows.head(limit).to_dict("records")
        ]
        return Shown(items, len(rows))

    def _with_where(self, name: str, item: Answered, sha256: str) -> Answered:
        square = self._album.square(sha256)
        drawn = None if square is None else self._evidence.drawn_over(name, square, item.said)
        return item if drawn is None else replace(item, where=self._album.of_pixels(drawn, sha256))

    def _before_and_after(self, sha256: str, facts: Mapping[Hashable, Any]) -> Resizing:
        side = self._inputs.dataset.side
        return Resizing(
            self._album.original(sha256, self._source[sha256]),
            self.resized(sha256),
            str(facts["klass"]),
            (int(facts["width"]), int(facts["height"]), int(facts["bytes"])),
            (side, side, int(facts["bytes_after"])),
            bool(facts["upscaled"]),
        )

    def _grouped(self, table: pd.DataFrame) -> Shown[Group]:
        farthest = table.groupby("group_id")["distance"].max()
        names = list(farthest.sort_index().sort_values(ascending=False, kind="stable").index)
        rows = table.sort_values(["keep", "distance", "sha256"], ascending=[False, True, True])
        by_name = dict(list(rows[rows["group_id"].isin(names[: self._settings.groups])].groupby("group_id")))
        return Shown([self._group(by_name[name]) for name in names[: self._settings.groups]], len(names))

    def _group(self, rows: pd.DataFrame) -> Group:
        members = [
            Member(
                self._album.original(row["sha256"], row["subreddit"]),
                klass=row["klass"],
                kept=int(row["keep"]) == 1,
                distance=float(row["distance"]),
                verified_by="" if row["verified_by"] == _REPRESENTATIVE else str(row["verified_by"]),
                is_sharper=row.get("kept_by") == KEPT_BY_SHARPNESS,
            )
            for row in rows.head(self._settings.group_pictures).to_dict("records")
        ]
        return Group(Shown(members, len(rows)))


def _with_doubt(answers: Answers) -> pd.DataFrame:
    """The answers with `probability`, `right`, and `doubt`: all that the other classes got.

    Doubt is the finer measure: among answers of probability 1.0 in 32 bits it still tells 1e-9 from 1e-30.
    """
    table = np.sort(answers.probabilities, axis=1)
    return answers.table.assign(probability=table[:, -1], doubt=table[:, :-1].sum(axis=1), right=answers.right)


def _by_class(rows: pd.DataFrame) -> dict[str, list[str]]:
    return {str(klass): list(group["sha256"]) for klass, group in rows.groupby("klass")}


def _spread(items: Sequence[T], count: int) -> list[T]:
    """At most `count` of some items, evenly from the first to the last."""
    places = np.linspace(0, len(items) - 1, min(count, len(items))).round()
    return [items[int(place)] for place in places]


def _in_turns(by_class: Mapping[str, Sequence[str]], count: int) -> list[str]:
    """`count` items, from each class in turn, spread evenly over each class."""
    each = -(-count // max(1, len(by_class)))
    columns: Iterable[list[str]] = [_spread(items, each) for items in by_class.values()]
    padded = [[*column, *[""] * (each - len(column))] for column in columns]
    return [item for row in zip(*padded, strict=True) for item in row if item][:count]
