"""A trained model in the formats that other programs load, each with all that is to be known to ask it.

Whatever the format, there are beside the model `labels.txt`, `preprocessing.json` and `README.md`, which say the same
for programs and for people: what the answers mean, what is done to a picture before, how good it is, and who may do
what with it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cic_assets.domain.extras import why_no_tensorflow
from cic_assets.domain.models.card import Card
from cic_assets.domain.models.errors import ExportError
from cic_assets.domain.models.formats.about import write_about
from cic_assets.domain.models.formats.copies import write_keras, write_onnx, write_program
from cic_assets.domain.models.formats.hub import write_hub
from cic_assets.domain.models.formats.outgoing import OutgoingModel, load_outgoing_model
from cic_assets.domain.models.formats.tensorflow import write_litert, write_saved_model
from cic_assets.domain.models.formats.usage import HUB, KERAS, LITERT, ONNX, PROGRAM, SAVED_MODEL
from cic_assets.domain.publishing import InUseError, published
from cic_assets.storage import DataRoot


@dataclass(frozen=True, slots=True)
class Format:
    """One way to hand a model on.

    Attributes:
        summary: what it is and who reads it, in one line.
        write: puts the model into an empty folder.
        usage: Markdown: how it is loaded and asked; a block of Python in it makes `probabilities` of `pictures`.
        lacks: asked with the format's name why it cannot be written here; None where it can.
    """

    summary: str
    write: Callable[[OutgoingModel, Path], None]
    usage: str
    lacks: Callable[[str], str | None] = lambda _name: None


FORMATS: Mapping[str, Format] = {
    "keras": Format("model.keras, for Keras on any backend", write_keras, KERAS),
    "savedmodel": Format(
        "TensorFlow SavedModel in 1/, as TensorFlow Serving takes it", write_saved_model, SAVED_MODEL, why_no_tensorflow
    ),
    "onnx": Format("model.onnx and its arrays, for any runtime of ONNX", write_onnx, ONNX),
    "litert": Format("model.tflite, for LiteRT on telephones and boards", write_litert, LITERT, why_no_tensorflow),
    "huggingface": Format(
        "a folder as one uploads it to the Hugging Face Hub: model card, Keras and ONNX", write_hub, HUB
    ),
    "folder": Format("a short predict.py that needs onnxruntime, NumPy and OpenCV alone", write_program, PROGRAM),
}
"""Every format by its name on the command line."""


def export_trained_model(root: DataRoot, name: str, form: str, out: Path) -> Card:
    """Write a trained model for other programs.

    Args:
        root: where it was trained.
        name: of the model.
        form: a key of `FORMATS`.
        out: a new folder, or a file ending in .zip, as of `published`.

    Returns:
        The model's card.

    Raises:
        ModelError: there is no such format or `out` is in use, the format needs what is not installed, a file is not
            the one that the card describes, or what was written says something else than the model.
        FileNotFoundError: there is no such model.
    """
    if form not in FORMATS:
        raise ExportError(f"{form} is not a format: expected one of {', '.join(FORMATS)}")
    if why := FORMATS[form].lacks(f"a model as {form}"):
        raise ExportError(why)
    model = load_outgoing_model(root, name)
    try:
        with published(out) as folder:
            FORMATS[form].write(model, folder)
            write_about(model, folder, FORMATS[form].usage)
    except InUseError as error:
        raise ExportError(str(error)) from None
    return model.card


__all__ = ["FORMATS", "Format", "export_trained_model"]
