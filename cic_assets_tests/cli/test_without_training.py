"""Where TensorFlow is not installed: what needs it says so at once, and the rest works."""

import io
import sys

import pytest
from click import ClickException
from rich.console import Console

from cic_assets.cli.graph import _check_training
from cic_assets.config.environment import Environment
from cic_assets.config.problem_file import load_problem
from cic_assets.defs.assets import preparation
from cic_assets.domain.extras import why_no_tensorflow, why_no_training
from cic_assets.domain.features import FeatureSettings

LACK = "needs TensorFlow: install cic-assets with the extra train (pip install 'cic-assets[train]')"


@pytest.fixture
def no_tensorflow(monkeypatch):
    """It cannot be imported or found, as where it is not installed."""
    monkeypatch.delenv("KERAS_BACKEND", raising=False)
    monkeypatch.setitem(sys.modules, "tensorflow", None)


@pytest.fixture
def problem(tmp_path):
    for klass in ("cat", "dog"):
        (tmp_path / klass).mkdir()
    text = "name: pets\nclasses: {cat: ['folder:cat'], dog: ['folder:dog']}\n"
    (tmp_path / "problem.yaml").write_text(text)
    return tmp_path / "problem.yaml"


def test_what_is_missing_is_known_without_importing_it(no_tensorflow, monkeypatch):
    assert why_no_training() == f"training {LACK}"
    assert why_no_tensorflow("tfrecord") == f"tfrecord {LACK}"
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    assert why_no_training() is None
    monkeypatch.setitem(sys.modules, "keras", None)
    assert why_no_training() == f"training {LACK}"


def test_nothing_is_missing_where_it_is_installed():
    assert (why_no_training(), why_no_tensorflow("x")) == (None, None)


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "--problem", "problem.yaml"),
        ("run", "--problem", "problem.yaml", "--select", "raw_images,vgg_model"),
        ("rescrape", "--retry", "error", "--problem", "problem.yaml"),
        ("demo", "--data-root", "data"),
    ],
)
def test_nothing_is_scraped_that_could_not_be_trained_on(no_tensorflow, commands, problem, arguments):
    result = commands.call_here(*arguments)
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1] == f"Error: training {LACK}"
    assert not (problem.parent / "data").exists()


@pytest.mark.parametrize(("train", "assets"), [("never", ""), ("always", "raw_images"), ("when-due", "duplicates")])
def test_what_trains_nothing_goes_on(no_tensorflow, problem, train, assets):
    environment, console = Environment(problem=problem), Console(file=io.StringIO())
    _check_training(console, environment, load_problem(problem), train, frozenset({assets} - {""}))
    with pytest.raises(ClickException, match="training needs TensorFlow"):
        _check_training(console, environment, load_problem(problem), "always", frozenset({assets, "vgg_model"}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("tfrecord", "out"), f"Error: tfrecord {LACK}\n"),
        (("model", "savedmodel", "out"), f"Error: a model as savedmodel {LACK}\n"),
        (("model", "litert", "out"), f"Error: a model as litert {LACK}\n"),
    ],
)
def test_an_export_that_takes_tensorflow_says_so(no_tensorflow, finished, arguments, said):
    result = finished.call_here("export", *arguments)
    assert (result.returncode, result.stderr) == (1, said)
    assert not (finished.folder / "out").exists()


@pytest.mark.slow
@pytest.mark.parametrize("form", ["keras", "onnx", "huggingface", "folder"])
def test_an_export_that_does_not_works(no_tensorflow, finished, form):
    result = finished.call_here("export", "model", form, f"as_{form}")
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_a_model_that_was_never_exported_says_why_it_cannot_be_asked(keras_root, no_tensorflow, commands, jpeg):
    (commands.folder / "a.jpg").write_bytes(jpeg())
    result = commands.call_here("predict", "a.jpg", "--data-root", keras_root.path)
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == f"Error: vgg (it was trained before models were exported) {LACK}\n"


def test_a_run_that_trains_nothing_goes_without_features_and_says_why(no_tensorflow):
    backbone, why_none = preparation._backbone(FeatureSettings(), "", print)
    assert backbone is None
    assert f"features of pictures {LACK}" in why_none
