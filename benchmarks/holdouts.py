"""Whether out-of-fold numbers hold: on hold-outs that the transfer model knew nothing of, nor its folds.

    python benchmarks/holdouts.py PHOTOS --weights xception_notop.weights.h5 [--holdouts 20] [--size 260]

PHOTOS has a folder a class. Each hold-out is drawn from all photos by units, as the product makes them: copies, equal
pixels, scenes. The rest is divided into splits and trained on by the product's own training step, folds and all; then
the model is asked about the hold-out. Features of all photos are computed once. Each hold-out is a line of RECORDS, and
none is done twice.
"""

import argparse
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
from ablation import Record
from numpy.typing import NDArray
from peers.environment import machine
from photos import Photos, Rows, digest, read_photos, write_dataset
from training import CACHE, Records
from trainings import activate_here
from upath import UPath

from cic_assets.domain.dataset import COPIES, SCENES, SplitSettings, assign_splits, find_units
from cic_assets.domain.evaluation import Interval, further_interval, measure_accuracy
from cic_assets.domain.features import find_scenes
from cic_assets.domain.models import (
    FOLDS_FILE,
    KERAS_FLOOR,
    Card,
    ModelSettings,
    TrainingSpec,
    load_model,
    log_loss,
    open_pooled_backbone,
    softmax,
    train,
)
from cic_assets.engine import Threads

HERE = Path(__file__).resolve().parent
SIDE = 256
"""Of a data set's pictures, as by default."""

HEAD = (
    "| hold-out | right in folds | 95 % interval | of as many more | right of those kept aside | in the first "
    "| in the second | sets of 90 % | of 95 % | CPU s | of folds |\n|---:|---|---|---|---|---|---|---:|---:|---:|---:|"
)


@dataclass(frozen=True)
class Known:
    """What is known of all photos: features, their version, and the unit of each."""

    photos: Photos
    features: NDArray[np.float16]
    version: str
    units: NDArray[np.object_]

    @property
    def table(self) -> pd.DataFrame:
        """As of `image_features`."""
        return pd.DataFrame(
            {
                "sha256": self.photos.sha256,
                "resized_sha256": self.photos.sha256,
                "features_version": self.version,
                "features": [one.tobytes() for one in self.features],
            }
        )


def look_at(options: argparse.Namespace) -> Known:
    """Features and units of all photos, kept for the next time."""
    photos = read_photos(options.photos, SIDE, options.work / "pictures")
    backbone = open_pooled_backbone(ModelSettings(architecture="xception").input_size, options.weights, print)
    file = options.work / f"features-{digest([backbone.version, photos.sha256.tolist(), SIDE])}.npy"
    if not file.exists():
        made = Threads(options.threads).map(lambda image: backbone.features(image[np.newaxis]), list(photos.images))
        np.save(file, np.concatenate(list(made)))
    features = np.load(file)
    known = Known(photos, features, backbone.version, photos.groups)
    pictures = dict(zip(photos.sha256, photos.images, strict=True))
    scenes = find_scenes(known.table, pictures.__getitem__, workers=options.threads).pairs
    copies = zip(photos.sha256, photos.groups, strict=True)
    found = find_units(photos.sha256, {COPIES: copies, SCENES: zip(scenes["one"], scenes["other"], strict=True)})
    return Known(photos, features, backbone.version, found[SCENES].loc[photos.sha256].to_numpy(object))


def hold_out(known: Known, size: int, seed: int) -> tuple[Rows, Rows]:
    """(the rest, rows that are held out): whole units in random order until there are so many photos."""
    names = np.unique(known.units)
    np.random.default_rng(seed).shuffle(names)
    sizes = pd.Series(known.units).value_counts()
    ends = np.cumsum([sizes[name] for name in names])
    held = np.isin(known.units, names[ends <= size])
    return np.flatnonzero(~held), np.flatnonzero(held)


def judge(known: Known, size: int, seed: int, options: argparse.Namespace) -> Record:
    """Train on the rest with folds, and ask about the hold-out."""
    rest, held = hold_out(known, size, seed)
    with tempfile.TemporaryDirectory(dir=options.work) as name:
        work = Path(name)
        known.table.to_parquet(work / "features.parquet")
        dataset = write_dataset(known.photos, _splits(known, rest, seed), work / "dataset")
        manifest = pd.read_parquet(dataset / "manifest.parquet")
        unit_of = dict(zip(known.photos.sha256, known.units, strict=True))
        manifest["unit_id"] = manifest["sha256"].map(unit_of)
        manifest.to_parquet(dataset / "manifest.parquet", index=False)
        spec = TrainingSpec(
            name="xception",
            settings=ModelSettings(architecture="xception", seed=seed),
            dataset=str(dataset),
            output=str(work / "model"),
            weights=options.weights,
            features=(str(work / "features.parquet"),),
        )
        began = time.process_time()
        card = train(spec)
        seconds = time.process_time() - began
        accuracy, interval = measure_accuracy(UPath(work / "model"), manifest)["folds"]
        judged = pd.read_parquet(work / "model" / FOLDS_FILE)
        kernel, bias = load_model(UPath(work / "model"))[0].get_layer("logits").get_weights()
    answers = softmax(known.features[held].astype(np.float32) @ kernel + bias)
    wrong = answers.argmax(axis=1) != known.photos.labels[held]
    return {
        "right": int((~wrong).sum()),
        "count": len(held),
        "held_out": known.photos.sha256[held].tolist(),
        "wrong": known.photos.sha256[held][wrong].tolist(),
        "loss": log_loss(answers, known.photos.labels[held], KERAS_FLOOR),
        "pictures": len(rest),
        "wrong_in_folds": judged.loc[judged["predicted"] != judged["klass"], "sha256"].tolist(),
        "accuracy": accuracy,
        "interval": list(interval),
        "coverage": _coverage(card, answers, known.photos.labels[held]),
        "cpu_seconds": seconds,
        "folds_cpu_seconds": card.folds.cpu_seconds,
    }


