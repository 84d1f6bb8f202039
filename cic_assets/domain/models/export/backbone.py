"""A frozen backbone as an exported file: made once for its weights and its side, kept, and looked at before it is used.

Nothing of a picture is in it.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from upath import UPath

from cic_assets.domain.models.card import file_sha256, verified_files
from cic_assets.domain.models.errors import CardMismatchError, ExportError
from cic_assets.domain.models.export.exported import ExportedModel
from cic_assets.domain.models.export.keras_model import export_backbone
from cic_assets.domain.models.export.names import FEATURES
from cic_assets.domain.models.export.onnx_file import OPSET
from cic_assets.domain.models.export.parity import largest_difference
from cic_assets.storage import content_version, local_directory, read_json, write_json

EXPORTER_VERSION = 1
"""Another one whenever the same backbone would be written to other files."""
TOLERANCE = 1e-4
"""Of the largest feature of the pictures that both are asked about. Xception differs by 7e-6 at most: the order in
which 32-bit numbers are summed up. The half precision in which features are kept rounds such a number by 5e-4."""

Shape = Sequence[int]

_GRAPH_FILE, _ARRAYS_FILE, _RECORD_FILE = "backbone.onnx", "backbone.onnx.data", "sha256.json"


class ExportedBackbone:
    """A backbone out of an ONNX file, each picture on one thread; several may be asked at once."""

    def __init__(self, graph: Path) -> None:
        """Load a graph."""
        self._exported = ExportedModel(graph, threads=1)

    def features(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """What the backbone makes of pictures (N, side, side, 3): (N, height, width, channels), or (N, channels)."""
        return np.moveaxis(self._exported.run(pictures, [FEATURES])[0], 1, -1)

    def check(self, model: Any, pictures: NDArray[np.uint8]) -> float:
        """The largest difference from its keras.Model on some pictures, as a share of the largest feature.

        Raises:
            ExportError: it says something else.
        """
        difference = largest_difference(model, self.features, pictures)
        if not difference <= TOLERANCE:  # also where it is not a number
            raise ExportError(
                f"the exported {model.name} differs from its Keras model by {difference:.2g} of its largest "
                f"feature on {len(pictures)} pictures, expected at most {TOLERANCE:g}"
            )
        return difference


def exported_backbone(model: Any, key: str, place: Path, pictures: NDArray[np.uint8]) -> tuple[ExportedBackbone, float]:
    """The backbone as it was kept, or exported now, and its largest difference from the model (see `check`).

    Files that are damaged, or that do not say what the model says, are made again. A kill leaves nothing that would be
    taken for whole.

    Args:
        model: a keras.Model from bytes (N, side, side, 3) to one map or vector, in 32 bits.
        key: differs where the model's weights do.
        place: a local folder for backbones.
        pictures: to ask both about.

    Raises:
        ExportError: a layer has no translation, or what was exported now says something else than the model.
        OSError: nothing can be kept there.
    """
    folder = _folder(place, key, model.input.shape[1:], model.output.shape[1:])
    with suppress(ExportError):
        if kept := _kept(folder):
            return kept, kept.check(model, pictures)
    return _made(folder, model, pictures)


def kept_backbone(key: str, image: Shape, output: Shape, place: Path) -> ExportedBackbone | None:
    """A backbone that `exported_backbone` looked at and kept, without Keras; None where there is none that is whole.

    Args:
        key: as it was given there.
        image: the shape of a picture.
        output: the shape of what the backbone makes of it.
        place: as it was given there.
    """
    return _kept(_folder(place, key, image, output))


def _folder(place: Path, key: str, image: Shape, output: Shape) -> Path:
    # Shapes tell the cuts of a network apart; the names of its layers count what a process has built.
    cut = [list(image), list(output)]
    return place / f"backbone-{content_version([EXPORTER_VERSION, OPSET], version('keras'), key, cut)}"


def _kept(folder: Path) -> ExportedBackbone | None:
    try:
        with verified_files(UPath(folder), read_json(UPath(folder / _RECORD_FILE))) as whole:
            return ExportedBackbone(whole / _GRAPH_FILE)
    except (FileNotFoundError, NotADirectoryError, CardMismatchError, json.JSONDecodeError):
        return None


def _made(folder: Path, model: Any, pictures: NDArray[np.uint8]) -> tuple[ExportedBackbone, float]:
    with local_directory(UPath(folder), last=_RECORD_FILE) as new:
        graph, arrays = new / _GRAPH_FILE, new / _ARRAYS_FILE
        export_backbone(model, graph, arrays)
        difference = ExportedBackbone(graph).check(model, pictures)  # before it is kept: others believe what is
        write_json(UPath(new / _RECORD_FILE), {file.name: file_sha256(file) for file in (graph, arrays)})
    return ExportedBackbone(folder / _GRAPH_FILE), difference
