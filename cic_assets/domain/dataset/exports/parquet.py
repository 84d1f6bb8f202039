"""Hugging Face's Parquet: `image` as bytes and path, `label` as a number, and what both are in the file's metadata."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cic_assets.domain.dataset.exports.card import write_card
from cic_assets.domain.dataset.exports.features import class_label, image, schema_with, text
from cic_assets.domain.dataset.exports.outgoing import Outgoing, Row
from cic_assets.domain.dataset.exports.shards import shards
from cic_assets.domain.dataset.splits import Split

ROWS_AT_ONCE = 100
"""Of a row group: what a reader of one picture has to read, and what is in memory here, about a megabyte."""

_HOW_TO_READ = """## Files

```python
dataset = datasets.load_dataset("parquet", data_files={"train": "data/train-*", "test": "data/test-*"})
```

`label` is a ClassLabel; `permalink` leads to the post.
"""


def write_parquet(outgoing: Outgoing, folder: Path) -> None:
    """`data/train-00000-of-00001.parquet`, …, and `README.md`."""
    schema = _schema(outgoing.info.classes)
    (folder / "data").mkdir()
    for split in Split:
        for name, rows in shards(outgoing.rows(split), split, "parquet"):
            with pq.ParquetWriter(folder / "data" / name, schema, compression="none") as writer:
                for start in range(0, len(rows), ROWS_AT_ONCE):
                    group = outgoing.read(rows[start : start + ROWS_AT_ONCE])
                    writer.write_table(pa.Table.from_pylist([_record(*item) for item in group], schema))
    files = [{"split": str(split), "path": f"data/{split}-*"} for split in Split]
    write_card(folder, outgoing, _HOW_TO_READ, {"configs": [{"config_name": "default", "data_files": files}]})


def _record(row: Row, jpeg: bytes) -> Row:
    path = f"{row['resized_sha256']}.jpg"
    return {"image": {"bytes": jpeg, "path": path}, "label": row["label"], "permalink": row["permalink"]}


def _schema(classes: list[str]) -> pa.Schema:
    jpeg = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    return schema_with(
        {"image": jpeg, "label": pa.int64(), "permalink": pa.string()},
        {"image": image(), "label": class_label(classes), "permalink": text()},
    )
