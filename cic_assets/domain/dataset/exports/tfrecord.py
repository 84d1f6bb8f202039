"""TFRecord: one `tf.train.Example` a picture, under the keys of TensorFlow's own image classification data sets."""

from pathlib import Path
from typing import Any

from cic_assets.domain.dataset.exports.card import write_card
from cic_assets.domain.dataset.exports.outgoing import Outgoing, Row
from cic_assets.domain.dataset.exports.shards import shards
from cic_assets.domain.dataset.splits import Split

_HOW_TO_READ = """## Files

```python
keys = {"image/encoded": tf.io.FixedLenFeature([], tf.string), "image/class/label": tf.io.FixedLenFeature([], tf.int64)}
train = tf.data.TFRecordDataset(tf.io.gfile.glob("train-*")).map(lambda one: tf.io.parse_single_example(one, keys))
```

Further keys: `image/class/text`, `image/format`, `image/height`, `image/width`, `image/key/sha256` (of the file),
`image/source_id` (of the post). `classes.txt` has the classes in the order of their labels.
"""


def write_tfrecord(outgoing: Outgoing, folder: Path) -> None:
    """`train-00000-of-00001.tfrecord`, …, `classes.txt` and `README.md`."""
    import tensorflow as tf

    for split in Split:
        for name, rows in shards(outgoing.rows(split), split, "tfrecord"):
            with tf.io.TFRecordWriter(str(folder / name)) as writer:
                for row, jpeg in outgoing.read(rows):
                    writer.write(_example(row, jpeg, outgoing.info.side).SerializeToString(deterministic=True))
    (folder / "classes.txt").write_text("\n".join(outgoing.info.classes) + "\n", encoding="utf-8")
    write_card(folder, outgoing, _HOW_TO_READ)


def _example(row: Row, jpeg: bytes, side: int) -> Any:
    import tensorflow as tf

    def text(value: str | bytes) -> Any:
        encoded = value.encode() if isinstance(value, str) else value
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[encoded]))

    def number(value: int) -> Any:
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    features = {
        "image/encoded": text(jpeg),
        "image/format": text("jpeg"),
        "image/height": number(side),
        "image/width": number(side),
        "image/class/label": number(row["label"]),
        "image/class/text": text(row["klass"]),
        "image/key/sha256": text(row["resized_sha256"]),
        "image/source_id": text(row["post_id"]),
    }
    return tf.train.Example(features=tf.train.Features(feature=features))
