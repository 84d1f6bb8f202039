"""What the networks are made of, at full size, without allocating it; and that they see the range they should."""

import itertools
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose

from cic_assets.domain.models.measures import flops
from cic_assets.domain.models.settings import ModelSettings
from cic_assets_tests.fixtures.effort import short_or_long

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]


@pytest.fixture
def keras() -> Iterator[Any]:
    import keras

    yield keras
    keras.utils.clear_session()


@pytest.fixture
def unallocated(keras: Any) -> Iterator[None]:
    """Variables get shapes and no values: Peetz Net would take 1.7 GB."""
    from keras.src.backend.common.stateless_scope import StatelessScope

    with StatelessScope(initialize_variables=False):
        yield


def build(architecture: str, classes: int = 2, **given: object) -> Any:
    from cic_assets.domain.models.networks import build_classifier

    settings = {"architecture": architecture, "variant": "original", **given}
    return build_classifier(ModelSettings.model_validate(settings), classes)


def convolutions(model: Any, prefix: str = "") -> list[tuple[int, int]]:
    return [
        (layer.filters, layer.kernel_size[0])
        for layer in model.layers
        if type(layer).__name__ == "Conv2D" and layer.name.startswith(prefix)
    ]


def kinds(model: Any) -> list[str]:
    return [type(layer).__name__ for layer in model.layers]


def parameters(model: Any) -> int:
    return sum(math.prod(weight.shape) for weight in model.weights if "seed" not in weight.path)


BLOCK = ["Conv2D", "Conv2D", "MaxPooling2D", "Dropout"]
HEAD = ["Dense", "Dropout", "Dense", "Dropout", "Dense", "Softmax"]


def test_vgg_is_as_described(unallocated: None) -> None:
    model = build("vgg").model
    assert kinds(model) == ["InputLayer", "Rescaling", *BLOCK * 3, "Flatten", *HEAD]
    assert convolutions(model) == [(64, 4), (64, 4), (128, 4), (128, 4), (256, 4), (256, 4)]
    assert {layer.rate for layer in model.layers if type(layer).__name__ == "Dropout"} == {0.1}
    assert [layer.units for layer in model.layers if type(layer).__name__ == "Dense"] == [1024, 1024, 2]
    assert round(parameters(model) / 1e6) == 209
    assert round(flops(model) / 1e9) == 27


def test_peetz_net_is_as_described(unallocated: None) -> None:
    model = build("peetz_net").model
    assert convolutions(model, "wide") == [(64, 5), (64, 5), (128, 4), (128, 4), (256, 3), (256, 3)]
    assert convolutions(model, "narrow") == [(64, 3), (64, 3), (128, 4), (128, 4), (256, 5), (256, 5)]
    assert kinds(model)[-9:] == ["Concatenate", "Flatten", "Dropout", *HEAD]
    assert {layer.rate for layer in model.layers if type(layer).__name__ == "Dropout"} == {0.2}
    assert model.get_layer("both_stacks").output.shape == (None, 28, 28, 512)
    assert round(parameters(model) / 1e6) in (415, 416)
    assert round(flops(model) / 1e9) == 56  # the notebook's 3, 4, 3 in the second stack would be 46


def test_convolutions_keep_the_side_and_use_relu(unallocated: None) -> None:
    for architecture in ("vgg", "peetz_net"):
        for layer in build(architecture).model.layers:
            if type(layer).__name__ == "Conv2D":
                assert (layer.padding, layer.activation.__name__) == ("same", "relu")


def test_xception_is_frozen_up_to_its_last_block(unallocated: None) -> None:
    network = build("xception")
    names = [layer.name for layer in network.model.layers]
    assert network.backbone is not None
    assert network.backbone.output.shape == (None, 7, 7, 1024)
    assert not network.backbone.trainable_weights
    tail = names.index("block14_sepconv1")
    assert kinds(network.model)[tail + 6 :] == ["Flatten", "BatchNormalization", *HEAD]
    assert all(layer.trainable for layer in network.model.layers[tail:])
    assert not any(layer.trainable for layer in network.model.layers[:tail] if layer.weights)
    assert parameters(network.backbone) + parameters(network.rest) == parameters(network.model)
    dropouts = [layer.rate for layer in network.model.layers if type(layer).__name__ == "Dropout"]
    assert dropouts == [0.5, 0.5]


