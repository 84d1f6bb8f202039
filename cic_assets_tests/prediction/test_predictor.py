import shutil
import socket

import numpy as np
import pytest

from cic_assets.download import Network
from cic_assets.prediction import Input, PredictionError, best_model, load_predictor, load_predictors, read_inputs
from cic_assets.reddit import replay
from cic_assets.storage import DataRoot


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


def test_an_empty_folder_is_said_to_be_empty(tmp_path):
    (item,) = read_inputs([str(tmp_path)])
    assert "no pictures in this folder" in item.error


def test_pictures_go_through_in_batches(predictor, grey):
    items = (Input(str(index), grey(index)) for index in range(70))
    predictions = list(predictor.classify(items))
    assert [item.path for item in predictions] == [str(index) for index in range(70)]
    assert predictor._model.batches == [32, 32, 6]


def test_the_preprocessing_is_that_of_the_card(predictor, grey):
    prepared = predictor.prepare(Input("wide", grey(100, width=500, height=90)))
    assert prepared.shape == (36, 36, 3)
    assert np.all(prepared == 100)


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


def test_the_best_model_is_the_best_in_validation_never_in_test(make_card):
    low, high = make_card("low", accuracy=0.7), make_card("high", accuracy=0.9)
    assert low.scores["test"].accuracy > high.scores["test"].accuracy
    assert best_model([low, high]) == "high"


def test_of_equals_the_lower_loss_is_best_and_random_weights_come_last(make_card):
    a, b = make_card("a", accuracy=0.9, loss=0.4), make_card("b", accuracy=0.9, loss=0.2)
    random = make_card("c", accuracy=1.0, random_weights=True)
    assert best_model([a, b, random]) == "b"


def test_without_a_model_it_says_what_to_do(tmp_path):
    with pytest.raises(PredictionError, match=r"no trained model .* train one first, with `cic run`"):
        load_predictor(DataRoot(str(tmp_path)))


def test_a_broken_card_is_named(tmp_path):
    (tmp_path / "models" / "vgg").mkdir(parents=True)
    (tmp_path / "models" / "vgg" / "card.json").write_text("{}")
    with pytest.raises(PredictionError, match=r"card\.json: .* train the model again"):
        load_predictor(DataRoot(str(tmp_path)))


@pytest.mark.slow
def test_a_real_model_is_loaded_and_answers(keras_root, grey, tmp_path):
    predictor = load_predictor(keras_root)
    assert predictor.card.name == "vgg"
    for level in (20, 250):
        (tmp_path / f"{level}.png").write_bytes(grey(level))
    assert {item.path.rsplit("/", 1)[-1]: item.label for item in predictor.predict([str(tmp_path)])} == {
        "20.png": "dark",
        "250.png": "bright",
    }


@pytest.mark.slow
def test_a_compiled_answer_is_the_plain_one(keras_root, grey):
    predictor = load_predictor(keras_root, "peetz_net")
    pictures = np.stack([predictor.prepare(Input("x", grey(level))) for level in (10, 130, 240)])
    plain = predictor.probabilities(pictures)
    predictor.warm_up()
    np.testing.assert_allclose(predictor.probabilities(pictures), plain, rtol=1e-5)
    np.testing.assert_allclose(plain.sum(axis=1), 1, rtol=1e-5)


@pytest.mark.slow
def test_all_models_come_best_first(keras_root):
    assert [item.card.name for item in load_predictors(keras_root)] == ["vgg", "peetz_net"]
    with pytest.raises(PredictionError, match="expected one of peetz_net, vgg"):
        load_predictor(keras_root, "resnet")


@pytest.mark.slow
def test_a_model_file_that_was_exchanged_is_not_loaded(keras_root, tmp_path):
    copy = DataRoot(str(tmp_path / "copy"))
    shutil.copytree(str(keras_root.path), str(copy.path))
    with (copy.model("vgg") / "model.keras").open("ab") as file:
        file.write(b"more")
    with pytest.raises(PredictionError, match=r"is not the model that card\.json describes"):
        load_predictor(copy)


def test_blocked_urls_are_not_even_connected_to(predictor):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listener.settimeout(0.2)
        predictor.predict([f"http://localhost:{listener.getsockname()[1]}/x.jpg"])
        with pytest.raises(TimeoutError):
            listener.accept()
