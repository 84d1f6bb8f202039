"""Hugging Face's image folder: class folders in a folder a split, and a table about the pictures.

https://huggingface.co/docs/datasets/image_dataset#imagefolder. Of the tables that it reads, CSV, JSON lines and
Parquet, only the last can say that a label is a class and which one.
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cic_assets.domain.dataset.exports.card import write_card
from cic_assets.domain.dataset.exports.features import class_label, schema_with, text
from cic_assets.domain.dataset.exports.outgoing import Outgoing
from cic_assets.domain.dataset.splits import Split

_HOW_TO_READ = """## Files

```python
dataset = datasets.load_dataset("imagefolder", data_dir="FOLDER")
```

`SPLIT/CLASS/000000.jpg`, and in `SPLIT/metadata.parquet` its `label` and the `permalink` of its post.
"""


def write_imagefolder(outgoing: Outgoing, folder: Path) -> None:
    """`train/car/000000.jpg`, …, `train/metadata.parquet`, likewise `validation` and `test`, and `README.md`."""
    schema = schema_with(
        {"file_name": pa.string(), "label": pa.int64(), "permalink": pa.string()},
        {"file_name": text(), "label": class_label(outgoing.info.classes), "permalink": text()},
    )
    for split in Split:
        lines = []
        for number, (row, jpeg) in enumerate(outgoing.read(outgoing.rows(split))):
            name = f"{row['klass']}/{number:06}.jpg"
            (folder / split / row["klass"]).mkdir(parents=True, exist_ok=True)
            (folder / split / name).write_bytes(jpeg)
            outgoing.files[row["sha256"]] = f"{split}/{name}"
            lines.append({"file_name": name, "label": row["label"], "permalink": row["permalink"]})
        pq.write_table(pa.Table.from_pylist(lines, schema), folder / split / "metadata.parquet")
    write_card(folder, outgoing, _HOW_TO_READ)
