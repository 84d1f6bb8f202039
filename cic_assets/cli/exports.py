"""`cic export`: the data set for other tools."""

from pathlib import Path

import click

from cic_assets.cli.options import data_root_of, data_root_option, environment_of
from cic_assets.cli.quiet import without_startup_notes

# What `cic_assets.domain.dataset.LAYOUTS` says; \b keeps click from filling the lines.
_LAYOUTS = """\b
FORMAT is one of
  kaggle       train/CLASS/0.jpg and test/CLASS/0.jpg with running numbers, and a data card
  imagefolder  Hugging Face image folder: SPLIT/CLASS/000000.jpg and SPLIT/metadata.parquet
  parquet      Hugging Face Parquet: columns image and label, with their features
  tfrecord     TFRecord shards of tf.train.Example
  webdataset   WebDataset: tar shards of KEY.jpg, KEY.cls and KEY.json
  manifest     manifest.csv: ids, hashes, classes and splits alone; no picture, title or name
"""


@click.command(epilog=_LAYOUTS)
@click.argument("layout", metavar="FORMAT")
@click.argument("out", type=click.Path(path_type=Path))
@data_root_option
def export(layout: str, out: Path, data_root: str | None) -> None:
    """Write the data set for other tools, into a new folder OUT, or into one file where OUT ends in .zip."""
    from cic_assets.domain.dataset import DatasetError, export_dataset

    root = data_root_of(environment_of(data_root=data_root))
    try:
        with without_startup_notes():  # TFRecord is written by TensorFlow
            counts = export_dataset(root, layout, out)
    except DatasetError as error:
        raise click.ClickException(str(error)) from None
    for split, of_class in counts.items():
        click.echo(f"{split}: " + ", ".join(f"{count} {klass}" for klass, count in of_class.items()))
    click.echo(f"Written ({layout}): {out}")
