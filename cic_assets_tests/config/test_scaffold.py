from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cic_assets.config.problem import NAME
from cic_assets.config.problem_file import ProblemError, load_problem
from cic_assets.config.scaffold import write_new_problem
from cic_assets_tests.fixtures.effort import short_or_long

SUBREDDITS = {"cat": ["r/cats"], "dog": ["r/dogs", "r/puppies"]}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_what_is_written_is_what_was_said(here):
    path, problem = write_new_problem("cats-and-dogs", SUBREDDITS, "Cat or dog?")
    assert path == Path("problems/cats-and-dogs/problem.yaml")
    assert load_problem(path) == problem
    assert (problem.name, problem.question) == ("cats-and-dogs", "Cat or dog?")
    assert list(problem.partitions) == ["cats", "dogs", "puppies"]
    assert problem.dagster.asset_prefix == "cats_and_dogs"
    assert problem.dagster.home == here / "problems" / ".dagster"


def test_paths_are_seen_from_here_and_lead_to_the_same_place(here):
    for name in ("photos/cats", "photos/dogs"):
        (here / name).mkdir(parents=True)
    (here / "dogs.zip").touch()
    classes = {"cat": ["folder:photos/cats"], "dog": [f"folder:{here}/photos/dogs", "folder:dogs.zip/train"]}
    path, problem = write_new_problem("pets", classes)
    assert "folder:../../photos/cats" in path.read_text()
    sources = [source.value for of_class in problem.classes.values() for source in of_class]
    assert sources == [f"{here}/photos/cats", f"{here}/photos/dogs", f"{here}/dogs.zip/train"]


def test_the_line_for_subreddits_stands_where_it_is_needed(here):
    (here / "a").mkdir()
    (here / "b").mkdir()
    assert "terms_acknowledged" in write_new_problem("one", SUBREDDITS)[0].read_text()
    assert "terms_acknowledged" not in write_new_problem("two", {"a": ["folder:a"], "b": ["folder:b"]})[0].read_text()


def test_options_of_sources_are_kept_as_they_were_said(here):
    (here / "d.zst").touch()
    classes = {
        "old": ["r/cars|flair=Classic: #1, [old]"],
        "new": ["u/somebody|since=2023", "dump:d.zst|subreddit=cars|flair=a%7Cb"],
    }
    path, problem = write_new_problem("pets", classes)
    assert "terms_acknowledged" in path.read_text()
    assert "dump:../../d.zst|" in path.read_text()
    assert [str(one.source) for one in load_problem(path).partitions.values()] == [
        "r/cars|flair=Classic: #1, [old]",
        "u/somebody|since=2023",
        f"dump:{here}/d.zst|flair=a%7Cb|subreddit=cars",
    ]
    assert list(problem.partitions) == ["cars-classic-1-old-c1596e9d", "u-somebody", "d-a-b-cars-5fe96f86"]


def test_with_the_line_for_subreddits_it_is_still_valid(here):
    path, _ = write_new_problem("one", SUBREDDITS)
    path.write_text(path.read_text().replace("# reddit:", "reddit:"))
    assert load_problem(path).reddit.terms_acknowledged


def test_a_problem_that_is_there_is_left_alone():
    path, _ = write_new_problem("pets", SUBREDDITS)
    path.write_text("mine")
    with pytest.raises(ProblemError, match=r"^problems/pets/problem.yaml is there already: edit it, or choose another"):
        write_new_problem("pets", SUBREDDITS)
    assert path.read_text() == "mine"
    assert [item.name for item in path.parent.iterdir()] == ["problem.yaml"]


@pytest.mark.parametrize(
    ("name", "classes", "message"),
    [
        ("pets", {"cat": ["r/cats"]}, r"^classes: expected at least two classes$"),
        ("../pets", SUBREDDITS, r"^name: found '../pets', expected letters, digits"),
        ("pets", {"a b": ["r/cats"], "dog": ["r/dogs"]}, r"^classes: class 'a b': expected letters"),
        ("pets", {"cat": ["cats"], "dog": ["r/dogs"]}, r"^classes.cat.0: found 'cats', expected r/NAME, folder:PATH"),
        ("pets", {"cat": ["r/cats"], "dog": ["r/Cats"]}, r"^classes: source r/Cats is given twice"),
        (
            "pets",
            {"cat": ["r/cats"], "dog": ["folder:dogs"]},
            r"^folder:/.*/dogs: there is no such folder: expected one with pictures in it$",
        ),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(here, name, classes, message):
    with pytest.raises(ProblemError, match=message):
        write_new_problem(name, classes)
    assert not any(here.iterdir())


@pytest.mark.parametrize(
    "question", ["a\x85b", "\x85", "a\u2028b", "a\u2029", "two\nlines", "a\r\nb", "ünï: 'code' \"#"]
)
def test_line_breaks_of_all_kinds_come_back(tmp_path, question):
    path, _ = write_new_problem("any", {"cat": ["r/cats"], "dog": ["r/dogs"]}, question, tmp_path)
    assert load_problem(path).question == question


@settings(max_examples=short_or_long(20, 200))
@given(st.from_regex(NAME, fullmatch=True), st.text(max_size=100), st.from_regex(NAME, fullmatch=True))
def test_any_words_come_back_as_they_were(tmp_path_factory, name, question, klass):
    classes = {klass: ["r/cats"], f"x{klass}"[:64]: ["r/dogs"]}
    if len(classes) < 2:
        return
    path, problem = write_new_problem(name, classes, question, tmp_path_factory.mktemp("any"))
    assert load_problem(path) == problem
    assert (problem.name, problem.question, problem.class_names) == (name, question, list(classes))
