import json
import threading

import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.models import CARD_FILE, has_seen, mark_taken_down, read_card
from cic_assets.domain.models.forgetting import changing
from cic_assets.storage import write_json
from cic_assets_tests.fixtures.models import lay_out_model

FIRST, LATER = "2026-03-01T12:00:00+00:00", "2026-03-02T12:00:00+00:00"


@pytest.fixture
def folder(tmp_path):
    """A model that has seen six pictures and was judged on the last two."""
    return lay_out_model(tmp_path, "abcdef")


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


def test_a_model_that_is_being_put_in_place_is_waited_for(folder):
    """Its card comes last: a purge in between had failed, or put what was said of the old one beside the new one."""
    card = (folder / CARD_FILE).read_text()
    marks = threading.Thread(target=mark_taken_down, args=(folder, {"a"}, FIRST))
    with changing(folder):
        (folder / CARD_FILE).unlink()
        marks.start()
        marks.join(0.2)
        assert marks.is_alive()
        (folder / CARD_FILE).write_text(card)
    marks.join()
    assert read_card(folder).takedowns.count == 1
