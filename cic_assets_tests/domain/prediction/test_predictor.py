import os
import shutil
import socket
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pillow_heif
import pytest
from PIL import Image

from cic_assets.domain.dataset import DatasetSettings, resize_pictures
from cic_assets.domain.download import Network
from cic_assets.domain.images import decode
from cic_assets.domain.models import PRECISIONS
from cic_assets.domain.models.card import Preprocessing
from cic_assets.domain.prediction import (
    Input,
    Prediction,
    PredictionError,
    Predictor,
    as_table,
    find_inputs,
    load_predictor,
    load_predictors,
    predict_sources,
)
from cic_assets.domain.prediction import predictor as predictor_module
from cic_assets.storage import DataRoot, write_json
from cic_assets.web.replay import replay
from cic_assets_tests.fixtures.predictors import SIDE


def test_says_the_class_of_a_file(predictor, grey, tmp_path):
    (tmp_path / "white.png").write_bytes(grey(255))
    (prediction,) = predictor.predict([str(tmp_path / "white.png")])
    assert (prediction.label, prediction.error, prediction.model) == ("bright", None, "vgg")
    assert prediction.probability == pytest.approx(1)
    assert prediction.probabilities == {"dark": pytest.approx(0), "bright": pytest.approx(1)}


def test_a_bad_picture_does_not_stop_the_others(predictor, grey, tmp_path):
    for name, data in (("a.png", grey(250)), ("b.jpg", b"<html>"), ("c.jpg", b""), ("d.png", grey(5))):
        (tmp_path / name).write_bytes(data)
    predictions = predictor.predict([str(tmp_path), str(tmp_path / "missing.jpg")])
    assert [item.label for item in predictions] == ["bright", None, None, "dark", None]
    assert "not_an_image" in predictions[1].error
    assert "empty" in predictions[2].error
    assert "No such file" in predictions[4].error


def test_a_folder_is_searched_to_its_depth_and_other_files_are_reported(predictor, grey, tmp_path):
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "er" / "x.PNG").write_bytes(grey(200))
    (tmp_path / "notes.txt").write_text("no picture")
    (tmp_path / ".hidden.png").write_bytes(grey(200))
    (tmp_path / "Thumbs.db").write_bytes(b"x")
    by_name = {item.path.rsplit("/", 1)[-1]: item for item in predictor.predict([str(tmp_path)])}
    assert set(by_name) == {"x.PNG", "notes.txt"}
    assert by_name["x.PNG"].label == "bright"
    assert "not a picture by its name" in by_name["notes.txt"].error
    assert {name: item.skipped for name, item in by_name.items()} == {"x.PNG": False, "notes.txt": True}


def test_pictures_of_telephones_are_looked_at(predictor, tmp_path):
    pillow_heif.register_heif_opener()
    for name, image_format in (("a.heic", "HEIF"), ("b.HEIF", "HEIF"), ("c.avif", "AVIF")):
        Image.new("RGB", (120, 120), "white").save(tmp_path / name, image_format)
    assert [item.label for item in predictor.predict([str(tmp_path)])] == ["bright"] * 3


def test_a_shortage_of_memory_is_said_of_the_picture_that_met_it(predictor, grey, tmp_path, monkeypatch):
    for name in ("a.png", "b.png"):
        (tmp_path / name).write_bytes(grey(250))
    look = predictor_module.inspect
    met = iter([True, False])

    def short(*arguments):
        if next(met):
            raise MemoryError
        return look(*arguments)

    monkeypatch.setattr(predictor_module, "inspect", short)
    first, second = predictor.predict([str(tmp_path)])
    assert (first.error, second.label) == ("no memory was left to decode it", "bright")


def test_a_table_of_unreadable_pictures_is_a_table(tmp_path, make_predictor):
    predictor = make_predictor()
    (tmp_path / "bad.jpg").write_bytes(b"<html>")
    name = os.fsdecode(b"\xff.jpg")
    table = as_table(predictor.predict([str(tmp_path / "bad.jpg"), name]), predictor.card.labels)
    path = DataRoot(str(tmp_path / "root")).write_table("adhoc_predictions", table)
    read = pd.read_parquet(str(path))
    assert list(read.columns) == [
        "path", "label", "probability", "p_dark", "p_bright", "model", "precision", "error", "calibrated_probability",
        "plausible_90", "plausible_95", "none_of_these", "outlier_score",
    ]  # fmt: skip
    assert set(read["precision"]) == {"float32"}
    assert list(read["label"]) == ["", ""]
    assert read["path"][1] == "\\udcff.jpg"
    assert read["p_dark"].isna().all()


