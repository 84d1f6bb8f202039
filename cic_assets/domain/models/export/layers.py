"""What each kind of Keras layer is in ONNX, when nothing is trained any more.

Layers are taken by their configuration, as Keras saves it. Whatever in it is not read here has to have the one value
that it is translated for: a layer or a setting that nobody thought of is an error, never another answer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cic_assets.domain.models.errors import ExportError
from cic_assets.domain.models.export.graph import Graph, Value

_OF_TRAINING = ("_initializer", "_regularizer", "_constraint")
"""How settings end that matter only while a layer learns."""


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a model.

    Attributes:
        kind: its class, such as `Conv2D`.
        name: its own.
        settings: its configuration.
        inputs: names of the layers whose outputs it takes.
        weights: its arrays, in Keras' order.
    """

    kind: str
    name: str
    settings: Mapping[str, Any]
    inputs: tuple[str, ...] = ()
    weights: Callable[[], Sequence[NDArray[np.float32]]] = tuple

    def cannot(self, why: str) -> ExportError:
        """The error that it cannot be exported."""
        return ExportError(f"the layer {self.name} ({self.kind}) cannot be exported: {why}")


class Affine(NamedTuple):
    """What a normalisation does to each channel: `scale` times it, plus `shift`; 64 bits, for they are multiplied."""

    scale: NDArray[np.float64]
    shift: NDArray[np.float64]


Translate = Callable[[Graph, Layer, Sequence[Value]], Value]


@dataclass(frozen=True, slots=True)
class Translation:
    """How a kind of layer is translated.

    Attributes:
        translate: adds it to a graph.
        reads: settings that it minds, whatever they are.
        fixed: settings that have to have these values.
        idle: settings that do nothing when nothing is trained.
    """

    translate: Translate
    reads: frozenset[str] = frozenset()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    idle: frozenset[str] = frozenset()


def translate(graph: Graph, layer: Layer, inputs: Sequence[Value]) -> Value:
    """Add a layer to a graph.

    Raises:
        ExportError: its kind, or a setting, is unknown.
    """
    return _translation_of(layer).translate(graph, layer, inputs)


def is_convolution(layer: Layer) -> bool:
    """Whether a normalisation after it can become part of it."""
    return layer.kind in ("Conv2D", "SeparableConv2D") and layer.settings["activation"] == "linear"


def convolve(graph: Graph, layer: Layer, inputs: Sequence[Value], after: Layer | None = None) -> Value:
    """Add a convolution to a graph.

    Args:
        graph: takes it.
        layer: it.
        inputs: the one map that it takes.
        after: a normalisation that follows it, to become part of it.
    """
    _translation_of(layer)
    affine = None if after is None else affine_of(after)
    return (_separable if layer.kind == "SeparableConv2D" else _convolution)(graph, layer, inputs, affine)


def affine_of(layer: Layer) -> Affine:
    """What a BatchNormalization does once its means and variances stand still."""
    _translation_of(layer)
    *learned, mean, variance = (array.astype(np.float64) for array in layer.weights())
    rest = iter(learned)
    gamma = next(rest) if layer.settings["scale"] else np.ones_like(mean)
    beta = next(rest) if layer.settings["center"] else np.zeros_like(mean)
    scale = gamma / np.sqrt(variance + layer.settings["epsilon"])
    return Affine(scale, beta - mean * scale)


def _translation_of(layer: Layer) -> Translation:
    found = TRANSLATIONS.get(layer.kind)
    if found is None:
        raise layer.cannot(f"expected one of {', '.join(TRANSLATIONS)}")
    known = found.reads | found.idle | {"name", "trainable"}
    for key, value in layer.settings.items():
        if key == "dtype":
            _check_precision(layer, value)
        elif key in found.fixed:
            if value != found.fixed[key]:
                raise layer.cannot(f"{key} is {value!r}, expected {found.fixed[key]!r}")
        elif key not in known and not key.endswith(_OF_TRAINING):
            raise layer.cannot(f"it has a setting {key}, {value!r}, which is not known here")
    return found


def _check_precision(layer: Layer, dtype: Any) -> None:
    name = dtype["config"].get("name") if isinstance(dtype, Mapping) else dtype
    if name != "float32":
        raise layer.cannot(f"it computes in {name}, expected float32")


