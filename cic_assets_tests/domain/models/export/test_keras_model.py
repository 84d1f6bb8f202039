"""What is exported says what Keras says: our networks, layers of any setting, and errors for everything else."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from cic_assets.domain.models.errors import ExportError
from cic_assets.domain.models.export import parity
from cic_assets.domain.models.export.exported import ExportedModel
from cic_assets.domain.models.export.keras_model import export_model
from cic_assets.domain.models.export.names import EMBEDDING, EVIDENCE, FEATURES, PROBABILITIES
from cic_assets.domain.models.export.onnx_file import ALIGNMENT
from cic_assets.domain.models.export.parity import TOLERANCE, check_parity
from cic_assets.domain.models.losses import softmax
from cic_assets.domain.models.settings import ModelSettings
from cic_assets_tests.fixtures.effort import short_or_long
from cic_assets_tests.fixtures.models import as_if_trained, pictures_for

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


@pytest.fixture(scope="module")
def keras() -> Iterator[Any]:
    import keras

    yield keras
    keras.utils.clear_session()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exported")


def build(architecture: str, variant: str, classes: int = 2, side: int = 40, **given: Any) -> Any:
    from cic_assets.domain.models.networks import build_classifier

    values = {"architecture": architecture, "variant": variant, "width": 0.05, "input_size": side, **given}
    return as_if_trained(build_classifier(ModelSettings.model_validate(values), classes).model)


def exported(model: Any, folder: Path, **metadata: str) -> ExportedModel:
    graph = folder / "model.onnx"
    export_model(model, graph, folder / "model.onnx.data", metadata)
    onnx.checker.check_model(str(graph), full_check=True)
    return ExportedModel(graph, threads=1)


PAIRS = list(itertools.product(["vgg", "peetz_net", "xception"], ["original", "modern"]))


@pytest.mark.parametrize(
    ("architecture", "variant", "side", "classes"),
    short_or_long(
        # Sides that are odd and even after each halving.
        [(*pair, side, classes) for pair, side, classes in zip(PAIRS, range(71, 77), range(2, 8), strict=True)],
        [(*pair, side, classes) for pair in PAIRS for side in range(71, 80) for classes in (2, 5)],
    ),
)
def test_every_network_says_the_same(
    keras: Any, folder: Path, architecture: str, variant: str, side: int, classes: int
) -> None:
    model = build(architecture, variant, classes, side)
    ours, pictures = exported(model, folder), pictures_for(model)
    assert check_parity(model, ours, pictures) <= TOLERANCE
    theirs = np.asarray(model(pictures, training=False))  # at once; one by one Keras differs from itself as much
    assert np.abs(theirs - ours.probabilities(pictures)).max() <= TOLERANCE / 10
    probabilities, embedding = ours.run(pictures, [PROBABILITIES, EMBEDDING])
    assert probabilities.std(axis=0).max() > 0.05  # it tells pictures apart, so that equal answers say something
    seen = keras.Model(model.input, model.get_layer("logits").input)
    assert_allclose(embedding, np.asarray(seen(pictures)), rtol=1e-4, atol=1e-4)
    assert (FEATURES in ours.outputs) is (variant == "modern")
    if variant == "modern":
        (features,) = ours.run(pictures, [FEATURES])
        assert features.ndim == 4
        assert_allclose(features.mean(axis=(2, 3)), embedding, rtol=1e-4, atol=1e-4)
        evidence, probabilities = ours.run(pictures, [EVIDENCE, PROBABILITIES])
        assert_allclose(softmax(evidence.mean(axis=(2, 3))), probabilities, atol=1e-5)
        assert_allclose(ours.activation_map(pictures)[0, :, :, 1], evidence[0, 1])


@st.composite
def convolutions(draw: st.DrawFn) -> dict[str, Any]:
    stride = draw(st.integers(1, 3))
    return {
        "kind": draw(st.sampled_from(["Conv2D", "SeparableConv2D"])),
        "filters": draw(st.sampled_from([2, 4])),
        "kernel_size": draw(st.tuples(st.integers(1, 5), st.integers(1, 5))),
        "strides": stride,
        "padding": draw(st.sampled_from(["same", "valid"])),
        "dilation_rate": 1 if stride > 1 else draw(st.integers(1, 2)),
        "activation": draw(st.sampled_from(["linear", "relu"])),
        "use_bias": draw(st.booleans()),
        "normalised": draw(st.booleans()),
        "scale": draw(st.booleans()),
        "center": draw(st.booleans()),
        "special": draw(st.integers(1, 2)),  # groups, or depth multiplier
    }


def add_convolution(keras: Any, x: Any, values: dict[str, Any], channels: int) -> Any:
    kind, special = values["kind"], values["special"]
    how = {key: values[key] for key in ("filters", "kernel_size", "strides", "padding", "dilation_rate", "activation")}
    if kind == "Conv2D":
        how["groups"] = special if channels % special == 0 else 1
    else:
        how["depth_multiplier"] = special
    x = getattr(keras.layers, kind)(**how, use_bias=values["use_bias"], bias_initializer="random_normal")(x)
    if values["normalised"]:
        x = keras.layers.BatchNormalization(scale=values["scale"], center=values["center"])(x)
    return x


@settings(max_examples=short_or_long(25, 300))
@given(
    first=convolutions(),
    second=convolutions(),
    height=st.integers(20, 24),
    width=st.integers(20, 24),
    pool=st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from(["same", "valid"])),
    end=st.sampled_from(["mean", "flat", "both"]),
    bias=st.booleans(),
)
def test_layers_of_any_setting_say_the_same(
    keras: Any, folder: Path, first: Any, second: Any, height: int, width: int, pool: Any, end: str, bias: bool
) -> None:
    # Large enough for what follows, whatever is drawn: nothing is drawn in vain.
    image = keras.Input((height * first["strides"], width * first["strides"], 3), dtype="uint8", name="image")
    x = keras.layers.Rescaling(1 / 100, offset=0 if bias else -1)(image)
    x = add_convolution(keras, x, first, 3)
    x = keras.layers.Activation("relu")(keras.layers.MaxPooling2D(pool[0], pool[1], pool[2])(x))
    if min(x.shape[1:3]) < 10:
        second = {**second, "padding": "same"}
    x = add_convolution(keras, x, second, first["filters"])
    x = keras.layers.Add()([x, keras.layers.ReLU()(x), x])
    parts = [keras.layers.GlobalAveragePooling2D()(x)] if end != "flat" else []
    parts += [keras.layers.Flatten()(x)] if end != "mean" else []
    x = keras.layers.Concatenate()(parts) if len(parts) > 1 else parts[0]
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.Dense(3, use_bias=bias, activation="softmax")(keras.layers.Dropout(0.5)(x))
    model = as_if_trained(keras.Model(image, x))
    check_parity(model, exported(model, folder), pictures_for(model))


def small(keras: Any, *layers: Any, dtype: str = "uint8", shape: tuple[int | None, ...] = (16, 16, 3)) -> Any:
    """A model of these layers between an image and three classes."""
    image = x = keras.Input(shape, dtype=dtype, name="image")
    for layer in (keras.layers.Rescaling(1 / 255), *layers):
        x = layer(x)
    x = keras.layers.GlobalAveragePooling2D()(x) if len(x.shape) > 2 else x
    return keras.Model(image, keras.layers.Dense(3, activation="softmax", name="last")(x))


def test_what_nobody_thought_of_is_named(keras: Any, folder: Path) -> None:
    layers = keras.layers
    relu, twice = layers.ReLU(name="relu"), layers.Conv2D(3, 3, padding="same", name="twice")
    for model, why in (
        (small(keras, layers.LayerNormalization(name="odd")), r"odd \(LayerNormalization\).*expected one of Rescaling"),
        (small(keras, layers.ReLU(6, name="odd")), r"odd \(ReLU\).*max_value is 6.*expected None"),
        (small(keras, layers.Conv2D(2, 3, activation="gelu", name="odd")), r"odd \(Conv2D\).*activation is 'gelu'"),
        (small(keras, layers.BatchNormalization(axis=1, name="odd")), r"odd .*axis is 1, expected -1"),
        (small(keras, layers.Conv2D(2, 3, dtype="bfloat16", name="odd")), r"odd .*computes in bfloat16"),
        (small(keras, layers.Dense(4, name="odd")), r"odd \(Dense\).*takes a map"),
        (small(keras, layers.Softmax(name="odd")), r"odd \(Softmax\).*over a map"),
        (small(keras, twice, relu, twice), r"twice \(Conv2D\).*used 2 times"),
        (small(keras, dtype="float32"), r"image \(InputLayer\).*found float32"),
        (small(keras, shape=(None, None, 3)), r"image .*expected uint8 \(None, height, width, 3\)"),
        (small(keras, shape=(16, 16, 1)), r"image .*expected uint8"),
        (keras.Sequential([keras.Input((16, 16, 3)), layers.Flatten(), layers.Dense(2)]), "is not functional"),
    ):
        with pytest.raises(ExportError, match=why):
            exported(model, folder)


def test_a_setting_of_another_version_of_keras_is_named(
    keras: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = small(keras, keras.layers.ReLU(name="odd"))
    saved = model.get_config()
    next(layer for layer in saved["layers"] if layer["name"] == "odd")["config"]["bend"] = 0.5
    monkeypatch.setattr(model, "get_config", lambda: saved)
    with pytest.raises(ExportError, match=r"odd \(ReLU\).*a setting bend, 0\.5, which is not known"):
        exported(model, folder)


def test_a_layer_that_is_called_as_in_training_is_named(keras: Any, folder: Path) -> None:
    image = keras.Input((16, 16, 3), dtype="uint8", name="image")
    x = keras.layers.Dropout(0.5, name="odd")(keras.layers.Rescaling(1.0)(image), training=True)
    model = keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(x)))
    with pytest.raises(ExportError, match=r"odd \(Dropout\).*called with training=True"):
        exported(model, folder)


def test_two_pictures_as_input_are_refused(keras: Any, folder: Path) -> None:
    images = [keras.Input((16, 16, 3), dtype="uint8", name=name) for name in ("left", "right")]
    both = keras.layers.Concatenate()([keras.layers.Rescaling(1.0)(image) for image in images])
    model = keras.Model(images, keras.layers.Dense(2)(keras.layers.Flatten()(both)))
    with pytest.raises(ExportError, match=r"right \(InputLayer\).*a second input"):
        exported(model, folder)


def test_a_model_of_other_weights_is_told_apart(keras: Any, folder: Path) -> None:
    model = build("vgg", "modern")
    ours, pictures = exported(model, folder), pictures_for(model)
    bias = model.get_layer("logits").bias
    bias.assign(np.array([0.01, 0]))
    with pytest.raises(ExportError, match=r"exported vgg differs .* of 6 pictures, expected at most 0\.0001"):
        check_parity(model, ours, pictures)
    bias.assign(np.array([np.nan, 0]))
    with pytest.raises(ExportError, match="differs from its Keras model by nan"):
        check_parity(model, ours, pictures)


def test_keras_is_asked_about_few_pictures_at_once(keras: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build("vgg", "modern")
    ours, pictures = exported(model, folder), pictures_for(model)
    counts = []

    def counting(part: np.ndarray, training: bool) -> Any:
        counts.append(len(part))
        return model(part, training=training)

    monkeypatch.setattr(parity, "PIXELS_AT_ONCE", 5 * pictures[0, :, :, 0].size - 1)
    assert check_parity(counting, ours, pictures) <= TOLERANCE
    monkeypatch.setattr(parity, "PIXELS_AT_ONCE", 1)
    assert check_parity(counting, ours, pictures) <= TOLERANCE
    assert counts == [4, 2, *[1] * 6]


def test_a_picture_has_the_same_answer_alone_and_among_others(keras: Any, folder: Path) -> None:
    model = build("peetz_net", "modern", 3)
    ours, pictures = exported(model, folder), pictures_for(model)
    outputs = sorted(ours.outputs)
    together = ours.run(pictures, outputs)
    on_two_threads = ExportedModel(folder / "model.onnx", threads=2).run(pictures, outputs)
    for number, _ in enumerate(pictures):
        alone = ours.run(pictures[number : number + 1], outputs)
        for one, many, other in zip(alone, together, on_two_threads, strict=True):
            assert_array_equal(one[0], many[number])
            assert_array_equal(one[0], other[number])


def test_large_arrays_lie_apart_at_whole_pages(keras: Any, folder: Path) -> None:
    ours = exported(build("vgg", "original"), folder, labels='["car", "tank"]')
    assert ours.metadata == {"labels": '["car", "tank"]'}
    tensors = onnx.load(str(folder / "model.onnx"), load_external_data=False).graph.initializer
    outside = [tensor for tensor in tensors if tensor.data_location == onnx.TensorProto.EXTERNAL]
    places = [{entry.key: entry.value for entry in tensor.external_data} for tensor in outside]
    assert {place["location"] for place in places} == {"model.onnx.data"}
    assert len(places) > 3
    assert all(int(place["offset"]) % ALIGNMENT == 0 for place in places)
    inside = [tensor for tensor in tensors if tensor not in outside]
    assert all(len(tensor.raw_data) < 1024 for tensor in inside)
    assert (folder / "model.onnx").stat().st_size < 10_000