def test_tables_have_the_same_types_whatever_the_pictures_are():
    good = Prediction("a.jpg", "vgg", "dark", 0.9, {"dark": 0.9, "bright": 0.1})
    bad = Prediction("b.jpg", "vgg", error="empty")
    tables = [as_table(rows, ["dark", "bright"]) for rows in ([good], [bad], [good, bad], [])]
    assert all(table["p_bright"].dtype == "float64" for table in tables)
    assert tables[2]["p_dark"][0] == 0.9


def test_pictures_go_through_in_batches(predictor, grey):
    items = (Input(str(index), grey(index)) for index in range(70))
    predictions = list(predictor.classify(find_inputs(items)))
    assert [item.path for item in predictions] == [str(index) for index in range(70)]
    assert predictor._model.batches == [32, 32, 6]


def test_the_preprocessing_is_that_of_the_card(predictor):
    """Five times as wide as high, of unequal channels, with texture: another crop, order or method is not the same."""
    rows, columns = np.mgrid[:108, :540]
    rgb = np.stack([columns * 255 // 539, rows * 255 // 107, (rows + columns) % 7 * 42], axis=2).astype(np.uint8)
    prepared = predictor.prepare(Input("wide.png", cv2.imencode(".png", rgb[..., ::-1])[1].tobytes()))
    centre = rgb[:, 216:324].reshape(36, 3, 36, 3, 3).mean(axis=(1, 3))  # three by three become one of the card's 36
    np.testing.assert_allclose(prepared, centre, atol=1)


@pytest.mark.parametrize("quality", [60, 95])
def test_it_sees_to_the_bit_what_training_saw(make_predictor, tmp_path, quality):
    """Files of several sizes and formats, and a copy out of a data set, which comes in as it is."""
    settings, root = DatasetSettings(side=SIDE, jpeg_quality=quality), DataRoot(str(tmp_path))
    random = np.random.default_rng(0)
    files, rows = {}, []
    for number, (width, height) in enumerate([(36, 36), (100, 50), (37, 400), (900, 700), (20, 30)]):
        pixels = cv2.resize(random.integers(0, 256, (9, 9, 3), np.uint8), (width, height))
        for kind in ("png", "jpeg"):
            data = cv2.imencode(f".{kind}", pixels)[1].tobytes()
            sha256 = root.images.put(data, kind)
            files[sha256] = data
            klass = ("dark", "bright")[number % 2]
            rows.append({
                "sha256": sha256, "format": kind, "width": width, "height": height, "bytes": len(data), "klass": klass,
                "group_id": sha256,
            })  # fmt: skip
    copies = root.resized(SIDE)
    table = resize_pictures(pd.DataFrame(rows), root.images, copies, settings)
    seen = {sha256: decode(copies.get(sha256, "jpeg")) for sha256 in table["sha256"]}
    card = {"preprocessing": Preprocessing(side=SIDE, input_size=32, jpeg_quality=quality)}
    predictor = make_predictor(**card)
    for sha256, data in files.items():
        np.testing.assert_array_equal(predictor.prepare(Input("x", data)), seen[sha256])
        np.testing.assert_array_equal(predictor.prepare(Input("x", copies.get(sha256, "jpeg"))), seen[sha256])


def test_the_model_sees_the_prepared_picture_at_its_input_size(make_card):
    """Of 36 pixels to 32: each is the mean of what it covers."""

    class Seeing:
        def probabilities(self, pictures):
            self.seen = pictures
            return np.zeros((len(pictures), 2))

    predictor = Predictor(Seeing(), make_card(side=36))
    prepared = np.random.default_rng(0).integers(0, 256, (1, 36, 36, 3), np.uint8)
    predictor.probabilities(prepared)
    eightfold = prepared.repeat(8, axis=1).repeat(8, axis=2)
    np.testing.assert_allclose(predictor._model.seen, eightfold.reshape(1, 32, 9, 32, 9, 3).mean(axis=(2, 4)), atol=1)


@pytest.mark.parametrize("source", ["http://127.0.0.1:9/x.jpg", "http://169.254.169.254/latest", "file:///etc/passwd"])
def test_urls_lead_nowhere_private(predictor, source):
    (prediction,) = predictor.predict([source])
    assert prediction.label is None
    assert "blocked" in prediction.error


def test_a_url_is_fetched_as_safely_as_a_scraped_one(predictor, grey, archive):
    good = archive.add("good", grey(240))
    gone = archive.add("gone", status=404)
    with replay(archive.folder) as server:
        found, missing = predictor.predict([good, gone], Network.replay("127.0.0.1", server.port))
    assert (found.path, found.label) == (good, "bright")
    assert "http_error" in missing.error


def put_card(root, card, name):
    (root.model(name)).mkdir(parents=True)
    write_json(root.model(name) / "card.json", card.model_dump(mode="json"))


def chosen(root):
    """The model that would be loaded; there is no model file here, only cards."""
    with pytest.raises(PredictionError, match=r"model\.keras is missing") as caught:
        load_predictor(root)
    return str(caught.value).split("/models/")[1].split("/")[0]


def test_a_model_of_another_data_set_is_not_the_best(tmp_path, make_card):
    root = DataRoot(str(tmp_path))
    put_card(root, make_card("vgg", accuracy=0.8), "vgg")
    put_card(root, make_card("old", accuracy=0.95).model_copy(update={"data_version": "before"}), "old")
    assert chosen(root) == "old"
    root.dataset.mkdir()
    write_json(root.dataset / "dataset.json", {"version": "d"})
    assert chosen(root) == "vgg"
    with pytest.raises(PredictionError, match=r"models/vgg/model\.keras is missing"):
        load_predictors(root)
    write_json(root.dataset / "dataset.json", {"version": "new"})
    with pytest.raises(PredictionError, match=r"no model .* trained on its data set new: train again.* old, vgg"):
        load_predictor(root)
    with pytest.raises(PredictionError, match=r"models/old/model\.keras is missing"):
        load_predictor(root, "old")


def test_a_model_is_loaded_only_for_what_can_be_read(tmp_path, make_card, grey):
    root = DataRoot(str(tmp_path / "root"))
    put_card(root, make_card("vgg"), "vgg")
    missing = [str(tmp_path / "nowhere.jpg"), str(tmp_path / "neither")]
    for path, prediction in zip(missing, predict_sources(root, missing), strict=True):
        assert (prediction.path, prediction.model, prediction.label) == (path, "vgg", None)
        assert prediction.error == "cannot be read: No such file or directory"
    with pytest.raises(PredictionError, match="expected one of vgg"):
        list(predict_sources(root, missing, "resnet"))
    (tmp_path / "a.png").write_bytes(grey(250))
    with pytest.raises(PredictionError, match=r"model\.keras is missing"):
        list(predict_sources(root, [*missing, str(tmp_path / "a.png")]))


def test_without_a_model_it_says_what_to_do(tmp_path):
    with pytest.raises(PredictionError, match=r"no trained model .* train one first, with `cic run`"):
        load_predictor(DataRoot(str(tmp_path)))


def test_a_broken_card_is_named(tmp_path):
    (tmp_path / "models" / "vgg").mkdir(parents=True)
    (tmp_path / "models" / "vgg" / "card.json").write_text("{}")
    with pytest.raises(PredictionError, match=r"card\.json: .* train the model again"):
        load_predictor(DataRoot(str(tmp_path)))


@pytest.fixture(params=["exported", "keras"])
def any_root(request):
    return request.getfixturevalue(f"{request.param}_root")


@pytest.mark.slow
def test_a_real_model_is_loaded_and_answers(any_root, grey, tmp_path):
    predictor = load_predictor(any_root)
    assert predictor.card.name == "vgg"
    for level in (20, 250):
        (tmp_path / f"{level}.png").write_bytes(grey(level))
    assert {item.path.rsplit("/", 1)[-1]: item.label for item in predictor.predict([str(tmp_path)])} == {
        "20.png": "dark",
        "250.png": "bright",
    }


@pytest.mark.slow
def test_sources_are_answered_in_their_order(any_root, grey, tmp_path):
    (tmp_path / "a.png").write_bytes(grey(250))
    sources = [str(tmp_path / name) for name in ("nowhere.png", "a.png", "neither.png")]
    predictions = list(predict_sources(any_root, sources))
    assert [item.path for item in predictions] == sources
    assert [item.label for item in predictions] == [None, "bright", None]
    assert {item.model for item in predictions} == {"vgg"}


@pytest.mark.slow
def test_a_warm_answer_is_the_cold_one(any_root, grey):
    predictor = load_predictor(any_root, "peetz_net")
    pictures = np.stack([predictor.prepare(Input("x", grey(level))) for level in (10, 130, 240)])
    plain = predictor.probabilities(pictures)
    predictor.warm_up()
    np.testing.assert_allclose(predictor.probabilities(pictures), plain, rtol=1e-5)
    np.testing.assert_allclose(plain.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_an_exported_model_answers_as_its_keras_model_does(keras_root, exported_root, grey):
    said = []
    theirs = load_predictor(keras_root, "vgg", said.append)
    why = "it was trained before models were exported"
    assert said == [f"vgg: loading Keras, which takes seconds ({why}): train again to do without"]
    ours = load_predictor(exported_root, "vgg", said.append)
    assert len(said) == 1
    pictures = np.stack([ours.prepare(Input("x", grey(level))) for level in (10, 130, 160, 240)])
    answers = ours.probabilities(pictures)
    assert answers.std() > 0.1
    np.testing.assert_allclose(answers, theirs.probabilities(pictures), atol=1e-4)


@pytest.mark.slow
def test_many_pictures_are_answered_in_order_and_as_each_alone(exported_root, jpeg, tmp_path):
    for seed in range(80):
        (tmp_path / f"{seed:02}.jpg").write_bytes(b"<html>" if seed % 9 == 5 else jpeg(seed, 300 - 3 * seed, 90))
    together = list(predict_sources(exported_root, [str(tmp_path)]))
    alone = [next(predict_sources(exported_root, [one.path])) for one in together]
    assert [Path(one.path).name for one in together] == [f"{seed:02}.jpg" for seed in range(80)]
    assert together == alone
    assert {one.label for one in together} == {"dark", "bright", None}


@pytest.mark.slow
def test_a_model_whose_export_is_gone_answers_by_keras(exported_root, grey, tmp_path):
    copy = DataRoot(str(tmp_path / "copy"))
    shutil.copytree(str(exported_root.path), str(copy.path))
    (copy.model("vgg") / "model.onnx.data").unlink()
    (tmp_path / "a.png").write_bytes(grey(250))
    said = []
    (prediction,) = predict_sources(copy, [str(tmp_path / "a.png")], on_keras=said.append)
    assert prediction.label == "bright"
    (why,) = said
    assert "model.onnx.data is missing" in why


@pytest.mark.slow
def test_all_models_come_best_first(any_root):
    assert [item.card.name for item in load_predictors(any_root)] == ["vgg", "peetz_net"]
    with pytest.raises(PredictionError, match="expected one of peetz_net, vgg"):
        load_predictor(any_root, "resnet")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("root", "file"), [("keras", "model.keras"), ("exported", "model.onnx"), ("exported", "model.onnx.data")]
)
def test_a_model_file_that_was_exchanged_is_not_loaded(request, root, file, tmp_path):
    copy = DataRoot(str(tmp_path / "copy"))
    shutil.copytree(str(request.getfixturevalue(f"{root}_root").path), str(copy.path))
    with (copy.model("vgg") / file).open("ab") as opened:
        opened.write(b"more")
    with pytest.raises(PredictionError, match=rf"{file} is not the model that card\.json describes"):
        load_predictor(copy)


def test_blocked_urls_are_not_even_connected_to(predictor):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        predictor.predict([f"http://localhost:{listener.getsockname()[1]}/x.jpg"])
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.slow
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_model_in_fewer_bits_answers_in_place_of_the_whole(quantized_root, exported_root, grey, precision):
    item = Input("a", grey(140))
    (whole,) = load_predictor(exported_root, "vgg").predict([item])
    predictor = load_predictor(quantized_root, "vgg", precision=precision)
    (less,) = predictor.predict([item])
    assert (less.model, less.precision, whole.precision) == ("vgg", precision, "float32")
    assert less.probability != whole.probability
    assert less.probability == pytest.approx(whole.probability, abs=0.05)
    bad, good = predict_sources(quantized_root, [Input("x", b"<html>"), item], "vgg", precision=precision)
    assert (bad.precision, good) == (precision, less)
    assert [one.precision for one in load_predictors(quantized_root, precision=precision)] == [precision] * 2
    assert predictor.activation_map(predictor.prepare(item)).shape[2] == 2


def test_an_unknown_precision_is_an_error(exported_root):
    with pytest.raises(PredictionError, match="precision 'int4': expected one of float32, float16, int8"):
        load_predictor(exported_root, precision="int4")
