"""Models in fewer bits say nearly the same, are judged beside the whole one, and go with it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from upath import UPath

from cic_assets.domain.models import (
    PRECISIONS,
    CardMismatchError,
    ExportError,
    ModelError,
    is_whole,
    load_exported,
    load_quantized,
    load_training_data,
    log_loss,
    quantize,
    quantized_cards,
    read_card,
    softmax,
    train,
)
from cic_assets.domain.models.calibration import calibrate
from cic_assets.domain.models.export import ExportedModel
from cic_assets.domain.models.export.names import EVIDENCE, PROBABILITIES
from cic_assets.domain.models.quantization.eight_bits import write_8_bits
from cic_assets.domain.models.quantization.half import write_half
from cic_assets_tests.domain.models.conftest import MakeDataset
from cic_assets_tests.domain.models.export.test_keras_model import PAIRS, build, exported, pictures_for
from cic_assets_tests.domain.models.small_trainings import FAST, SMALL_MODERN, spec_for

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("graphs_as_they_are"),
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

COUNTS = {"train": 60, "validation": 30, "test": 30}


@pytest.fixture(scope="module")
def keras() -> Iterator[Any]:
    import keras

    yield keras
    keras.utils.clear_session()


@pytest.fixture(scope="module")
def trained(make_shared_dataset: MakeDataset, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data set, and the folder of a model that learned it and was made in all precisions."""
    dataset, folder = make_shared_dataset(side=40, counts=COUNTS), tmp_path_factory.mktemp("models") / "small"
    train(spec_for(dataset, folder, SMALL_MODERN.model_copy(update={"epochs": 20})))
    quantize(UPath(folder), UPath(dataset), PRECISIONS)
    return dataset, folder


@pytest.fixture
def copied(trained: tuple[Path, Path], tmp_path: Path) -> tuple[UPath, UPath]:
    """The same, to be changed."""
    for source, name in zip(trained, ("dataset", "small"), strict=True):
        shutil.copytree(source, tmp_path / name)
    return UPath(tmp_path / "dataset"), UPath(tmp_path / "small")


def answers_of(folder: Path, dataset: Path, precision: str | None = None) -> np.ndarray:
    found = load_quantized(UPath(folder), precision) if precision else load_exported(UPath(folder))
    assert found is not None
    return found[0].probabilities(np.load(dataset / "test.npy"))


def test_its_card_says_what_it_does_to_answers(trained: tuple[Path, Path]) -> None:
    dataset, folder = trained
    labels, full = np.load(dataset / "test_labels.npy"), answers_of(folder, dataset)
    cards = quantized_cards(UPath(folder))
    assert [card.precision for card in cards] == list(PRECISIONS)
    assert (full.argmax(axis=1) == labels).mean() > 0.9  # it learned something
    for card in cards:
        less = answers_of(folder, dataset, card.precision)
        for judged, answers in ((card.full, full), (card.measured, less)):
            scores = judged.scores["test"]
            assert (scores.accuracy, scores.count) == ((answers.argmax(axis=1) == labels).mean(), len(labels))
            assert scores.loss == pytest.approx(log_loss(answers.astype(np.float64), labels, 1e-7))
        changes = card.changes["test"]
        assert changes.labels == (less.argmax(axis=1) != full.argmax(axis=1)).sum()
        assert changes.largest == pytest.approx(np.abs(less.astype(np.float64) - full).max())
        assert changes.mean == pytest.approx(np.abs(less.astype(np.float64) - full).mean())
        files = [file for file in (folder / card.precision).iterdir() if file.name != "card.json"]
        assert card.measured.bytes == sum(file.stat().st_size for file in files)
        assert card.full.bytes == sum(file.stat().st_size for file in folder.glob("model.onnx*"))
        assert card.measured.milliseconds > 0


def test_a_trained_model_in_fewer_bits_is_as_good(trained: tuple[Path, Path]) -> None:
    half, eight = quantized_cards(UPath(trained[1]))
    assert half.changes["test"].largest < 0.005
    assert half.changes["test"].labels == 0
    assert half.calibration_pictures == 0
    assert eight.changes["test"].largest < 0.25
    assert eight.measured.scores["test"].accuracy > eight.full.scores["test"].accuracy - 0.07
    assert eight.calibration_pictures == COUNTS["train"]


