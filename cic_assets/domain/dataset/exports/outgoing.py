"""What every layout is written from: the description, a row a picture, and the bytes of each, one after another."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from cic_assets.domain.dataset.arrays import DatasetInfo, load_info
from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.exports.rights import Rights, load_rights
from cic_assets.domain.dataset.split_memory import MANIFEST
from cic_assets.domain.dataset.splits import Split
from cic_assets.storage import ContentStore, DataRoot

Row = dict[str, Any]

COLUMNS = ("sha256", "resized_sha256", "klass", "label", "split", "subreddit", "post_id", "permalink")
"""Of the manifest: what a picture is, which split it is in, and the post that it came from. Others may be missing."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A data set on its way out.

    Attributes:
        info: its description.
        pictures: `COLUMNS`, one row a picture, in the order of `resized_sha256`: classes are mixed, as readers that go
            through a file from its beginning want them, and the same set is always written the same.
        copies: the resized JPEGs, under `sha256`.
        rights: of those pictures whose source names a licence.
        files: where each picture went, by its SHA-256, in layouts where each is a file.
    """

    info: DatasetInfo
    pictures: pd.DataFrame
    copies: ContentStore
    rights: Rights
    files: dict[str, str] = field(default_factory=dict)

    def rows(self, split: Split | None = None) -> list[Row]:
        """The rows of one split, or of all."""
        table = self.pictures if split is None else self.pictures[self.pictures["split"] == split]
        return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]

    def read(self, rows: list[Row]) -> Iterator[tuple[Row, bytes]]:
        """Each row with its JPEG, read when it is asked for.

        Raises:
            DatasetError: a copy is gone; the message says what to do.
        """
        for row in rows:
            try:
                yield row, self.copies.get(row["sha256"], "jpeg")
            except FileNotFoundError as error:
                raise DatasetError(f"{error.filename} is missing: materialize resized_images again") from None


def load_outgoing(root: DataRoot) -> Outgoing:
    """The data set of a data root.

    Raises:
        DatasetError: there is none; the message says what to do.
    """
    info = load_info(root.dataset)
    with (root.dataset / MANIFEST).open("rb") as file:
        manifest = pd.read_parquet(file)
    for column in set(COLUMNS) - set(manifest):
        manifest[column] = ""
    pictures = manifest[list(COLUMNS)].sort_values(["resized_sha256", "sha256"], ignore_index=True)
    return Outgoing(info, pictures, root.resized(info.side), load_rights(root, pictures))
