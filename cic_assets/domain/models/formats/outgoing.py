"""A trained model on its way out: its card, its files, and what it was trained on."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from cic_assets.domain.models.card import (
    ARRAYS_FILE,
    GRAPH_FILE,
    MODEL_FILE,
    Card,
    load_model,
    read_card,
    verified_files,
)
from cic_assets.domain.models.export import golden_pictures, write_export
from cic_assets.domain.models.versions import champion_folder
from cic_assets.storage import DataRoot, read_json


@dataclass(frozen=True, slots=True)
class OutgoingModel:
    """What every format is written from.

    Attributes:
        folder: where the model lies.
        card: what is known about it.
        data: the name of the data set that it was trained on, or its version where that is gone or another by now.
        is_sample: those were the embedded, drawn pictures.
    """

    folder: UPath
    card: Card
    data: str
    is_sample: bool

    def keras_model(self) -> Any:
        """The keras.Model, from bytes to probabilities.

        Raises:
            CardMismatchError: its file is not the card's.
            TrainingUnavailableError: Keras is not installed.
        """
        return load_model(self.folder)[0]

    def copy_keras(self, target: Path) -> None:
        """Write `model.keras` into a folder.

        Raises:
            CardMismatchError: the file is not the card's.
        """
        self._copy({MODEL_FILE: self.card.sha256}, target)

    def copy_onnx(self, target: Path) -> None:
        """Write `model.onnx` and its arrays into a folder; of a model that was never exported they are made.

        Raises:
            CardMismatchError: a file is not the card's.
            TrainingUnavailableError: they have to be made, and Keras is not installed.
        """
        if export := self.card.export:
            self._copy({GRAPH_FILE: export.graph_sha256, ARRAYS_FILE: export.arrays_sha256}, target)
        else:
            pictures = golden_pictures(self.card.preprocessing.input_size)
            write_export(self.keras_model(), target, self.card.labels, pictures)

    def _copy(self, sha256s: dict[str, str], target: Path) -> None:
        with verified_files(self.folder, sha256s) as local:
            for name in sha256s:
                shutil.copyfile(local / name, target / name)


def load_outgoing_model(root: DataRoot, name: str) -> OutgoingModel:
    """A model of a data root.

    Raises:
        FileNotFoundError: there is none of this name.
        CardMismatchError: its card is not one of this version.
    """
    folder = champion_folder(root.model(name))
    card = read_card(folder)
    description = root.dataset / "dataset.json"
    about = read_json(description) if description.exists() else {}
    if about.get("version") != card.data_version:
        about = {}
    data = about.get("name", f"data version {card.data_version}")
    return OutgoingModel(folder, card, data, bool(about.get("sample")))
