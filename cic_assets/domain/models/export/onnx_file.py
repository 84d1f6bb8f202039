"""ONNX files as bytes: the few messages of onnx.proto3 that a classifier needs, in the wire format of protobuf.

https://protobuf.dev/programming-guides/encoding/ and https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3, whose
numbers of fields these are. The package onnx would hold a network in memory several times and ends at 2 GB. NumPy only.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

OPSET = 17
"""Of the operators; any runtime since 2022 knows it."""
_IR_VERSION = 8  # which came with it
_PRODUCER = "cic_assets"

ALIGNMENT = 4096
"""Of arrays in the file of weights, in bytes: a page, so that a runtime maps them into memory and copies nothing."""
_LARGE = 1024  # bytes from which an array goes there

_VARINT, _BYTES, _FLOAT32 = 0, 2, 5  # kinds of values on the wire
_FLOAT, _INT, _INTS = 1, 2, 7  # kinds of attributes
_EXTERNAL = 1  # where the data of a tensor are
_ELEMENT_TYPES = {"float32": 1, "uint8": 2, "int64": 7, "float16": 10}

Attribute: TypeAlias = float | int | Sequence[int]
Shape: TypeAlias = Sequence[int | str]
"""Sizes; one that may be any is a word."""


def node(operator: str, inputs: Sequence[str], output: str, attributes: Mapping[str, Attribute]) -> bytes:
    """A NodeProto: an operator on values that have names."""
    return b"".join([
        *(_bytes(1, name) for name in inputs),
        _bytes(2, output),
        _bytes(3, output),  # its own name: errors of a runtime say it
        _bytes(4, operator),
        *(_bytes(5, _attribute(name, value)) for name, value in attributes.items()),
    ])  # fmt: skip


def tensor(name: str, array: NDArray[Any], weights: BinaryIO, location: str) -> bytes:
    """A TensorProto: a constant that has a name.

    Args:
        name: of the value.
        array: of float32, float16, int64 or uint8.
        weights: takes the bytes of a large array, aligned.
        location: the name of that file.
    """
    head = b"".join(_number(1, size) for size in array.shape)
    head += _number(2, _ELEMENT_TYPES[array.dtype.name]) + _bytes(8, name)
    little_endian = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    if array.nbytes < _LARGE:
        return head + _bytes(9, little_endian.tobytes())
    weights.write(bytes(-weights.tell() % ALIGNMENT))
    where = {"location": location, "offset": weights.tell(), "length": array.nbytes}
    weights.write(little_endian.data)
    return head + b"".join(_bytes(13, _entry(*item)) for item in where.items()) + _number(14, _EXTERNAL)


def value(name: str, dtype: str, shape: Shape) -> bytes:
    """A ValueInfoProto: an input or output of the graph."""
    sizes = (_bytes(2, size) if isinstance(size, str) else _number(1, size) for size in shape)
    of_tensor = _number(1, _ELEMENT_TYPES[dtype]) + _bytes(2, b"".join(_bytes(1, size) for size in sizes))
    return _bytes(1, name) + _bytes(2, _bytes(1, of_tensor))


def model(
    name: str,
    *,
    nodes: Sequence[bytes],
    tensors: Sequence[bytes],
    inputs: Sequence[bytes],
    outputs: Sequence[bytes],
    metadata: Mapping[str, str],
) -> bytes:
    """A ModelProto, the content of a file.

    Args:
        name: of the graph.
        nodes: by `node`, each after those whose output it takes.
        tensors: by `tensor`.
        inputs: by `value`.
        outputs: by `value`.
        metadata: whatever else a reader should know.
    """
    graph = b"".join([
        *(_bytes(1, one) for one in nodes),
        _bytes(2, name),
        *(_bytes(5, one) for one in tensors),
        *(_bytes(11, one) for one in inputs),
        *(_bytes(12, one) for one in outputs),
    ])  # fmt: skip
    return b"".join([
        _number(1, _IR_VERSION),
        _bytes(2, _PRODUCER),
        _bytes(7, graph),
        _bytes(8, _bytes(1, "") + _number(2, OPSET)),
        *(_bytes(14, _entry(*item)) for item in metadata.items()),
    ])  # fmt: skip


def _attribute(name: str, value: Attribute) -> bytes:
    head = _bytes(1, name)
    if isinstance(value, float):
        return head + _key(2, _FLOAT32) + struct.pack("<f", value) + _number(20, _FLOAT)
    if isinstance(value, int):
        return head + _number(3, value) + _number(20, _INT)
    return head + b"".join(_number(8, one) for one in value) + _number(20, _INTS)


def _entry(key: str, value: object) -> bytes:
    """A StringStringEntryProto."""
    return _bytes(1, key) + _bytes(2, str(value))


def _number(field: int, value: int) -> bytes:
    return _key(field, _VARINT) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return _key(field, _BYTES) + _varint(len(data)) + data


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; the highest bit says that more follow. Negative ones as of 64 bits."""
    rest, out = value & (1 << 64) - 1, bytearray()
    while rest > 0x7F:  # noqa: PLR2004 - seven bits
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])