def _splits(known: Known, rest: Rows, seed: int) -> dict[str, Rows]:
    pictures = pd.DataFrame({"unit_id": known.units[rest]}, index=rest)
    of = assign_splits(pictures, {}, {}, SplitSettings(), seed=str(seed))
    return {str(split): np.sort(rows.to_numpy()) for split, rows in of.groupby(of).groups.items()}


def _coverage(card: Card, answers: NDArray[np.float64], labels: NDArray[np.int64]) -> dict[str, float]:
    sets = card.calibration.plausible(card.calibration.calibrated(answers))
    return {level: float(classes[np.arange(len(labels)), labels].mean()) for level, classes in sets.items()}


def key_of(seed: int, options: argparse.Namespace) -> Record:
    """By which a hold-out's record is known again."""
    settings = digest(ModelSettings(architecture="xception").model_dump(mode="json"))
    return {"protocol": "holdouts", "model": "xception", "variant": f"{options.size}, {settings}", "seed": seed}


def row_of(known: Known, record: Record) -> Record:
    """A hold-out beside what the folds said of it."""
    rest = ~np.isin(known.photos.sha256, record["held_out"])
    right = ~np.isin(known.photos.sha256[rest], record["wrong_in_folds"])
    units = pd.factorize(known.units[rest])[0]
    count = len(record["held_out"])
    accuracy = 1 - len(record["wrong"]) / count
    further = further_interval(right, units, count)
    return {
        "seed": record["seed"],
        "folds": f"{right.sum()} of {len(right)}",
        "interval": Interval(*record["interval"]),
        "further": further,
        "kept aside": f"{count - len(record['wrong'])} of {count}",
        "in interval": _holds(Interval(*record["interval"]), accuracy),
        "in further": _holds(further, accuracy),
        **{f"coverage {level}": share for level, share in record["coverage"].items()},
        "CPU s": record["cpu_seconds"],
        "of folds": record["folds_cpu_seconds"],
        "right": 1 - len(record["wrong_in_folds"]) / len(right),
        "accuracy": accuracy,
    }


def _holds(interval: Interval, share: float) -> bool:
    return interval.low - 1e-9 <= share <= interval.high + 1e-9


def report(known: Known, records: Iterable[Record], options: argparse.Namespace) -> str:
    """The table of the records, and what follows from it."""
    rows = [row_of(known, record) for record in records]
    table = pd.DataFrame(rows)
    lines = [
        f"| {row['seed']} | {row['folds']} | {_percent(row['interval'])} | {_percent(row['further'])} "
        f"| {row['kept aside']} | {_word(row['in interval'])} | {_word(row['in further'])} "
        f"| {row['coverage 90']:.1%} | {row['coverage 95']:.1%} | {row['CPU s']:.0f} | {row['of folds']:.0f} |"
        for row in rows
    ]
    seen, kept = len(known.photos) - options.size, options.size
    expected = 2 * NormalDist().cdf(NormalDist().inv_cdf(0.975) * (kept / (kept + seen)) ** 0.5) - 1
    return (HERE / "peers" / "holdouts.md").read_text(encoding="utf-8").format(
        command=f"python benchmarks/holdouts.py PHOTOS --holdouts {len(rows)} --size {options.size}",
        date=time.strftime("%Y-%m-%d"), machine=machine(), count=len(known.photos), units=len(set(known.units)),
        size=options.size, rows="\n".join([HEAD, *lines]), holdouts=len(rows), within=int(table["in interval"].sum()),
        further=int(table["in further"].sum()), expected=expected, times=expected * len(rows),
        ninety=table["coverage 90"].mean(), ninety_five=table["coverage 95"].mean(), folds=table["right"].mean(),
        accuracy=table["accuracy"].mean(), seconds=table["CPU s"].mean(), of_folds=table["of folds"].mean(),
    )  # fmt: skip


def _percent(interval: Interval) -> str:
    return f"{interval.low:.1%} to {interval.high:.1%}"


def _word(holds: bool) -> str:
    return "yes" if holds else "no"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--holdouts", type=int, default=20)
    parser.add_argument("--size", type=int, default=260, help="photos of a hold-out")
    parser.add_argument("--weights", help="Xception's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=CACHE)
    parser.add_argument("--records", type=Path, default=CACHE / "holdouts.jsonl")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "holdouts.md")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    known, kept = look_at(options), Records(options.records)
    activate_here(options)
    records = [
        kept.once(key_of(seed, options), lambda: judge(known, options.size, seed, options))  # noqa: B023 - called at once
        for seed in range(options.holdouts)
    ]
    text = report(known, records, options)
    options.output.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
