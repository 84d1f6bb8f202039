"""The set that is kept: one picture of each duplicate group; where its class is in doubt, it waits for a person."""

import pandas as pd


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
    judged = images.merge(verdicts, on=["sha256", "subreddit"], how="left", validate="one_to_one")
    kept = judged[judged["stands"].ne(False)]
    names = kept["group_id"].fillna(kept["sha256"])
    marked = kept.assign(group_id=names, label_conflict=kept["label_conflict"].eq(True))
    return marked.drop(columns="stands").reset_index(drop=True)


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
