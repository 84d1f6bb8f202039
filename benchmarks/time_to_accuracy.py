"""How long it takes to be as good as the original: each model's notebook recipe against ours, one after the other.

    python benchmarks/time_to_accuracy.py run PHOTOS --weights xception_notop.weights.h5 --models xception
    python benchmarks/time_to_accuracy.py run PHOTOS --models vgg peetz_net --side 64
    python benchmarks/time_to_accuracy.py report

PHOTOS has a folder a class. A fifth of the duplicate groups is judged after each epoch, by both. The mark is the best
accuracy that the original's recipe has after any of its epochs, which favours it; its time is that of the first epoch
that has it. Ours is the first epoch that has as much. Where the share of the largest class is within the mark's
interval, or above the original's last epoch, the original learned nothing: from scratch that happens by seed, and
there is no ratio. Clocks start when Keras is loaded and the weights are verified, before the network is built, and
count the judging.

The original's Xception runs as in its notebook: every picture goes through the whole network in every epoch. Its VGG
and Peetz Net are our variant `original`, at the side given, since theirs takes hours on two cores. All three compute
with 32 bits, as the notebooks; ours with 16 where the processor has them built in.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from photos import Photos, apart, digest, folds, read_photos, write_dataset

from cic_assets.domain.evaluation import wilson_interval
from cic_assets.domain.models import (
    AcceleratorSettings,
    EpochEnd,
    Message,
    ModelSettings,
    TrainingSpec,
    train_in_process,
)
from cic_assets.domain.models.accelerator import environment_of

HERE = Path(__file__).resolve().parent
CACHE = (
    Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cic_assets" / "benchmarks" / "time_to_accuracy"
)
FOLDS = 5
SIDE = 128
QUICK: dict[str, dict[str, Any]] = {
    "xception": {"input_size": 160, "views": 1, "epochs": 8, "head_epochs": 8},
    "vgg": {"epochs": 30},
    "peetz_net": {"epochs": 30},
}
"""Ours where time counts more than the last half per cent; what is not said is `modern`."""

COLUMNS = (
    "model", "seed", "side, theirs / ours", "largest class", "mark (95 % interval)", "theirs at its end", "theirs, s",
    "ours, s", "ratio", "our best",
)  # fmt: skip

Record = dict[str, Any]

Curve = list[tuple[float, float]]
"""(seconds since the start, accuracy on what is judged) after each epoch."""


def ours(dataset: Path, settings: ModelSettings, weights: str | None, accelerator: AcceleratorSettings) -> Curve:
    """Train by the product's own way."""
    began, curve = time.perf_counter(), Curve()

    def note(event: object) -> None:
        nonlocal began
        if isinstance(event, Message) and not curve:  # the last of them comes before the network is built
            began = time.perf_counter()
        if isinstance(event, EpochEnd):
            curve.append((time.perf_counter() - began, event.val_accuracy))
            print(f"  {curve[-1][0]:.0f} s: {curve[-1][1]:.3f}", flush=True)

    spec = TrainingSpec(
        name=settings.architecture, settings=settings, dataset=str(dataset), output=str(dataset.parent / "model"),
        accelerator=accelerator, weights=weights,
    )  # fmt: skip
    train_in_process(spec, note)
    return curve


def notebook(dataset: Path, weights: str | None, seed: int, threads: int) -> Curve:
    """Train Xception by the notebook's way, in a process of its own."""
    command = [sys.executable, __file__, "notebook", str(dataset), "--seed", str(seed)]
    command += ["--weights", weights] if weights else []
    environment = environment_of(AcceleratorSettings(device="cpu", threads=threads))
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stdout is not None
        curve = []
        for line in process.stdout:
            print("  notebook", line.strip(), flush=True)
            seconds, accuracy = json.loads(line)
            curve.append((seconds, accuracy))
    if process.returncode:
        raise SystemExit("the notebook's way failed")
    return curve


