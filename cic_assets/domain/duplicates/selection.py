"""The set that is kept: one picture of each duplicate group; where its class is in doubt, it waits for a person."""

import numpy as np
import pandas as pd

from cic_assets.domain.places import are_first, places_of


def kept_pictures(images: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """The pictures of one source that are kept.

    Args:
        images: one row a picture, columns `sha256` and `subreddit` among others.
        groups: the table of duplicates over all sources; of each group the best comes first.

    Returns:
        Rows of `images` that are in no group or are their group's keeper, with columns `group_id` (the group's, or the
        picture's own SHA-256 where it is in none) and `label_conflict`. Of a group with such a conflict, of which none
        is a keeper, its best: it is made ready, but belongs to the data set only once a person says its
        class.
    """
    in_doubt = groups["label_conflict"].astype(bool)
    stands = (groups["keep"] == 1) | (in_doubt & ~groups["group_id"].duplicated())
    verdicts = groups[["sha256", "subreddit", "group_id"]].assign(stands=stands, label_conflict=in_doubt)
    verdicts = verdicts[verdicts["subreddit"].isin(images["subreddit"].unique())]  # of a hundred sources, one
    judged = _in_sources(verdicts)
    if not (is_first := are_first(judged)).all():
        raise ValueError(f"{judged[~is_first].iloc[0]} is in two groups, expected one row a picture and source")
    at = places_of(_in_sources(images), judged)
    of_group = at >= 0
    stays = ~of_group
    stays[of_group] = verdicts["stands"].to_numpy(bool)[at[of_group]]
    kept, at = images[stays].reset_index(drop=True), at[stays]
    names, conflicts, grouped = kept["sha256"].copy(), np.zeros(len(kept), bool), np.flatnonzero(at >= 0)
    of_verdicts = verdicts.iloc[at[grouped]]
    names.iloc[grouped] = of_verdicts["group_id"].array
    conflicts[grouped] = of_verdicts["label_conflict"]
    return kept.assign(group_id=names, label_conflict=conflicts)


def _in_sources(pictures: pd.DataFrame) -> "pd.Series[str]":
    """Names of pictures that tell of which source each row is."""
    return pictures["subreddit"] + "/" + pictures["sha256"]


def copy_pairs(groups: pd.DataFrame, bridges: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of SHA-256, the dropped ones too, whose components are all that hangs together by verified copies."""
    return [
        *zip(groups["sha256"], groups["group_id"], strict=True),
        *zip(bridges["sha256"], bridges["verified_against"], strict=True),
    ]


def shares_dropped(images: pd.DataFrame, groups: pd.DataFrame) -> dict[str, float]:
    """The share (0 to 1) of the pictures of each source that is not kept, rounded to four digits.

    Args:
        images: one row a picture and source, column `subreddit`.
        groups: the table of duplicates.
    """
    pictures = images["subreddit"].value_counts()
    dropped = groups.loc[groups["keep"] == 0, "subreddit"].value_counts()
    return {str(key): round(float(dropped.get(key, 0) / count), 4) for key, count in pictures.sort_index().items()}
