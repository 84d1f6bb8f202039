"""Contact sheets go with the pictures that they show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cic_assets.domain.sheets import remove_sheets_of, remove_sheets_with, write_sheet
from cic_assets.storage import DataRoot


@pytest.fixture
def root(tmp_path):
    return DataRoot(str(tmp_path / "root"))


def files(root):
    return sorted(str(path.relative_to(root.sheets)) for path in root.sheets.rglob("*") if path.is_file())


def test_a_sheet_lies_beside_the_names_of_its_pictures(root):
    path = write_sheet(root, "raw_images", "cars", b"jpeg", {"b", "a"})
    assert path == root.sheets / "raw_images" / "cars.jpg"
    assert path.read_bytes() == b"jpeg"
    assert files(root) == ["raw_images/cars.jpg", "raw_images/cars.jpg.txt"]


def test_where_there_is_nothing_to_show_the_one_before_goes(root):
    write_sheet(root, "duplicates", None, b"jpeg", {"a"})
    assert write_sheet(root, "duplicates", None, None, None) is None
    assert files(root) == []


def test_a_sheet_of_which_nobody_knows_what_it_shows_goes_with_whatever_is_taken_down(root):
    write_sheet(root, "vgg_model", None, b"jpeg", {"a"})
    write_sheet(root, "vgg_model", None, b"another", None)
    remove_sheets_with(root, ())
    assert files(root) == ["vgg_model.jpg"]
    remove_sheets_with(root, {"z"})
    assert files(root) == []


def test_all_sheets_of_a_source_go_and_no_others(root):
    for name, partition in (
        ("raw_images", "cars"),
        ("resized_images", "cars"),
        ("raw_images", "tanks"),
        ("cars", None),
    ):
        write_sheet(root, name, partition, b"jpeg", set())
    remove_sheets_of(root, "cars")
    assert files(root) == ["cars.jpg", "cars.jpg.txt", "raw_images/tanks.jpg", "raw_images/tanks.jpg.txt"]


SHEETS = st.lists(st.frozensets(st.sampled_from("abcdef")), max_size=6)


@given(sheets=SHEETS, gone=st.frozensets(st.sampled_from("abcdef")))
def test_what_is_taken_down_is_on_no_sheet_and_the_others_stay(tmp_path_factory, sheets, gone):
    root = DataRoot(str(tmp_path_factory.mktemp("sheets")))
    for number, shown in enumerate(sheets):
        write_sheet(root, "raw_images", str(number), b"jpeg", shown)
    remove_sheets_with(root, gone)
    left = {int(path.name.removesuffix(".jpg")) for path in root.sheets.rglob("*.jpg")}
    assert left == {number for number, shown in enumerate(sheets) if not shown & gone}
