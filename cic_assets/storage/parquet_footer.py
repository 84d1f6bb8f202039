"""What a Parquet file says at its end, read and written without a look at its rows: so groups of rows can be copied.

pyarrow decodes and encodes rows, and gives no way to take a group over as it lies there. A footer is a struct of
Thrift's compact protocol (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), of the
fields in https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift; those that this code
does not know are kept as they are.
"""

import struct
from typing import IO, Any, NamedTuple

MAGIC = b"PAR1"
_LENGTH = struct.Struct("<I")

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _REAL, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
"""Types of the compact protocol."""
_BOOLEANS = frozenset({_TRUE, _FALSE})
"""Whose value is their type; in lists, which have one type, a byte each."""
_MANY = 15
"""In place of a number of values that has a place of its own: it, and more, do not fit into four bits."""
_MORE = 0x80
"""The bit of a byte of a number after which there is another one."""
_INTEGERS = frozenset({_I16, _I32, _I64})
_SIZES = {_BYTE: 1, _REAL: 8}
"""Of what is kept in bytes, as it is."""

# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
_ROWS, _GROUPS = 3, 4
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7
_CHUNK_OFFSET, _ABOUT = 2, 3
_TOTAL_COMPRESSED, _DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE = 7, 9, 10, 11
_INDEXES, _BLOOM = (4, 5, 6, 7), (14, 15)
"""Where indexes of pages and Bloom filters lie, behind all groups: what is copied comes without them."""


class FooterError(ValueError):
    """A file has no footer that can be read."""


class Group(NamedTuple):
    """A group of rows.

    Attributes:
        struct: its RowGroup, by field: type and value.
        start: of its first byte in the file.
        end: behind its last.
        rows: how many.
    """

    struct: dict[int, tuple[int, Any]]
    start: int
    end: int
    rows: int

    def moved(self, start: int) -> "Group":
        """The same where its first byte is at another place. This one must not be used any more."""
        by = start - self.start
        for chunk in self.struct[_COLUMNS][1][1]:
            _shift(chunk, _CHUNK_OFFSET, by)
            for field in (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE):
                _shift(chunk[_ABOUT][1], field, by)
            for field in _INDEXES:
                chunk.pop(field, None)
            for field in _BLOOM:
                chunk[_ABOUT][1].pop(field, None)
        _shift(self.struct, _GROUP_OFFSET, by)
        return Group(self.struct, start, self.end + by, self.rows)


class Footer:
    """What a Parquet file says of itself and of its groups of rows."""

    def __init__(self, file: IO[bytes]) -> None:
        """Read it.

        Raises:
            FooterError: there is none.
        """
        size = file.seek(0, 2)
        file.seek(max(0, size - len(MAGIC) - _LENGTH.size))
        end = file.read()
        length = _LENGTH.unpack(end[: _LENGTH.size])[0] if end[_LENGTH.size :] == MAGIC else size
        if length > size - 2 * len(MAGIC) - _LENGTH.size:
            raise FooterError("no footer of a Parquet file")
        file.seek(size - len(end) - length)
        try:
            self._struct = _Reader(file.read(length)).struct()
            self.groups = [_group(one) for one in self._struct[_GROUPS][1][1]]
        except (IndexError, KeyError, TypeError, struct.error) as error:
            raise FooterError(f"a footer that cannot be read: {error!r}") from error

    def written(self, groups: "list[Group]") -> bytes:
        """The end of a file with the same columns and other groups, which lie before it as these say."""
        for ordinal, group in enumerate(groups):
            if _ORDINAL in group.struct:
                group.struct[_ORDINAL] = (_I16, ordinal)
                if ordinal >= 2**15:  # optional, and of 16 bits
                    del group.struct[_ORDINAL]
        about = self._struct | {
            _ROWS: (_I64, sum(group.rows for group in groups)),
            _GROUPS: (_LIST, (_STRUCT, [group.struct for group in groups])),
        }
        out = bytearray()
        _write_struct(out, about)
        return bytes(out) + _LENGTH.pack(len(out)) + MAGIC


def _group(one: dict[int, tuple[int, Any]]) -> Group:
    start, end = 2**63, 0
    for chunk in one[_COLUMNS][1][1]:
        about = chunk[_ABOUT][1]
        first = min(about[field][1] for field in (_DATA_PAGE, _DICTIONARY_PAGE) if field in about)
        start, end = min(start, first), max(end, first + about[_TOTAL_COMPRESSED][1])
    return Group(one, start, end, one[_GROUP_ROWS][1])


def _shift(fields: dict[int, tuple[int, Any]], field: int, by: int) -> None:
    kind, value = fields.get(field, (0, 0))
    if value:  # some writers say 0 where there is nothing to say
        fields[field] = (kind, value + by)


class _Reader:
    """Values of the compact protocol, one after another."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def struct(self) -> dict[int, tuple[int, Any]]:
        """Type and value of each field."""
        found: dict[int, tuple[int, Any]] = {}
        field, data = 0, self._data
        while head := data[self._at]:
            self._at += 1
            kind = head & 15
            field = field + (head >> 4) if head >> 4 else self._integer()
            found[field] = (kind, None if kind in _BOOLEANS else self._value(kind))
        self._at += 1
        return found

    def _varint(self) -> int:
        data, at, shift, value = self._data, self._at, 0, 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & ~_MORE) << shift
            if byte < _MORE:
                self._at = at
                return value
            shift += 7

    def _integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _bytes(self, count: int) -> bytes:
        self._at += count
        return self._data[self._at - count : self._at]

    def _list(self) -> tuple[int, list[Any]]:
        head = self._data[self._at]
        self._at += 1
        count, kind = head >> 4, head & 15
        if count == _MANY:
            count = self._varint()
        return kind, [self._bytes(1) if kind in _BOOLEANS else self._value(kind) for _ in range(count)]

    def _value(self, kind: int) -> Any:
        if kind in _INTEGERS:
            return self._integer()
        if kind == _BINARY:
            return self._bytes(self._varint())
        if kind == _STRUCT:
            return self.struct()
        if kind in (_LIST, _SET):
            return self._list()
        return self._bytes(_SIZES[kind])


def _write_struct(out: bytearray, fields: dict[int, tuple[int, Any]]) -> None:
    last = 0
    for field, (kind, value) in sorted(fields.items()):
        if 0 < field - last <= _MANY:
            out.append((field - last) << 4 | kind)
        else:
            out.append(kind)
            _write_integer(out, field)
        last = field
        if kind not in _BOOLEANS:
            _write(out, kind, value)
    out.append(0)


def _write(out: bytearray, kind: int, value: Any) -> None:
    if kind in _INTEGERS:
        _write_integer(out, value)
    elif kind == _STRUCT:
        _write_struct(out, value)
    elif kind == _BINARY:
        _write_varint(out, len(value))
        out += value
    elif kind in (_LIST, _SET):
        of, values = value
        if len(values) < _MANY:
            out.append(len(values) << 4 | of)
        else:
            out.append(_MANY << 4 | of)
            _write_varint(out, len(values))
        for one in values:
            _write(out, of, one)
    else:
        out += value  # of one size, as it was read


def _write_integer(out: bytearray, value: int) -> None:
    _write_varint(out, (value << 1) ^ (value >> 63))


def _write_varint(out: bytearray, value: int) -> None:
    while value >= _MORE:
        out.append(value & 0xFF | _MORE)
        value >>= 7
    out.append(value)
