"""A Keras model, layer by layer, as an ONNX file: without its framework, in a second, and in little memory."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cic_assets.domain.models.errors import ExportError
from cic_assets.domain.models.export.graph import Graph, Value
from cic_assets.domain.models.export.layers import Layer, concatenate, convolve, is_convolution, translate
from cic_assets.domain.models.export.names import EMBEDDING, EVIDENCE, FEATURES, IMAGE, PROBABILITIES

_Outputs = Callable[[Graph, Mapping[str, Layer], Mapping[str, Value], str], dict[str, Value]]
"""What a graph gives, by its names: of the graph, all layers, what each gives, and the name of the last one."""


def export_model(model: Any, graph: Path, weights: Path, metadata: Mapping[str, str]) -> None:
    """Write a classifier from bytes (N, side, side, 3) to probabilities (N, classes) as ONNX.

    Normalisations become part of the convolutions before them, and what only training needs is left out.

    Args:
        model: a functional keras.Model, whose last layer with weights is dense.
        graph: the file to write.
        weights: the file beside it that takes the arrays, which a runtime maps into memory.
        metadata: whatever else a reader should know, kept in the graph.

    Raises:
        ExportError: a layer, or a setting of one, has no translation; the message names it.
    """
    _write(model, graph, weights, metadata, _of_a_classifier)


def export_backbone(model: Any, graph: Path, weights: Path) -> None:
    """Write a backbone from bytes (N, side, side, 3) to a map or vector as ONNX, its one output: `names.FEATURES`.

    Args:
        model: a functional keras.Model.
        graph: the file to write.
        weights: as of `export_model`.

    Raises:
        ExportError: as of `export_model`.
    """
    _write(model, graph, weights, {}, lambda _graph, _layers, values, last: {FEATURES: values[last]})


def _write(model: Any, graph: Path, weights: Path, metadata: Mapping[str, str], outputs_of: _Outputs) -> None:
    layers = {layer.name: layer for layer in _layers(model)}
    image = _image_of(layers)
    with weights.open("wb") as file:
        made = Graph(file, weights.name)
        values = _translated(made, layers, image)
        outputs = outputs_of(made, layers, values, str(model.get_config()["output_layers"][0]))
    graph.write_bytes(made.serialized(model.name, image.settings["batch_shape"][1:], outputs, metadata))


def _layers(model: Any) -> Iterator[Layer]:
    """The layers in an order in which each comes after those that it takes from."""
    for saved in model.get_config()["layers"]:
        if "inbound_nodes" not in saved:
            raise ExportError(f"the model {model.name} is not functional: its layers do not say what they take")
        layer = Layer(saved["class_name"], saved["name"], saved["config"])
        if len(saved["inbound_nodes"]) > 1:
            raise layer.cannot(f"it is used {len(saved['inbound_nodes'])} times, expected once")
        inputs: list[str] = []
        for call in saved["inbound_nodes"]:
            _check_call(layer, call["kwargs"])
            inputs += _tensors(call["args"])
        # Its arrays are asked for when it is translated: all at once would double the memory of a large model.
        yield replace(layer, inputs=tuple(inputs), weights=model.get_layer(layer.name).get_weights)


def _check_call(layer: Layer, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if (name, value) not in (("mask", None), ("training", False), ("training", None)):
            raise layer.cannot(f"it is called with {name}={value!r}")


def _tensors(arguments: Any) -> Iterator[str]:
    """The names of the layers that a call takes from; each has one output."""
    if isinstance(arguments, Mapping):
        yield arguments["config"]["keras_history"][0]
        return
    for argument in arguments:
        yield from _tensors(argument)


def _image_of(layers: Mapping[str, Layer]) -> Layer:
    first, *others = [layer for layer in layers.values() if layer.kind == "InputLayer"]
    if others:
        raise others[0].cannot("it is a second input")
    shape, dtype = first.settings["batch_shape"], first.settings["dtype"]
    if dtype != "uint8" or None in shape[1:] or tuple(shape[3:]) != (3,):
        raise first.cannot(f"found {dtype} {shape}, expected uint8 (None, height, width, 3)")
    return first


def _translated(graph: Graph, layers: Mapping[str, Layer], image: Layer) -> dict[str, Value]:
    """What each layer gives, by its name."""
    height, width, channels = image.settings["batch_shape"][1:]
    numbers = graph.add("Cast", IMAGE, to=1)
    planes = graph.add("Transpose", numbers, perm=(0, 3, 1, 2))
    values = {image.name: Value(planes, (channels, height, width))}
    absorbed = _absorbed(layers)
    for name, layer in layers.items():
        if name in values:
            continue
        inputs = [values[source] for source in layer.inputs]
        if name in absorbed:
            after = absorbed[name]
            values[name] = values[after.name] = convolve(graph, layer, inputs, after)
        else:
            values[name] = translate(graph, layer, inputs)
    return values


def _absorbed(layers: Mapping[str, Layer]) -> dict[str, Layer]:
    """The normalisations that nothing but a convolution feeds, and that alone take from it, by its name."""
    takers = Counter(source for layer in layers.values() for source in layer.inputs)
    found = {}
    for layer in layers.values():
        if layer.kind == "BatchNormalization" and len(layer.inputs) == 1:
            (source,) = layer.inputs
            if takers[source] == 1 and is_convolution(layers[source]):
                found[source] = layer
    return found


def _of_a_classifier(
    graph: Graph, layers: Mapping[str, Layer], values: Mapping[str, Value], last: str
) -> dict[str, Value]:
    dense = [layer for layer in layers.values() if layer.kind == "Dense"]
    if not dense:
        raise ExportError("the model has no dense layer, so nothing is known of its embedding")
    (embedding,) = dense[-1].inputs
    outputs = {PROBABILITIES: values[last], EMBEDDING: values[embedding]}
    if maps := [values[name] for name in _averaged(layers, embedding)]:
        outputs[FEATURES] = concatenate(graph, maps) if len(maps) > 1 else maps[0]
        if values[dense[-1].name].shape == outputs[PROBABILITIES].shape:
            outputs[EVIDENCE] = _at_each_place(graph, dense[-1], outputs[FEATURES])
    return outputs


def _at_each_place(graph: Graph, dense: Layer, features: Value) -> Value:
    """What a dense layer would say of each place of a map alone, before its activation."""
    kernel, bias = dense.weights()
    maps = graph.add("Conv", features.name, graph.constant(kernel.T[:, :, None, None]), graph.constant(bias))
    return Value(maps, (len(bias), *features.shape[1:]))


def _averaged(layers: Mapping[str, Layer], name: str) -> list[str]:
    """The layers whose maps are averaged into a vector, in its order; none where it is made otherwise."""
    layer = layers[name]
    if layer.kind == "GlobalAveragePooling2D":
        return list(layer.inputs)
    if layer.kind == "Dropout":
        return _averaged(layers, layer.inputs[0])
    if layer.kind == "Concatenate":
        parts = [_averaged(layers, source) for source in layer.inputs]
        return [one for part in parts for one in part] if all(parts) else []
    return []
