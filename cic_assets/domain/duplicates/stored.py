"""The bytes of pictures by their SHA-256 alone, in whatever process they are asked for."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates.verdicts import short_ids
from cic_assets.storage import EXTENSIONS, ContentStore

_USUAL = "jpeg"  # of a million pictures nearly all
_FORMATS = tuple(EXTENSIONS)


@dataclass(frozen=True, slots=True)
class StoredPictures:
    """Gives the bytes of pictures of a store; called from several threads, and sent to workers.

    Arrays, as each shard of work begins with a copy of this: of a million names it would take a worker as long to make
    a dictionary as to compare the shard's pictures, and arrays are shared by those of a machine.

    Attributes:
        store: where they are.
        others: (n,) of those in another format than most are in what stands for them, ascending.
        formats: (n,) numbers of their formats.
    """

    store: ContentStore
    others: NDArray[np.uint64] = field(repr=False)
    formats: NDArray[np.uint8] = field(repr=False)

    @classmethod
    def of(cls, store: ContentStore, images: pd.DataFrame) -> "StoredPictures":
        """Of the pictures of a table, by its columns `sha256` and `format`."""
        others = images.loc[images["format"] != _USUAL, ["sha256", "format"]]
        ids, first = np.unique(short_ids(others["sha256"]), return_index=True)
        numbers = np.array([_FORMATS.index(name) for name in others["format"].iloc[first]], np.uint8)
        return cls(store, ids, numbers)

    def __call__(self, sha256: str) -> bytes:
        """The bytes of a picture; FileNotFoundError names the missing file."""
        (asked,) = short_ids([sha256])
        at = np.searchsorted(self.others, asked)
        is_other = at < len(self.others) and self.others[at] == asked
        return self.store.get(sha256, _FORMATS[self.formats[at]] if is_other else _USUAL)
