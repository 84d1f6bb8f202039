"""The data set in the layouts that other tools read: one small file a layout, one table of them all."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.exports.archive import ZIP, zip_folder
from cic_assets.domain.dataset.exports.imagefolder import write_imagefolder
from cic_assets.domain.dataset.exports.kaggle import write_kaggle
from cic_assets.domain.dataset.exports.manifest import write_manifest
from cic_assets.domain.dataset.exports.outgoing import Outgoing, load_outgoing
from cic_assets.domain.dataset.exports.parquet import write_parquet
from cic_assets.domain.dataset.exports.tfrecord import write_tfrecord
from cic_assets.domain.dataset.exports.webdataset import write_webdataset
from cic_assets.storage import DataRoot, sync_file_system


@dataclass(frozen=True, slots=True)
class Layout:
    """One way to lay out a data set.

    Attributes:
        summary: what it is and who reads it, in one line.
        write: puts it into an empty folder.
    """

    summary: str
    write: Callable[[Outgoing, Path], None]


LAYOUTS: Mapping[str, Layout] = {
    "kaggle": Layout("train/CLASS/0.jpg and test/CLASS/0.jpg with running numbers, and a data card", write_kaggle),
    "imagefolder": Layout(
        "Hugging Face image folder: SPLIT/CLASS/000000.jpg and SPLIT/metadata.parquet", write_imagefolder
    ),
    "parquet": Layout("Hugging Face Parquet: columns image and label, with their features", write_parquet),
    "tfrecord": Layout("TFRecord shards of tf.train.Example", write_tfrecord),
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
        out: a folder that does not exist yet, or is empty; or a file that does not exist yet, ending in .zip, for the
            same in one zip file. It appears whole or not at all.

    Returns:
        Counts by split and class.

    Raises:
        DatasetError: there is no such layout or no data set, or `out` is in use.
    """
    if layout not in LAYOUTS:
        raise DatasetError(f"{layout} is not a layout: expected one of {', '.join(LAYOUTS)}")
    outgoing = load_outgoing(root)
    _refuse_what_is_in_use(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as name:
        whole = Path(name) / "export"
        whole.mkdir()
        LAYOUTS[layout].write(outgoing, whole)
        if out.suffix == ZIP:
            whole = zip_folder(whole, Path(name) / f"export{ZIP}")
        sync_file_system(out.parent)  # all of it is on the disk before it has its name
        _give_name(whole, out)
    return outgoing.info.counts


def _refuse_what_is_in_use(out: Path) -> None:
    if out.suffix == ZIP:
        if out.exists():
            raise DatasetError(f"{out} is in use: expected the name of a zip file that does not exist yet")
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DatasetError(f"{out} is in use: expected a folder that does not exist yet, or is empty")


def _give_name(whole: Path, out: Path) -> None:
    if whole.is_file():
        # A link, unlike a renaming, never takes the place of a file that has come up meanwhile.
        try:
            os.link(whole, out)
        except FileExistsError:
            raise DatasetError(f"{out} is in use: it came up while this was written") from None
        except OSError:  # a file system without links
            shutil.move(whole, out)
    else:
        os.replace(whole, out)  # noqa: PTH105 - over an empty folder, which Path.rename does not say it allows


__all__ = ["LAYOUTS", "Layout", "export_dataset"]
