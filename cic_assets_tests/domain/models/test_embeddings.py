"""What is kept of the pictures that a model knows, and which ones it finds nearest."""

import numpy as np
import pytest
from upath import UPath

from cic_assets.domain.models import CardMismatchError, load_embeddings
from cic_assets.domain.models.embeddings import (
    DIMENSIONS,
    EMBEDDINGS_FILE,
    NEIGHBOURS,
    Embeddings,
    read_embeddings,
    save_embeddings,
    spread,
)
from cic_assets.domain.models.reject import RejectRule

RULE = RejectRule(neighbours=5, threshold=0.5, references=60, of=60, pictures=20, units=20)


def clouds(random, count, around):
    """Vectors (count, 300) near some directions."""
    return around[np.arange(count) % len(around)] + random.normal(0, 0.02, (count, around.shape[1]))


@pytest.fixture
def around():
    return np.abs(np.random.default_rng(0).normal(size=(2, 300)))


@pytest.fixture
def vectors(around):
    random = np.random.default_rng(1)
    return [clouds(random, count, around) for count in (60, 20, 10)]


def names(letter, count):
    return [f"{letter}{number}".ljust(64, "0") for number in range(count)]


def made(vectors):
    pictures = [
        (names(letter, len(part)), np.arange(len(part)) % 2) for letter, part in zip("abc", vectors, strict=True)
    ]
    return Embeddings.of("f" * 64, pictures, vectors)


def cosine_distances(one, others):
    return 1 - others @ one / np.linalg.norm(others, axis=1) / np.linalg.norm(one)


def test_the_nearest_are_those_of_an_exhaustive_search(vectors):
    """Where the components hold all that pictures differ in, distances are exact."""
    random = np.random.default_rng(2)
    base = random.normal(size=(20, 300))
    learned, asked = (np.abs(random.normal(size=(count, 20))) @ base for count in (60, 5))
    embeddings = made([learned, *vectors[1:]])
    for one in asked:
        expected = cosine_distances(one, learned)
        found = embeddings.nearest(one)
        assert len(found.rows) == NEIGHBOURS
        assert set(found.rows) == set(np.argsort(expected)[:NEIGHBOURS])
        np.testing.assert_allclose(found.distances, np.sort(expected)[:NEIGHBOURS], atol=2e-3)
        assert embeddings.name(found.rows[0]) == names("a", 60)[int(expected.argmin())]


def test_what_the_components_leave_out_counts_of_both_pictures():
    random = np.random.default_rng(4)
    learned, asked = random.normal(size=(400, 300)), random.normal(size=(5, 300))
    embeddings = made([learned, learned[:2], learned[:2]])
    assert embeddings.points.shape[1] == DIMENSIONS
    for one in asked:
        expected = np.sort(cosine_distances(one, learned))[:NEIGHBOURS].mean()
        assert abs(embeddings.nearest(one).mean - expected) < 0.07


def test_what_lies_elsewhere_is_farther_from_all_than_any_picture_of_the_classes(vectors, around):
    embeddings = made(vectors)
    random = np.random.default_rng(3)
    elsewhere = np.abs(random.normal(size=(10, 300)))
    usual = [embeddings.nearest(one).mean for one in clouds(random, 30, around)]
    assert min(embeddings.nearest(one).mean for one in elsewhere) > 10 * max(usual)
    assert not np.isin(embeddings.splits[embeddings.nearest(elsewhere[0]).rows], (1, 2)).any()


def test_its_own_are_found_as_when_they_are_asked_about(vectors):
    embeddings = made(vectors)
    for split, given in ((1, vectors[1]), (2, vectors[2])):
        kept = [one.mean for one in embeddings.of_split(split)]
        np.testing.assert_allclose(kept, [embeddings.nearest(one).mean for one in given], rtol=2e-3, atol=1e-4)
    assert embeddings.names(1) == names("b", 20)


