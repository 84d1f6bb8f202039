"""`cic export model`: each format says what `cic predict` says, loaded by its own runtime where there is no cic_assets.

What is run is what the export's own README tells to do.
"""

import json
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import ModelCard
from numpy.testing import assert_allclose, assert_array_equal

from cic_assets.domain.models import FORMATS, MODEL_FILE, fit_to_side, load_model
from cic_assets.domain.models.card import file_sha256
from cic_assets.domain.models.export import golden_pictures, write_export
from cic_assets.domain.prediction import Input, load_predictor
from cic_assets.storage import DataRoot, write_json
from cic_assets_tests.fixtures.models import as_if_trained

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    # TensorFlow's tensors, asked by Keras for a numpy array.
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"),
]

MODEL = "peetz_net"
BOUND = 0.02
"""Of a probability of what `predict.py` prepares otherwise: large JPEGs, long strips; here, where nothing is sharp."""

SNIPPETS = """
import sys
sys.modules["cic_assets"] = None  # whoever imports it fails, as where it is not installed
import os
import numpy as np

pictures = np.load("pictures.npy")
for name in sys.argv[1:]:
    found = {"pictures": pictures}
    os.chdir(name)
    exec(open("../" + name + ".py").read(), found)
    os.chdir("..")
    np.save(name + ".npy", found["probabilities"])
assert not [name for name in sys.modules if name.startswith("cic_assets.")]
"""

FROM_THE_HUB = """
import huggingface_hub

def snapshot_download(repo_id, **_):
    assert repo_id == "USER/MODEL"
    return os.getcwd()

import os
huggingface_hub.snapshot_download = snapshot_download
"""
"""The Hub, in place of a network."""


@pytest.fixture(scope="module")
def finished(finished_first, tmp_path_factory):
    """Its net as if it had learned more: after one epoch it says nearly the same of all pictures."""
    copy = finished_first.copy(tmp_path_factory.mktemp("finished") / "copy")
    folder = DataRoot(str(copy.root)).model(MODEL)
    model, card = load_model(folder)
    as_if_trained(model).save(str(folder / MODEL_FILE))
    export = write_export(model, Path(str(folder)), card.labels, golden_pictures(card.preprocessing.input_size))
    card = card.model_copy(update={"sha256": file_sha256(folder / MODEL_FILE), "export": export, "reject": None})
    write_json(folder / "card.json", card.model_dump(mode="json"))
    return copy


@pytest.fixture(scope="module")
def root(finished):
    return DataRoot(str(finished.root))


@pytest.fixture(scope="module")
def photos(finished, jpeg):
    """JPEGs by name: those of the data set, and of sides around what changes how they are prepared."""
    folder = finished.folder / "photos"
    folder.mkdir()
    for number, path in enumerate(sorted((finished.root / "images").rglob("*.jpg"))[:12]):
        shutil.copy(path, folder / f"real{number}.jpg")
    for width, height in ((160, 120), (120, 161), (64, 66), (191, 250), (50, 40)):
        (folder / f"{width}x{height}.jpg").write_bytes(jpeg(width, width, height))
    (folder / "upright.jpg").write_bytes(with_orientation(jpeg(3, 150, 101), 6))
    return sorted(folder.iterdir())


def with_orientation(data, orientation):
    exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, orientation, 0, 0, 0, 0, 0, 0])
    return data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2) + exif + data[2:]


@pytest.fixture(scope="module")
def predicted(finished, photos):
    """The class probabilities (N, K) that `cic predict` says of the photos."""
    result = finished.call("predict", "--json", "--model", MODEL, *photos)
    assert result.returncode == 0, result.stderr
    return np.array([[row["probabilities"][label] for label in ("car", "tank")] for row in json.loads(result.stdout)])


@pytest.fixture(scope="module")
def prepared(root, photos):
    """The photos as the model takes them, and the golden pictures."""
    predictor = load_predictor(root, MODEL)
    pictures = np.stack([predictor.prepare(Input(path.name, path.read_bytes())) for path in photos])
    return fit_to_side(pictures, predictor.card.preprocessing.input_size)


@pytest.fixture(scope="module")
def exported(finished):
    """A folder with each format in one of its name."""
    folder = finished.folder / "exported"
    for form in FORMATS:
        result = finished.call("export", "model", form, folder / form, "--model", MODEL)
        assert result.returncode == 0, result.stderr
        assert result.stdout == f"{MODEL}: car, tank\nWritten ({form}): {folder / form}\n"
        assert result.stderr == ""
    return folder


