"""An ONNX model with its weights in half precision: half the size, and a runtime has them in 32 bits once it is loaded.

Arithmetic in 16 bits is slower on processors without it, which are most.
"""

from pathlib import Path

import numpy as np

from cic_assets.domain.models.errors import ExportError
from cic_assets.domain.models.export.onnx_file import tensor as tensor_bytes


def write_half(source: Path, graph: Path, arrays: Path) -> None:
    """Write a model with every constant of 32 bits in 16, one at a time: large models do not fit twice.

    Args:
        source: its graph, whose arrays lie beside it.
        graph: the file to write.
        arrays: the file beside it that takes what is large.

    Raises:
        ExportError: a weight is too large for half precision.
    """
    import onnx

    model = onnx.load(str(source), load_external_data=False)
    constants, casts = [], []
    with arrays.open("wb") as file:
        for constant in model.graph.initializer:
            array = onnx.numpy_helper.to_array(constant, base_dir=str(source.parent))
            name = constant.name
            if array.dtype == np.float32:
                if not (np.abs(array) <= np.finfo(np.float16).max).all():
                    raise ExportError(f"{source}: {name} has weights that half precision cannot hold: train it again")
                casts.append(onnx.helper.make_node("Cast", [f"{name}_half"], [name], to=onnx.TensorProto.FLOAT))
                array, name = array.astype(np.float16), f"{name}_half"
            constants.append(onnx.TensorProto.FromString(tensor_bytes(name, array, file, arrays.name)))
    nodes = [*casts, *model.graph.node]
    for field, values in ((model.graph.initializer, constants), (model.graph.node, nodes)):
        kept = list(values)
        del field[:]
        field.extend(kept)
    graph.write_bytes(model.SerializeToString())