def _rescaling(graph: Graph, layer: Layer, inputs: Sequence[Value]) -> Value:
    (x,) = inputs
    scaled = graph.add("Mul", x.name, graph.constant(np.asarray(layer.settings["scale"], np.float32)))
    offset = layer.settings["offset"]
    moved = graph.add("Add", scaled, graph.constant(np.asarray(offset, np.float32))) if offset else scaled
    return Value(moved, x.shape)


def _convolution(graph: Graph, layer: Layer, inputs: Sequence[Value], affine: Affine | None = None) -> Value:
    (x,), settings = inputs, layer.settings
    kernel, bias = _kernel_and_bias(layer.weights(), affine)
    out, attributes = _window(layer, x, settings["kernel_size"], settings["dilation_rate"])
    constants = [graph.constant(_channels_first(kernel)), graph.constant(bias)]
    name = graph.add(
        "Conv", x.name, *constants, **attributes, dilations=settings["dilation_rate"], group=settings["groups"]
    )
    return _activated(graph, layer, Value(name, (kernel.shape[-1], *out)))


def _separable(graph: Graph, layer: Layer, inputs: Sequence[Value], affine: Affine | None = None) -> Value:
    """Each channel by kernels of its own, then a convolution of 1 by 1 over all of them."""
    (x,), settings = inputs, layer.settings
    depthwise, *rest = layer.weights()
    height, width, channels, each = depthwise.shape
    pointwise, bias = _kernel_and_bias(rest, affine)
    out, attributes = _window(layer, x, settings["kernel_size"], settings["dilation_rate"])
    kernels = graph.constant(depthwise.transpose(2, 3, 0, 1).reshape(channels * each, 1, height, width))
    apart = graph.add("Conv", x.name, kernels, **attributes, dilations=settings["dilation_rate"], group=channels)
    constants = [graph.constant(_channels_first(pointwise)), graph.constant(bias)]
    name = graph.add("Conv", apart, *constants, kernel_shape=(1, 1))
    return _activated(graph, layer, Value(name, (pointwise.shape[-1], *out)))


