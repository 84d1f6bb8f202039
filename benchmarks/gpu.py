"""All six models on a GPU, with Keras on JAX, where neither TensorFlow nor a network is: pack here, run there.

    python benchmarks/gpu.py pack PHOTOS WEIGHTS FOLDER [--python 3.12]
    python FOLDER/gpu.py run [--peak 989e12] [--device auto] [--count N] [--epochs N]

`pack` makes a folder of at most 60 MB: this program, the package, PHOTOS (a folder a class), divided by duplicate
group, Xception's WEIGHTS in half precision, and wheels of what a machine with JAX, numpy, pandas, pyarrow, h5py and
OpenCV still lacks. `run` trains both variants of all three and writes one table: pictures a second, seconds to the
accuracy that the variant is to reach, with and without compiling, and the share of the GPU's peak arithmetic. Goals are
looked for after each epoch on the fifth of the photos that is judged in the end: a small validation split would know
few accuracies. So `original`, which stops early, is chosen by what it is judged on, which favours it.

The peak is that of an H100 for dense 16-bit products (NVIDIA H100 SXM data sheet); training counts as three times the
forward pass, a frozen backbone once a view.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
MOST_BYTES = 60_000_000
WHEELS = (
    "keras", "absl-py", "namex", "optree", "packaging", "rich", "markdown-it-py", "mdurl", "pygments",
    "pydantic", "pydantic-core", "annotated-types", "typing-inspection", "typing-extensions",
    "universal-pathlib", "pathlib-abc", "fsspec",
)  # fmt: skip
"""Keras, pydantic and universal-pathlib, with what they need beside h5py, numpy and ml-dtypes."""
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
MODELS = ("vgg", "peetz_net", "xception")
GOALS = {
    "original": {"vgg": 0.79, "peetz_net": 0.80, "xception": 0.985},  # what its author reports
    "modern": {"vgg": 0.93, "peetz_net": 0.93, "xception": 0.99},
}
SIDE = 128
COLUMNS = (
    "model", "variant", "side", "epochs", "pictures/s", "test accuracy", "seconds to goal", "without compiling",
    "seconds", "share of peak",
)  # fmt: skip


def pack(options: argparse.Namespace) -> None:
    """Everything that a run needs, in one folder."""
    folder: Path = options.folder
    folder.mkdir(parents=True)
    shutil.copy(__file__, folder / "gpu.py")
    shutil.copytree(HERE.parent / "cic_assets", folder / "cic_assets", ignore=shutil.ignore_patterns("__pycache__"))
    _pack_photos(options.photos, folder / "photos")
    _pack_weights(options.weights, folder / "weights.npz")
    _pack_wheels(folder / "wheels", options.python)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(f"{folder}: {size / 1e6:.1f} MB")
    if size > MOST_BYTES:
        sys.exit(f"{folder} has {size} bytes, expected at most {MOST_BYTES}")


def _pack_photos(source: Path, target: Path) -> None:
    from photos import folds, read_photos

    with tempfile.TemporaryDirectory() as cache:
        photos = read_photos(source, SIDE, Path(cache))
        train, test = next(folds(photos, 5, seed=0))
        target.mkdir()
        (target / "splits.json").write_text(json.dumps({
            split: [[str(photos.sha256[row]), int(photos.labels[row])] for row in rows]
            for split, rows in (("train", train), ("validation", test), ("test", test))
        } | {"classes": photos.classes}))  # fmt: skip
        for file in Path(cache).rglob("*.jp*g"):
            shutil.copy(file, target / f"{file.stem}.jpg")


def _pack_weights(source: Path, target: Path) -> None:
    from cic_assets.domain.models.weight_files import read_arrays

    halves = {name: array.astype(np.float16) for name, array in read_arrays(source).items()}
    np.savez(target, **{name.replace("/", "|"): array for name, array in halves.items()})


def _pack_wheels(target: Path, python: str) -> None:
    packages = [f"{name}=={importlib.metadata.version(name)}" for name in WHEELS]
    platforms = [f"--platform={platform}" for platform in PLATFORMS]
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        subprocess.run(
            [f"{folder}/bin/python", "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
             f"--python-version={python}", "--implementation=cp", *platforms, f"--dest={target}", *packages],
            check=True,
        )  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Train all six and write the table."""
    _prepare_environment(options.device)
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    with tempfile.TemporaryDirectory() as name:
        dataset = _unpack_photos(HERE / "photos", options.count)
        for variant in options.variants:
            for model in options.models:
                row = _train(model, variant, dataset, Path(name), options)
                lines.append(row)
                print(row, flush=True)
    import jax

    told = f"Keras on JAX {jax.__version__}, {jax.devices()[0].device_kind}, {len(os.sched_getaffinity(0))} cores"
    options.output.write_text("\n".join([told, "", *lines, ""]), encoding="utf-8")


def _prepare_environment(device: str) -> None:
    """JAX as the backend; wheels that are needed are unpacked beside the program, for Python to import."""
    os.environ["KERAS_BACKEND"] = "jax"
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    if device == "cpu":
        os.environ["JAX_PLATFORMS"] = "cpu"
    sys.path.insert(0, str(HERE))
    if importlib.util.find_spec("keras") is None:
        site = HERE / "site"
        wheels = [str(wheel) for wheel in (HERE / "wheels").glob("*.whl")]
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", f"--target={site}"]
        if not site.exists():
            subprocess.run([*command, *wheels], check=True)
        sys.path.insert(1, str(site))