def blocks(readme, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def answers(exported, prepared):
    """What each README's program says of the golden pictures and of the photos, by the name of its format."""
    golden = golden_pictures(prepared.shape[1])
    np.save(exported / "pictures.npy", np.concatenate([golden, prepared]))
    for form in FORMATS:
        (program,) = blocks((exported / form / "README.md").read_text(), "python")
        (exported / f"{form}.py").write_text(program)
    (of_the_hub,) = blocks((exported / "huggingface" / "README.md").read_text(), "py")
    shutil.copytree(exported / "huggingface", exported / "hub")
    (exported / "hub.py").write_text(FROM_THE_HUB + of_the_hub)
    # TensorFlow and LiteRT are two builds of one library: in one process they might be in each other's way.
    for names in (("keras", "savedmodel", "hub"), ("onnx", "litert", "huggingface", "folder")):
        command = [sys.executable, "-I", "-c", SNIPPETS, *names]
        result = subprocess.run(command, cwd=exported, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr
    found = {name: np.load(exported / f"{name}.npy") for name in (*FORMATS, "hub")}
    return {name: (rows[: len(golden)], rows[len(golden) :]) for name, rows in found.items()}


@pytest.mark.parametrize("name", [*FORMATS, "hub"])
def test_a_format_says_what_the_command_says(answers, predicted, name):
    golden, photos = answers[name]
    assert_allclose(photos, predicted, atol=1e-4)
    assert_allclose(golden, answers["onnx"][0], atol=1e-4)
    assert np.ptp(photos, axis=0).max() > 0.2  # it tells pictures apart


def run_program(folder, *paths):
    command = [sys.executable, "-I", "predict.py", *map(str, paths)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    lines = [re.fullmatch(r"(.+): (\w+) \(([\d.]+)\)", line) for line in result.stdout.splitlines()]
    assert [line[1] for line in lines] == [str(path) for path in paths]
    return [line[2] for line in lines], np.array([float(line[3]) for line in lines])


@pytest.mark.parametrize("form", ["folder", "huggingface"])
def test_the_program_says_of_a_file_what_the_command_says(exported, photos, predicted, form):
    labels, probabilities = run_program(exported / form, *photos)
    assert labels == [["car", "tank"][row.argmax()] for row in predicted]
    assert_allclose(probabilities, predicted.max(axis=1), atol=1e-4)


def test_the_program_prepares_a_picture_to_the_bit(exported, photos, prepared):
    prepare = runpy.run_path(str(exported / "folder" / "predict.py"))["prepared"]
    for path, expected in zip(photos, prepared, strict=True):
        assert_array_equal(prepare(str(path))[0], expected, err_msg=path.name)


def test_the_program_is_near_where_it_prepares_otherwise(exported, finished, root, jpeg, tmp_path):
    paths = []
    for number, size in enumerate([(640, 480), (1200, 900), (799, 1203), (700, 90)]):
        paths.append(tmp_path / f"{number}.jpg")
        paths[-1].write_bytes(jpeg(number, *size))
    expected = load_predictor(root, MODEL).predict(map(str, paths))
    labels, probabilities = run_program(exported / "folder", *paths)
    assert labels == [one.label for one in expected]
    assert_allclose(probabilities, [one.probability for one in expected], atol=BOUND)


def test_the_program_names_what_it_cannot_read(exported, tmp_path):
    command = [sys.executable, "-I", "predict.py", "nowhere.jpg"]
    result = subprocess.run(command, cwd=exported / "folder", capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == "nowhere.jpg: cannot be read as a picture"


def test_all_formats_tell_labels_preprocessing_and_licence(exported, root):
    for form in FORMATS:
        folder = exported / form
        assert (folder / "labels.txt").read_text() == "car\ntank\n"
        how = json.loads((folder / "preprocessing.json").read_text())
        assert (how["side"], how["input_size"], how["shape"]) == (64, 32, [None, 32, 32, 3])
        assert how["labels"] == ["car", "tank"]
        readme = (folder / "README.md").read_text()
        assert all(step in readme for step in how["steps"])
        assert len(how["steps"]) == 6
        assert f"JPEG of quality {how['jpeg_quality']}," in readme
        for words in ("cars-and-tanks-sample", "0 car, 1 tank", "## Licence", "grants no right", "MIT License"):
            assert words in readme
        card = json.loads((root.model(MODEL) / "card.json").read_text())
        assert f"| test | {card['scores']['test']['count']} | {card['scores']['test']['accuracy']:.1%} |" in readme


def test_the_hub_reads_the_card(exported, root):
    scores = json.loads((root.model(MODEL) / "card.json").read_text())["scores"]
    data = ModelCard.load(exported / "huggingface" / "README.md", ignore_metadata_errors=False).data
    assert (data.license, data.license_link) == ("other", "LICENSE.md")
    assert (exported / "huggingface" / data.license_link).read_text().startswith("All of its weights were trained")
    assert (data.library_name, data.pipeline_tag, data.metrics) == ("keras", "image-classification", ["accuracy"])
    assert {"image-classification", "peetz_net"} <= set(data.tags)
    found = {(one.dataset_split, one.metric_type): one for one in data.eval_results}
    for split in ("validation", "test"):
        assert found[split, "accuracy"].metric_value == scores[split]["accuracy"]
        assert found[split, "loss"].metric_value == scores[split]["loss"]
        said = f"Accuracy on {scores[split]['count']} {split} pictures that it was not trained on"
        assert found[split, "accuracy"].metric_name == said
    assert len(found) == 4


def test_what_is_to_be_known_of_a_model_is_in_its_card(own_finished):
    """Pretrained weights, weights that could not be had, drawn pictures, take-downs, another data set."""
    folder = own_finished.root / "models" / MODEL
    card = json.loads((folder / "card.json").read_text())
    card |= {
        "weights": {"source": "/home/me/secret.h5", "sha256": "0"},
        "random_weights": True,
        "takedowns": {"count": 2, "since": "2026-01-02T03:04:05+00:00"},
    }
    (folder / "card.json").write_text(json.dumps(card))
    description = own_finished.root / "dataset" / "dataset.json"
    description.write_text(json.dumps(json.loads(description.read_text()) | {"sample": True}))
    readme = exported_readme(own_finished, "one")
    for words in (
        "Xception's ImageNet weights out of Keras",
        "released under the MIT license",
        "had to do without: no use",
        "that a program drew",
        "2 pictures that were taken down since",
        "# peetz_net: cars-and-tanks-sample",
    ):
        assert words in readme
    assert "secret" not in readme
    description.write_text(json.dumps(json.loads(description.read_text()) | {"version": "another"}))
    readme = exported_readme(own_finished, "two")
    assert f"# peetz_net: data version {card['data_version']}" in readme
    assert "that a program drew" not in readme


def exported_readme(finished, name):
    result = finished.call("export", "model", "onnx", name, "--model", MODEL)
    assert result.returncode == 0, result.stderr
    return (finished.folder / name / "README.md").read_text()


def test_a_model_from_before_there_were_exports_becomes_onnx_all_the_same(own_finished):
    folder = own_finished.root / "models" / MODEL
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | {"export": None}))
    names = ("model.onnx", "model.onnx.data")
    left_by_training = [(folder / name).read_bytes() for name in names]
    (folder / "model.onnx").unlink()
    assert "## Load it" in exported_readme(own_finished, "made")
    assert [(own_finished.folder / "made" / name).read_bytes() for name in names] == left_by_training


def test_the_best_model_is_taken_and_a_zip_is_one_file(finished, exported):
    result = finished.call("export", "model", "keras", "best.zip")
    assert result.returncode == 0, result.stderr
    best = load_predictor(DataRoot(str(finished.root))).card
    assert result.stdout.startswith(f"{best.name}: car, tank\n")
    with zipfile.ZipFile(finished.folder / "best.zip") as archive:
        assert sorted(archive.namelist()) == ["README.md", "labels.txt", "model.keras", "preprocessing.json"]
        model = (finished.root / "models" / best.name / MODEL_FILE).read_bytes()
        assert archive.read("model.keras") == model


@pytest.mark.parametrize("form", ["keras", "savedmodel", "onnx", "huggingface"])
def test_a_file_that_is_not_the_cards_is_not_given_away(own_finished, form):
    name = "model.onnx" if form == "onnx" else "model.keras"
    with (own_finished.root / "models" / MODEL / name).open("ab") as file:
        file.write(b"x")
    result = own_finished.call("export", "model", form, "out", "--model", MODEL)
    assert result.returncode == 1
    assert f"{name} is not the model that card.json describes" in result.stderr
    assert not (own_finished.folder / "out").exists()
    assert [path.name for path in own_finished.folder.iterdir() if path.name.startswith(".out")] == []


def test_what_says_something_else_is_not_given_away(own_finished, monkeypatch):
    """As if a converter had a fault."""
    import keras

    export = keras.Model.export

    def wrong(self, *arguments, **options):
        weights = self.get_weights()
        self.set_weights([*weights[:-1], weights[-1] + [0.1, 0]])
        export(self, *arguments, **options)
        self.set_weights(weights)

    monkeypatch.setattr(keras.Model, "export", wrong)
    for form in ("savedmodel", "litert"):
        result = own_finished.call_here("export", "model", form, "out", "--model", MODEL)
        assert result.returncode == 1
        assert "differs from its Keras model by" in result.stderr
        assert not (own_finished.folder / "out").exists()
