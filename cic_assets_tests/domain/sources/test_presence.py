import pytest

from cic_assets.domain.sources import Source, why_missing


@pytest.fixture
def why(tmp_path):
    (tmp_path / "cars").mkdir()
    for name in ("cars.csv", "cars.zip"):
        (tmp_path / name).touch()
    return lambda written: why_missing(Source.model_validate(written).relative_to(tmp_path))


@pytest.mark.parametrize(
    "written",
    [
        "r/cars",
        "kaggle:a/b",
        "folder:cars",
        "folder:cars.zip",
        "folder:cars.zip/train",
        "urls:cars.csv",
        "dump:cars.csv",
    ],
)
def test_what_is_there_or_elsewhere_is_not_missing(why, written):
    assert why(written) is None


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "folder:car",
            "folder:{}/car: there is no such folder: expected one with pictures in it; in {} there are cars",
        ),
        ("folder:a/b", "folder:{}/a/b: there is no such folder: expected one with pictures in it"),
        ("folder:car.zip", "folder:{}/car.zip: there is no zip archive car.zip; in {} there are cars.csv, cars.zip"),
        (
            "folder:car.zip/train",
            "folder:{}/car.zip/train: there is no zip archive car.zip; in {} there are cars.csv, cars.zip",
        ),
        (
            "urls:car.csv",
            "urls:{}/car.csv: there is no such file: expected a list of URLs, a .csv, .tsv, .txt, .jsonl or .parquet",
        ),
        (
            "urls:cars",
            "urls:{}/cars: is a folder: expected a list of URLs, a .csv, .tsv, .txt, .jsonl or .parquet file;",
        ),
        ("dump:x/y.zst", "dump:{}/x/y.zst: there is no such file: expected submissions, one a line, as text or .zst"),
    ],
)
def test_what_is_missing_says_what_was_expected_and_what_is_beside_it(why, tmp_path, written, said):
    assert why(written).startswith(said.replace("{}", str(tmp_path)))
