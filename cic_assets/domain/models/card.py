"""What is known about a trained model: `card.json` beside `model.keras`, and the way back from it to the model."""

import hashlib
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from upath import UPath

from cic_assets.domain.models.calibration import Calibration
from cic_assets.domain.models.errors import CardMismatchError
from cic_assets.domain.models.reject import RejectRule
from cic_assets.domain.models.requirements import require_keras
from cic_assets.domain.models.settings import AcceleratorSettings, ModelSettings
from cic_assets.storage import content_version, is_local

MODEL_FILE = "model.keras"
GRAPH_FILE, ARRAYS_FILE = "model.onnx", "model.onnx.data"
"""The same model exported: its graph, and the arrays beside it."""
CARD_FILE = "card.json"
PREDICTIONS_FILE = "predictions.parquet"
FOLDS_FILE = "folds.parquet"
"""One row a picture, judged by a network that has learned from nothing of its fold; only where the card has `folds`."""
PICTURES_FILE = "pictures.parquet"
"""One row a picture of the data set that the model was trained and judged on: sha256, split."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Preprocessing(_Record):
    """What is done to a picture before the model sees it: `images.prepared_jpeg` to `side`, then `fit_to_side`.

    The model takes (N, input_size, input_size, 3) RGB bytes, 0 to 255; what it scales them to is its own affair.
    """

    side: int = Field(description="of the data set's pictures, in pixels: shortest side, centre crop")
    jpeg_quality: int | None = Field(
        default=None, description="of the JPEG that it is made in between; None where none is, before it was noted"
    )
    input_size: int = Field(description="side that the model takes, in pixels")
    shrink: str = "area"
    enlarge: str = "cubic"
    colour: str = "RGB"


class Scores(_Record):
    """Loss (cross-entropy, without class weights) and share of right answers on one split."""

    loss: float
    accuracy: float
    count: int


class Measures(_Record):
    """What it cost, measured in the training's own process; seconds over all attempts where it was resumed."""

    wall_seconds: float = Field(description="from the start of training's process to its results")
    cpu_seconds: float
    train_seconds: float = Field(description="of the epochs alone")
    features_seconds: float | None = Field(
        description="of the frozen backbone; 0 where its output was kept, None without"
    )
    images_per_second: float = Field(description="training pictures a second within the epochs")
    peak_rss_bytes: int
    peak_gpu_bytes: int | None
    parameters: int
    trainable_parameters: int
    flops: int = Field(description="forward, for one picture: convolutions and dense layers, multiply and add apart")
    disk_bytes: int = Field(description="of model.keras")


class Weights(_Record):
    """Where pretrained weights came from: `source` in words, `sha256` over the arrays."""

    source: str
    sha256: str


class Export(_Record):
    """The exported model, which predicts without Keras."""

    graph_sha256: str = Field(description="of model.onnx")
    arrays_sha256: str = Field(description="of model.onnx.data")
    largest_difference: float = Field(description="from a probability of the Keras model, where both were asked")
    pictures: int = Field(description="that both were asked about")


class Folds(_Record):
    """How every picture was judged once, by networks that were trained as the model was, each without one fold."""

    count: int = Field(description="networks")
    scores: Scores = Field(description="over all pictures")
    calibrations: list[Calibration] = Field(
        description="of each fold's network, by validation pictures of its own: it has learned from none of them"
    )
    wall_seconds: float = Field(description="of all networks, over all attempts; not counted in `measures`")
    cpu_seconds: float
    sha256: str = Field(description="of folds.parquet as it was written: what is taken down since is out of it")


class Seeds(_Record):
    """The same training with several seeds, each judged on the same pictures: how far chance alone moves a number."""

    seeds: list[int] = Field(description="the model's own first")
    where: Literal["test", "folds"] = Field(description="that all were judged: on the test split, or in the same folds")
    scores: list[Scores] = Field(description="of each seed")
    changed: int = Field(description="judged pictures that not every seed answers alike")
    wall_seconds: float = Field(description="of all but the model's own, over all attempts; not counted in `measures`")
    cpu_seconds: float


class Takedowns(_Record):
    """Pictures that the model was trained or judged on, and that were taken down since; not which."""

    count: int
    since: str = Field(description="when the first was, ISO 8601, UTC")

    @property
    def words(self) -> str:
        """The same as one sentence."""
        pictures = "1 picture that was" if self.count == 1 else f"{self.count:,} pictures that were"
        return f"It has seen {pictures} taken down since ({self.since[:10]}): the next training leaves them out."


