"""An ONNX model in 8 bits: weights by channel, and between layers bytes whose ranges some pictures tell.

B. Jacob et al., "Quantization and training of neural networks for integer-arithmetic-only inference" (CVPR 2018), as
onnxruntime has it: static, each operator between a quantisation and its reverse (QDQ), which the runtime makes one of.
"""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.export.names import EMBEDDING, FEATURES, IMAGE


def write_8_bits(source: Path, graph: Path, pictures: NDArray[np.uint8]) -> None:
    """Write a model in 8 bits; its arrays lie in the same file.

    Weights have 7 of their 8 bits: processors without VNNI add products of bytes up in 16 bits, which full ones would
    overflow, so that answers would depend on the processor. What follows the last feature map stays in 32 bits: it
    takes no time, and what each place of the map says adds up to the probabilities as it does in full.

    Args:
        source: its graph, whose arrays lie beside it.
        graph: the file to write.
        pictures: (N, side, side, 3) bytes, by which ranges are chosen.
    """
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType
    from onnxruntime.quantization import quantize_static as quantize

    class Reader(CalibrationDataReader):  # type: ignore[misc]  # it has no types
        """Gives one picture after another."""

        def __init__(self) -> None:
            self._given: Iterator[dict[str, NDArray[np.uint8]]] = (
                {IMAGE: pictures[i : i + 1]} for i in range(len(pictures))
            )

        def get_next(self) -> dict[str, NDArray[np.uint8]] | None:
            return next(self._given, None)

    model = onnx.load(str(source))
    # Otherwise it warns that the graph should be made simpler first, which ours is.
    model.metadata_props.add(key="onnx.quant.pre_process", value="onnxruntime.quant")
    with contextlib.redirect_stdout(io.StringIO()):  # it tells what it does
        quantize(
            model,
            str(graph),
            Reader(),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.MinMax,
            nodes_to_exclude=_after_the_features(model.graph),
        )


def _after_the_features(graph: Any) -> list[str]:
    """Names of the operators that what the graph gives as features or embedding goes through."""
    makers = {node.output[0]: node for node in graph.node}
    reached: set[str] = set()
    for output in (FEATURES, EMBEDDING):
        if output in makers:
            (value,) = makers[output].input
            maker = makers[value]
            reached.update(maker.input if maker.op_type == "Concat" else [value])  # of several maps each is averaged
    names = []
    for node in graph.node:  # each after those that it takes from
        if reached.intersection(node.input):
            reached.update(node.output)
            names.append(node.name)
    return names
