"""What the columns of a table are, in words: shown on the asset's page, and in the reference.

Each folder describes the columns that it makes; `tables` says which table has which. No rows here.
"""

import inspect
import re
from collections.abc import Collection, Mapping
from typing import NamedTuple, get_type_hints

_KINDS = {int: "int64", float: "float64", bool: "bool", str: "str", bytes: "bytes"}
_ATTRIBUTE = re.compile(r"^ {4}(?P<names>\w+(?:, \w+)*): (?P<text>.+(?:\n {8}.+)*)", re.MULTILINE)


class Column(NamedTuple):
    """One column.

    Attributes:
        kind: `str`, `int64`, `uint64`, `float64`, `bool` or `bytes`.
        meaning: what it says, with unit and range.
    """

    kind: str
    meaning: str


def columns_of(record: type, *, unsigned: Collection[str] = ()) -> dict[str, Column]:
    """The columns of a class whose fields are those of a row: kinds by its annotations, meanings by its docstring.

    Args:
        record: a dataclass or named tuple, its fields described under `Attributes:`.
        unsigned: fields whose whole numbers take all 64 bits.
    """
    meanings = _attributes(inspect.getdoc(record) or "")
    kinds = {name: "uint64" if name in unsigned else _KINDS[kind] for name, kind in get_type_hints(record).items()}
    return {name: Column(kind, meanings.get(name, "")) for name, kind in kinds.items()}


def types_of(columns: Mapping[str, Column]) -> dict[str, str]:
    """What pandas is told of the columns, by name."""
    return {name: column.kind for name, column in columns.items()}


def _attributes(docstring: str) -> dict[str, str]:
    """What a docstring says of each attribute, in one line each."""
    found = _ATTRIBUTE.finditer(docstring.partition("Attributes:\n")[2])
    return {
        name: " ".join(entry["text"].split()).removesuffix(".")
        for entry in found
        for name in entry["names"].split(", ")
    }
