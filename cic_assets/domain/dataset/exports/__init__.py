"""The data set in the layouts that other tools read: one small file a layout, one table of them all."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cic_assets.domain.dataset.errors import DatasetError
from cic_assets.domain.dataset.exports.croissant import write_croissant
from cic_assets.domain.dataset.exports.imagefolder import write_imagefolder
from cic_assets.domain.dataset.exports.kaggle import FOLDERS, write_kaggle
from cic_assets.domain.dataset.exports.manifest import write_manifest
from cic_assets.domain.dataset.exports.outgoing import Outgoing, load_outgoing
from cic_assets.domain.dataset.exports.parquet import write_parquet
from cic_assets.domain.dataset.exports.rights import attribution_rows, refuse_unshareable, write_attribution
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
        has_pictures: whether they go out, and not only what they are.
        folders: the folder of each split, where it is not called like it.
        lacks: asked with the layout's name why it cannot be written here; None where it can.
    """

    summary: str
    write: Callable[[Outgoing, Path], None]
    has_pictures: bool = True
    folders: Mapping[str, str] = field(default_factory=dict)
    lacks: Callable[[str], str | None] = lambda _name: None


LAYOUTS: Mapping[str, Layout] = {
    "kaggle": Layout(
        "train/CLASS/0.jpg and test/CLASS/0.jpg with running numbers, and a data card", write_kaggle, folders=FOLDERS
    ),
    "imagefolder": Layout(
        "Hugging Face image folder: SPLIT/CLASS/000000.jpg and SPLIT/metadata.parquet", write_imagefolder
    ),
    "parquet": Layout("Hugging Face Parquet: columns image and label, with their features", write_parquet),
    "tfrecord": Layout("TFRecord shards of tf.train.Example", write_tfrecord, lacks=why_no_tensorflow),
    "webdataset": Layout("WebDataset: tar shards of KEY.jpg, KEY.cls and KEY.json", write_webdataset),
    "manifest": Layout(
        "manifest.csv: ids, hashes, classes and splits alone; no picture, title or name",
        write_manifest,
        has_pictures=False,
    ),
}
"""Every layout by its name on the command line."""


def export_dataset(root: DataRoot, layout: str, out: Path, *, all_rights: bool = False) -> dict[str, dict[str, int]]:
    """Write the data set for other tools.

    Args:
        root: whose data set.
        layout: a key of `LAYOUTS`.
        out: a new folder, or a file ending in .zip, as of `published`.
        all_rights: with pictures too that may not be passed on by their licence.

    Returns:
        Counts by class, of each folder that the splits are in.

    Raises:
        DatasetError: there is no such layout or no data set, `out` is in use, the layout needs what is not installed,
            or some pictures may not be passed on.
    """
    if layout not in LAYOUTS:
        raise DatasetError(f"{layout} is not a layout: expected one of {', '.join(LAYOUTS)}")
    if why := LAYOUTS[layout].lacks(layout):
        raise DatasetError(why)
    outgoing, has_pictures = load_outgoing(root), LAYOUTS[layout].has_pictures
    if has_pictures and not all_rights:
        refuse_unshareable(outgoing.rights)
    try:
        with published(out) as folder:
            LAYOUTS[layout].write(outgoing, folder)
            if has_pictures and outgoing.rights:
                _write_rights(outgoing, folder)
    except InUseError as error:
        raise DatasetError(str(error)) from None
    return _counted(outgoing.info.counts, LAYOUTS[layout].folders)


def _counted(counts: Mapping[str, Mapping[str, int]], folders: Mapping[str, str]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for split, of_class in counts.items():
        found.setdefault(folders.get(split, split), Counter()).update(of_class)
    return {folder: dict(of_class) for folder, of_class in found.items()}


def _write_rights(outgoing: Outgoing, folder: Path) -> None:
    rows = [{**row, "file": outgoing.files.get(row["sha256"], "")} for row in outgoing.rows()]
    write_attribution(folder, attribution_rows(rows, outgoing.rights, outgoing.info.side))
    if outgoing.files and len(outgoing.rights) == len(rows):
        write_croissant(folder, outgoing.info, outgoing.rights)


__all__ = ["LAYOUTS", "Layout", "export_dataset"]