def test_a_training_picture_is_compared_with_those_of_other_units_alone(vectors):
    embeddings = made(vectors)
    units = np.array([str(row // 3) for row in range(60)])
    for row, found in enumerate(embeddings.of_training(units)):
        assert not np.isin(units[found.rows], units[row]).any()
        assert len(found.rows) == NEIGHBOURS
        assert found.mean > embeddings.nearest(vectors[0][row]).mean  # which finds itself
    assert embeddings.of_training(np.array(["one"] * 60)) == [None] * 60
    few = embeddings.of_training(np.array(["one"] * 58 + ["a", "b"]))
    assert {len(found.rows) for found in few} == {2, NEIGHBOURS}


def test_it_is_small_and_written_whole(vectors, tmp_path):
    embeddings = made(vectors)
    assert embeddings.points.shape[1] <= DIMENSIONS
    path = UPath(tmp_path / EMBEDDINGS_FILE)
    save_embeddings(path, embeddings)
    again = read_embeddings(UPath(tmp_path))
    one = vectors[1][0]
    assert again.nearest(one).mean == embeddings.nearest(one).mean
    assert (again.model_sha256, again.name(3)) == (embeddings.model_sha256, embeddings.name(3))


def test_without_some_pictures_nothing_names_them_or_holds_what_was_made_of_them(vectors, tmp_path):
    embeddings = made(vectors)
    gone = {names("a", 1)[0], names("b", 1)[0], "unknown"}
    left = embeddings.without(gone)
    save_embeddings(UPath(tmp_path / EMBEDDINGS_FILE), left)
    assert len(left.sha256s) == 88
    data = (tmp_path / EMBEDDINGS_FILE).read_bytes()
    assert not any(name.encode() in data for name in gone)
    assert embeddings.points[0].tobytes() not in data
    assert left.points[0].tobytes() in data
    assert left.without(names("a", 60)).nearest(vectors[1][0]) is None


@pytest.mark.parametrize(("count", "features"), [(1, 40), (3, 4), (2, 1), (700, 8)])
def test_few_pictures_and_few_features_are_no_fault(count, features):
    random = np.random.default_rng(0)
    embeddings = made([random.normal(size=(count, features)) for count in (count, 2, 2)])
    assert len(embeddings.nearest(random.normal(size=features)).rows) == min(NEIGHBOURS, count)


def test_a_layer_that_says_nothing_makes_everything_alike():
    embeddings = made([np.zeros((8, 6)), np.zeros((2, 6)), np.zeros((2, 6))])
    assert embeddings.nearest(np.zeros(6)).mean == 0


def test_a_set_that_is_too_large_is_thinned_by_class():
    labels = np.array([0] * 10 + [1] * 1000 + [2] * 200)
    chosen = spread(labels, 100)
    assert np.bincount(labels[chosen]).tolist() == [10, 45, 45]
    assert (np.diff(chosen) > 0).all()
    assert spread(labels, 5000).tolist() == list(range(1210))
    assert len(spread(np.arange(1000), 100)) <= 100


def test_they_are_loaded_for_the_model_that_they_are_of_alone(vectors, tmp_path, make_card):
    folder = UPath(tmp_path)
    card = make_card(sha256="f" * 64, reject=RULE)
    assert load_embeddings(folder, make_card()) is None
    with pytest.raises(FileNotFoundError, match=r"embeddings\.npz is missing: train the model again"):
        load_embeddings(folder, card)
    save_embeddings(folder / EMBEDDINGS_FILE, made(vectors))
    assert load_embeddings(folder, card) is not None
    with pytest.raises(CardMismatchError, match="of another model"):
        load_embeddings(folder, make_card(sha256="0" * 64, reject=RULE))
    (tmp_path / EMBEDDINGS_FILE).write_bytes(b"PK\3\4 no archive")
    with pytest.raises(CardMismatchError, match="cannot be read"):
        load_embeddings(folder, card)
