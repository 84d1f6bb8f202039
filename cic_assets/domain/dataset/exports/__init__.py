"""The data set in the layouts that other tools read: one small file a layout, one table of them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.exports.imagefolder import write_imagefolder
from cic_assets.domain.dataset.exports.kaggle import write_kaggle
from cic_assets.domain.dataset.exports.manifest import write_manifest
from cic_assets.domain.dataset.exports.outgoing import Outgoing, load_outgoing
from cic_assets.domain.dataset.exports.parquet import write_parquet
from cic_assets.domain.dataset.exports.tfrecord import write_tfrecord
from cic_assets.domain.dataset.exports.webdataset import write_webdataset
from cic_assets.domain.extras import why_no_tensorflow
from cic_assets.domain.publishing import InUseError, published
from cic_assets.storage import DataRoot


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to lay out a data set.

    Attributes:
        summary: what it is and who reads it, in one line.
        write: puts it into an empty folder.
        lacks: asked with the layout's name why it cannot be written here; None where it can.
    """

    summary: str
    write: Callable[[Outgoing, Path], None]
    lacks: Callable[[str], str | None] = lambda _name: None


LAYOUTS: Mapping[str, Layout] = {
    "kaggle": Layout("train/CLASS/0.jpg and test/CLASS/0.jpg with running numbers, and a data card", write_kaggle),
    "imagefolder": Layout(
        "Hugging Face image folder: SPLIT/CLASS/000000.jpg and SPLIT/metadata.parquet", write_imagefolder
    ),
    "parquet": Layout("Hugging Face Parquet: columns image and label, with their features", write_parquet),
    "tfrecord": Layout("TFRecord shards of tf.train.Example", write_tfrecord, why_no_tensorflow),
    "webdataset": Layout("WebDataset: tar shards of KEY.jpg, KEY.cls and KEY.json", write_webdataset),
    "manifest": Layout(
        "manifest.csv: ids, hashes, classes and splits alone; no picture, title or name", write_manifest
    ),
}
"""Every layout by its name on the command line."""


def export_dataset(root: DataRoot, layout: str, out: Path) -> dict[str, dict[str, int]]:
    """Write the data set for other tools.

    Args:
        root: whose data set.
        layout: a key of `LAYOUTS`.
        out: a new folder, or a file ending in .zip, as of `published`.

    Returns:
        Counts by split and class.

    Raises:
        DatasetError: there is no such layout or no data set, `out` is in use, or the layout needs what is not
            installed.
    """
    if layout not in LAYOUTS:
        raise DatasetError(f"{layout} is not a layout: expected one of {', '.join(LAYOUTS)}")
    if why := LAYOUTS[layout].lacks(layout):
        raise DatasetError(why)
    outgoing = load_outgoing(root)
    try:
        with published(out) as folder:
            LAYOUTS[layout].write(outgoing, folder)
    except InUseError as error:
        raise DatasetError(str(error)) from None
    return outgoing.info.counts


__all__ = ["LAYOUTS", "Layout", "export_dataset"]
