"""Formats that are files which a training left, and a program beside them."""

import shutil
from pathlib import Path

from cic_assets.domain.models.formats.outgoing import OutgoingModel

PROGRAM_FILE = "predict.py"


def write_keras(model: OutgoingModel, folder: Path) -> None:
    """`model.keras`."""
    model.copy_keras(folder)


def write_onnx(model: OutgoingModel, folder: Path) -> None:
    """`model.onnx` and `model.onnx.data`."""
    model.copy_onnx(folder)


def write_program(model: OutgoingModel, folder: Path) -> None:
    """`predict.py` and the ONNX that it runs."""
    model.copy_onnx(folder)
    shutil.copyfile(Path(__file__).with_name(PROGRAM_FILE), folder / PROGRAM_FILE)
