"""Data versions: short hashes of what something is made of."""

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd


class InOrder(NamedTuple):
    """A table of which the rows count in another order than they are in; a million are not copied for that."""

    table: "pd.DataFrame"
    order: NDArray[np.int64]


def content_version(*parts: Any) -> str:
    """A short hash that is the same exactly when the parts are: strings, numbers, lists, sets, dicts, tables.

    Tables count by their rows and columns, in order; 16 hexadecimal digits are enough for a data version.
    """
    import pandas as pd

    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, pd.DataFrame | InOrder):
            table, order = part if isinstance(part, InOrder) else (part, slice(None))
            digest.update(",".join(map(str, table.columns)).encode())
            # As values, most of which are there once: as categories they have the same hashes in twice the time.
            hashes = pd.util.hash_pandas_object(table, index=False, categorize=False)
            digest.update(hashes.to_numpy()[order].tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=_in_order).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _in_order(part: object) -> object:
    """What JSON does not know: sets, whose order is another in each process, in order; anything else as text."""
    return sorted(map(str, part)) if isinstance(part, set | frozenset) else str(part)