class Card(_Record):
    """Everything about one trained model that somebody would ask."""

    name: str
    settings: ModelSettings
    labels: list[str] = Field(description="class names in the order of the model's outputs")
    preprocessing: Preprocessing
    sha256: str = Field(description="of model.keras")
    data_version: str
    left_out: int = Field(default=0, description="pictures that a person had left out of the data set")
    code_version: str
    keras_version: str
    backend: str
    device: str
    precision: str | None = Field(
        default=None, description="of the training's arithmetic; the saved model's is float32. None before it was noted"
    )
    accelerator: AcceleratorSettings
    weights: Weights | None = Field(description="pretrained weights; None where all were drawn at random")
    random_weights: bool = Field(description="an architecture that needs pretrained weights had to do without: no use")
    best_epoch: int
    stopped_early: bool
    scores: dict[str, Scores] = Field(description="of the best weights, on validation and test")
    measures: Measures
    history: list[dict[str, Any]] = Field(description="one row an epoch, as in events.EpochEnd")
    warnings: list[str]
    export: Export | None = Field(default=None, description="None of a model from before there were any")
    calibration: Calibration | None = Field(
        default=None, description="by the validation split; None of a model from before there was any"
    )
    folds: Folds | None = Field(default=None, description="None where it was judged by the test pictures alone")
    seeds: Seeds | None = Field(default=None, description="None where it was trained with one seed alone")
    reject: RejectRule | None = Field(
        default=None, description="by the validation split; None of a model from before there was any"
    )
    takedowns: Takedowns | None = Field(default=None, description="None while every picture is still there")
    trained_at: str | None = Field(
        default=None, description="when the training ended, ISO 8601, UTC; None before it was noted"
    )

    @field_validator("settings", mode="before")
    @classmethod
    def _of_before_muon(cls, value: Any) -> Any:
        """Cards from when there was one optimizer: what they leave out is not what a variant sets today."""
        return {"optimizer": "adam", **value} if isinstance(value, Mapping) else value

    @property
    def version(self) -> str:
        """What tells it from other versions of the model: the day, and the beginning of the file's hash."""
        day = f"{self.trained_at[:10]}-" if self.trained_at else ""
        return f"{day}{self.sha256[:8]}"

    @property
    def architecture(self) -> str:
        """Name of the network."""
        return self.settings.architecture

    @property
    def content_version(self) -> str:
        """Differs where the model does, or what it said of the pictures that it was judged on, with whatever seed."""
        beside = [self.folds.sha256] if self.folds else []
        if self.seeds:
            beside.append(self.seeds.model_dump_json(exclude={"wall_seconds", "cpu_seconds"}))
        return content_version(self.sha256, *beside)[:16] if beside else self.sha256[:16]

    @property
    def epochs(self) -> int:
        """Epochs trained."""
        return len(self.history)


def file_sha256(path: Path | UPath) -> str:
    """SHA-256 of a file's content, read in pieces."""
    with path.open("rb") as file:
        digest = hashlib.sha256()
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def read_card(folder: UPath) -> Card:
    """The card of the model in a folder.

    Raises:
        FileNotFoundError: there is none; the message says what to do.
        CardMismatchError: it is not a card of this version.
    """
    path = folder / CARD_FILE
    if not path.exists():
        raise FileNotFoundError(f"{path} is missing: train the model first, with `cic run`")
    try:
        return Card.model_validate_json(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(map(str, first["loc"]))
        raise CardMismatchError(f"{path}: {key}: {first['msg']}: train the model again") from None


def load_model(folder: UPath) -> tuple[Any, Card]:
    """A trained model (a keras.Model from bytes to probabilities) and its card.

    The file is loaded only when its SHA-256 is the card's, and in Keras' safe mode: a model file may hold code.

    Raises:
        FileNotFoundError: there is no such model.
        CardMismatchError: the file is not the card's.
        TrainingUnavailableError: Keras is not installed.
    """
    card = read_card(folder)
    require_keras(str(folder / MODEL_FILE))
    with verified_files(folder, {MODEL_FILE: card.sha256}) as local:
        import keras

        return keras.saving.load_model(str(local / MODEL_FILE), compile=False, safe_mode=True), card


@contextmanager
def verified_files(folder: UPath, sha256s: Mapping[str, str], again: str = "train the model again") -> Iterator[Path]:
    """A local folder that holds files of a model, while the block lasts.

    Args:
        folder: of the model; of a remote one they are copied.
        sha256s: by the names of the files, as the card has them.
        again: what makes them again, in words.

    Raises:
        FileNotFoundError: a file is missing.
        CardMismatchError: a file is another.
    """
    for name, expected in sha256s.items():
        path = folder / name
        if not path.exists():
            raise FileNotFoundError(f"{path} is missing: {again}")
        if (found := file_sha256(path)) != expected:
            raise CardMismatchError(
                f"{path} is not the model that {CARD_FILE} describes (sha256 {found[:12]}…, expected "
                f"{expected[:12]}…): {again}"
            )
    if is_local(folder):
        yield Path(str(folder))
        return
    with tempfile.TemporaryDirectory() as temporary:
        for name in sha256s:
            (Path(temporary) / name).write_bytes((folder / name).read_bytes())
        yield Path(temporary)
