"""What is divided into splits: units, pictures that tell so much of each other that they must be on one side.

A unit is a connected component over verified copies, equal pixels, pictures of one post, posts that repeat one another,
and pictures of one scene. Copies that were dropped connect too: a post with a copy of another's picture is in one unit
with it.
"""

from collections.abc import Hashable, Iterable, Mapping

import pandas as pd

from cic_assets.domain.components import Components
from cic_assets.domain.reddit import is_post

COPIES, PIXELS, POSTS, CROSSPOSTS, SCENES = "copies", "pixels", "posts", "crossposts", "scenes"

SAME_PIXELS = ("pixels_sha256", "resized_sha256")
"""Columns of the manifest whose equal values mean that a net sees the same, whatever a person calls different."""

Pair = tuple[Hashable, Hashable]


def find_units(sha256s: Iterable[str], relations: Mapping[str, Iterable[Pair]]) -> pd.DataFrame:
    """Units by one relation, by two, and so on.

    Args:
        sha256s: pictures, the dropped ones too.
        relations: by name, pairs of pictures, or of a picture and anything else, that belong together.

    Returns:
        A row a picture, by its SHA-256; a column a relation, with the name of the picture's unit by this relation and
        those before it: the smallest SHA-256 in it. The last column is what is divided.
    """
    pictures = sorted(set(sha256s))
    components = Components()
    units = pd.DataFrame(index=pd.Index(pictures, name="sha256", dtype="str"))
    for name, pairs in relations.items():
        components.join_all(pairs)
        first: dict[Hashable, str] = {}
        units[name] = [first.setdefault(components.root(sha256), sha256) for sha256 in pictures]
    return units


def relations_of_pixels(pictures: pd.DataFrame) -> dict[str, list[Pair]]:
    """Which pictures are equal, as they came or as they are trained on: a relation for `find_units`.

    Args:
        pictures: column `sha256`, and those of `SAME_PIXELS` that there are.
    """
    pairs: list[Pair] = []
    for column in SAME_PIXELS:
        if column in pictures:
            of_pixels = ((column, digest) for digest in pictures[column])
            pairs += [pair for pair in zip(pictures["sha256"], of_pixels, strict=True) if pair[1][1]]
    return {PIXELS: pairs}


def relations_of_posts(raw: pd.DataFrame) -> dict[str, list[Pair]]:
    """Which pictures are of one post, and which posts are of one original: relations for `find_units`.

    Args:
        raw: rows of `raw_images` that have a picture. An id of Reddit's is that of the same post in every source; any
            other, of an item of a list or folder, is of its source alone.
    """
    rows = zip(raw["subreddit"], raw["permalink"], strict=True)
    place = ["" if is_post(permalink) else source for source, permalink in rows]
    posts = list(zip(place, raw["post_id"], strict=True))
    originals = zip(place, raw["crosspost_of"], strict=True)
    repeats = [(post, original) for post, original in zip(posts, originals, strict=True) if original[1]]
    return {POSTS: list(zip(raw["sha256"], posts, strict=True)), CROSSPOSTS: list(repeats)}
