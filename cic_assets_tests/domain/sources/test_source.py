from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from cic_assets.domain.sources import Source, SourceKind


@pytest.mark.parametrize(
    ("text", "kind", "value", "stem"),
    [
        ("r/CarPorn", SourceKind.SUBREDDIT, "CarPorn", "carporn"),
        ("folder:pictures/My Cars", SourceKind.FOLDER, "pictures/My Cars", "my-cars"),
        ("folder:.", SourceKind.FOLDER, ".", "source"),
        ("urls:lists/cars.csv", SourceKind.URLS, "lists/cars.csv", "cars"),
        ("folder:sets/cars.zip/train/car", SourceKind.FOLDER, "sets/cars.zip/train/car", "car"),
        ("kaggle:somebody/cars-and-tanks", SourceKind.KAGGLE, "somebody/cars-and-tanks", "cars-and-tanks"),
        ("kaggle:a/b/versions/3/train/Tanks", SourceKind.KAGGLE, "a/b/versions/3/train/Tanks", "tanks"),
        ("dump:RS_2023-01.zst", SourceKind.DUMP, "RS_2023-01.zst", "rs_2023-01"),
    ],
)
def test_sources_as_people_write_them(text, kind, value, stem):
    source = Source.model_validate(text)
    assert (source.kind, source.value, source.stem) == (kind, value, stem)
    assert str(source) == text


@pytest.mark.parametrize("text", ["cars", "r/", "r/a", "r/a b", "r/_cars", "r/" + "a" * 22, "http://x", "folder:", ""])
def test_what_is_no_source_is_refused(text):
    with pytest.raises(ValidationError, match="expected r/"):
        Source.model_validate(text)


@pytest.mark.parametrize("text", ["kaggle:cars", "kaggle:a b/c", "kaggle:/a", "kaggle:a/b/", "kaggle:../b"])
def test_what_is_no_data_set_of_kaggle_is_refused(text):
    with pytest.raises(ValidationError, match="expected kaggle:OWNER/NAME"):
        Source.model_validate(text)


@given(st.text())
def test_any_text_is_a_source_or_refused(text):
    try:
        source = Source.model_validate(text)
    except ValidationError:
        return
    assert source.stem
    assert Source.model_validate(str(source)) == source


def test_only_paths_are_relative_to_the_file():
    assert Source.model_validate("r/cars").relative_to(Path("/here")).value == "cars"
    assert Source.model_validate("kaggle:a/b").relative_to(Path("/here")).value == "a/b"
    assert Source.model_validate("folder:a").relative_to(Path("/here")).value == "/here/a"
    assert Source.model_validate("folder:/a").relative_to(Path("/here")).value == "/a"
    assert Source.model_validate("folder:../../a").relative_to(Path("/here/and/there")).value == "/here/a"
    assert Source.model_validate("folder:../a/../b").relative_to(Path("/here/and")).value == "/here/a/../b"
