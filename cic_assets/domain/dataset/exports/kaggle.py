"""Class folders with running numbers, train and test, as the original project published on Kaggle.

Kaggle takes them as one zip file (`cic export kaggle NAME.zip`); Keras' `image_dataset_from_directory` and our own
`folder:` read the folders.
"""

import json
from collections.abc import Mapping
from pathlib import Path

from cic_assets.domain.dataset.exports.card import write_card
from cic_assets.domain.dataset.exports.outgoing import Outgoing, Row
from cic_assets.domain.dataset.splits import Split

DATA_CARD = "data_card.json"

FOLDERS: Mapping[str, str] = {Split.TRAIN: "train", Split.VALIDATION: "train", Split.TEST: "test"}
"""The original published two folders, and took its validation pictures out of the first."""

_HOW_TO_READ = """## Files

`train/CLASS/0.jpg`, …, `test/CLASS/0.jpg`, …; `train` holds the validation pictures too. `data_card.json` names for
each file its SHA-256, its split, and the post that it came from.

```python
train = keras.utils.image_dataset_from_directory("train", validation_split=0.2, subset="training", seed=1)
```
"""


def write_kaggle(outgoing: Outgoing, folder: Path) -> None:
    """`train/car/0.jpg`, …, `test/tank/0.jpg`, …, `README.md` and `data_card.json`."""
    named: list[Row] = []
    numbers: dict[str, int] = {}
    for row, jpeg in outgoing.read(outgoing.rows()):
        place = f"{FOLDERS[Split(row['split'])]}/{row['klass']}"
        numbers[place] = numbers.get(place, -1) + 1
        row["file"] = f"{place}/{numbers[place]}.jpg"
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / row["file"]).write_bytes(jpeg)
        outgoing.files[row["sha256"]] = row["file"]
        named.append(row)
    card = {**outgoing.info.model_dump(), "files": sorted(named, key=lambda row: str(row["file"]))}
    (folder / DATA_CARD).write_text(json.dumps(card, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    write_card(folder, outgoing, _HOW_TO_READ)
