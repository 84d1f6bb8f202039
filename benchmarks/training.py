"""What the models reach on photos that they did not see, and in what time: both variants of all three.

    python benchmarks/training.py holdout PHOTOS --models vgg peetz_net --variants modern --seeds 0 1 2
    python benchmarks/training.py folds PHOTOS --weights xception_notop.weights.h5 --seeds 0 1 2
    python benchmarks/training.py ablation PHOTOS --models vgg --epochs 40
    python benchmarks/training.py ablation PHOTOS --models xception --weights xception_notop.weights.h5
    python benchmarks/training.py report

PHOTOS has a folder a class. `holdout` trains from scratch on four fifths of the duplicate groups and judges the other
fifth, another one for each seed. `folds` judges each photo once by Xception trained on the other four fifths, in five
folds that each seed deals anew; the frozen trunk runs once for all of them. `ablation` is `holdout`, and for Xception
`folds`, with one thing left out at a time. Each training is a line of RECORDS, and none is done twice, so that a run
that was stopped goes on; `report` makes the tables of what is there.

`--tag` does nothing: a name to find the process by.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ablation import LEFT_OUT, LEFT_OUT_ON_A_TRUNK, OTHER_NETS, OtherNet, with_change
from ablation import table as ablation_table
from numpy.typing import NDArray
from photos import Photos, Rows, apart, digest, folds, read_photos, write_dataset

from cic_assets.evaluation import wilson_interval
from cic_assets.models import AcceleratorSettings, Card, EpochEnd, ModelSettings, TrainingSpec, train_in_process

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "cic_assets" / "benchmarks" / "training"
FOLDS = 5
VALIDATION = {"original": 0.2, "modern": 0.05}
"""Share of the training groups that validates: the notebooks' fifth, by which `original` stops; `modern` stops when its
schedule ends, and only shows its validation."""
SIDE = 128
COLUMNS = (
    "protocol", "model", "variant", "trained in", "side", "epochs", "trainings", "right", "accuracy", "interval",
    "CPU s a training",
)  # fmt: skip

Record = dict[str, Any]


class Records:
    """The trainings that are done, a JSON line each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        self.all: list[Record] = [json.loads(line) for line in lines]

    def once(self, key: Record, do: Callable[[], Record]) -> Record:
        """The record with this key; `do` makes it where there is none."""
        name = digest(key)
        for record in self.all:
            if record["name"] == name:
                return record
        load = os.getloadavg()[0]
        record = {"name": name, **key, **do(), "load": [load, os.getloadavg()[0]], "at": f"{datetime.now(UTC):%F %R}"}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        self.all.append(record)
        print(f"{record['protocol']} {record['model']} {record['variant']} seed {record['seed']}: "
              f"{record['right']} of {record['count']}", flush=True)  # fmt: skip
        return record


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
    return _of_card(card) | {"wrong": predictions["sha256"][predictions["predicted"] != predictions["klass"]].tolist()}


def _one_fifth_apart(photos: Photos, settings: ModelSettings, seed: int, work: Path) -> Path:
    train, test = next(folds(photos, FOLDS, seed))
    train, validation = apart(photos, train, VALIDATION[settings.variant], seed)
    return write_dataset(photos, {"train": train, "validation": validation, "test": test}, work / "dataset")


def holdout_of_other_net(
    photos: Photos, settings: ModelSettings, net: OtherNet, seed: int, work: Path, options: argparse.Namespace
) -> Record:
    """The same for a net that no settings make: in this process, without a card."""
    _activate(options)
    import keras
    from upath import UPath

    from cic_assets.models.checkpoints import Checkpoints
    from cic_assets.models.data import load_training_data
    from cic_assets.models.feeds import open_feeds
    from cic_assets.models.loop import fit
    from cic_assets.models.networks import Network, build_network, in_32_bits

    settings = settings.model_copy(update={"seed": seed})
    data = load_training_data(UPath(_one_fifth_apart(photos, settings, seed, work)))
    model = build_network(settings, len(data.classes)).model
    rest = net.change(keras.Model(model.input, model.get_layer("logits").output))
    network = Network(model, None, rest)
    began, cpu = time.perf_counter(), time.process_time()
    with open_feeds(network, data, settings, work / "features", _silent) as feeds:
        checkpoints = Checkpoints(work / "checkpoint", settings.architecture)
        history = fit(
            network, settings, feeds, data.class_weights, jit=False, checkpoints=checkpoints, on_event=_silent
        )
        logits = in_32_bits(rest).predict(feeds.batches["test"], verbose=0)
        checkpoints.clear()
    test = next(folds(photos, FOLDS, seed))[1]
    return _judged(photos, test, logits) | {
        "precision": _precision(),
        "epochs": len(history),
        "cpu_seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - began,
        "parameters": rest.count_params(),
        "train_accuracy": history[-1].accuracy,
    }


