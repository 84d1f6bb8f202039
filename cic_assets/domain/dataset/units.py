"""What is divided into splits: units, pictures that tell so much of each other that they must be on one side.

A unit is a connected component over verified copies, equal pixels, pictures of one post, posts that repeat one another,
and pictures of one scene. Copies that were dropped connect too: a post with a copy of another's picture is in one unit
with it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd

from cic_assets.domain.components import Numbers, join_labels
from cic_assets.domain.media import ITEM_PAGES
from cic_assets.domain.places import are_first, in_order, places_of

COPIES, PIXELS, POSTS, CROSSPOSTS, SCENES = "copies", "pixels", "posts", "crossposts", "scenes"

SAME_PIXELS = ("pixels_sha256", "resized_sha256")
"""Columns of the manifest whose equal values mean that a net sees the same, whatever a person calls different."""

_NO_PICTURE = "\0"
"""How the name of anything else than a picture begins."""


class Pairs(NamedTuple):
    """Pairs of pictures, or of a picture and anything else, as two columns of names: there may be millions."""

    ones: "pd.Series[str]"
    others: "pd.Series[str]"


Relation = Pairs | Iterable[tuple[str, str]]


def find_units(sha256s: Iterable[str], relations: Mapping[str, Relation]) -> pd.DataFrame:
    """Units by one relation, by two, and so on.

    Args:
        sha256s: pictures, the dropped ones too.
        relations: by name, pairs of pictures, or of a picture and anything else, that belong together.

    Returns:
        A row a picture, by its SHA-256; a column a relation, with the name of the picture's unit by this relation and
        those before it: the smallest SHA-256 in it, as a category. The last column is what is divided.
    """
    pictures = pd.Series(sha256s if isinstance(sha256s, pd.Series) else list(sha256s), dtype="str")
    pictures = in_order(pictures[are_first(pictures)].to_frame("sha256"), ["sha256"])["sha256"].reset_index(drop=True)
    # In order, so that the smallest number is that of the smallest name.
    count, others = len(pictures), list["pd.Series[str]"]()
    labels = np.arange(count)
    units = pd.DataFrame(index=pd.Index(pictures, name="sha256", dtype="str"))
    all_names = pd.CategoricalDtype(units.index)  # of millions of pictures, each column would be as many names again
    for name, relation in relations.items():
        pairs = relation if isinstance(relation, Pairs) else _columns(relation)
        ends = [_numbered([pictures, *others], side, others.append) for side in pairs]
        labels = join_labels(_longer(labels, count + sum(map(len, others))), *ends)
        units[name] = pd.Categorical.from_codes(labels[:count], dtype=all_names)
    return units


def relations_of_pixels(pictures: pd.DataFrame) -> dict[str, Pairs]:
    """Which pictures are equal, as they came or as they are trained on: a relation for `find_units`.

    Args:
        pictures: column `sha256`, and those of `SAME_PIXELS` that there are.
    """
    pairs = []
    for column in SAME_PIXELS:
        if column in pictures:
            known = pictures[pictures[column] != ""]
            pairs.append(Pairs(known["sha256"], f"{_NO_PICTURE}{column}{_NO_PICTURE}" + known[column]))
    return {PIXELS: _columns([]) if not pairs else Pairs(*(pd.concat(side) for side in zip(*pairs, strict=True)))}


def relations_of_posts(raw: pd.DataFrame) -> dict[str, Pairs]:
    """Which pictures are of one post, and which posts are of one original: relations for `find_units`.

    Args:
        raw: rows of `raw_images` that have a picture. An id of Reddit's is that of the same post in every source; any
            other, of an item of a list or folder, is of its source alone.
    """
    is_of_item = raw["permalink"].astype("str").str.startswith(ITEM_PAGES)
    place = _NO_PICTURE + raw["subreddit"].mask(is_of_item, "") + _NO_PICTURE
    posts, repeats = place + raw["post_id"], raw["crosspost_of"] != ""
    return {
        POSTS: Pairs(raw["sha256"], posts),
        CROSSPOSTS: Pairs(posts[repeats], (place + raw["crosspost_of"])[repeats]),
    }


def _columns(pairs: Iterable[tuple[str, str]]) -> Pairs:
    table = pd.DataFrame(list(pairs), columns=["one", "other"], dtype="str")
    return Pairs(table["one"], table["other"])


def _numbered(
    known: "Iterable[pd.Series[str]]", side: "pd.Series[str]", on_new: "Callable[[pd.Series[str]], None]"
) -> Numbers:
    """(N,) the number of each name: numbers go through all that are known, and then on through those that are new.

    Args:
        known: names, none of them twice. Those of one kind together, of one length as a rule, are found sooner.
        side: the names.
        on_new: called with those that are not known, each once.
    """
    at, left, start = np.full(len(side), -1), np.arange(len(side)), 0
    for names in known:
        found = places_of(side.iloc[left], names)
        at[left[found >= 0]] = start + found[found >= 0]
        left, start = left[found < 0], start + len(names)
    if len(left):
        numbers, new = pd.factorize(side.iloc[left])
        at[left] = start + numbers
        on_new(pd.Series(new, dtype="str"))
    return at


def _longer(labels: Numbers, count: int) -> Numbers:
    return np.concatenate([labels, np.arange(len(labels), count)])
