"""Every table under the data root: where it lies, what a row of it is, and its columns.

Put together from the folders that make them: most tables carry columns of the ones before. No rows here.
"""

from collections.abc import Collection, Mapping
from typing import NamedTuple

from cic_assets.domain import audit, dataset, duplicates, features, models, prediction, sources
from cic_assets.domain.schema import Column


class Table(NamedTuple):
    """One table.

    Attributes:
        path: below the data root; `SOURCE` is the name of a partition, `MODEL` of a model.
        row: what a row of it is.
        columns: in their order.
    """

    path: str
    row: str
    columns: Mapping[str, Column]


def _without(columns: Mapping[str, Column], left_out: Collection[str]) -> dict[str, Column]:
    return {name: column for name, column in columns.items() if name not in left_out}


_HASHES = {**{name: sources.COLUMNS[name] for name in duplicates.CARRIED}, **duplicates.FINGERPRINT_COLUMNS}
_KEPT = {
    **_without(_HASHES, dataset.SEARCH_COLUMNS),
    "group_id": Column("str", "of its duplicate group; its own SHA-256 where it is in none"),
    "label_conflict": Column("bool", "the group is of two classes: it waits for a person to say its class"),
}
_RESIZED = {**_KEPT, **dataset.COPY_COLUMNS}
_MANIFEST = {**_without(_RESIZED, ["label_conflict"]), **dataset.MANIFEST_COLUMNS}

TABLES: Mapping[str, Table] = {
    "raw_images": Table(
        "tables/raw_images/SOURCE.parquet",
        "a medium (picture, video or link) of a post, file or list entry, whatever became of it",
        sources.COLUMNS,
    ),
    sources.POSTS: Table(
        "tables/posts/SOURCE.parquet",
        "a post that Reddit itself sent and that is kept; of other sources, and without `reddit.keep_json`, none",
        sources.POST_COLUMNS,
    ),
    "takedowns": Table(
        "tables/takedowns/SOURCE.parquet",
        "a medium or post that was taken down, or may have to be",
        sources.TOMBSTONE_COLUMNS,
    ),
    "image_hashes": Table("tables/image_hashes/SOURCE.parquet", "a different picture of a source", _HASHES),
    "duplicates": Table(
        "tables/duplicates.parquet",
        "a picture of a source that is in a group; one that is like no other is not here",
        duplicates.COLUMNS,
    ),
    "bridges": Table(
        "tables/bridges.parquet",
        "a pair of pictures of two groups, or of none, that are the same: A like B like C, where B was left out for A",
        duplicates.BRIDGE_COLUMNS,
    ),
    duplicates.VERDICTS: Table(
        "tables/verdicts.parquet",
        "a pair of pictures that may be one, or a picture that was searched for, so that neither need be again",
        duplicates.VERDICT_COLUMNS,
    ),
    "deduped_images": Table("tables/deduped_images/SOURCE.parquet", "a picture of a source that is kept", _KEPT),
    "resized_images": Table("tables/resized_images/SOURCE.parquet", "a picture of a source that is kept", _RESIZED),
    "image_features": Table(
        "tables/image_features/SOURCE.parquet",
        "a picture of a source that is kept; none where there are no ImageNet weights",
        features.FEATURE_COLUMNS,
    ),
    features.NEAREST: Table(
        "tables/nearest_pictures.parquet",
        "a picture and one of those nearest to it by features: what was compared for scenes need not be again",
        features.NEAREST_COLUMNS,
    ),
    dataset.DECIDED: Table(
        "tables/decided_copies.parquet",
        "a picture about whose class a person decided something, or a copy of it",
        dataset.DECIDED_COLUMNS,
    ),
    "manifest": Table("dataset/manifest.parquet", "a picture of the data set", _MANIFEST),
    "splits": Table(
        "dataset/splits.parquet", "a picture whose split is remembered, so that it stays", dataset.SPLIT_COLUMNS
    ),
    "audit": Table(
        "tables/audit.parquet", "a picture of the data set that has features; none without", audit.AUDIT_COLUMNS
    ),
    "predictions": Table("models/MODEL/predictions.parquet", "a validation or test picture", models.PREDICTION_COLUMNS),
    "folds": Table(
        "models/MODEL/folds.parquet",
        "a picture of the data set, judged by a network that was trained without its fold; only of models that are "
        "judged in folds",
        models.FOLD_COLUMNS,
    ),
    "pictures": Table(
        "models/MODEL/pictures.parquet",
        "a picture of the data set that the model was trained and judged on",
        models.PICTURE_COLUMNS,
    ),
    "adhoc_predictions": Table(
        "tables/adhoc_predictions.parquet", "a picture that was named in the launchpad", prediction.COLUMNS
    ),
    "inbox_predictions": Table(
        "tables/inbox_predictions.parquet",
        "a file that came into the inbox, with each content that it had and each model that was asked about it",
        prediction.INBOX_COLUMNS,
    ),
    "reviews": Table(
        "tables/reviews.parquet", "an answer of the page that a person called wrong", prediction.REVIEW_COLUMNS
    ),
}
"""By name, in the order in which the data flows."""


def meaning_of(table: str, column: str) -> str:
    """What a column of one of `TABLES` says; empty where nothing is known of it."""
    columns = TABLES[table].columns
    found = columns.get(column) or (columns.get("p_CLASS") if column.startswith("p_") else None)
    return found.meaning if found else ""