def run_notebook(options: argparse.Namespace) -> None:
    """Keras' `fit` on the whole network, with the notebook's settings; a line [seconds, accuracy] an epoch."""
    import keras
    from upath import UPath

    from cic_assets.domain.models.batches import Batches, augmented, plain
    from cic_assets.domain.models.data import fit_to_side, load_training_data
    from cic_assets.domain.models.networks import build_classifier
    from cic_assets.domain.models.weights import resolve_weights

    data = load_training_data(UPath(options.dataset))
    classes = len(data.classes)
    settings = ModelSettings(architecture="xception", variant="original", seed=options.seed)
    weights = resolve_weights(options.weights)
    began = time.perf_counter()
    images = {name: fit_to_side(data.splits[name].images, settings.input_size) for name in ("train", "validation")}
    varied = augmented(images["train"], settings.augmentation, settings.seed, lambda _: settings.input_size)
    training = Batches(varied, data.splits["train"].labels, classes, settings.batch_size, seed=settings.seed)
    judged = Batches(plain(images["validation"]), data.splits["validation"].labels, classes, settings.batch_size)
    model = build_classifier(settings, classes, weights.arrays).model
    model.compile(keras.optimizers.Adam(settings.learning_rate), "categorical_crossentropy", metrics=["accuracy"])

    class Between(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002 - Keras passes them
            training.epoch = epoch

        def on_epoch_end(self, _epoch: int, logs: dict[str, float]) -> None:
            print(json.dumps([time.perf_counter() - began, logs["val_accuracy"]]), flush=True)

    model.fit(
        training, validation_data=judged, epochs=settings.epochs, class_weight=data.class_weights,
        shuffle=False, verbose=0, callbacks=[Between()],
    )  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Each model and seed: the original's recipe, then ours, on the same pictures."""
    photos = read_photos(options.photos, SIDE, options.work / "pictures")
    options.records.parent.mkdir(parents=True, exist_ok=True)
    for model in options.models:
        for seed in options.seeds:
            load = os.getloadavg()[0]
            record = race(photos, model, seed, options)
            record |= {"load": [load, os.getloadavg()[0]], "at": f"{datetime.now(UTC):%F %R}"}
            with options.records.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            print(_row(record), flush=True)


def race(photos: Photos, model: str, seed: int, options: argparse.Namespace) -> Record:
    """Both on one model and seed."""
    train, judged = next(folds(photos, FOLDS, seed))
    _, few = apart(photos, judged, 0.01, seed)  # trainings end with a test, which is not timed
    dataset = options.work / digest([model, seed]) / "dataset"
    write_dataset(photos, {"train": train, "validation": judged, "test": few}, dataset)
    side = {} if model == "xception" else {"input_size": options.side}
    quick = ModelSettings.model_validate({"architecture": model, "seed": seed, **QUICK[model], **side})
    plain = ModelSettings.model_validate({"architecture": model, "variant": "original", "seed": seed, **side})
    accelerator = AcceleratorSettings(device="cpu", threads=options.threads)
    if model == "xception":
        theirs = notebook(dataset, options.weights, seed, options.threads)
    else:  # the notebooks compute with 32 bits
        theirs = ours(dataset, plain, None, accelerator.model_copy(update={"mixed_precision": False}))
    majority = np.bincount(photos.labels[judged]).max() / len(judged)
    return {
        "model": model, "seed": seed, "threads": options.threads, "learned_from": len(train), "judged": len(judged),
        "side": plain.input_size, "majority": float(majority),
        "quick": quick.model_dump(mode="json"), "theirs": theirs,
        "ours": ours(dataset, quick, options.weights, accelerator),
    }  # fmt: skip


def first_with(curve: Curve, accuracy: float) -> float | None:
    """When a curve first reaches an accuracy, in seconds; None if never."""
    return next((seconds for seconds, reached in curve if reached >= accuracy - 1e-9), None)


def _row(record: Record) -> str:
    mark = max(accuracy for _, accuracy in record["theirs"])
    theirs, own = first_with(record["theirs"], mark), first_with(record["ours"], mark)
    right = round(mark * record["judged"])
    interval = wilson_interval(right, record["judged"])
    best = max(accuracy for _, accuracy in record["ours"])
    last = record["theirs"][-1][1]
    times = [f"{theirs:.0f}", "never" if own is None else f"{own:.0f}", "" if own is None else f"{theirs / own:.1f}"]
    if record["majority"] >= min(interval.low, last):
        times = ["", "", "theirs learned nothing"]
    return (
        f"| {record['model']} | {record['seed']} | {record['side']} / {record['quick']['input_size']} "
        f"| {record['majority']:.1%} | {mark:.1%} "
        f"({interval.low:.1%} to {interval.high:.1%}) | {last:.1%} "
        f"| {' | '.join(times)} | {best:.1%} |"
    )


def report(options: argparse.Namespace) -> None:
    """Write the table of what is in the records, the latest of each model and seed."""
    lines = options.records.read_text(encoding="utf-8").splitlines()
    latest = {(record["model"], record["seed"]): record for record in map(json.loads, lines)}
    records = [latest[key] for key in sorted(latest)]
    loads = [load for record in records for load in record["load"]]
    any_one, last = records[0], max(record["at"] for record in records)
    page = [
        "# Time to the original's accuracy",
        "",
        f"`benchmarks/time_to_accuracy.py`, {platform.machine()}, {os.cpu_count()} cores, {last} UTC, load averages",
        f"{min(loads):.1f} to {max(loads):.1f}. Learned from {any_one['learned_from']} photos, judged on",
        f"{any_one['judged']} others, no copies of them. What is compared is said at the top of the script.",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *map(_row, records),
        "",
    ]
    options.output.write_text("\n".join(page), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    both = commands.add_parser("run")
    both.set_defaults(do=run)
    both.add_argument("photos", type=Path)
    both.add_argument("--models", nargs="+", default=["xception", "vgg", "peetz_net"])
    both.add_argument("--seeds", nargs="+", type=int, default=[0])
    both.add_argument("--side", type=int, default=64, help="of VGG's and Peetz Net's pictures")
    both.add_argument("--weights", help="Xception's; looked for if not given")
    both.add_argument("--threads", type=int, default=2)
    both.add_argument("--work", type=Path, default=CACHE)
    peer = commands.add_parser("notebook")
    peer.set_defaults(do=run_notebook)
    peer.add_argument("dataset", type=Path)
    peer.add_argument("--weights")
    peer.add_argument("--seed", type=int, default=0)
    tables = commands.add_parser("report")
    tables.set_defaults(do=report)
    tables.add_argument("--output", type=Path, default=HERE / "results" / "time_to_accuracy.md")
    for command in (both, tables):
        command.add_argument("--records", type=Path, default=CACHE / "records.jsonl")
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
