"""A folder as one uploads it to the Hugging Face Hub: a card that it reads, and the model as Keras loads it from there.

https://huggingface.co/docs/hub/model-cards. `keras.saving.load_model("hf://…")` reads what a `.keras` file has in it,
unpacked.
"""

import tempfile
import zipfile
from pathlib import Path
from typing import Any

from cic_assets.domain.models.card import MODEL_FILE
from cic_assets.domain.models.formats.about import README, licence
from cic_assets.domain.models.formats.copies import write_program
from cic_assets.domain.models.formats.outgoing import OutgoingModel

LICENCE_FILE = "LICENSE.md"


def write_hub(model: OutgoingModel, folder: Path) -> None:
    """What is in `model.keras`, the files of the format `folder`, a licence, and the card's metadata in `README.md`."""
    import yaml

    write_program(model, folder)
    with tempfile.TemporaryDirectory() as name:
        model.copy_keras(Path(name))
        with zipfile.ZipFile(Path(name) / MODEL_FILE) as archive:
            archive.extractall(folder)
    (folder / LICENCE_FILE).write_text(f"{licence(model)}\n", encoding="utf-8")
    (folder / README).write_text(f"---\n{yaml.safe_dump(_metadata(model), sort_keys=False)}---\n\n", encoding="utf-8")


def _metadata(model: OutgoingModel) -> dict[str, Any]:
    card = model.card
    return {
        "license": "other",
        "license_name": "to-be-chosen",
        "license_link": LICENCE_FILE,
        "library_name": "keras",
        "pipeline_tag": "image-classification",
        "tags": ["image-classification", "onnx", card.architecture, "cic-assets"],
        "metrics": ["accuracy"],
        "model-index": [{"name": card.name, "results": [_result(model, split) for split in card.scores]}],
    }


def _result(model: OutgoingModel, split: str) -> dict[str, Any]:
    scores = model.card.scores[split]
    measured = f"on {scores.count:,} {split} pictures that it was not trained on"
    return {
        "task": {"type": "image-classification", "name": "Image classification"},
        "dataset": {"type": "cic-assets", "name": model.data, "split": split, "revision": model.card.data_version},
        "metrics": [
            {"type": "accuracy", "value": scores.accuracy, "name": f"Accuracy {measured}"},
            {"type": "loss", "value": scores.loss, "name": f"Cross-entropy {measured}"},
        ],
    }
