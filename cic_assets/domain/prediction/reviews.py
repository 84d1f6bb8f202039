"""What people say of predictions that they call wrong: a list for whoever looks at the data next.

A row has no name and no address of anybody. The picture itself is kept only where the person agreed.
"""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass
from typing import Any

from cic_assets.domain.images import inspect
from cic_assets.domain.media import Outcome
from cic_assets.domain.schema import columns_of
from cic_assets.storage import DataRoot, sha256_hex

REVIEWS = "reviews"
"""The table's name."""

MOST_REVIEWS = 100_000
"""Rows; a person looks at hundreds."""

MOST_KEPT_BYTES = 2**30
"""Of all pictures that are kept for reviews."""


class ReviewRefusedError(ValueError):
    """A review is not taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Review:
    """One answer that a person called wrong.

    Attributes:
        sha256: of the picture's bytes.
        label: what the model said.
        probability: how sure it was, 0 to 1.
        model: its name.
        model_sha256: of its file.
        truth: the class that the person says; empty for none of them.
        format: of the picture that was kept with consent; empty where none was.
        bytes: of that picture.
        reviewed_at: when, ISO 8601, UTC.
    """

    sha256: str
    label: str
    probability: float
    model: str
    model_sha256: str
    truth: str
    format: str
    bytes: int
    reviewed_at: str


REVIEW_COLUMNS = columns_of(Review)
"""What a review says."""

_REPEATED = ["sha256", "label", "model_sha256", "truth", "format"]


def add_review(
    root: DataRoot, picture: bytes | None = None, refused: Callable[[], Collection[str]] = frozenset, **said: Any
) -> Review:
    """Put an answer that a person called wrong on the list; saying the same twice counts once.

    Waits for whatever else writes under the data root.

    Args:
        root: the data root.
        picture: its bytes, where the person agreed that they are kept.
        refused: gives the SHA-256 of pictures that are not to be known here; asked at the moment of writing.
        said: the fields of `Review` but for `format` and `bytes`.

    Raises:
        ReviewRefusedError: the bytes are not the picture, it is refused, or there is no room for more.
    """
    import pandas as pd

    kept = "" if picture is None else _format_of(picture, said["sha256"])
    review = Review(**said, format=kept, bytes=len(picture or b""))
    row = pd.DataFrame([asdict(review)])
    with root.lock.held():
        if review.sha256 in refused():
            raise ReviewRefusedError("this picture was taken down here: nothing is kept of it")
        before = row[:0] if (table := root.read_table_or_none(REVIEWS)) is None else table
        if (before[_REPEATED] == row[_REPEATED].iloc[0]).all(axis=1).any():
            return review
        if len(before) >= MOST_REVIEWS:
            raise ReviewRefusedError(f"the list is full: it has {len(before):,} reviews")
        if picture is not None:
            if review.bytes + before["bytes"].sum() > MOST_KEPT_BYTES:
                raise ReviewRefusedError("there is no room for more pictures: say it without yours")
            root.images.put(picture, kept)
            root.images.flush()
        root.write_table(REVIEWS, pd.concat([before, row], ignore_index=True))
    return review


def _format_of(picture: bytes, sha256: str) -> str:
    if sha256_hex(picture) != sha256:
        raise ReviewRefusedError("these are not the bytes of the picture that was asked about")
    inspection = inspect(picture)
    if inspection.header is None or inspection.outcome not in (Outcome.OK, Outcome.TOO_SMALL):
        raise ReviewRefusedError(f"this picture cannot be kept: {inspection.reason}")
    return inspection.header.format
