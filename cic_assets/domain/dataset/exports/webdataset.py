"""WebDataset: tar files that are read from beginning to end, the files of a picture beside each other."""

import io
import json
import tarfile
from pathlib import Path

from cic_assets.domain.dataset.exports.card import write_card
from cic_assets.domain.dataset.exports.outgoing import Outgoing
from cic_assets.domain.dataset.splits import Split

PICTURES = 1_000
"""In a file. Readers shuffle files, and share them out among workers: they want more and smaller ones."""

_HOW_TO_READ = """## Files

```python
train = webdataset.WebDataset("train-000000.tar", shardshuffle=False).decode("rgb8").to_tuple("jpg", "cls")
```

`KEY.jpg`, `KEY.cls` (the label) and `KEY.json` (the class, the file's SHA-256 and its post).
"""


def write_webdataset(outgoing: Outgoing, folder: Path) -> None:
    """`train-000000.tar`, …, and `README.md`."""
    for split in Split:
        rows = outgoing.rows(split)
        for number, start in enumerate(range(0, len(rows), PICTURES)):
            with tarfile.open(folder / f"{split}-{number:06}.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
                for place, (row, jpeg) in enumerate(outgoing.read(rows[start : start + PICTURES]), start):
                    about = {name: row[name] for name in ("klass", "resized_sha256", "permalink")}
                    _add(tar, f"{place:08}.cls", str(row["label"]).encode())
                    _add(tar, f"{place:08}.jpg", jpeg)
                    _add(tar, f"{place:08}.json", json.dumps(about, sort_keys=True).encode())
    write_card(folder, outgoing, _HOW_TO_READ)


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    # Without time and owner: equal data sets are equal files.
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    tar.addfile(entry, io.BytesIO(data))