def _judged(photos: Photos, test: Rows, logits: NDArray[np.float32]) -> Record:
    """What (N, classes) logits of some photos are worth."""
    labels, wrong = photos.labels[test], logits.argmax(axis=1) != photos.labels[test]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = (exponentials / exponentials.sum(axis=1, keepdims=True))[np.arange(len(test)), labels]
    return {
        "right": int((~wrong).sum()),
        "count": len(test),
        "loss": float(-np.log(np.maximum(probabilities, 1e-7)).mean()),
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


def run_holdout(options: argparse.Namespace) -> None:
    """Every model, variant and seed once."""
    photos, records = _photos(options), Records(options.records)
    for seed in options.seeds:
        for model in options.models:
            for variant in options.variants:
                given = {"architecture": model, "variant": variant, **json.loads(options.settings)}
                _record_holdout(photos, records, "holdout", given, seed, options)


def run_ablation(options: argparse.Namespace) -> None:
    """Every change and seed once."""
    photos, records = _photos(options), Records(options.records)
    if "xception" in options.models:
        for change, what in LEFT_OUT_ON_A_TRUNK.items():
            _folds(options, "ablation", with_change(json.loads(options.settings), what), change=change)
    for seed in options.seeds:
        for model in sorted({*options.models} - {"xception"}):
            given = {"architecture": model, "epochs": options.epochs, **json.loads(options.settings)}
            for change, what in LEFT_OUT.items():
                _record_holdout(photos, records, "ablation", with_change(given, what), seed, options, change=change)
            for change, net in OTHER_NETS.items():
                _record_holdout(
                    photos, records, "ablation", with_change(given, net.settings), seed, options, change=change
                )


def _record_holdout(
    photos: Photos, records: Records, protocol: str, given: Record, seed: int, options: argparse.Namespace, **more: str
) -> None:
    settings = ModelSettings.model_validate(given)
    key = {
        "protocol": protocol, "model": settings.architecture, "variant": settings.variant, "seed": seed,
        "settings": settings.model_dump(mode="json", exclude={"seed"}), **more,
    }  # fmt: skip
    work, net = options.work / digest({**key, "seed": seed}), OTHER_NETS.get(more.get("change", ""))
    records.once(
        key,
        lambda: (
            holdout_of_other_net(photos, settings, net, seed, work, options)
            if net
            else holdout(photos, settings, seed, work, options)
        ),
    )


def run_folds(options: argparse.Namespace) -> None:
    """Xception out of fold."""
    _folds(options, "folds", json.loads(options.settings))


def _folds(options: argparse.Namespace, protocol: str, given: Record, **more: str) -> None:
    """What the trunk makes of all photos, computed once, then a training a fold and seed."""
    _activate(options)
    photos, records = _photos(options), Records(options.records)
    settings = ModelSettings.model_validate({"architecture": "xception", **given})
    features = None
    for seed in options.seeds:
        for fold, (train, test) in enumerate(folds(photos, FOLDS, seed)):
            key = {
                "protocol": protocol, "model": "xception", "variant": settings.variant, "seed": seed, "fold": fold,
                "precision": _precision(), "settings": settings.model_dump(mode="json", exclude={"seed"}), **more,
            }  # fmt: skip
            if any(record["name"] == digest(key) for record in records.all):
                continue
            features = features or _Features(photos, settings, options)
            records.once(key, lambda: features.judge(train, test, seed))  # noqa: B023 - called at once


class _Features:
    """The output of Xception's trunk for all photos, plain and in views, from which each fold takes its rows."""

    def __init__(self, photos: Photos, settings: ModelSettings, options: argparse.Namespace) -> None:
        from cic_assets.models.data import fit_to_side
        from cic_assets.models.features import trunk_features
        from cic_assets.models.networks import build_network
        from cic_assets.models.weights import resolve_weights

        self._photos, self._settings = photos, settings
        self._weights = resolve_weights(options.weights)
        network = build_network(settings, len(photos.classes), self._weights.arrays)
        images = fit_to_side(photos.images, settings.input_size)
        folder = (
            options.work
            / "trunk"
            / digest([settings.input_size, settings.augmentation, self._weights.sha256, _precision()])
        )
        self._all = trunk_features(
            network.trunk, {"train": images, "validation": images, "test": images[:1]}, settings, folder, print
        )

    def judge(self, train: Rows, test: Rows, seed: int) -> Record:
        """Train on some rows, judge others."""
        from cic_assets.models.batches import Batches, in_turns, plain
        from cic_assets.models.checkpoints import Checkpoints
        from cic_assets.models.features import TrunkFeatures, passed
        from cic_assets.models.feeds import Feeds
        from cic_assets.models.loop import fit
        from cic_assets.models.networks import build_network, in_32_bits

        photos, settings = self._photos, self._settings.model_copy(update={"seed": seed})
        network = build_network(settings, len(photos.classes), self._weights.arrays)
        rows, validation = apart(photos, train, VALIDATION[settings.variant], seed)
        taken = TrunkFeatures(
            [view[rows] for view in self._all.views], self._all.validation[validation], self._all.test, 0.0
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
        return _judged(photos, test, logits) | {
            "epochs": len(history),
            "cpu_seconds": time.process_time() - cpu,
            "wall_seconds": time.perf_counter() - began,
        }


def _activate(options: argparse.Namespace) -> None:
    """What `train_in_process` does for its process, for this one."""
    from cic_assets.models.accelerator import activate, environment_of

    accelerator = AcceleratorSettings(threads=options.threads)
    os.environ.update(environment_of(accelerator))
    activate(accelerator)


def _precision() -> str:
    import keras

    return str(keras.config.dtype_policy().compute_dtype)


def _silent(_event: object) -> None:
    """For trainings that are over in a minute."""


def _photos(options: argparse.Namespace) -> Photos:
    return read_photos(options.photos, SIDE, options.work / "pictures")


def report(options: argparse.Namespace) -> None:
    """Write the tables of what is in the records."""
    records = Records(options.records).all
    lines = [
        "# Training",
        "",
        _about(records) if records else "No training of `benchmarks/training.py` is on record yet.",
        "",
        *_accuracy_table(records),
        *ablation_table(records),
        (HERE / "results" / "training_notes.md").read_text(encoding="utf-8"),
    ]
    options.output.write_text("\n".join(lines), encoding="utf-8")


def _about(records: list[Record]) -> str:
    loads = [load for record in records for load in record["load"]]
    return (
        f"`benchmarks/training.py`, {platform.machine()}, {os.cpu_count()} cores; records up to "
        f"{max(record['at'] for record in records)} UTC. Load averages were {min(loads):.0f} to {max(loads):.0f}, so "
        "CPU seconds count here, not wall seconds. Intervals are Wilson's, 95 %, over the answers of all seeds: "
        "narrower than for as many different photos."
    )


def _accuracy_table(records: list[Record]) -> Iterator[str]:
    table = pd.DataFrame([record for record in records if record["protocol"] in ("holdout", "folds")])
    if table.empty:
        return
    table["digest"] = table["settings"].map(digest)
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    keys = ["protocol", "model", "variant", "precision", "digest"]
    for (*names, _), rows in table.groupby(keys, sort=False):
        right, count, given = int(rows["right"].sum()), int(rows["count"].sum()), rows["settings"].iloc[0]
        interval = wilson_interval(right, count)
        cells = [
            *names, given["input_size"], given["epochs"], len(rows), f"{right} of {count}", f"{right / count:.1%}",
            f"{interval.low:.1%} to {interval.high:.1%}", f"{rows['cpu_seconds'].mean():.0f}",
        ]  # fmt: skip
        yield f"| {' | '.join(map(str, cells))} |"
    yield ""


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True)
    for name, do in (("holdout", run_holdout), ("folds", run_folds), ("ablation", run_ablation)):
        command = commands.add_parser(name)
        command.set_defaults(do=do)
        command.add_argument("photos", type=Path)
        command.add_argument("--models", nargs="+", default=["vgg", "peetz_net"])
        command.add_argument("--variants", nargs="+", default=["modern"])
        command.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
        command.add_argument("--epochs", type=int, default=40, help="of the ablation")
        command.add_argument("--settings", default="{}", help="JSON over the models' settings")
        command.add_argument("--weights", help="Xception's")
        command.add_argument("--threads", type=int, default=2)
        command.add_argument("--work", type=Path, default=CACHE)
        command.add_argument("--records", type=Path, default=CACHE / "records.jsonl")
        command.add_argument("--tag")
    tables = commands.add_parser("report")
    tables.set_defaults(do=report)
    tables.add_argument("--records", type=Path, default=CACHE / "records.jsonl")
    tables.add_argument("--output", type=Path, default=HERE / "results" / "training.md")
    options = parser.parse_args()
    options.do(options)


if __name__ == "__main__":
    main()