def _unpack_photos(source: Path, count: int | None) -> Any:
    """The data set in memory, `count` training pictures of it."""
    import cv2
    import pandas as pd

    from cic_assets.domain.models.data import SplitPictures, TrainingData

    told = json.loads((source / "splits.json").read_text())
    splits = {}
    for split in ("train", "validation", "test"):
        rows = told[split][:: max(1, len(told[split]) // count)][:count] if count else told[split]
        images = np.stack([cv2.imread(str(source / f"{sha256}.jpg"))[:, :, ::-1] for sha256, _ in rows])
        splits[split] = SplitPictures(images, np.array([label for _, label in rows], np.int64))
    counts = np.bincount(splits["train"].labels)
    weights = dict(enumerate((counts.sum() / (len(counts) * counts)).tolist()))
    return TrainingData(splits, told["classes"], weights, "packed", pd.DataFrame())


def _train(model: str, variant: str, data: Any, scratch: Path, options: argparse.Namespace) -> str:
    """One training, judged on the test pictures; its row."""
    from cic_assets.domain.models import AcceleratorSettings, ModelSettings, accelerator
    from cic_assets.domain.models.checkpoints import Checkpoints
    from cic_assets.domain.models.feeds import open_feeds
    from cic_assets.domain.models.loop import fit
    from cic_assets.domain.models.measures import flops
    from cic_assets.domain.models.networks import build_classifier, in_32_bits

    given: dict[str, Any] = {"architecture": model, "variant": variant}
    given |= {"epochs": options.epochs} if options.epochs else {}
    given |= {"input_size": options.side} if options.side else {}
    given |= {"width": options.width} if options.width else {}
    settings = ModelSettings.model_validate(given)
    device = accelerator.activate(AcceleratorSettings(device=options.device))
    network = build_classifier(settings, len(data.classes), _arrays() if model == "xception" else None)
    threads, folder = accelerator.feeding_threads(device), scratch / f"{model}-{variant}"
    began = time.perf_counter()
    with open_feeds(network, data, settings, folder / "features", lambda _: None, workers=threads) as feeds:
        history = fit(
            network, settings, feeds, data.class_weights, jit=accelerator.jit(AcceleratorSettings(), device),
            checkpoints=Checkpoints(folder / "checkpoint", model), on_event=lambda _: None,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        logits = np.asarray(in_32_bits(network.rest).predict(feeds.batches["test"], verbose=0))
        backbone_seconds = feeds.backbone_seconds or 0.0
    accuracy = float((logits.argmax(axis=1) == data.splits["test"].labels).mean())
    rate = float(np.median([epoch.images_per_second for epoch in history]))
    whole, backbone = flops(network.model), flops(network.backbone) if network.backbone is not None else 0
    passes = len(history) * len(data.splits["train"])
    work = 3 * (whole - backbone) * passes + backbone * settings.views * len(data.splits["train"])
    to_goal = list(_seconds_to(GOALS[variant][model], history, backbone_seconds))
    shown = " | ".join(f"{value:.1f}" for value in to_goal) if to_goal else "not reached | not reached"
    return (
        f"| {model} | {variant} | {settings.input_size} | {len(history)} | {rate:.0f} | {accuracy:.3f} | {shown} "
        f"| {seconds:.1f} | {work / seconds / options.peak:.2%} |"
    )


def _seconds_to(goal: float, history: list[Any], backbone_seconds: float) -> Iterator[float]:
    """Seconds until validation reaches a goal, and the same where each epoch that compiles counts as the next one."""
    reached = next((epoch.epoch for epoch in history if epoch.val_accuracy >= goal), None)
    if reached is None:
        return
    seconds = [epoch.seconds for epoch in history[:reached]]
    yield backbone_seconds + sum(seconds)
    usual = float(np.median([epoch.seconds for epoch in history]))
    yield backbone_seconds + sum(min(second, 3 * usual) for second in seconds)


def _arrays() -> dict[str, Any]:
    with np.load(HERE / "weights.npz") as halves:
        return {name.replace("|", "/"): halves[name].astype(np.float32) for name in halves.files}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    packing = commands.add_parser("pack")
    packing.set_defaults(do=pack)
    packing.add_argument("photos", type=Path)
    packing.add_argument("weights", type=Path)
    packing.add_argument("folder", type=Path)
    packing.add_argument("--python", default="3.12", help="of the machine with the GPU")
    running = commands.add_parser("run")
    running.set_defaults(do=run)
    running.add_argument("--models", nargs="+", default=MODELS)
    running.add_argument("--variants", nargs="+", default=tuple(GOALS))
    running.add_argument("--device", choices=("auto", "cpu", "gpu"), default="auto")
    running.add_argument("--peak", type=float, default=989e12, help="FLOP/s")
    running.add_argument("--count", type=int, help="of training pictures, for a try")
    running.add_argument("--epochs", type=int)
    running.add_argument("--side", type=int)
    running.add_argument("--width", type=float)
    running.add_argument("--output", type=Path, default=HERE / "gpu.md")
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
