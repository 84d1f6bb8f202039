"""What a Parquet file says at its end, so that groups of rows can be taken over as they lie in it.

pyarrow decodes and encodes rows, and gives no way to copy a group. Its description, in the file's footer, is copied as
well, byte by byte: what changes are the offsets in it. So nothing is lost that this code does not know, and a footer
costs little more than a walk over it.

A footer is a struct of Thrift's compact protocol
(https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md), of the fields in
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift.
"""

import struct
from collections.abc import Collection, Iterator
from typing import IO, NamedTuple

MAGIC = b"PAR1"
_LENGTH = struct.Struct("<I")

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _REAL, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)
"""Types of the compact protocol."""
_INTEGERS = frozenset({_I16, _I32, _I64})
_SIZES = {_TRUE: 1, _FALSE: 1, _BYTE: 1, _REAL: 8}
"""Bytes of a value in a list. That of a field of a truth value is its type."""
_MANY = 15
"""In place of a number that has a place of its own: it, and more, do not fit into four bits."""
_MORE = 0x80
"""The bit of a byte of a number after which there is another one."""

# Fields of FileMetaData, RowGroup, ColumnChunk and ColumnMetaData.
_ROWS, _GROUPS = 3, 4
_COLUMNS, _GROUP_ROWS, _GROUP_OFFSET, _ORDINAL = 1, 3, 5, 7
_CHUNK_OFFSET, _ABOUT = 2, 3
_TOTAL_COMPRESSED, _DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE = 7, 9, 10, 11
_INDEXES, _BLOOM = frozenset({4, 5, 6, 7}), frozenset({14, 15})
"""Where indexes of pages and Bloom filters lie, behind all groups: what is copied comes without them."""
_MOST_GROUPS = 2**15
"""Whose numbers have room."""


class FooterError(ValueError):
    """A file has no footer that can be read, or needs one that cannot be written."""


class _Span(NamedTuple):
    """Bytes of a description, and what is to be in their place: an offset in the file, or other bytes."""

    begin: int
    end: int
    value: int | bytes


class Group(NamedTuple):
    """A group of rows.

    Attributes:
        start: of its first byte in the file.
        end: behind its last.
        rows: how many.
        raw: its RowGroup, as it was read.
        spans: of it what is to change, ascending.
        ordinal: where in it its number is, if it says one.
        by: how far it lies from where it was read.
    """

    start: int
    end: int
    rows: int
    raw: bytes
    spans: tuple[_Span, ...]
    ordinal: tuple[int, int] | None
    by: int = 0

    def moved(self, start: int) -> "Group":
        """The same where its first byte is at another place."""
        by = start - self.start
        return self._replace(start=start, end=self.end + by, by=self.by + by)

    def written(self, number: int) -> bytes:
        """Its RowGroup where it lies now, as one of so many."""
        spans = [*self.spans, _Span(*self.ordinal, _integer(number))] if self.ordinal else self.spans
        parts, last = [], 0
        for begin, end, value in spans:
            new = value if isinstance(value, bytes) else _integer(value + self.by)
            parts += [self.raw[last:begin], new]
            last = end
        return b"".join([*parts, self.raw[last:]])


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
            self._read(file.read(length))
        except (IndexError, KeyError, UnboundLocalError) as error:
            raise FooterError(f"a footer that cannot be read: {error!r}") from error

    def _read(self, data: bytes) -> None:
        walk = _Walk(data)
        self.groups: list[Group] = []
        for field, kind in walk.fields():
            begin = walk.at
            if field == _ROWS:
                walk.skip(kind)
                rows = begin, walk.at
            elif field == _GROUPS:
                self.groups = [_group(walk) for _ in range(walk.count())]
                groups = begin, walk.at
            else:
                walk.skip(kind)
        # Of the whole: what stands before the number of rows, between it and the groups, and behind them.
        self._parts = data[: rows[0]], data[rows[1] : groups[0]], data[groups[1] : walk.at]

    def written(self, groups: list[Group]) -> bytes:
        """The end of a file with the same columns and other groups, which lie before it as these say.

        Raises:
            FooterError: more groups than can be numbered.
        """
        if len(groups) >= _MOST_GROUPS:
            raise FooterError(f"{len(groups):,} groups of rows, expected fewer than {_MOST_GROUPS:,}")
        before, between, behind = self._parts
        structs = [group.written(number) for number, group in enumerate(groups)]
        rows = _integer(sum(group.rows for group in groups))
        out = b"".join([before, rows, between, _list_of_structs(len(structs)), *structs, behind])
        return out + _LENGTH.pack(len(out)) + MAGIC


