"""Footers of Parquet files: groups of rows that lie elsewhere, or in another file, are read as they were."""

import io

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from cic_assets.storage.parquet_footer import MAGIC, Footer, FooterError


def written(table, **options):
    buffer = io.BytesIO()
    parquet.write_table(table, buffer, **options)
    return buffer


def table_of(count, seed=0):
    draw = np.random.default_rng(seed)
    return pa.table(
        {
            "number": draw.integers(-(2**60), 2**60, count),
            "name": pa.array([f"name {at % 7}" for at in range(count)]).dictionary_encode(),
            "share": pa.array(draw.random(count), mask=draw.random(count) < 0.2),
            "is_so": draw.random(count) < 0.5,
            "data": [draw.bytes(5) for _ in range(count)],
            "parts": [list(range(at % 4)) for at in range(count)],
            "both": [{"one": at, "other": str(at)} for at in range(count)],
        }
    ).replace_schema_metadata({"made": "so"})


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "zstd", "use_dictionary": False},
        {"write_page_index": True, "write_page_checksum": True},
        {"version": "1.0", "write_statistics": False},
        {"data_page_version": "2.0", "data_page_size": 64},
    ],
)
def test_groups_are_copied_in_any_order_and_out_of_several_files(options):
    table, other = table_of(95), table_of(300, seed=1)
    first, second = (written(one, row_group_size=10, **options) for one in (table, other))
    wanted = [(first, table, 9), (second, other, 29), (second, other, 0), (first, table, 4)]
    footers = {id(file): Footer(file) for file in (first, second)}
    out, groups, expected = bytearray(MAGIC), [], []
    for file, rows, at in wanted:
        group = footers[id(file)].groups[at]
        content = file.getvalue()[group.start : group.end]
        groups.append(group.moved(len(out)))
        out += content
        expected.append(rows.slice(10 * at, 10))
        assert group.rows == len(expected[-1])
    out += footers[id(first)].written(groups)
    found = parquet.ParquetFile(io.BytesIO(out), page_checksum_verification=True)
    read = found.read()
    assert found.metadata.num_row_groups == 4
    assert read.to_pylist() == [row for some in expected for row in some.to_pylist()]
    assert found.metadata.metadata[b"made"] == b"so"
    assert Footer(io.BytesIO(out)).written(groups) == bytes(out[groups[-1].end :])


def test_a_file_without_rows_has_no_groups():
    file = written(table_of(0))
    footer = Footer(file)
    assert parquet.read_table(io.BytesIO(MAGIC + footer.written([]))).schema.names == table_of(0).schema.names


@pytest.mark.parametrize(
    "content", [b"", b"PAR1", b"PAR1\xff\xff\xff\x7fPAR1", b"PAR1" + b"\xff" * 50 + b"2\0\0\0PAR1"]
)
def test_what_is_no_parquet_file_is_said_to_be_none(content):
    with pytest.raises(FooterError, match="footer"):
        Footer(io.BytesIO(content))


def test_more_groups_than_can_be_numbered_are_refused():
    footer = Footer(written(table_of(10)))
    with pytest.raises(FooterError, match="fewer than 32,768"):
        footer.written(footer.groups * 2**15)
