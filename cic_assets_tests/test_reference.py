"""The reference says what the code says; what it says of tables is true of those that the code writes."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import pytest

from cic_assets.domain.catalog import TABLES, meaning_of
from cic_assets.domain.prediction import Prediction, as_table
from cic_assets.domain.schema import Column, columns_of
from cic_assets.domain.sources import empty_table, make_tombstones

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location("reference", DOCS / "reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pages_are_what_the_code_gives(reference):
    written = {path.name: path.read_text(encoding="utf-8") for path in (DOCS / "reference").glob("*.md")}
    assert written == reference.pages(), "run `make docs`"


def test_every_setting_and_option_is_there(reference):
    settings = reference.settings()
    for key in (
        "terms_acknowledged",
        "concurrency",
        "max_pixels",
        "radius",
        "min_per_class",
        "cutmix",
        "zoom",
        "rescrape",
    ):
        assert f"\n| `{key}` |" in settings
    assert "\n| `home` | path or null | `null` |" in settings
    assert "| whole number, at least 0, at most 10 | `8` |" in settings
    assert "\n| `epochs` | `20` | `80` | `80` | `4` | `30` |" in settings
    assert "\n| `--data-root FOLDER\\|URL` |  | `CIC_DATA_ROOT` |" in reference.commands()
    assert "\n| `peak_gpu_bytes` | whole number or null |" in reference.report()


def test_what_has_no_description_is_named(reference, monkeypatch):
    bare = TABLES["pictures"]._replace(columns={"sha256": Column("str", "")})
    monkeypatch.setattr(reference, "TABLES", {"pictures": bare})
    with pytest.raises(reference.MissingDescriptionError, match=r"pictures\.sha256 has no description"):
        reference.tables()


@dataclass
class Row:
    """A row.

    Args:
        count: not this.

    Attributes:
        count: how many,
            of all.
        left, right: an edge.

    And more: nothing.
    """

    count: int
    left: float
    right: float
    bare: bytes


def test_columns_are_described_where_their_class_is():
    assert columns_of(Row, unsigned={"count"}) == {
        "count": Column("uint64", "how many, of all"),
        "left": Column("float64", "an edge"),
        "right": Column("float64", "an edge"),
        "bare": Column("bytes", ""),
    }


def test_a_column_a_class_has_one_meaning():
    assert meaning_of("predictions", "p_car") == meaning_of("predictions", "p_CLASS") != ""
    assert meaning_of("predictions", "unknown") == ""


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("raw_images", empty_table()),
        ("takedowns", make_tombstones([])),
        ("adhoc_predictions", as_table([Prediction("a.jpg", "vgg", "car", 0.9, {"CLASS": 0.9})], ["CLASS"])),
    ],
)
def test_tables_have_the_columns_that_are_said(name, table):
    assert list(table) == list(TABLES[name].columns)
    kinds = {"O": "str", "T": "str", "i": "int64", "u": "uint64", "f": "float64", "b": "bool"}
    found = {column: kinds[dtype.kind] for column, dtype in table.dtypes.items()}
    assert found == {column: kind for column, (kind, _) in TABLES[name].columns.items()}