def _group(walk: "_Walk") -> Group:
    """The RowGroup that comes next."""
    begin, spans = walk.at, list[_Span]()
    start, end, ordinal = 2**63, 0, None
    for field, kind in walk.fields():
        at = walk.at
        if field == _COLUMNS:
            for _ in range(walk.count()):
                first, last = _chunk(walk, begin, spans)
                start, end = min(start, first), max(end, last)
        elif field == _GROUP_ROWS:
            rows = walk.integer()
        elif field == _GROUP_OFFSET:
            _add_offset(walk, begin, spans)
        else:
            walk.skip(kind)
            if field == _ORDINAL:
                ordinal = at - begin, walk.at - begin
    return Group(start, end, rows, walk.data[begin : walk.at], tuple(spans), ordinal)


def _chunk(walk: "_Walk", origin: int, spans: list[_Span]) -> tuple[int, int]:
    """Of the ColumnChunk that comes next where its bytes begin and end; what is to change of it is added to `spans`."""
    for field, kind in walk.fields(_INDEXES, origin, spans):
        if field == _CHUNK_OFFSET:
            _add_offset(walk, origin, spans)
        elif field == _ABOUT:
            begins = []
            for inner, of in walk.fields(_BLOOM, origin, spans):
                if inner == _TOTAL_COMPRESSED:
                    size = walk.integer()
                elif inner in (_DATA_PAGE, _INDEX_PAGE, _DICTIONARY_PAGE):
                    begins.append(_add_offset(walk, origin, spans))
                else:
                    walk.skip(of)
        else:
            walk.skip(kind)
    first = min(filter(None, begins), default=0)
    return first, first + size


def _add_offset(walk: "_Walk", origin: int, spans: list[_Span]) -> int:
    """The offset that comes next; it changes, but where some writers say 0, for there is nothing to say."""
    begin = walk.at
    value = walk.integer()
    if value:
        spans.append(_Span(begin - origin, walk.at - origin, value))
    return value


class _Walk:
    """A walk over values of the compact protocol."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def fields(
        self, without: Collection[int] = (), origin: int = 0, spans: list[_Span] | None = None
    ) -> Iterator[tuple[int, int]]:
        """Number and type of each field of a struct; the caller goes past its value.

        Args:
            without: fields that are passed by, and are to be left out.
            origin: from where spans count.
            spans: gets what changes by that: a field says by how much its number is greater than the one before.
        """
        spans = [] if spans is None else spans
        field = last = 0
        while head := self.data[self.at]:
            begin, step, kind = self.at, head >> 4, head & 15
            self.at += 1
            field = field + step if step else self.integer()
            if field in without:
                self.skip(kind)
                spans.append(_Span(begin - origin, self.at - origin, b""))
                continue
            if step and step != field - last:
                new = bytes([(field - last) << 4 | kind]) if field - last <= _MANY else bytes([kind]) + _integer(field)
                spans.append(_Span(begin - origin, self.at - origin, new))
            last = field
            yield field, kind
        self.at += 1

    def count(self) -> int:
        """Of a list, past whose head this goes."""
        head = self.data[self.at]
        self.at += 1
        return head >> 4 if head >> 4 < _MANY else self._varint()

    def integer(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def skip(self, kind: int) -> None:
        """Go past a value of a field."""
        self.at = _past(self.data, self.at, kind) if kind > _FALSE else self.at

    def _varint(self) -> int:
        value, self.at = _varint(self.data, self.at)
        return value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where it ends."""
    value = shift = 0
    while (byte := data[at]) >= _MORE:
        value |= (byte & ~_MORE) << shift
        shift += 7
        at += 1
    return value | byte << shift, at + 1


def _past(data: bytes, at: int, kind: int) -> int:
    """Where a value ends: nearly all that is done with a footer, so that nothing is made of what is passed by."""
    if kind in _INTEGERS:
        while data[at] >= _MORE:
            at += 1
        return at + 1
    if kind == _BINARY:
        size, at = _varint(data, at)
        return at + size
    if kind == _STRUCT:
        return _past_struct(data, at)
    return _past_list(data, at) if kind in (_LIST, _SET) else at + _SIZES[kind]


def _past_struct(data: bytes, at: int) -> int:
    while head := data[at]:
        at += 1
        if head <= _MANY:
            at = _past(data, at, _I16)
        if (kind := head & 15) > _FALSE:
            at = _past(data, at, kind)
    return at + 1


def _past_list(data: bytes, at: int) -> int:
    count, kind = data[at] >> 4, data[at] & 15
    at += 1
    if count == _MANY:
        count, at = _varint(data, at)
    if kind in _SIZES:
        return at + count * _SIZES[kind]
    for _ in range(count):
        at = _past(data, at, kind)
    return at


def _integer(value: int) -> bytes:
    return _number((value << 1) ^ (value >> 63))


def _list_of_structs(count: int) -> bytes:
    """The head of one."""
    return bytes([count << 4 | _STRUCT]) if count < _MANY else bytes([_MANY << 4 | _STRUCT]) + _number(count)


def _number(value: int) -> bytes:
    """One that is not negative."""
    out = bytearray()
    while value >= _MORE:
        out.append(value & 0xFF | _MORE)
        value >>= 7
    out.append(value)
    return bytes(out)
