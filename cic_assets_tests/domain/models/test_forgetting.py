import json

import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.models import AcceleratorSettings, Card, ModelSettings, has_seen, mark_taken_down, read_card
from cic_assets.storage import write_json

FIRST, LATER = "2026-03-01T12:00:00+00:00", "2026-03-02T12:00:00+00:00"


@pytest.fixture
def folder(tmp_path):
    """A model that has seen six pictures and was judged on the last two."""
    pictures = pd.DataFrame({"sha256": list("abcdef"), "split": ["train"] * 4 + ["validation", "test"]})
    pictures.to_parquet(tmp_path / "pictures.parquet", index=False)
    pictures[4:].to_parquet(tmp_path / "predictions.parquet", index=False)
    measures = dict.fromkeys(
        ("wall_seconds", "cpu_seconds", "train_seconds", "images_per_second", "peak_rss_bytes", "parameters",
         "trainable_parameters", "flops", "disk_bytes"), 1
    )  # fmt: skip
    card = Card(
        name="vgg", settings=ModelSettings(architecture="vgg"), labels=["car", "tank"],
        preprocessing={"side": 64, "input_size": 64}, sha256="0" * 64, data_version="1", code_version="1",
        keras_version="3", backend="tensorflow", device="cpu", accelerator=AcceleratorSettings(), weights=None,
        random_weights=False, best_epoch=1, stopped_early=False, scores={}, history=[], warnings=[],
        measures={**measures, "features_seconds": None, "peak_gpu_bytes": None},
    )  # fmt: skip
    write_json(UPath(tmp_path / "card.json"), card.model_dump(mode="json"))
    return UPath(tmp_path)


def listed(folder, name):
    return list(pd.read_parquet(str(folder / name))["sha256"])


def test_the_card_says_how_many_and_since_when_and_nothing_says_which(folder):
    assert has_seen(folder, {"b", "f"})
    mark_taken_down(folder, {"b", "f", "unknown"}, FIRST)
    takedowns = read_card(folder).takedowns
    assert (takedowns.count, takedowns.since) == (2, FIRST)
    assert "2 pictures that were taken down since (2026-03-01)" in takedowns.words
    assert listed(folder, "pictures.parquet") == ["a", "", "c", "d", "e", ""]
    assert listed(folder, "predictions.parquet") == ["e"]
    assert not has_seen(folder, {"b", "f"})


def test_more_add_up_and_the_same_again_does_not(folder):
    mark_taken_down(folder, {"a"}, FIRST)
    assert "1 picture that was taken down since" in read_card(folder).takedowns.words
    mark_taken_down(folder, {"a"}, LATER)
    mark_taken_down(folder, {"c"}, LATER)
    assert read_card(folder).takedowns.model_dump() == {"count": 2, "since": FIRST}


def test_a_kill_before_the_card_is_made_good(folder):
    card = (folder / "card.json").read_text()
    mark_taken_down(folder, {"a"}, FIRST)
    (folder / "card.json").write_text(card)
    mark_taken_down(folder, {"a"}, LATER)
    assert read_card(folder).takedowns.count == 1


def test_pictures_that_it_has_not_seen_change_nothing(folder):
    before = (folder / "card.json").read_text()
    mark_taken_down(folder, {"x"}, FIRST)
    assert (folder / "card.json").read_text() == before
    assert read_card(folder).takedowns is None


def test_without_a_model_there_is_nothing_to_do(tmp_path):
    assert not has_seen(UPath(tmp_path / "nowhere"), {"a"})
    mark_taken_down(UPath(tmp_path / "nowhere"), {"a"}, FIRST)


def test_a_card_from_before_there_was_a_choice_of_optimizers_says_adam(folder):
    card = json.loads((folder / "card.json").read_text())
    assert card["settings"].pop("optimizer") == "muon"
    del card["precision"]
    write_json(folder / "card.json", card)
    again = read_card(folder)
    assert (again.settings.optimizer, again.precision) == ("adam", None)