def _kernel_and_bias(
    weights: Sequence[NDArray[np.float32]], affine: Affine | None
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """A kernel (height, width, in, out) and its bias (out,), with the normalisation that follows."""
    kernel, *given = weights
    bias = given[0] if given else np.zeros(kernel.shape[-1], np.float32)
    return (kernel, bias) if affine is None else (kernel * affine.scale, bias * affine.scale + affine.shift)


def _channels_first(kernel: NDArray[np.floating]) -> NDArray[np.floating]:
    return kernel.transpose(3, 2, 0, 1)


def _max_pooling(graph: Graph, layer: Layer, inputs: Sequence[Value]) -> Value:
    (x,) = inputs
    out, attributes = _window(layer, x, layer.settings["pool_size"])
    return Value(graph.add("MaxPool", x.name, **attributes), (x.shape[0], *out))


def _window(
    layer: Layer, x: Value, sizes: Sequence[int], dilations: Sequence[int] = (1, 1)
) -> tuple[tuple[int, ...], dict[str, Sequence[int]]]:
    """Height and width of what a sliding window gives, and its attributes.

    TensorFlow's `same` pads as little as it has to, and what is odd at the end.
    """
    strides, padding = layer.settings["strides"], layer.settings["padding"]
    if padding not in ("same", "valid"):
        raise layer.cannot(f"padding is {padding!r}, expected same or valid")
    out, before, after = [], [], []
    for size, kernel, stride, dilation in zip(x.shape[1:], sizes, strides, dilations, strict=True):
        reach = (kernel - 1) * dilation + 1
        count = -(-size // stride) if padding == "same" else (size - reach) // stride + 1
        missing = max(0, (count - 1) * stride + reach - size) if padding == "same" else 0
        out.append(count)
        before.append(missing // 2)
        after.append(missing - missing // 2)
    return tuple(out), {"kernel_shape": sizes, "strides": strides, "pads": [*before, *after]}


def _normalisation(graph: Graph, layer: Layer, inputs: Sequence[Value]) -> Value:
    (x,), affine = inputs, affine_of(layer)
    scale, shift = (graph.constant(part.reshape(-1, *(1 for _ in x.shape[1:]))) for part in affine)
    return Value(graph.add("Add", graph.add("Mul", x.name, scale), shift), x.shape)


def _relu(graph: Graph, _layer: Layer, inputs: Sequence[Value]) -> Value:
    (x,) = inputs
    return Value(graph.add("Relu", x.name), x.shape)


def _softmax(graph: Graph, layer: Layer, inputs: Sequence[Value]) -> Value:
    (x,) = inputs
    if len(x.shape) > 1:
        raise layer.cannot("it is over a map, expected a vector")
    return Value(graph.add("Softmax", x.name, axis=-1), x.shape)


def _activated(graph: Graph, layer: Layer, x: Value) -> Value:
    activation = layer.settings["activation"]
    if activation not in _ACTIVATIONS:
        raise layer.cannot(f"activation is {activation!r}, expected one of {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[activation](graph, layer, [x])


def _dense(graph: Graph, layer: Layer, inputs: Sequence[Value]) -> Value:
    (x,) = inputs
    if len(x.shape) > 1:
        raise layer.cannot("it takes a map, expected a vector")
    constants = [graph.constant(array) for array in layer.weights()]
    kind = "Gemm" if layer.settings["use_bias"] else "MatMul"
    return _activated(graph, layer, Value(graph.add(kind, x.name, *constants), (layer.settings["units"],)))


def _global_average(graph: Graph, _layer: Layer, inputs: Sequence[Value]) -> Value:
    (x,) = inputs
    return Value(graph.add("Flatten", graph.add("GlobalAveragePool", x.name)), x.shape[:1])


def _flatten(graph: Graph, _layer: Layer, inputs: Sequence[Value]) -> Value:
    (x,) = inputs
    channels_last = graph.add("Transpose", x.name, perm=(0, 2, 3, 1))
    return Value(graph.add("Flatten", channels_last), (int(np.prod(x.shape)),))


def _sum(graph: Graph, _layer: Layer, inputs: Sequence[Value]) -> Value:
    first, *others = inputs
    name = first.name
    for other in others:
        name = graph.add("Add", name, other.name)
    return Value(name, first.shape)


def concatenate(graph: Graph, inputs: Sequence[Value]) -> Value:
    """Vectors, or maps of one size, behind one another: by their features or channels."""
    name = graph.add("Concat", *(value.name for value in inputs), axis=1)
    return Value(name, (sum(value.shape[0] for value in inputs), *inputs[0].shape[1:]))


_ACTIVATIONS: Mapping[str, Translate] = {
    "linear": lambda _graph, _layer, inputs: inputs[0],
    "relu": _relu,
    "softmax": _softmax,
}
_LAST = {"data_format": "channels_last"}
_CONVOLUTION = frozenset({"filters", "kernel_size", "strides", "padding", "dilation_rate", "activation", "use_bias"})

TRANSLATIONS: Mapping[str, Translation] = {
    "Rescaling": Translation(_rescaling, frozenset({"scale", "offset"})),
    "Conv2D": Translation(convolve, _CONVOLUTION | {"groups"}, _LAST),
    "SeparableConv2D": Translation(convolve, _CONVOLUTION | {"depth_multiplier"}, _LAST),
    "BatchNormalization": Translation(
        _normalisation,
        frozenset({"epsilon", "center", "scale"}),
        {"axis": -1, "synchronized": False, "renorm": False, "renorm_clipping": None},
        frozenset({"momentum", "renorm_momentum"}),
    ),
    "ReLU": Translation(_relu, fixed={"max_value": None, "negative_slope": 0.0, "threshold": 0.0}),
    "Activation": Translation(
        lambda graph, layer, inputs: _activated(graph, layer, *inputs), frozenset({"activation"})
    ),
    "MaxPooling2D": Translation(_max_pooling, frozenset({"pool_size", "strides", "padding"}), _LAST),
    "GlobalAveragePooling2D": Translation(_global_average, fixed=_LAST | {"keepdims": False}),
    "Flatten": Translation(_flatten, fixed=_LAST),
    "Dropout": Translation(lambda _graph, _layer, inputs: inputs[0], idle=frozenset({"rate", "seed", "noise_shape"})),
    "Dense": Translation(_dense, frozenset({"units", "activation", "use_bias"}), {"quantization_config": None}),
    "Concatenate": Translation(lambda graph, _layer, inputs: concatenate(graph, inputs), fixed={"axis": -1}),
    "Add": Translation(_sum),
    "Softmax": Translation(_softmax, fixed={"axis": -1}),
}
"""Every kind of layer that our networks have."""