def test_what_its_probabilities_are_worth_is_set_by_its_own_answers(trained: tuple[Path, Path]) -> None:
    dataset, folder = trained
    data = load_training_data(UPath(dataset))
    model, card = load_quantized(UPath(folder), "int8")
    assert card.calibration == calibrate(data, model.probabilities(data.splits["validation"].images).astype(float))
    assert card.calibration != read_card(UPath(folder)).calibration


@pytest.mark.parametrize("pair", PAIRS)
def test_every_network_can_be_made_in_fewer_bits(keras: Any, tmp_path: Path, pair: tuple[str, str]) -> None:
    model = build(*pair, 3, 72)
    ours, pictures = exported(model, tmp_path), pictures_for(model)
    source, expected = tmp_path / "model.onnx", ours.probabilities(pictures)
    assert expected.std(axis=0).max() > 0.05  # it tells pictures apart, so that equal answers say something
    (tmp_path / "half").mkdir()
    write_half(source, tmp_path / "half" / "model.onnx", tmp_path / "half" / "model.onnx.data")
    write_8_bits(source, tmp_path / "eight.onnx", pictures)
    for graph, tolerance in ((tmp_path / "half" / "model.onnx", 0.02), (tmp_path / "eight.onnx", 0.3)):
        onnx.checker.check_model(str(graph), full_check=True)
        less = ExportedModel(graph, threads=1)
        assert less.outputs == ours.outputs
        assert less.metadata.items() >= ours.metadata.items()
        assert_allclose(less.probabilities(pictures), expected, atol=tolerance)
        if less.has_activation_map:
            evidence, probabilities = less.run(pictures, [EVIDENCE, PROBABILITIES])
            assert_allclose(softmax(evidence.mean(axis=(2, 3))), probabilities, atol=1e-5)


def initializers_of(graph: Path) -> dict[str, np.ndarray]:
    model = onnx.load(str(graph))
    return {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}


def test_weights_have_the_bits_that_are_said(trained: tuple[Path, Path]) -> None:
    folder = trained[1]
    half = initializers_of(folder / "float16" / "model.onnx")
    assert {array.dtype.name for array in half.values()} <= {"float16", "int64"}
    full = sum(array.size for array in initializers_of(folder / "model.onnx").values() if array.dtype == np.float32)
    eight = initializers_of(folder / "int8" / "model.onnx")
    kernels = [array for array in eight.values() if array.dtype == np.int8 and array.ndim == 4]
    assert sum(array.size for array in kernels) > 0.9 * full
    # Half of the range, so that no processor's sums overflow.
    assert max(np.abs(array.astype(int)).max() for array in kernels) <= 64


def test_ranges_are_of_training_pictures_alone(copied: tuple[UPath, UPath]) -> None:
    dataset, folder = copied
    (before,) = [card.sha256s for card in quantized_cards(folder) if card.precision == "int8"]
    for split in ("validation", "test"):
        pictures = np.load(str(dataset / f"{split}.npy"))
        np.save(str(dataset / f"{split}.npy"), 255 - pictures)
    assert quantize(folder, dataset, ["int8"])[0].sha256s == before
    np.save(str(dataset / "train.npy"), np.load(str(dataset / "train.npy")) // 4)
    assert quantize(folder, dataset, ["int8"])[0].sha256s != before


def test_no_framework_is_loaded_for_it(copied: tuple[UPath, UPath]) -> None:
    dataset, folder = copied
    program = (
        "import sys; from upath import UPath; from cic_assets.domain.models import quantize\n"
        "quantize(UPath(sys.argv[1]), UPath(sys.argv[2]), ['float16', 'int8'])\n"
        "sys.exit(', '.join({'tensorflow', 'keras', 'jax', 'torch'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program, folder, dataset], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_is_not_asked_for_any_more_goes(copied: tuple[UPath, UPath]) -> None:
    dataset, folder = copied
    quantize(folder, dataset, ["int8"])
    assert not (folder / "float16").exists()
    assert [card.precision for card in quantized_cards(folder)] == ["int8"]
    with pytest.raises(FileNotFoundError, match=r"small was not made in float16: set prediction: {precisions: \[float"):
        load_quantized(folder, "float16")


def test_a_new_training_removes_what_was_made_of_the_model_before(copied: tuple[UPath, UPath]) -> None:
    dataset, folder = copied
    (folder / "notes").mkdir()  # a person's own
    train(spec_for(Path(str(dataset)), Path(str(folder)), FAST))
    assert [(folder / name).exists() for name in ("float16", "int8", "notes")] == [False, False, True]


def test_what_was_made_of_another_model_is_not_believed(copied: tuple[UPath, UPath]) -> None:
    """As after a kill between the two, or where somebody copied a folder."""
    dataset, folder = copied
    kept = Path(str(folder)).with_name("kept")
    shutil.copytree(str(folder / "int8"), kept)
    train(spec_for(Path(str(dataset)), Path(str(folder)), FAST))
    shutil.copytree(kept, str(folder / "int8"))
    assert not is_whole(folder, "int8")
    assert quantized_cards(folder) == []
    with pytest.raises(CardMismatchError, match="made from another small than there is now: materialize small_quant"):
        load_quantized(folder, "int8")


def test_damaged_and_missing_files_are_named(copied: tuple[UPath, UPath]) -> None:
    _, folder = copied
    graph = folder / "int8" / "model.onnx"
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(CardMismatchError, match=r"int8/model.onnx is not the model .*: materialize small_quantized"):
        load_quantized(folder, "int8")
    (folder / "float16" / "model.onnx.data").unlink()
    assert not is_whole(folder, "float16")
    with pytest.raises(FileNotFoundError, match=r"model.onnx.data is missing: materialize small_quantized"):
        load_quantized(folder, "float16")
    (folder / "float16" / "card.json").write_text("{}")
    assert not is_whole(folder, "float16")
    with pytest.raises(CardMismatchError, match="not a card of this version"):
        load_quantized(folder, "float16")


def test_a_model_that_knows_other_pictures_or_was_never_exported_is_refused(copied: tuple[UPath, UPath]) -> None:
    dataset, folder = copied
    about = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(about | {"version": "v2"}))
    with pytest.raises(ModelError, match="small knows another data set than there is now: train it first"):
        quantize(folder, dataset, PRECISIONS)
    card = read_card(folder).model_dump(mode="json") | {"export": None}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="small was trained before models were exported"):
        quantize(folder, dataset, PRECISIONS)


