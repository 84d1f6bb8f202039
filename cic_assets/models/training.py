"""One training, from a data set to a model with its card. Light to import: Keras comes when it starts.

`train` runs where it is called; `worker.train_in_process` gives each training a process of its own.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from upath import UPath

from cic_assets.models import accelerator as device_settings
from cic_assets.models.card import (
    CARD_FILE,
    MODEL_FILE,
    PREDICTIONS_FILE,
    Card,
    Measures,
    Preprocessing,
    Scores,
    file_sha256,
)
from cic_assets.models.card import Weights as WeightsRecord
from cic_assets.models.checkpoints import Checkpoints, best_of, epochs_without_gain
from cic_assets.models.data import SPLITS, Images, Labels, TrainingData, fit_to_side, load_training_data
from cic_assets.models.errors import WeightsUnavailableError
from cic_assets.models.events import EpochEnd, Finished, Message, OnEvent
from cic_assets.models.measures import Stopwatch, flops, peak_rss_bytes
from cic_assets.models.settings import AcceleratorSettings, ModelSettings
from cic_assets.models.weights import ResolvedWeights, resolve_weights
from cic_assets.storage import content_version, local_directory, write_json

if TYPE_CHECKING:
    from cic_assets.models.batches import Fetch
    from cic_assets.models.networks import Network

Probabilities = NDArray[np.float64]


class TrainingSpec(BaseModel):
    """All that a training needs to know, as one value that fits in a file.

    Attributes:
        name: of the model, such as `vgg`.
        settings: of the network and its training.
        dataset: folder of the data set, any fsspec URL.
        output: folder that the model, its card and its predictions go to, any fsspec URL.
        accelerator: device and how to use it.
        weights: a file with Xception's weights; None looks for them, see `weights.resolve_weights`.
        allow_random_weights: train on random weights where there are none; for a demonstration, the card says so.
        code_version: of the program, for the card.
        scratch: local folder for checkpoints and trunk features, kept for the next time; None keeps nothing.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    settings: ModelSettings
    dataset: str
    output: str
    accelerator: AcceleratorSettings = AcceleratorSettings()
    weights: str | None = None
    allow_random_weights: bool = False
    code_version: str = ""
    scratch: str | None = Field(default=None)


def train(spec: TrainingSpec, on_event: OnEvent = lambda _: None) -> Card:
    """Train a model, and leave model.keras, predictions.parquet and, last, card.json in `spec.output`.

    Args:
        spec: what to train on what.
        on_event: takes progress, epochs and messages as they come.

    Raises:
        TrainingDataError: the data set is missing or not usable.
        WeightsUnavailableError: no pretrained weights, and random ones are not allowed.
        AcceleratorUnavailableError: a GPU is required and there is none.
        TrainingDivergedError: the loss became infinite or not a number.
    """
    watch = Stopwatch()
    device_settings.set_environment(spec.accelerator)
    data = load_training_data(UPath(spec.dataset))
    device = _activate(spec.accelerator, on_event)
    pretrained = _pretrained(spec, on_event)
    with _scratch_folder(spec) as scratch:
        run = _Run(spec, data, pretrained, scratch, on_event)
        run.train()
        card = run.save(device, watch)
    on_event(Finished())
    return card


def _activate(settings: AcceleratorSettings, on_event: OnEvent) -> str:
    device = device_settings.activate(settings)
    no_gpu = " (no GPU here)" if device == "cpu" and settings.device == "auto" else ""
    on_event(Message(text=f"training on {device}{no_gpu}"))
    return device


def _pretrained(spec: TrainingSpec, on_event: OnEvent) -> ResolvedWeights | None:
    if spec.settings.architecture != "xception":
        return None
    try:
        weights = resolve_weights(spec.weights, lambda text: on_event(Message(text=text)))
    except WeightsUnavailableError as error:
        if not (spec.allow_random_weights and error.nowhere):
            raise
        on_event(Message(text=f"RANDOM WEIGHTS, this xception is of no use: {error}", warning=True))
        return None
    on_event(Message(text=f"ImageNet weights from {weights.source}, sha256 {weights.sha256[:12]}…"))
    return weights


@contextmanager
def _scratch_folder(spec: TrainingSpec) -> Iterator[Path]:
    if spec.scratch is not None:
        yield Path(spec.scratch)
        return
    with tempfile.TemporaryDirectory(prefix="cic-training-") as name:
        yield Path(name)


