"""Exported models on disk: written beside a trained one, and loaded as its card describes them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models.card import ARRAYS_FILE, GRAPH_FILE, Card, Export, file_sha256, read_card, verified_files
from cic_assets.domain.models.export.exported import ExportedModel
from cic_assets.domain.models.export.keras_model import export_model
from cic_assets.domain.models.export.parity import check_parity


def write_export(model: Any, folder: Path, labels: Sequence[str], pictures: NDArray[np.uint8]) -> Export:
    """Export a keras.Model, and see that the result says the same.

    Args:
        model: from bytes (N, side, side, 3) to probabilities (N, classes), of 32 bits.
        folder: where the files go.
        labels: names of the classes, which the graph says too.
        pictures: to ask both about.

    Raises:
        ExportError: a layer has no translation, or the answers differ.
    """
    graph, arrays = folder / GRAPH_FILE, folder / ARRAYS_FILE
    export_model(model, graph, arrays, {"labels": json.dumps(list(labels))})
    return Export(
        graph_sha256=file_sha256(graph),
        arrays_sha256=file_sha256(arrays),
        largest_difference=check_parity(model, ExportedModel(graph), pictures),
        pictures=len(pictures),
    )


def load_exported(folder: UPath, threads: int | None = None) -> tuple[ExportedModel, Card] | None:
    """The exported model in a folder and its card; None where there is none, as before there were any.

    Args:
        folder: of the model.
        threads: as of `ExportedModel`.

    Raises:
        FileNotFoundError: there is no such model, or a file of it is missing.
        CardMismatchError: a file is not the card's.
    """
    card = read_card(folder)
    if card.export is None:
        return None
    sha256s = {GRAPH_FILE: card.export.graph_sha256, ARRAYS_FILE: card.export.arrays_sha256}
    with verified_files(folder, sha256s) as local:
        return ExportedModel(local / GRAPH_FILE, threads), card
