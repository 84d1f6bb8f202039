"""Two models on the same pictures, of which one has kept answers and the other is asked."""

import shutil

import pandas as pd
import pytest

from cic_assets.domain.champions import NotComparableError, compare, comparison_words, find_version
from cic_assets.storage import DataRoot

pytestmark = pytest.mark.slow  # the models are made by Keras


@pytest.fixture
def root(quantized_root, tmp_path):
    """Two exported models that know brightness, and a data set of grey pictures, two of them for the test."""
    shutil.copytree(str(quantized_root.path), tmp_path / "root")
    root = DataRoot(str(tmp_path / "root"))
    manifest = pd.read_parquet(root.dataset / "manifest.parquet")
    manifest["klass"] = [["dark", "bright"][label] for label in manifest["label"]]
    manifest.to_parquet(root.dataset / "manifest.parquet")
    for name in ("vgg", "peetz_net"):
        manifest[["sha256", "split"]].to_parquet(root.model(name) / "pictures.parquet")
        keep(root, name, manifest[manifest["split"] == "test"].assign(predicted=["bright", "dark"]))
    return root


def keep(root, name, rows):
    """What a training keeps of its answers."""
    rows[["sha256", "split", "klass", "label", "predicted"]].to_parquet(root.model(name) / "predictions.parquet")


def kept(root, name):
    return pd.read_parquet(root.model(name) / "predictions.parquet")


def compared(root):
    return compare(root, find_version(root, "vgg"), find_version(root, "peetz_net"))


def test_answers_that_were_kept_are_taken(root):
    found = compared(root)
    assert (found.pictures, found.first_right, found.second_right, found.difference) == (2, 0, 0, 0)
    assert found.cost == 1


def test_about_what_it_has_no_answer_on_the_exported_model_is_asked(root):
    """The answers that were kept are wrong on purpose; what the model itself says is right."""
    keep(root, "peetz_net", kept(root, "peetz_net")[:0])
    found = compared(root)
    assert (found.first_right, found.second_right, found.only_second) == (0, 2, 2)
    keep(root, "vgg", kept(root, "vgg")[:1])
    found = compared(root)
    assert (found.pictures, found.first_right, found.second_right) == (2, 1, 2)
    assert "vgg names 1 rightly and peetz 2, a difference of +50.0 points" in comparison_words(found, "vgg", "peetz")


def test_more_than_so_many_are_left_out(root, monkeypatch):
    monkeypatch.setattr("cic_assets.domain.champions.comparing.MOST_ASKED", 1)
    keep(root, "peetz_net", kept(root, "peetz_net")[:0])
    found = compared(root)
    assert (found.pictures, found.skipped) == (1, 1)
    assert "(1 more were left out)" in comparison_words(found)


def test_without_a_picture_nothing_is_compared(root):
    pictures = pd.read_parquet(root.model("vgg") / "pictures.parquet")
    pictures.assign(split="train").to_parquet(root.model("vgg") / "pictures.parquet")
    with pytest.raises(NotComparableError, match="no test picture that neither has learned from"):
        compared(root)
    shutil.rmtree(root.dataset)
    with pytest.raises(NotComparableError, match="there is no data set"):
        compared(root)
