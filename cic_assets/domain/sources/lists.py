"""`urls:FILE`: a list of URLs, with whatever else it says of them."""

import json
import math
from collections.abc import Callable, Iterable, Iterator
from itertools import islice, repeat
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from cic_assets.domain.media import Medium, Outcome
from cic_assets.domain.sources.errors import SourceError
from cic_assets.storage import sha256_hex, storable_text

URL_COLUMNS = ("url", "media_url", "image_url", "link")
"""Names, in this order, under which tables of URLs have them."""

_TEXT = "utf-8-sig"
"""UTF-8, with or without the mark that Windows' editors put first."""
_MOST_COLUMNS, _LONGEST_NAME, _LONGEST_TEXT, _LONGEST = 50, 100, 500, 8000
"""Of what is carried along: columns, characters of a name, of a text, and of a row in all."""


def list_of_urls(path: Path, key: str) -> Iterator[Medium]:
    """What a list offers; other columns are carried along.

    Raises:
        SourceError: the file cannot be read, or has no column of URLs.
    """
    table = _read_table(path)
    column = next((name for name in URL_COLUMNS if name in table.columns), None)
    if column is None:
        found = ", ".join(map(str, table.columns)) or "no columns"
        raise SourceError(f"urls:{path}: found {found}, expected a column named {' or '.join(URL_COLUMNS)}")
    others = [name for name in table.columns if name != column]
    cells = zip(*(table[name] for name in others), strict=True) if others else repeat(())
    for row, (cell, more) in enumerate(zip(table[column], cells, strict=False)):
        url, carried = "" if pd.isna(cell) else str(cell).strip(), _carried(others, more)
        if url:
            yield Medium(post_id=_short_id(url), subreddit=key, media_url=url, title=url, carried=carried)
        else:
            yield Medium(
                post_id=f"row-{row + 1}",
                subreddit=key,
                media_url="",
                known_outcome=Outcome.BLOCKED,
                reason=f"row {row + 1} has no URL",
                carried=carried,
            )


def _short_id(url: str) -> str:
    """A name for a URL that stays when lines are put in before it; 64 bits tell a billion URLs apart."""
    return sha256_hex(url.encode("utf-8", "surrogatepass"))[:16]


def _carried(names: Iterable[Any], cells: Iterable[Any]) -> str:
    """What a row says beside its URL, as a JSON object that is not too large; empty where it says nothing."""
    left, values = _LONGEST, {}
    for name, cell in islice(zip(names, cells, strict=True), _MOST_COLUMNS):
        value, short = _plain(cell), storable_text(str(name))[:_LONGEST_NAME]
        size = len(json.dumps({short: value})) if value is not None else 0
        if 0 < size <= left:
            values[short] = value
            left -= size
    return json.dumps(values, ensure_ascii=False) if values else ""


def _plain(cell: Any) -> str | float | bool | None:
    """A cell as JSON has it; None where it is empty."""
    value = cell.item() if isinstance(cell, np.generic) else cell
    if isinstance(value, bool | int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    text = "" if value is None or value is pd.NaT or value is pd.NA else storable_text(str(value)).strip()
    return text[:_LONGEST_TEXT] or None


def _read_table(path: Path) -> pd.DataFrame:
    readers: dict[str, Callable[[Path], pd.DataFrame]] = {
        ".csv": lambda file: pd.read_csv(file, dtype=str, encoding=_TEXT),
        ".tsv": lambda file: pd.read_csv(file, dtype=str, encoding=_TEXT, sep="\t"),
        ".txt": lambda file: pd.DataFrame({"url": _words(file)}),
        ".jsonl": lambda file: pd.read_json(file, lines=True, dtype=False, encoding=_TEXT),
        ".parquet": pd.read_parquet,
    }
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise SourceError(f"urls:{path}: found {path.suffix or 'no suffix'}, expected one of {', '.join(readers)}")
    try:
        return reader(path)
    except OSError as error:
        raise SourceError(f"urls:{path}: cannot be read ({error.strerror or error})") from None
    except ValueError as error:
        raise SourceError(f"urls:{path}: is not a valid {path.suffix} file: {error}") from None


def _words(file: Path) -> list[str]:
    """The words of a text file without its lines of comments, which begin with #."""
    lines = file.read_text(encoding=_TEXT).splitlines()
    return [word for line in lines if not line.lstrip().startswith("#") for word in line.split()]