class _Run:
    """One training's parts while it runs."""

    def __init__(
        self,
        spec: TrainingSpec,
        data: TrainingData,
        pretrained: ResolvedWeights | None,
        scratch: Path,
        on_event: OnEvent,
    ) -> None:
        from cic_assets.models.networks import build_network

        self.spec = spec
        self.data = data
        self.pretrained = pretrained
        self.scratch = scratch
        self.on_event = on_event
        self.network: Network = build_network(
            spec.settings, len(data.classes), pretrained.arrays if pretrained else None
        )
        self.history: list[EpochEnd] = []
        self.features_seconds: float | None = None
        self.warnings: list[str] = []
        self.outputs: dict[str, Probabilities] = {}

    def train(self) -> None:
        """Fit the trainable part, then ask it about validation and test."""
        from cic_assets.models.batches import Batches
        from cic_assets.models.loop import fit

        settings = self.spec.settings
        splits = self.data.splits
        checkpoints = Checkpoints(self.scratch / "checkpoint", self._key())
        with tempfile.TemporaryDirectory(prefix="cic-resized-") as name:
            inputs = self._inputs(Path(name))
            self.history = fit(
                self.network.rest,
                settings,
                Batches(inputs["train"], splits["train"].labels, settings.batch_size, seed=settings.seed),
                Batches(inputs["validation"], splits["validation"].labels, settings.batch_size),
                self.data.class_weights,
                accelerator=self.spec.accelerator,
                checkpoints=checkpoints,
                on_event=self.on_event,
            )
            for split in ("validation", "test"):
                batches = Batches(inputs[split], splits[split].labels, settings.batch_size)
                self.outputs[split] = self.network.rest.predict(batches, verbose=0).astype(np.float64)
        self._checkpoints = checkpoints

    def _inputs(self, folder: Path) -> dict[str, "Fetch"]:
        """What the trainable part is fed, by split: pictures, or the features of a frozen trunk."""
        from cic_assets.models.batches import augmented, in_turns, plain

        settings = self.spec.settings
        images: dict[str, Images] = {
            name: fit_to_side(self.data.splits[name].images, settings.input_size, folder / f"{name}.npy")
            for name in SPLITS
        }
        if self.network.trunk is None:
            inputs = {name: plain(images[name]) for name in SPLITS}
            return {**inputs, "train": augmented(images["train"], settings.augmentation, settings.seed)}
        from cic_assets.models.features import trunk_features

        features = trunk_features(
            self.network.trunk, images, settings, self.scratch / "features" / self._trunk_key(), self.on_event
        )
        self.features_seconds = features.seconds
        return {
            "train": in_turns(features.views),
            "validation": plain(features.validation),
            "test": plain(features.test),
        }

    def _trunk_key(self) -> str:
        """Changes when a trunk's features would."""
        settings = self.spec.settings
        weights = self.pretrained.sha256 if self.pretrained else f"random {settings.seed}"
        augmentation = settings.augmentation.model_dump()
        return content_version(weights, settings.input_size, settings.seed, augmentation, self.data.version)

    def _key(self) -> str:
        """Changes when a training would go another way."""
        import keras

        backend = (keras.__version__, keras.backend.backend())
        settings = self.spec.settings.model_dump()
        return content_version(settings, self.spec.code_version, backend, self._trunk_key())

    def save(self, device: str, watch: Stopwatch) -> Card:
        """Write the model, its predictions and its card."""
        output = UPath(self.spec.output)
        # Without a card there is no model: a kill from here on leaves nothing that could be taken for one.
        (output / CARD_FILE).unlink(missing_ok=True)
        with local_directory(output) as folder:
            self.network.model.save(folder / MODEL_FILE, include_optimizer=False)
            card = self._card(folder / MODEL_FILE, device, watch)
            self._predictions().to_parquet(folder / PREDICTIONS_FILE, index=False)
        write_json(output / CARD_FILE, card.model_dump(mode="json"))
        self._checkpoints.clear()
        return card

    def _card(self, file: Path, device: str, watch: Stopwatch) -> Card:
        import keras

        weights = self.pretrained
        spec = self.spec
        return Card(
            name=spec.name,
            settings=spec.settings,
            labels=self.data.classes,
            preprocessing=Preprocessing(side=self.data.side, input_size=spec.settings.input_size),
            sha256=file_sha256(file),
            data_version=self.data.version,
            code_version=spec.code_version,
            keras_version=keras.__version__,
            backend=keras.backend.backend(),
            device=device,
            accelerator=spec.accelerator,
            weights=WeightsRecord(source=weights.source, sha256=weights.sha256) if weights else None,
            random_weights=spec.settings.architecture == "xception" and weights is None,
            best_epoch=best_of(self.history).epoch,
            stopped_early=epochs_without_gain(self.history) >= spec.settings.patience,
            scores={name: _scores(self.outputs[name], self.data.splits[name].labels) for name in self.outputs},
            measures=self._measures(file, device, watch),
            history=[epoch.model_dump(exclude={"kind"}) for epoch in self.history],
            warnings=self.warnings,
        )

    def _measures(self, file: Path, device: str, watch: Stopwatch) -> Measures:
        model = self.network.model
        seconds = sum(epoch.seconds for epoch in self.history)
        return Measures(
            wall_seconds=watch.wall,
            cpu_seconds=watch.cpu,
            train_seconds=seconds,
            features_seconds=self.features_seconds,
            images_per_second=float(np.mean([epoch.images_per_second for epoch in self.history])),
            peak_rss_bytes=peak_rss_bytes(),
            peak_gpu_bytes=device_settings.peak_gpu_bytes(device),
            parameters=model.count_params(),
            trainable_parameters=sum(int(np.prod(weight.shape)) for weight in model.trainable_weights),
            flops=flops(model),
            disk_bytes=file.stat().st_size,
        )

    def _predictions(self) -> pd.DataFrame:
        """One row a picture of validation and test: what it is, what the model says, and how sure."""
        tables = []
        for split, outputs in self.outputs.items():
            rows = self.data.manifest.query("split == @split").set_index("row").sort_index()
            if list(rows.index) != list(range(len(outputs))):
                raise ValueError(f"manifest.parquet: rows of the {split} split do not match {split}.npy")
            table = rows[["sha256", "split", "klass", "label"]].reset_index(drop=True)
            predicted = outputs.argmax(axis=1)
            table["predicted"] = np.array(self.data.classes)[predicted]
            for label, klass in enumerate(self.data.classes):
                table[f"p_{klass}"] = outputs[:, label]
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def _scores(outputs: Probabilities, labels: Labels) -> Scores:
    """Of probabilities (N, K) against labels (N,)."""
    given = np.clip(outputs[np.arange(len(labels)), labels], 1e-7, 1.0)  # as Keras clips
    return Scores(
        loss=float(-np.log(given).mean()),
        accuracy=float((outputs.argmax(axis=1) == labels).mean()),
        count=len(labels),
    )
