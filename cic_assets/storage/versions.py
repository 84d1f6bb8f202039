"""Data versions: short hashes of what something is made of."""

import hashlib
import json
from typing import Any


def content_version(*parts: Any) -> str:
    """A short hash that is the same exactly when the parts are: strings, numbers, lists, sets, dicts, tables.

    Tables count by their rows and columns, in order; 16 hexadecimal digits are enough for a data version.
    """
    import pandas as pd

    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, pd.DataFrame):
            digest.update(",".join(map(str, part.columns)).encode())
            digest.update(pd.util.hash_pandas_object(part, index=False).to_numpy().tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=_in_order).encode())
        digest.update(b"\0")
    return digest.hexdigest()[:16]


def _in_order(part: object) -> object:
    """What JSON does not know: sets, whose order is another in each process, in order; anything else as text."""
    return sorted(map(str, part)) if isinstance(part, set | frozenset) else str(part)
