"""`cic export`: the data set, or a trained model, for other tools."""

from pathlib import Path
from typing import Any, ClassVar

import click

from cic_assets.cli.options import data_root_of, data_root_option, environment_of
from cic_assets.cli.quiet import without_startup_notes

# What `cic_assets.domain.models.FORMATS` says; \b keeps click from filling the lines.
_FORMATS = """\b
FORMAT of a model is one of
  keras        model.keras, for Keras on any backend
  savedmodel   TensorFlow SavedModel in 1/, as TensorFlow Serving takes it
  onnx         model.onnx and its arrays, for any runtime of ONNX
  litert       model.tflite, for LiteRT on telephones and boards
  huggingface  a folder as one uploads it to the Hugging Face Hub: model card, Keras and ONNX
  folder       a short predict.py that needs onnxruntime, NumPy and OpenCV alone
"""

# What `cic_assets.domain.dataset.LAYOUTS` says.
_LAYOUTS = """\b
FORMAT of the data set is one of
  kaggle       train/CLASS/0.jpg and test/CLASS/0.jpg with running numbers, and a data card
  imagefolder  Hugging Face image folder: SPLIT/CLASS/000000.jpg and SPLIT/metadata.parquet
  parquet      Hugging Face Parquet: columns image and label, with their features
  tfrecord     TFRecord shards of tf.train.Example
  webdataset   WebDataset: tar shards of KEY.jpg, KEY.cls and KEY.json
  manifest     manifest.csv: ids, hashes, classes and splits alone; no picture, title or name
"""


@click.command(epilog=_FORMATS)
@click.argument("form", metavar="FORMAT")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--model", default=None, help="which model; the best by validation loss unless given")
@data_root_option
def export_model(form: str, out: Path, model: str | None, data_root: str | None) -> None:
    """Write a trained model for other tools, into a new folder OUT, or into one file where OUT ends in .zip.

    Beside it lie its labels, what is done to a picture before, and a README that says how it is loaded.
    """
    from cic_assets.domain.models import ModelError, export_trained_model
    from cic_assets.domain.prediction import PredictionError, choose_model

    root = data_root_of(environment_of(data_root=data_root))
    try:
        with without_startup_notes():
            card = export_trained_model(root, choose_model(root, model)[0], form, out)
    except (ModelError, PredictionError, FileNotFoundError) as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{card.name}: {', '.join(card.labels)}")
    click.echo(f"Written ({form}): {out}")


class _OfModelsToo(click.Command):
    """A command whose first argument may be the name of another."""

    further: ClassVar = {"model": export_model}

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        if args and (command := self.further.get(args[0])):
            return command.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_OfModelsToo, epilog=f"{_LAYOUTS}\n{_FORMATS}")
@click.argument("layout", metavar="FORMAT")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--all-rights", is_flag=True, help="with pictures too that may not be passed on by their licence")
@data_root_option
def export(layout: str, out: Path, all_rights: bool, data_root: str | None) -> None:
    """Write the data set for other tools, into a new folder OUT, or into one file where OUT ends in .zip.

    Where sources name licences, ATTRIBUTION.csv names the author and the terms of each picture.

    `cic export model FORMAT OUT` writes a trained model.
    """
    from cic_assets.domain.dataset import DatasetError, export_dataset

    root = data_root_of(environment_of(data_root=data_root))
    try:
        with without_startup_notes():  # TFRecord is written by TensorFlow
            counts = export_dataset(root, layout, out, all_rights=all_rights)
    except DatasetError as error:
        raise click.ClickException(str(error)) from None
    for split, of_class in counts.items():
        click.echo(f"{split}: " + ", ".join(f"{count} {klass}" for klass, count in of_class.items()))
    click.echo(f"Written ({layout}): {out}")