MODERN_BLOCK = ["Conv2D", "BatchNormalization", "ReLU"]


def test_modern_vgg_is_blocks_of_two_normalised_convolutions(unallocated: None) -> None:
    network = build("vgg", variant="modern")
    block = MODERN_BLOCK * 2
    stacks = [*block, "MaxPooling2D", *block, "MaxPooling2D", *block, "MaxPooling2D", *block]
    head = ["GlobalAveragePooling2D", "Dropout", "Dense", "Softmax"]
    assert kinds(network.model) == ["InputLayer", "Rescaling", *stacks, *head]
    assert kinds(network.rest) == kinds(network.model)[:-1]
    assert {kernel for _, kernel in convolutions(network.model)[2:]} == {3}
    assert round(parameters(network.model) / 1e5) == 12
    assert network.model.input.shape == (None, 96, 96, 3)
    assert network.rest.input.shape == (None, None, None, 3)


def test_modern_peetz_net_has_two_stacks_of_opposite_order(unallocated: None) -> None:
    network = build("peetz_net", variant="modern")
    wide, narrow = (convolutions(network.model, name) for name in ("wide", "narrow"))
    assert [kernel for _, kernel in wide] == [5, 5, 4, 4, 3, 3]
    assert [kernel for _, kernel in narrow] == [3, 3, 4, 4, 5, 5]
    assert [filters for filters, _ in wide] == [filters for filters, _ in narrow]
    assert [kernel for _, kernel in convolutions(network.model, "stem")] == [4, 3]
    assert round(parameters(network.model) / 1e5) == 11
    assert network.model.get_layer("both_stacks").output.shape == (None, 256)
    assert network.rest.input.shape == (None, None, None, 3)


def test_modern_xception_has_a_small_head_and_frozen_normalisation(unallocated: None) -> None:
    network = build("xception", variant="modern", epochs=2, head_epochs=1)
    assert kinds(network.model)[-4:] == ["GlobalAveragePooling2D", "Dropout", "Dense", "Softmax"]
    learning = {layer.name for layer in network.rest.layers if layer.trainable_weights}
    assert learning == {"block14_sepconv1", "block14_sepconv2", "logits"}
    assert network.neck.output.shape == (None, 2048)
    assert [layer.name for layer in network.head.layers if layer.weights] == ["logits"]
    assert kinds(network.neck)[1:] + kinds(network.head)[1:] == kinds(network.rest)[1:]


def test_where_the_head_alone_learns_all_before_it_is_the_backbone(unallocated: None) -> None:
    network = build("xception", variant="modern")
    assert network.backbone.output.shape == (None, 2048)
    assert network.neck is None
    assert kinds(network.backbone)[1:] + kinds(network.rest)[1:] == kinds(network.model)[1:-1]
    learning = {weight.path for weight in network.model.trainable_weights}
    assert learning == {"logits/kernel", "logits/bias"}


def test_what_the_rest_learned_is_the_model_s(keras: Any) -> None:
    for architecture, variant in itertools.product(["vgg", "peetz_net"], ["original", "modern"]):
        network = build(architecture, variant=variant, width=0.05, input_size=40)
        pictures = np.random.default_rng(0).integers(0, 256, (2, 40, 40, 3), dtype=np.uint8)
        network.rest.set_weights([weight * 1.1 + 0.001 for weight in network.rest.get_weights()])
        network.finish()
        logits = np.asarray(network.rest(pictures), np.float64)
        expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        assert_allclose(np.asarray(network.model(pictures)), expected, rtol=1e-4)


PAIRS = list(itertools.product(["vgg", "peetz_net", "xception"], ["original", "modern"]))


