"""What looks like nothing that a model was trained on is said to be, and what it was trained on that is like it."""

import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from upath import UPath

from cic_assets.domain.models import mark_taken_down
from cic_assets.domain.prediction import Input, PredictionError, load_predictor
from cic_assets.domain.prediction.posts import Post, Posts
from cic_assets.storage import ASK_AGAIN_SECONDS, DataRoot

MANIFEST = "manifest.parquet"
GREY, RED = (120, 121, 119), (10, 10, 230)


def coloured(bgr):
    return Input("x.png", cv2.imencode(".png", np.full((50, 70, 3), bgr, np.uint8))[1].tobytes())


@pytest.fixture
def root(exported_root, tmp_path):
    shutil.copytree(str(exported_root.path), tmp_path / "root")
    return DataRoot(str(tmp_path / "root"))


def write_manifest(root, names, title="a > b"):
    rows = {"sha256": names, "permalink": "https://www.reddit.com/r/x/1", "title": title}
    root.dataset.mkdir(exist_ok=True)
    (root.dataset / MANIFEST).write_bytes(pd.DataFrame(rows).to_parquet())


@pytest.mark.slow
def test_what_is_of_no_class_is_told_and_its_class_stays_beside(exported_root):
    predictor = load_predictor(exported_root)
    grey, red = (predictor.answer(coloured(colour)) for colour in (GREY, RED))
    assert (grey.none_of_these, red.none_of_these) == (False, True)
    assert 0 <= grey.outlier_score <= 1 < red.outlier_score
    assert red.label == max(red.probabilities, key=red.probabilities.get)
    assert [one.distance for one in red.nearest] == sorted(one.distance for one in red.nearest)
    assert len(red.nearest) == 3
    assert red.row()["nearest"][0]["permalink"] == ""


@pytest.mark.slow
def test_many_at_once_are_told_as_one_alone(exported_root):
    predictor = load_predictor(exported_root, many=True)
    items = [coloured((level, 120, 120)) for level in range(0, 250, 10)]
    for item, said in zip(items, predictor.predict(items), strict=True):
        assert said == predictor.answer(item)
        assert said.outlier_score is not None


@pytest.mark.slow
def test_the_nearest_have_their_posts_as_the_data_set_says_now(root):
    predictor = load_predictor(root, with_posts=True)
    first = predictor.answer(coloured(GREY)).nearest
    assert {one.post for one in first} == {Post()}
    write_manifest(root, [first[0].sha256], "one\n\u202eline")
    again = predictor.answer(coloured(GREY)).nearest
    assert [one.post.title for one in again] == ["one line", "", ""]
    assert again[0].post.permalink == "https://www.reddit.com/r/x/1"
    write_manifest(root, [first[0].sha256], "")  # its post was taken down, and another has the picture
    assert predictor.answer(coloured(GREY)).nearest[0].post.title == ""


def test_of_a_remote_data_set_they_are_said_no_longer_than_some_seconds(tmp_path):
    root, now = DataRoot(f"memory://{tmp_path}"), [0.0]
    posts = Posts(root, lambda: now[0])
    write_manifest(root, ["a"])
    assert posts.of("a").title == "a > b"
    write_manifest(root, ["a"], "a < b")  # of the same size
    now[0] = ASK_AGAIN_SECONDS - 1
    assert posts.of("a").title == "a > b"
    now[0] = ASK_AGAIN_SECONDS
    assert posts.of("a").title == "a < b"
    (root.dataset / MANIFEST).unlink()
    now[0] *= 2
    assert posts.of("a") == Post()


def test_what_a_store_was_found_to_list_before_is_not_believed(tmp_path, monkeypatch):
    """File systems of object stores keep what they listed, for which memory has no need."""
    root, now, look, listed = DataRoot(f"memory://{tmp_path}"), [0.0], MemoryFileSystem.info, {}
    monkeypatch.setattr(MemoryFileSystem, "info", lambda store, path: listed.setdefault(path, look(store, path)))
    monkeypatch.setattr(
        MemoryFileSystem, "invalidate_cache", lambda _store, folder: listed.pop(f"{folder}/{MANIFEST}", None)
    )
    posts = Posts(root, lambda: now[0])
    for title in ("one", "two"):
        write_manifest(root, ["a"], title)
        assert posts.of("a").title == title
        now[0] += ASK_AGAIN_SECONDS


def test_a_link_that_is_none_is_left_out(tmp_path):
    root = DataRoot(str(tmp_path))
    write_manifest(root, ["a"])
    table = pd.read_parquet(str(root.dataset / MANIFEST)).assign(permalink="javascript:alert(1)")
    table.to_parquet(str(root.dataset / MANIFEST))
    assert Posts(root).of("a").permalink == ""


@pytest.mark.parametrize("content", [b"no table", b"", None])
def test_without_a_readable_manifest_there_are_no_posts(tmp_path, content):
    root = DataRoot(str(tmp_path))
    root.dataset.mkdir()
    if content is not None:
        (root.dataset / MANIFEST).write_bytes(content)
    assert Posts(root).of("a") == Post()


@pytest.mark.slow
def test_a_picture_that_was_taken_down_is_nearest_to_none(root):
    folder = UPath(str(root.model("vgg")))
    pd.DataFrame({"sha256": [], "split": []}).to_parquet(str(folder / "pictures.parquet"))
    pd.DataFrame({"sha256": []}).to_parquet(str(folder / "predictions.parquet"))
    near = [one.sha256 for one in load_predictor(root, "vgg").answer(coloured(GREY)).nearest]
    mark_taken_down(folder, set(near[:2]), "2026-03-01T12:00:00+00:00")
    left = [one.sha256 for one in load_predictor(root, "vgg").answer(coloured(GREY)).nearest]
    assert left[0] == near[2]
    assert not set(near[:2]) & set(left)


@pytest.mark.slow
def test_a_model_of_before_says_nothing_of_it(keras_root, root):
    said = load_predictor(keras_root).answer(coloured(RED))
    assert (said.none_of_these, said.outlier_score, said.nearest) == (None, None, ())
    (root.model("vgg") / "embeddings.npz").unlink()
    with pytest.raises(PredictionError, match=r"embeddings\.npz is missing: train the model again"):
        load_predictor(root, "vgg")


@pytest.mark.slow
@pytest.mark.parametrize("precision", ["float16", "int8"])
def test_in_fewer_bits_the_same_pictures_are_compared_with_by_a_threshold_of_its_own(quantized_root, precision):
    full, fewer = (load_predictor(quantized_root, precision=name) for name in ("float32", precision))
    assert fewer.card.reject.threshold != full.card.reject.threshold
    grey, red = (fewer.answer(coloured(colour)) for colour in (GREY, RED))
    assert (grey.none_of_these, red.none_of_these) == (False, True)
