"""One training of `training.py` each: on a hold-out by the product's own way, of another net, or on a kept backbone."""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ablation import OtherNet, Record
from numpy.typing import NDArray
from photos import Photos, Rows, apart, digest, folds, write_dataset

from cic_assets.domain.models import (
    KERAS_FLOOR,
    AcceleratorSettings,
    Card,
    EpochEnd,
    ModelSettings,
    TrainingSpec,
    log_loss,
    softmax,
    train_in_process,
)

FOLDS = 5
VALIDATION = {"original": 0.2, "modern": 0.05}
"""Share of the training groups that validates: the notebooks' fifth, by which `original` stops; `modern` stops when its
schedule ends, and only shows its validation."""


def holdout(photos: Photos, settings: ModelSettings, seed: int, work: Path, options: argparse.Namespace) -> Record:
    """Train on four fifths of the groups, judge the other."""
    dataset = _one_fifth_apart(photos, settings, seed, work)
    began, seconds = time.perf_counter(), []

    def note(event: object) -> None:
        if isinstance(event, EpochEnd):
            seconds.append(time.perf_counter() - began)
            if event.epoch % 10 == 0:
                print(f"  epoch {event.epoch}: validation {event.val_accuracy:.3f}, {seconds[-1]:.0f} s", flush=True)

    spec = TrainingSpec(
        name=settings.architecture,
        settings=settings.model_copy(update={"seed": seed}),
        dataset=str(dataset),
        output=str(work / "model"),
        accelerator=AcceleratorSettings(threads=options.threads),
        weights=options.weights,
        scratch=str(work / "scratch"),
    )
    card = train_in_process(spec, note)
    predictions = pd.read_parquet(work / "model" / "predictions.parquet").query("split == 'test'")
    is_wrong = predictions["predicted"] != predictions["klass"]
    return _of_card(card) | {
        "judged": predictions["sha256"].tolist(),
        "wrong": predictions["sha256"][is_wrong].tolist(),
    }


def _one_fifth_apart(photos: Photos, settings: ModelSettings, seed: int, work: Path) -> Path:
    train, test = next(folds(photos, FOLDS, seed))
    train, validation = apart(photos, train, VALIDATION[settings.variant], seed)
    return write_dataset(photos, {"train": train, "validation": validation, "test": test}, work / "dataset")


def holdout_of_other_net(
    photos: Photos, settings: ModelSettings, net: OtherNet, seed: int, work: Path, options: argparse.Namespace
) -> Record:
    """The same for a net that no settings make: in this process, without a card."""
    activate_here(options)
    import keras
    from upath import UPath

    from cic_assets.domain.models.checkpoints import Checkpoints
    from cic_assets.domain.models.data import load_training_data
    from cic_assets.domain.models.feeds import open_feeds
    from cic_assets.domain.models.loop import fit
    from cic_assets.domain.models.networks import Classifier, build_classifier, in_32_bits

    settings = settings.model_copy(update={"seed": seed})
    data = load_training_data(UPath(_one_fifth_apart(photos, settings, seed, work)))
    model = build_classifier(settings, len(data.classes)).model
    rest = net.change(keras.Model(model.input, model.get_layer("logits").output))
    network = Classifier(model, None, rest)
    began, cpu = time.perf_counter(), time.process_time()
    with open_feeds(network, data, settings, work / "features", _silent) as feeds:
        checkpoints = Checkpoints(work / "checkpoint", settings.architecture)
        history = fit(
            network, settings, feeds, data.class_weights, jit=False, checkpoints=checkpoints, on_event=_silent
        )
        logits = in_32_bits(rest).predict(feeds.batches["test"], verbose=0)
        checkpoints.clear()
    test = next(folds(photos, FOLDS, seed))[1]
    return judged(photos, test, softmax(logits)) | {
        "precision": precision(),
        "epochs": len(history),
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - began,
        "parameters": rest.count_params(),
        "train_accuracy": history[-1].accuracy,
    }


def judged(photos: Photos, test: Rows, probabilities: NDArray[np.floating]) -> Record:
    """What (N, classes) probabilities of some photos are worth."""
    labels, wrong = photos.labels[test], probabilities.argmax(axis=1) != photos.labels[test]
    return {
        "right": int((~wrong).sum()),
        "count": len(test),
        "loss": log_loss(probabilities, labels, KERAS_FLOOR),
        "judged": photos.sha256[test].tolist(),
        "wrong": photos.sha256[test][wrong].tolist(),
    }