@pytest.mark.parametrize(
    ("architecture", "variant", "classes"),
    short_or_long(
        # Any two of the three meet in each of their values.
        [(*pair, [2, 5, 5, 2, 2, 5][number]) for number, pair in enumerate(PAIRS)],
        [(*pair, classes) for pair in PAIRS for classes in (2, 5)],
    ),
)
def test_any_number_of_classes(architecture: str, variant: str, classes: int, unallocated: None) -> None:
    model = build(architecture, classes, variant=variant, width=0.1, input_size=96).model
    assert model.output.shape == (None, classes)
    assert type(model.layers[-1]).__name__ == "Softmax"
    assert model.layers[-1].compute_dtype == "float32"
    assert (model.input.shape, model.input.dtype) == ((None, 96, 96, 3), "uint8")


def test_width_scales_filters_and_units(unallocated: None) -> None:
    model = build("vgg", width=0.25).model
    assert convolutions(model)[::2] == [(16, 4), (32, 4), (64, 4)]
    assert [layer.units for layer in model.layers if type(layer).__name__ == "Dense"] == [256, 256, 2]


@pytest.mark.parametrize(
    ("architecture", "layer", "low", "high"),
    [("vgg", "unit_range", 0, 1), ("peetz_net", "unit_range", 0, 1), ("xception", "symmetric_range", -1, 1)],
)
def test_bytes_become_the_range_that_the_network_expects(
    keras: Any, architecture: str, layer: str, low: float, high: float
) -> None:
    model = build(architecture, width=0.02, input_size=71).model
    seen = keras.Model(model.input, model.get_layer(layer).output)
    pictures = np.zeros((2, 71, 71, 3), np.uint8)
    pictures[1] = 255
    values = np.asarray(seen(pictures))
    assert_allclose([values[0].max(), values[1].min()], [low, high], atol=1e-6)


def test_the_frozen_part_runs_in_inference_mode(keras: Any) -> None:
    network = build("xception", width=0.02, input_size=71)
    pictures = np.random.default_rng(0).integers(0, 256, (3, 71, 71, 3), dtype=np.uint8)
    assert network.backbone is not None
    before = network.backbone.get_weights()
    training, inference = (np.asarray(network.backbone(pictures, training=mode)) for mode in (True, False))
    assert_allclose(training, inference)
    for then, now in zip(before, network.backbone.get_weights(), strict=True):
        assert_allclose(then, now)


def test_backbone_and_rest_are_the_model(keras: Any) -> None:
    network = build("xception", 3, width=0.02, input_size=71)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 71, 71, 3), dtype=np.uint8)
    assert network.backbone is not None
    in_two = keras.ops.softmax(network.rest(network.backbone(pictures)))
    assert_allclose(np.asarray(in_two), np.asarray(network.model(pictures)), atol=1e-6)


def test_a_seed_fixes_the_first_weights(keras: Any) -> None:
    first, same, other = (build("vgg", width=0.02, input_size=32, seed=seed).model for seed in (1, 1, 2))
    name = "block1_conv1"
    kernels = [np.asarray(model.get_layer(name).kernel) for model in (first, same, other)]
    assert_allclose(kernels[0], kernels[1])
    assert not np.allclose(kernels[0], kernels[2])


@pytest.mark.shared
def test_real_weights_go_where_keras_puts_them(keras: Any, shared_data: Path) -> None:
    from cic_assets.domain.models.weight_files import read_arrays
    from cic_assets.domain.models.xception import pretrained

    path = shared_data / "weights" / "xception_imagenet_notop.weights.h5"
    ours = pretrained(96, read_arrays(path))
    theirs = keras.applications.Xception(include_top=False, weights=None, input_shape=(96, 96, 3))
    theirs.load_weights(path)
    picture = np.random.default_rng(0).integers(0, 256, (1, 96, 96, 3), dtype=np.uint8)
    expected = theirs(keras.applications.xception.preprocess_input(picture.astype(np.float32)))
    assert_allclose(np.asarray(ours(picture)), np.asarray(expected), atol=1e-4)
