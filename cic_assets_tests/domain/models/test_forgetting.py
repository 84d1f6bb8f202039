import json
import threading

import numpy as np
import pandas as pd
import pytest
from upath import UPath

from cic_assets.domain.models import CARD_FILE, FOLDS_FILE, has_seen, mark_taken_down, read_card
from cic_assets.domain.models.embeddings import EMBEDDINGS_FILE, Embeddings, read_embeddings, save_embeddings
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


def test_no_fold_s_answer_is_left_of_what_was_taken_down(folder):
    pd.DataFrame({"sha256": list("abcdef"), "fold": [0, 1, 2, 0, 1, 2]}).to_parquet(str(folder / FOLDS_FILE))
    mark_taken_down(folder, {"b", "f"}, FIRST)
    assert listed(folder, FOLDS_FILE) == ["a", "c", "d", "e"]
    mark_taken_down(folder, {"b"}, LATER)
    assert listed(folder, FOLDS_FILE) == ["a", "c", "d", "e"]


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


@pytest.fixture
def with_embeddings(folder):
    vectors = [np.random.default_rng(count).normal(size=(count, 8)) for count in (4, 1, 1)]
    pictures = [(list(names), np.zeros(len(names), int)) for names in ("abcd", "e", "f")]
    save_embeddings(folder / EMBEDDINGS_FILE, Embeddings.of("0" * 64, pictures, vectors))
    return folder


@pytest.mark.parametrize("missing", [None, "card.json", "pictures.parquet"])
def test_what_a_picture_is_to_the_model_goes_with_it_whatever_else_is_there(with_embeddings, missing):
    """A training that was killed while it put its files in place leaves some without the others."""
    if missing:
        (with_embeddings / missing).unlink()
    mark_taken_down(with_embeddings, {"b", "f"}, FIRST)
    left = read_embeddings(with_embeddings)
    assert [left.names(split) for split in range(3)] == [["a", "c", "d"], ["e"], []]


def test_a_card_that_cannot_be_read_keeps_no_picture(with_embeddings):
    pd.DataFrame({"sha256": list("abcdef")}).to_parquet(str(with_embeddings / FOLDS_FILE))
    (with_embeddings / CARD_FILE).write_text('{"of": "another time"}')
    mark_taken_down(with_embeddings, {"b", "f"}, FIRST)
    assert listed(with_embeddings, "pictures.parquet") == ["a", "", "c", "d", "e", ""]
    assert listed(with_embeddings, "predictions.parquet") == ["e"]
    assert listed(with_embeddings, FOLDS_FILE) == ["a", "c", "d", "e"]
    assert not np.isin(read_embeddings(with_embeddings).sha256s, [b"b", b"f"]).any()
    assert (with_embeddings / CARD_FILE).read_text() == '{"of": "another time"}'


def test_embeddings_that_cannot_be_read_go_whole(with_embeddings):
    (with_embeddings / EMBEDDINGS_FILE).write_bytes(b"PK\3\4")
    mark_taken_down(with_embeddings, {"b"}, FIRST)
    assert not (with_embeddings / EMBEDDINGS_FILE).exists()
    assert read_card(with_embeddings).takedowns.count == 1