def test_a_champion_of_before_is_judged_by_what_it_has_not_learned_from(copied: tuple[UPath, UPath]) -> None:
    dataset, folder = copied
    about = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(about | {"version": "v2"}))
    seen = pd.read_parquet(folder / "pictures.parquet")
    whole = quantized_cards(folder)[0].full.scores
    test = seen.index[seen["split"] == "test"]
    validation = seen.index[seen["split"] == "validation"]
    # As if some of its training pictures were on another side now, which splits never do by themselves.
    seen.loc[[*test[:3], *validation[:2]], "split"] = "train"
    seen.to_parquet(folder / "pictures.parquet")
    (card,) = quantize(folder, dataset, ["float16"], of_before=True)
    counts = {split: scores.count for split, scores in card.full.scores.items()}
    assert counts == {"validation": whole["validation"].count - 2, "test": whole["test"].count - 3}
    seen.assign(split="train").to_parquet(folder / "pictures.parquet")
    with pytest.raises(ModelError, match="has learned from all of its validation pictures"):
        quantize(folder, dataset, ["float16"], of_before=True)


def test_nor_by_what_is_of_a_unit_that_it_has_learned_from(copied: tuple[UPath, UPath]) -> None:
    dataset, folder = copied
    about = json.loads((dataset / "dataset.json").read_text())
    (dataset / "dataset.json").write_text(json.dumps(about | {"version": "v2"}))
    # As it turned out since: copies of what it was trained on, and of what it was chosen by.
    units = {"validation0004": "train0002", "test0003": "train0002", "test0007": "validation0009"}
    manifest = pd.read_parquet(dataset / "manifest.parquet")
    manifest["unit_id"] = manifest["sha256"].replace(units)
    manifest.to_parquet(dataset / "manifest.parquet")
    (card,) = quantize(folder, dataset, ["float16"], of_before=True)
    counts = {split: scores.count for split, scores in card.full.scores.items()}
    assert counts == {"validation": COUNTS["validation"] - 1, "test": COUNTS["test"] - 2}


def test_weights_that_are_too_large_for_half_precision_are_an_error_and_leave_nothing(
    keras: Any, tmp_path: Path
) -> None:
    model = build("vgg", "modern")
    kernel, bias = model.get_layer("logits").get_weights()
    model.get_layer("logits").set_weights([kernel * 1e6, bias])
    exported(model, tmp_path)
    with pytest.raises(ExportError, match="half precision cannot hold"):
        write_half(tmp_path / "model.onnx", tmp_path / "half.onnx", tmp_path / "half.onnx.data")
    assert not (tmp_path / "half.onnx").exists()
