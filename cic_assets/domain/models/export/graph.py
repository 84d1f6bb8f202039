"""An ONNX graph as it grows: values, operators on them, constants."""

from collections.abc import Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.export import onnx_file
from cic_assets.domain.models.export.names import IMAGE

ANY = "batch"
"""The number of pictures, in shapes."""


class Value(NamedTuple):
    """What an operator gives, of 32-bit numbers: its name, and its shape for one picture.

    A map is (channels, height, width), as ONNX has it; Keras has channels last. A vector is (features,).
    """

    name: str
    shape: tuple[int, ...]


class Graph:
    """A graph from pictures (N, height, width, 3) of bytes to whatever is made of them.

    Args:
        weights: takes large constants.
        location: the name of that file, as the graph will say it.
    """

    def __init__(self, weights: BinaryIO, location: str) -> None:
        self._weights = weights
        self._location = location
        self._nodes: list[bytes] = []
        self._tensors: list[bytes] = []
        self._count = 0

    def add(self, operator: str, *inputs: str, **attributes: onnx_file.Attribute) -> str:
        """The name of what an operator gives."""
        output = self._numbered(operator.lower())
        self._nodes.append(onnx_file.node(operator, inputs, output, attributes))
        return output

    def constant(self, array: NDArray[Any]) -> str:
        """The name of a constant; of numbers with a point, in 32 bits."""
        name = self._numbered("constant")
        exact = array.astype(np.float32, copy=False) if np.issubdtype(array.dtype, np.floating) else array
        self._tensors.append(onnx_file.tensor(name, exact, self._weights, self._location))
        return name

    def serialized(
        self, name: str, image: tuple[int, ...], outputs: Mapping[str, Value], metadata: Mapping[str, str]
    ) -> bytes:
        """The content of the file.

        Args:
            name: of the graph.
            image: the shape of one picture, (height, width, 3).
            outputs: what the graph gives, by the names under which a caller asks for it.
            metadata: whatever else a reader should know.
        """
        for output, value in outputs.items():
            self._nodes.append(onnx_file.node("Identity", [value.name], output, {}))
        return onnx_file.model(
            name,
            nodes=self._nodes,
            tensors=self._tensors,
            inputs=[onnx_file.value(IMAGE, "uint8", (ANY, *image))],
            outputs=[onnx_file.value(key, "float32", (ANY, *value.shape)) for key, value in outputs.items()],
            metadata=metadata,
        )

    def _numbered(self, kind: str) -> str:
        self._count += 1
        return f"{kind}_{self._count}"
