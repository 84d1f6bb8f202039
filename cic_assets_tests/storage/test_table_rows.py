"""Some rows of a Parquet file, read and changed: as if the whole table were read, changed and written."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upath import UPath

from cic_assets.storage import DataRoot, write_parquet_if_new
from cic_assets.storage.table_rows import ROWS_TOGETHER

COLUMNS = ["name", "other", "number", "share", "is_so", "data"]
NAMES = st.sampled_from(["", "a", "bb", "Ž", "\U0001f697"])
ROWS = st.lists(
    st.tuples(NAMES, NAMES, st.integers(-5, 5), st.floats(0, 1), st.booleans(), st.binary(max_size=3)), max_size=30
)
TYPES = {"name": "str", "other": "str", "number": "int64", "share": "float64", "is_so": "bool", "data": "object"}
EACH_ANEW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)


def table_of(rows):
    table = pd.DataFrame(rows, columns=COLUMNS).astype(TYPES)
    table.attrs["made"] = "so"
    return table


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setattr("cic_assets.storage.table_rows.ROWS_TOGETHER", 7)
    monkeypatch.setattr("cic_assets.storage.table_rows._GROUPS_AT_ONCE", 3)
    return DataRoot(str(tmp_path))


@given(rows=ROWS, names=st.sets(NAMES), numbers=st.sets(st.integers(-5, 5)))
@EACH_ANEW
def test_rows_are_found_by_the_values_of_some_columns(root, rows, names, numbers):
    table = table_of(rows)
    root.write_table("t", table, "cars", compression="zstd")
    found = root.read_rows("t", "cars", ["other", "data"], {"name": names, "number": numbers})
    expected = table.loc[table["name"].isin(names) | table["number"].isin(numbers), ["other", "data"]]
    pd.testing.assert_frame_equal(found, expected)


@given(rows=ROWS, more=ROWS, data=st.data())
@EACH_ANEW
def test_a_table_is_edited_as_if_it_were_read_and_written(root, rows, more, data):
    table, added = table_of(rows), table_of(more if rows else [])  # a column without values may have no type
    root.write_table("t", table, compression="zstd")
    keep, is_changed = (
        np.array(data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows))), bool) for _ in "ab"
    )
    new = pd.Series([f"new {row}" for row in np.flatnonzero(is_changed)], np.flatnonzero(is_changed), dtype="str")
    root.edit_table("t", None, keep, {"other": new.sample(frac=1, random_state=0)}, added)
    expected = table.assign(other=table["other"].mask(is_changed, new))[keep]
    expected = (
        pd.concat([expected, added], ignore_index=True).astype(TYPES) if len(added) else expected.reset_index(drop=True)
    )
    found = root.read_table("t")
    pd.testing.assert_frame_equal(found, expected)
    assert found.attrs == {"made": "so"}
    assert [path.name for path in (root.path / "tables").glob("*")] == ["t.parquet"]


def test_groups_are_small_enough_to_look_through(tmp_path):
    from pyarrow import parquet

    root = DataRoot(str(tmp_path))
    root.write_table("t", pd.DataFrame({"number": range(2 * ROWS_TOGETHER + 1)}), compression="zstd")
    root.edit_table("t", None, np.arange(2 * ROWS_TOGETHER + 1) != 5)
    told = parquet.read_metadata(str(root.table_path("t")))
    assert [told.row_group(at).num_rows for at in range(told.num_row_groups)] == [ROWS_TOGETHER - 1, ROWS_TOGETHER, 1]
    assert told.row_group(0).column(0).compression == "ZSTD"


def test_groups_of_wide_rows_have_fewer(tmp_path):
    from pyarrow import parquet

    root, wide = DataRoot(str(tmp_path)), pd.DataFrame({"data": [bytes(8000)] * 1000})
    root.write_table_in_parts("t", [wide, wide])
    told = parquet.read_metadata(str(root.table_path("t")))
    sizes = [told.row_group(at).num_rows for at in range(told.num_row_groups)]
    assert sum(sizes) == 2000
    assert 2**20 < 8000 * max(sizes) <= 2**21


@pytest.mark.parametrize("cut", [-4, -200])
def test_a_damaged_table_is_not_whole(root, cut):
    table = table_of([("a", "b", row, 0.5, True, bytes([row])) for row in range(99)])
    assert not root.is_whole("t")
    root.write_table("t", table)
    path = root.table_path("t")
    assert root.is_whole("t")
    content = path.read_bytes()
    path.write_bytes(content[:cut])
    assert not root.is_whole("t")
    path.write_bytes(b"PAR1" + b"\xff" * 200 + content[204:])
    assert not root.is_whole("t")
    assert root.is_whole("t", columns=["data"])


def test_groups_in_which_nothing_changes_are_copied_and_not_decoded(root, monkeypatch):
    from pyarrow import parquet

    table = table_of([(f"a {row}", "b", row, 0.5, True, bytes([row])) for row in range(70)])
    root.write_table("t", table)
    decoded, read = [], parquet.ParquetFile.read_row_group

    def counted(file, group, *rest):
        decoded.append(group)
        return read(file, group, *rest)

    monkeypatch.setattr(parquet.ParquetFile, "read_row_group", counted)
    keep = np.ones(70, bool)
    keep[20] = False  # of the third
    root.edit_table("t", None, keep, {"number": pd.Series([-1], [35])})  # of the sixth
    assert decoded == [2, 5]
    expected = table.assign(number=table["number"].mask(table.index == 35, -1))[keep].reset_index(drop=True)
    pd.testing.assert_frame_equal(root.read_table("t"), expected)
    assert b"a 20" not in root.table_path("t").read_bytes()


def test_bytes_are_neither_packed_nor_in_statistics(root):
    from pyarrow import parquet

    root.write_table("t", table_of([("a", f"b {row}", row, 0.5, True, bytes([row])) for row in range(70)]))
    group = parquet.read_metadata(str(root.table_path("t"))).row_group(0)
    about = {group.column(at).path_in_schema: group.column(at) for at in range(group.num_columns)}
    assert (about["data"].compression, about["data"].statistics) == ("UNCOMPRESSED", None)
    assert about["other"].compression == "SNAPPY"
    has_dictionary = {name: "RLE_DICTIONARY" in one.encodings for name, one in about.items()}
    assert has_dictionary == {**dict.fromkeys(about, False), "name": True, "share": True, "is_so": False}


def test_an_equal_file_is_left_as_it_is_and_another_one_written(tmp_path):
    path, rows = UPath(tmp_path / "t.parquet"), [("a", "b", row, 0.5, True, bytes([row])) for row in range(99)]
    write_parquet_if_new(path, [table_of(rows)])
    before = path.stat().st_ino
    write_parquet_if_new(path, [table_of(rows)])
    assert path.stat().st_ino == before
    for other in (rows[:50], rows):
        write_parquet_if_new(path, [table_of(other)])
        with path.open("rb") as file:
            pd.testing.assert_frame_equal(pd.read_parquet(file), table_of(other))
