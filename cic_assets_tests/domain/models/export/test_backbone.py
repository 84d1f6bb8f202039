"""A frozen backbone runs exported: it says what Keras says, is kept, and nothing damaged or of others is believed."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from cic_assets.domain.models.errors import ExportError
from cic_assets.domain.models.export import backbone as exporting
from cic_assets.domain.models.export import exported_backbone, golden_pictures, kept_backbone
from cic_assets.domain.models.settings import ModelSettings

pytestmark = [
    pytest.mark.slow,
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

SIDE = 71


@pytest.fixture(scope="module")
def keras() -> Iterator[Any]:
    import keras

    yield keras
    keras.utils.clear_session()


def build(keras: Any, side: int = SIDE, variant: str = "modern", seed: int = 0, head_epochs: int = 1) -> Any:
    """Xception's backbone up to a map, or to its mean, its normalisations as if they had seen something."""
    from cic_assets.domain.models.networks import build_classifier

    values = {"architecture": "xception", "variant": variant, "width": 0.02, "input_size": side, "seed": seed}
    values |= {"epochs": 4, "head_epochs": head_epochs}
    backbone = build_classifier(ModelSettings.model_validate(values), 2).backbone
    random = np.random.default_rng(seed)
    for layer in backbone.layers:
        if type(layer).__name__ == "BatchNormalization":
            gamma, beta, mean, variance = layer.get_weights()
            shift = random.normal(0, 0.1, beta.shape)
            layer.set_weights([gamma * random.uniform(0.8, 1.2, gamma.shape), beta + shift, mean - shift, variance])
    return backbone


@pytest.fixture(scope="module")
def model(keras: Any) -> Any:
    return build(keras)


@pytest.mark.parametrize(
    ("side", "variant", "head_epochs"), [(72, "original", 0), (76, "modern", 1), (97, "modern", 0), (76, "modern", 30)]
)
def test_it_says_what_keras_says(keras: Any, tmp_path: Path, side: int, variant: str, head_epochs: int) -> None:
    backbone = build(keras, side, variant, head_epochs=head_epochs)
    pictures = golden_pictures(side)
    ours, difference = exported_backbone(backbone, "weights", tmp_path, pictures)
    assert difference < exporting.TOLERANCE / 10
    theirs = np.asarray(backbone(pictures))
    assert ours.features(pictures).shape == theirs.shape
    assert_allclose(ours.features(pictures), theirs, atol=2e-5 * np.abs(theirs).max())
    if theirs.ndim == 4:  # it tells pictures apart; the means of drawn weights hardly do, see test_pooled.py
        assert theirs.std(axis=0).max() > 0.01 * np.abs(theirs).max()
    (graph,) = tmp_path.rglob("backbone.onnx")
    onnx.checker.check_model(str(graph), full_check=True)


def never(*_: object) -> None:
    raise AssertionError("it was exported again")


def test_it_is_made_once_for_its_weights_and_side(
    keras: Any, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = golden_pictures(SIDE)
    first, _ = exported_backbone(model, "weights", tmp_path, pictures)
    exported_backbone(build(keras, 75), "weights", tmp_path, golden_pictures(75))
    exported_backbone(build(keras, head_epochs=30), "weights", tmp_path, pictures)
    exported_backbone(model, "others", tmp_path, pictures)
    assert len(list(tmp_path.iterdir())) == 4
    monkeypatch.setattr(exporting, "export_backbone", never)
    again, _ = exported_backbone(model, "weights", tmp_path, pictures)
    assert_array_equal(again.features(pictures), first.features(pictures))


def test_what_was_kept_is_taken_without_keras_unless_it_is_damaged(model: Any, tmp_path: Path) -> None:
    pictures = golden_pictures(SIDE)
    ours, _ = exported_backbone(model, "weights", tmp_path / "cache", pictures)
    shapes = (SIDE, SIDE, 3), model.output.shape[1:]
    kept = kept_backbone("weights", *shapes, tmp_path / "cache")
    assert kept is not None
    assert_array_equal(kept.features(pictures), ours.features(pictures))
    assert kept_backbone("others", *shapes, tmp_path / "cache") is None
    assert kept_backbone("weights", *shapes, tmp_path / "elsewhere") is None
    (arrays,) = tmp_path.rglob("backbone.onnx.data")
    change(arrays)
    assert kept_backbone("weights", *shapes, tmp_path / "cache") is None


def cut_off(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def change(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x40
    file.write_bytes(data)


DAMAGES: dict[str, tuple[str, Callable[[Path], object]]] = {
    "the graph is cut off": ("backbone.onnx", cut_off),
    "a bit of the arrays is another": ("backbone.onnx.data", change),
    "the arrays are gone": ("backbone.onnx.data", Path.unlink),
    "the record is cut off": ("sha256.json", cut_off),
    "the record is gone": ("sha256.json", Path.unlink),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_made_again(model: Any, tmp_path: Path, damage: str) -> None:
    pictures = golden_pictures(SIDE)
    before = exported_backbone(model, "weights", tmp_path, pictures)[0].features(pictures)
    (folder,) = tmp_path.iterdir()
    whole = {file.name: file.read_bytes() for file in folder.iterdir()}
    name, harm = DAMAGES[damage]
    harm(folder / name)
    assert_array_equal(exported_backbone(model, "weights", tmp_path, pictures)[0].features(pictures), before)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == whole


def test_a_file_of_other_weights_is_not_believed(keras: Any, model: Any, tmp_path: Path) -> None:
    """As where somebody put another file with its own record in the place."""
    pictures, other = golden_pictures(SIDE), build(keras, seed=1)
    theirs = exported_backbone(other, "weights", tmp_path, pictures)[0].features(pictures)
    ours, difference = exported_backbone(model, "weights", tmp_path, pictures)
    assert difference < exporting.TOLERANCE
    assert not np.allclose(ours.features(pictures), theirs)


def test_an_export_that_says_something_else_is_an_error(
    keras: Any, model: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other, export = build(keras, seed=1), exporting.export_backbone
    monkeypatch.setattr(exporting, "export_backbone", lambda _model, *files: export(other, *files))
    with pytest.raises(ExportError, match=r"exported backbone differs from its Keras model by .* expected at most"):
        exported_backbone(model, "weights", tmp_path, golden_pictures(SIDE))
    assert kept_backbone("weights", (SIDE, SIDE, 3), model.output.shape[1:], tmp_path) is None


KILLED = """
import os, sys
from pathlib import Path
from cic_assets.domain.models.export import backbone, golden_pictures
from cic_assets_tests.domain.models.export.test_backbone import build
import keras
export = backbone.export_backbone
def half(model, graph, arrays):
    export(model, graph, arrays)
    arrays.write_bytes(arrays.read_bytes()[:1000])
    os.kill(os.getpid(), 9)
backbone.export_backbone = half
backbone.exported_backbone(build(keras), "weights", Path(sys.argv[1]), golden_pictures(71))
"""


def test_a_killed_writing_leaves_nothing_that_passes_for_whole(model: Any, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], capture_output=True, timeout=200)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not list(tmp_path.rglob("sha256.json"))
    assert len(list(tmp_path.rglob("backbone.onnx*"))) == 2  # what the dead process left
    exported_backbone(model, "weights", tmp_path, golden_pictures(SIDE))
    (folder,) = tmp_path.iterdir()
    assert sorted(json.loads((folder / "sha256.json").read_text())) == ["backbone.onnx", "backbone.onnx.data"]
