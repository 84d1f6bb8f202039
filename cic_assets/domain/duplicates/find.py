"""Groups of pictures that are the same picture, over all sources: proposed, verified, and with what to keep."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.candidates import Candidates, likely_pairs, twins_of
from cic_assets.domain.duplicates.currency import sign
from cic_assets.domain.duplicates.groups import ITSELF, Links, Member, find_bridges, group_pictures, open_pairs
from cic_assets.domain.duplicates.keepers import Keepers, Looked
from cic_assets.domain.duplicates.looks import Looks, gather
from cic_assets.domain.duplicates.settings import DuplicateSettings
from cic_assets.domain.duplicates.verdicts import Verdicts
from cic_assets.domain.duplicates.verify import Verifier
from cic_assets.domain.images import OnLeftOut
from cic_assets.domain.overrides import Kept, Overrides
from cic_assets.domain.places import are_among, are_first, order_by
from cic_assets.domain.schema import Column, types_of
from cic_assets.engine import Engine, Threads

COLUMNS: Mapping[str, Column] = {
    "sha256": Column("str", "of the picture"),
    "subreddit": Column("str", "the source that the row is of"),
    "klass": Column("str", "the class of that source"),
    "group_id": Column("str", "SHA-256 of the group's representative"),
    "keep": Column("int64", "1 for the one row of the group that is kept, else 0"),
    "distance": Column("float64", "0 (identical) to 1, by the measure in `verified_by`"),
    "verified_by": Column(
        "str",
        "why it is the same picture as `verified_against`: representative (it is that itself), sha256, pixels, "
        "phash256, alignment (both also mirrored, alignment also turned) or override",
    ),
    "verified_against": Column("str", "SHA-256 of the representative, or of what a person says is the same as it"),
    "label_conflict": Column("bool", "the group is of more than one class, and no person said which is right"),
    "kept_by": Column(
        "str",
        "why it is the one that is kept: largest (has most pixels, of equals it is compressed least, and so on), "
        "sharpness (the largest was enlarged from it) or override; empty where it is not kept",
    ),
}
"""Columns of the table of duplicates."""

BRIDGE_COLUMNS: Mapping[str, Column] = {
    "sha256": Column("str", "of a picture"),
    "verified_against": Column("str", "SHA-256 of a picture of another group, or of none, that it is the same as"),
    "verified_by": Column("str", "why, as in `duplicates`"),
    "distance": Column("float64", "0 (identical) to 1, by the measure in `verified_by`"),
}
"""Columns of the table of bridges."""

MEMBER_COLUMNS = ["sha256", "group_id", "distance", "verified_by", "verified_against"]

_OF_PICTURES = ["sha256", "pixels_sha256", "width", "height", "flatness", "_look"]
"""Columns that are asked of a picture: of a million, the others are as much again."""

_OF_ROWS = ["sha256", "subreddit", "klass"]
"""Columns that are asked of a row that is in a group."""

_HERE = Threads()

GROUPS_VERSION = 7
"""Of what is made of what the search found: another one, and groups are made again, of the same verdicts."""

_WORTH_WITH_BORDER = 0.95  # where a border ends is known to a line or two, so equal contents differ by some percent
KEPT_BY_A_PERSON, KEPT_BY_SIZE, KEPT_BY_SHARPNESS = "override", "largest", "sharpness"
SAME_FILE = "sha256"


class Duplicates(NamedTuple):
    """What was found.

    Attributes:
        groups: the columns of `COLUMNS`, a row for each row of the images that is in a group; groups in the order of
            their `group_id`, in each the kept first, or what would be if its class were known.
        bridges: the columns of `BRIDGE_COLUMNS`, a row for each pair of pictures that makes one component of two
            groups: with the groups they give all that hangs together by verified copies.
        verdicts: the columns of `VERDICT_COLUMNS`, a row for each pair whose pixels were compared, now or before.
    """

    groups: pd.DataFrame
    bridges: pd.DataFrame
    verdicts: pd.DataFrame


def find_duplicates(
    images: pd.DataFrame,
    load: Callable[[str], bytes],
    settings: DuplicateSettings,
    overrides: Overrides,
    before: Sequence[pd.DataFrame] = (),
    *,
    looks: Looks | None = None,
    keep: Callable[[pd.DataFrame], None] = lambda _verdicts: None,
    on_left_out: OnLeftOut = lambda _sha256, _why: None,
    engine: Engine = _HERE,
) -> Duplicates:
    """Find all groups of two or more rows that show one picture.

    The result depends on what the rows are, not on their order, and whether two pictures are one never depends on
    others. Of each group one row is kept: the one with the most pixels (borders apart), then the least compressed, then
    the earliest post, then the smallest id; but where the first by that was enlarged from another of its group, that
    other one. Where a group has pictures of more than one class, none is kept, unless a person named the right one.

    Args:
        images: one row a picture and source: `sha256`, `subreddit`, `klass`, `post_id`, `created_utc` (seconds),
            `width` and `height` (true pixels), `bytes`, and the columns of `images.Fingerprint` and `Descriptors`,
            but for those in `looks`.
        load: gives the bytes of a picture by its SHA-256; called from several threads.
        settings: how alike is the same.
        overrides: what a person decided, which goes before every measure.
        before: tables of verdicts of earlier runs: pictures that are in one are not searched for among each other
            again, and a pair that is in one is not compared again.
        looks: of the rows of `images`, by `gather`; where there are none, `images` has their columns.
        keep: takes the table of verdicts as far as it is, every `KEEP_SECONDS`, so that a kill costs no more than that.
        on_left_out: called for a picture that cannot be read, and so is compared by its fingerprint alone.
        engine: where pixels are compared. To one of other machines `load` is sent; what is proposed is found here.

    Returns:
        Groups, bridges and verdicts; empty tables, with the same columns, where there are no duplicates.

    Raises:
        OverridesError: decisions that contradict each other or do not tell which picture is meant.
        ValueError: a row of `images` is given twice.
    """
    if images.empty:
        groups = pd.DataFrame(columns=list(COLUMNS))
        return Duplicates(
            sign(groups, images, settings, overrides),
            _table_of_bridges(np.empty(0, object), []),
            Verdicts([], settings).table(),
        )
    light, looks = (images, looks) if looks is not None else gather([images])
    # What is the same is all that is asked of pixels: a number of 8 bytes tells it as 64 letters do.
    same_pixels = pd.factorize(light["pixels_sha256"])[0]
    order = _order_of_preference(light)
    firsts = order[~light["sha256"].iloc[order].duplicated().to_numpy()]
    pictures = light.assign(_look=np.arange(len(light)), pixels_sha256=same_pixels)[_OF_PICTURES].iloc[firsts]
    pictures = pictures.reset_index(drop=True)
    decided = overrides.resolved(pictures["sha256"])
    pictures = _kept_first(pictures, decided.keep)
    is_flat = pictures["flatness"].to_numpy() >= settings.flat_share
    looks = looks.at(pictures["_look"].to_numpy())
    verifier = Verifier(pictures, looks, is_flat, load, settings, on_left_out, before, keep, engine)
    known = verifier.kept
    known.add_search(*likely_pairs(looks, is_flat, ~known.is_searched, settings, known.proposed))
    verifier.keep()
    candidates = Candidates(verifier.kept.proposed, twins_of(pictures, np.flatnonzero(is_flat)))
    links = _links(pictures["sha256"], decided)
    verifier.compare_ahead(pair for pair in candidates.of_leaders() if links.leave_open(*pair))
    with_any = candidates.pictures().tolist()
    found = group_pictures(with_any, candidates.of, verifier.compare, links)
    pairs = open_pairs(with_any, found, candidates.of, links)
    bridging = find_bridges(pairs, found, verifier.compare, verifier.compare_ahead)
    bridges = _table_of_bridges(pictures["sha256"].to_numpy(), bridging)
    instead = _kept_instead(pictures, looks, load, settings, known, verifier.keep, on_left_out, found, links)
    found += _of_several_sources(light["sha256"], pictures, found)
    members = pd.DataFrame(_member_rows(pictures["sha256"].to_numpy(), found), columns=MEMBER_COLUMNS)
    is_member = np.asarray(are_among(light["sha256"], members["sha256"]))
    grouped = light[_OF_ROWS].iloc[order[is_member[order]]]
    groups = _judged(grouped.merge(members, on="sha256", validate="many_to_one"), decided.keep, instead)
    return Duplicates(sign(groups, images, settings, overrides), bridges, verifier.kept.table())


def _kept_instead(
    pictures: pd.DataFrame,
    looks: Looks,
    load: Callable[[str], bytes],
    settings: DuplicateSettings,
    known: Verdicts,
    keep: Callable[[], None],
    on_left_out: OnLeftOut,
    groups: Sequence[Sequence[Member]],
    links: Links,
) -> dict[str, str]:
    """By the SHA-256 of a leader that was enlarged from another of its group: of the one that is kept in its place."""

    def add(looked: Looked) -> None:
        known.add_finding(*looked)
        keep()

    keepers = Keepers(pictures, looks, load, settings.radius, known.finding, add, on_left_out)
    # What a person wants kept leads its group, and stays.
    instead = keepers.instead([group for group in groups if group[0].picture not in links.leaders])
    sha256s = pictures["sha256"].array
    return {sha256s[leader]: sha256s[kept] for leader, kept in instead.items()}


def _order_of_preference(images: pd.DataFrame) -> NDArray[np.int64]:
    """Places of the rows, what is kept first in front; the last keys make it the same whatever their order was."""
    is_again = ~are_first(images["sha256"])
    again = images[are_among(images["sha256"], images.loc[is_again, "sha256"])] if is_again.any() else images[:0]
    twice = again.duplicated(["sha256", "subreddit"])
    if twice.any():
        first = again[twice].iloc[0]
        raise ValueError(f"picture {first['sha256']} of {first['subreddit']} is given twice, expected one row a source")
    pixels = images["width"].astype(np.int64) * images["height"].astype(np.int64)
    worth = (pixels * _worth_of_shape(images)).round().to_numpy(np.float64)
    density = (images["bytes"] / pixels).to_numpy(np.float64)
    ranks = [-worth, -density, images["created_utc"].to_numpy(np.float64)]

    def of_equal(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        equal = images[["post_id", "sha256", "subreddit"]].iloc[rows].reset_index(drop=True)
        equal = equal.assign(**{f"_{number}": rank[rows] for number, rank in enumerate(ranks)})
        return equal.sort_values(["_0", "_1", "_2", "post_id", "sha256", "subreddit"]).index.to_numpy()

    return order_by(ranks, of_equal)


def _worth_of_shape(images: pd.DataFrame) -> pd.Series:
    """The share of a picture that is no border, less a little where there is one."""
    content = (images["content_right"] - images["content_left"]) * (images["content_bottom"] - images["content_top"])
    return content.where(content == 1, content * _WORTH_WITH_BORDER)


def _kept_first(pictures: pd.DataFrame, keep: Iterable[Kept]) -> pd.DataFrame:
    chosen = pictures["sha256"].isin({kept.sha256 for kept in keep})
    return pd.concat([pictures[chosen], pictures[~chosen]], ignore_index=True)


def _links(sha256s: pd.Series, decided: Overrides) -> Links:
    named = {*chain(*decided.same_groups(), *decided.different), *(kept.sha256 for kept in decided.keep)}
    places = np.flatnonzero(sha256s.isin(named))
    at = dict(zip(sha256s.iloc[places], places.tolist(), strict=True))
    return Links(
        together=tuple(frozenset(at[name] for name in group) for group in decided.same_groups()),
        apart=frozenset(frozenset(at[name] for name in pair) for pair in decided.different),
        leaders=frozenset(at[kept.sha256] for kept in decided.keep),
    )


def _of_several_sources(
    sha256s: "pd.Series[str]", pictures: pd.DataFrame, groups: list[list[Member]]
) -> list[list[Member]]:
    """A group of its own for each picture that is like no other, but is in several sources."""
    grouped = {member.picture for group in groups for member in group}
    repeated = pictures["sha256"].isin(sha256s[sha256s.duplicated()])
    return [[Member(at, at, ITSELF)] for at in np.flatnonzero(repeated).tolist() if at not in grouped]


def _member_rows(sha256s: NDArray[np.object_], groups: list[list[Member]]) -> Iterator[dict[str, object]]:
    for group in groups:
        for member in group:
            yield {
                "sha256": sha256s[member.picture],
                "group_id": sha256s[group[0].picture],
                "distance": member.verdict.distance,
                "verified_by": member.verdict.verified_by,
                "verified_against": sha256s[member.against],
            }


def _table_of_bridges(sha256s: NDArray[np.object_], bridges: list[Member]) -> pd.DataFrame:
    rows = [
        (sha256s[one.picture], sha256s[one.against], one.verdict.verified_by, one.verdict.distance) for one in bridges
    ]
    return pd.DataFrame(rows, columns=list(BRIDGE_COLUMNS)).astype(types_of(BRIDGE_COLUMNS))


def _judged(grouped: pd.DataFrame, keep: tuple[Kept, ...], instead: Mapping[str, str]) -> pd.DataFrame:
    """The table, from rows in the order of preference with their groups, and what is kept instead of who leads one."""
    by_group, klass = grouped["group_id"], grouped["klass"]
    by_hand = _is_kept_by_hand(grouped, keep)
    # A person's choice settles the class, unless it is of two classes itself.
    is_settled = klass.where(by_hand).groupby(by_group).transform("nunique") == 1
    in_doubt = ~is_settled & (klass.groupby(by_group).transform("nunique") > 1)
    leads = grouped["sha256"] == by_group
    is_best = grouped["sha256"] == by_group.map(lambda leader: instead.get(leader, leader))
    may_keep = by_hand.where(is_settled, is_best) & ~in_doubt
    is_kept = may_keep & ~by_group.where(may_keep).duplicated()
    of_same_file = leads & grouped["sha256"].duplicated()
    kept_by = pd.Series(KEPT_BY_SIZE, grouped.index, dtype="str").mask(~leads, KEPT_BY_SHARPNESS)
    table = grouped.assign(
        keep=is_kept.astype(int),
        kept_by=kept_by.mask(by_hand, KEPT_BY_A_PERSON).where(is_kept, ""),
        label_conflict=in_doubt,
        verified_by=grouped["verified_by"].mask(of_same_file, SAME_FILE).mask(by_hand & is_kept, KEPT_BY_A_PERSON),
        _is_best=is_best,
        _leads=leads,
    )
    first = ["keep", "_is_best", "_leads"]
    table = table.sort_values(["group_id", *first], ascending=[True, *[False] * len(first)], kind="stable")
    return table[list(COLUMNS)].reset_index(drop=True)


def _is_kept_by_hand(rows: pd.DataFrame, keep: tuple[Kept, ...]) -> pd.Series:
    sources: dict[str, set[str | None]] = {}
    for kept in keep:
        sources.setdefault(kept.sha256, set()).add(kept.subreddit)
    named = zip(rows["sha256"], rows["subreddit"], strict=True)
    chosen = [not {None, subreddit}.isdisjoint(sources.get(sha256, ())) for sha256, subreddit in named]
    return pd.Series(chosen, index=rows.index, dtype=bool)