def _of_card(card: Card) -> Record:
    test, measures = card.scores["test"], card.measures
    return {
        "right": round(test.accuracy * test.count),
        "count": test.count,
        "loss": test.loss,
        "precision": card.precision,
        "epochs": card.epochs,
        "cpu_seconds": measures.cpu_seconds,
        "wall_seconds": measures.wall_seconds,
        "parameters": measures.parameters,
        "flops": measures.flops,
        "disk_bytes": measures.disk_bytes,
        "peak_rss_bytes": measures.peak_rss_bytes,
        "images_per_second": measures.images_per_second,
        "train_accuracy": card.history[-1]["accuracy"],
    }


class Features:
    """The output of Xception's backbone for all photos, plain and in views, from which each fold takes its rows.

    Attributes:
        seconds_a_picture: CPU seconds that a picture takes in a training, in all of its views.
    """

    def __init__(self, photos: Photos, settings: ModelSettings, options: argparse.Namespace) -> None:
        from cic_assets.domain.models.backbones import Exporting
        from cic_assets.domain.models.data import fit_to_side
        from cic_assets.domain.models.features import backbone_features
        from cic_assets.domain.models.networks import build_classifier
        from cic_assets.domain.models.weights import resolve_weights

        self._photos, self._settings = photos, settings
        self._weights = resolve_weights(options.weights)
        network = build_classifier(settings, len(photos.classes), self._weights.arrays)
        images = fit_to_side(photos.images, settings.input_size)
        key = [settings.input_size, settings.augmentation, settings.head_alone, self._weights.sha256, precision()]
        folder = options.work / "backbone" / digest(key)
        cpu, cost = time.process_time(), folder / "seconds.json"
        self._all = backbone_features(
            network.backbone,
            {"train": images if settings.augmentation.varies else images[:1], "validation": images, "test": images[:1]},
            settings,
            folder / "features" / "all",  # alone in its parent
            print,
            Exporting(self._weights.sha256, (folder,), options.threads),
        )
        if self._all.seconds:
            views = 1 + len(self._all.views) * settings.augmentation.varies
            cost.write_text(json.dumps((time.process_time() - cpu) / len(photos) / views))
        self.seconds_a_picture = json.loads(cost.read_text()) * settings.views
        self._views = self._all.views if settings.augmentation.varies else [self.plain]

    @property
    def plain(self) -> NDArray[np.float16]:
        """Of each photo as it is."""
        return self._all.validation

    def judge(self, train: Rows, test: Rows, seed: int) -> Record:
        """Train on some rows, judge others."""
        from cic_assets.domain.models.batches import Batches, in_turns, plain
        from cic_assets.domain.models.checkpoints import Checkpoints
        from cic_assets.domain.models.features import BackboneFeatures, passed
        from cic_assets.domain.models.feeds import Feeds
        from cic_assets.domain.models.loop import fit
        from cic_assets.domain.models.networks import build_classifier, in_32_bits

        photos, settings = self._photos, self._settings.model_copy(update={"seed": seed})
        network = build_classifier(settings, len(photos.classes), self._weights.arrays)
        rows, validation = apart(photos, train, VALIDATION[settings.variant], seed)
        taken = BackboneFeatures(
            [view[rows] for view in self._views], self._all.validation[validation], self._all.test, 0.0
        )

        def batches(fetch: Any, rows: Rows, seed: int | None = None) -> Batches:
            return Batches(fetch, photos.labels[rows], len(photos.classes), settings.batch_size, seed=seed)

        feeds = Feeds(
            {
                "train": batches(in_turns(taken.views), rows, seed),
                "validation": batches(plain(taken.validation), validation),
            },
            0.0,
            taken,
        )
        counts = np.bincount(photos.labels[rows])
        weights = dict(enumerate(counts.sum() / (len(counts) * counts)))
        began, cpu = time.perf_counter(), time.process_time()
        with tempfile.TemporaryDirectory() as name:
            history = fit(
                network, settings, feeds, weights, jit=False, checkpoints=Checkpoints(Path(name), ""), on_event=_silent
            )
        logits = passed(in_32_bits(network.rest), self._all.validation[test])
        return judged(photos, test, softmax(logits)) | {
            "epochs": len(history),
            "cpu_seconds": time.process_time() - cpu,
            "wall_seconds": time.perf_counter() - began,
        }


def activate_here(options: argparse.Namespace) -> None:
    """What `train_in_process` does for its process, for this one."""
    from cic_assets.domain.models.accelerator import activate, environment_of

    accelerator = AcceleratorSettings(threads=options.threads)
    os.environ.update(environment_of(accelerator))
    activate(accelerator)


def precision() -> str:
    """What the nets of this process compute with."""
    import keras

    return str(keras.config.dtype_policy().compute_dtype)


def _silent(_event: object) -> None:
    """For trainings that are over in a minute."""
