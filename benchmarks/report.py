"""What a report of many pictures, and one of many classes, costs: seconds, memory, size of the page.

    python benchmarks/report.py [--output benchmarks/results/report.md]
    python benchmarks/report.py --root DATA_ROOT --problem problem.yaml

Tables are made up, of three models; the pictures that the page shows are random ones. In folds, each model has judged
all pictures, and beside each mistake that is shown is where the model saw it: those are real nets of full size, with
random weights. Each report is made in a process of its own.

With --root also what a real data root takes, whose features, data set and models are there: its audit (the baseline in
folds, label errors, pictures of no class, the learning curve) and its report, of which nothing is written there.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from peers.environment import machine
from upath import UPath

from cic_assets.config.problem_file import load_problem
from cic_assets.domain import audit, features
from cic_assets.domain.dataset import DatasetInfo, Split, load_info, load_manifest
from cic_assets.domain.evaluation import (
    ModelRun,
    ReportInputs,
    SourceInfo,
    build_report,
    load_report_inputs,
    write_report,
)
from cic_assets.domain.models import Card, ModelSettings
from cic_assets.storage import DataRoot

HERE = Path(__file__).resolve().parent
MODELS = ("vgg", "peetz_net", "xception")
SHARES = {Split.TRAIN: 0.7, Split.VALIDATION: 0.1, Split.TEST: 0.2}
MOST_SECONDS, MOST_MEGABYTES, MOST_MEMORY = 120, 15, 1500
"""That we aim at; memory in MB."""


@dataclass(frozen=True)
class Size:
    """How large a data set is."""

    pictures: int
    classes: int
    folds: int = 0


SIZES: Mapping[str, Size] = {
    "1,300 pictures, 2 classes": Size(1_300, 2),
    "100,000 pictures, 2 classes": Size(100_000, 2),
    "20,000 pictures, 100 classes": Size(20_000, 100),
    "1,300 pictures, 2 classes, in folds, with activation maps": Size(1_300, 2, 5),
    "100,000 pictures, 2 classes, in folds, with activation maps": Size(100_000, 2, 5),
    "20,000 pictures, 100 classes, in folds, with activation maps": Size(20_000, 100, 5),
}


class RandomPictures:
    """A store that has every picture: one of some random JPEGs, which compress badly."""

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        noise = [random.integers(0, 255, (48, 48, 3), np.uint8) for _ in range(20)]
        large = [cv2.resize(one, (256, 256), interpolation=cv2.INTER_CUBIC) for one in noise]
        self._jpegs = [cv2.imencode(".jpg", one)[1].tobytes() for one in large]

    def get(self, sha256: str, _image_format: str) -> bytes:
        """The picture of this name."""
        return self._jpegs[int(sha256[:8], 16) % len(self._jpegs)]


def make_inputs(size: Size, models: Path) -> ReportInputs:
    """Tables of so many pictures; a third of them in posts of several. In folds with the models of a folder."""
    random, n = np.random.default_rng(1), size.pictures
    classes = _classes(size)
    units = np.sort(random.integers(0, int(0.7 * n), n))
    labels = (random.permutation(units.max() + 1) % size.classes)[units]
    names = pd.Series([hashlib.sha256(str(i).encode()).hexdigest() for i in range(n)])
    split = random.choice(list(SHARES), units.max() + 1, p=list(SHARES.values()))[units]
    measures = {name: random.random(n) for name in ("brightness", "flatness", "contrast", "red", "green", "blue")}
    rows = pd.DataFrame(
        {
            "sha256": names, "subreddit": [f"source{k:03}" for k in labels], "klass": np.array(classes)[labels],
            "label": labels, "split": split, "unit_id": [names[unit] for unit in units],
            "width": random.integers(300, 4000, n), "height": random.integers(300, 4000, n),
            "bytes": random.integers(20_000, 900_000, n), "bytes_after": random.integers(5_000, 30_000, n),
            "format": random.choice(["jpeg", "png", "webp"], n), "upscaled": random.random(n) < 0.05,
            "created_utc": 1.5e9 + 1e8 * random.random(n), "sharpness": 2000 * random.random(n),
            "content_left": 0.0, "content_top": 0.0, "content_right": 1.0, "content_bottom": 1.0, **measures,
        }
    )  # fmt: skip
    rows["row"] = rows.groupby("split").cumcount()
    raw = rows[["subreddit", "sha256", "format", "created_utc"]].assign(
        post_id=[f"p{unit}" for unit in units], outcome="ok", fetched_at="2026-11-01T00:00:00+00:00",
        permalink=[f"https://www.reddit.com/r/x/comments/{i}/" for i in range(n)],
        title=[f"A title of a post, number {i}" for i in range(n)],
    )  # fmt: skip
    groups = rows.head(n // 5)[["sha256", "subreddit", "klass"]].assign(
        group_id=[f"g{i // 2}" for i in range(n // 5)], keep=[1 - i % 2 for i in range(n // 5)], distance=0.01,
        verified_by="phash256", label_conflict=False,
    )  # fmt: skip
    counts = pd.crosstab(rows["split"], rows["klass"])
    info = DatasetInfo(
        name="many", classes=classes, class_weights=dict.fromkeys(classes, 1.0), side=256, version="0",
        counts={one: {klass: int(counts.loc[one, klass]) for klass in classes} for one in SHARES},
    )  # fmt: skip
    store: Any = RandomPictures()
    return ReportInputs(
        question="Which?", sources=[SourceInfo(f"source{k:03}", f"r/s{k}", klass) for k, klass in enumerate(classes)],
        raw=raw, duplicates=groups, manifest=rows, dataset=info, images=store, resized=store,
        models={
            name: _run(name, rows, size, skill) for name, skill in zip(MODELS, (0.8, 0.85, 0.95), strict=True)
        },
        folders={name: UPath(models / name) for name in MODELS} if size.folds else {},
    )  # fmt: skip


def _classes(size: Size) -> list[str]:
    return [f"class{k:03}" for k in range(size.classes)]


def _run(name: str, rows: pd.DataFrame, size: Size, skill: float) -> ModelRun:
    classes, random = _classes(size), np.random.default_rng(len(name))
    judged = rows.loc[rows["split"] != Split.TRAIN, ["sha256", "split", "klass", "label"]].reset_index(drop=True)
    folds = None
    if size.folds:
        all_of_them = rows[["sha256", "klass", "label"]].assign(fold=random.integers(0, size.folds, len(rows)))
        folds = _answered(all_of_them, classes, skill, random)
    return ModelRun(_card(name, size), _answered(judged, classes, skill, random), folds=folds)


def _answered(judged: pd.DataFrame, classes: list[str], skill: float, random: np.random.Generator) -> pd.DataFrame:
    table = random.dirichlet(np.full(len(classes), 0.2), len(judged))
    labels = judged["label"].to_numpy()
    said = np.where(random.random(len(labels)) < skill, labels, random.integers(0, len(classes), len(labels)))
    places = np.arange(len(labels))
    best = table.argmax(axis=1)
    table[places, best], table[places, said] = table[places, said], table[places, best]
    columns = pd.DataFrame(table, columns=[f"p_{klass}" for klass in classes])
    return pd.concat([judged.assign(predicted=np.array(classes)[table.argmax(axis=1)]), columns], axis=1)


def _card(name: str, size: Size, **more: Any) -> Card:
    settings = ModelSettings(architecture=name)
    epoch = {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.6, "val_accuracy": 0.8, "seconds": 1.0, "best": True}
    measures = dict.fromkeys(("wall_seconds", "cpu_seconds", "train_seconds", "images_per_second"), 1.0)
    counts = ("peak_rss_bytes", "parameters", "trainable_parameters", "flops", "disk_bytes")
    return Card.model_validate(
        {
            "name": name, "settings": settings, "labels": _classes(size), "sha256": "0" * 64,
            "preprocessing": {"side": 256, "input_size": settings.input_size}, "data_version": "0", "code_version": "0",
            "keras_version": "3", "backend": "tensorflow", "device": "cpu", "accelerator": {}, "weights": None,
            "random_weights": False, "best_epoch": 1, "stopped_early": False, "warnings": [],
            "scores": {split: {"loss": 0.5, "accuracy": 0.8, "count": 1} for split in ("validation", "test")},
            "measures": {**measures, **dict.fromkeys(counts, 1), "features_seconds": None, "peak_gpu_bytes": None},
            "history": [{"epoch": 1 + k, **epoch} for k in range(30)], "folds": _folds(size) if size.folds else None,
            **more,
        }
    )  # fmt: skip


def _folds(size: Size) -> dict[str, Any]:
    calibration = {"temperature": 1.2, "largest_doubts": {"90": 0.5, "95": 0.8}, "pictures": 99, "units": 99}
    return {
        "count": size.folds, "scores": {"loss": 0.5, "accuracy": 0.8, "count": size.pictures}, "sha256": "0" * 64,
        "calibrations": [calibration] * size.folds, "wall_seconds": 1.0, "cpu_seconds": 1.0,
    }  # fmt: skip


def write_models(size: Size, folder: Path) -> None:
    """Exported nets of full size, in this process: TensorFlow is no part of what a report takes."""
    from cic_assets.domain.models.export import golden_pictures, write_export
    from cic_assets.domain.models.networks import build_classifier

    for name in MODELS:
        settings = ModelSettings(architecture=name)
        (folder / name).mkdir()
        model = build_classifier(settings, size.classes).model
        export = write_export(model, folder / name, _classes(size), golden_pictures(settings.input_size))
        (folder / name / "card.json").write_text(_card(name, size, export=export).model_dump_json())


def measure(size: Size, models: Path) -> dict[str, float]:
    """Make one report in this process."""
    inputs = make_inputs(size, models)
    return _measured(lambda root: write_report(build_report(inputs), root))


def measure_root(folder: str, problem: Path) -> dict[str, float]:
    """Audit and report of a data root, in this process."""
    root, question = DataRoot(folder), load_problem(problem)

    def evaluate(to: DataRoot) -> UPath:
        info = load_info(root.dataset)
        known = root.read_tables(features.TABLE, question.class_partitions)
        audited = audit.audit_dataset(load_manifest(root.dataset), known, info.classes, info.version)
        inputs = replace(load_report_inputs(root, question), audited=audited)
        return write_report(build_report(inputs, question.report), to)

    return _measured(evaluate) | {"pictures": len(load_manifest(root.dataset))}


def _measured(make: Callable[[DataRoot], UPath]) -> dict[str, float]:
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        length = make(DataRoot(folder)).stat().st_size
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "processor": processor, "page": length / 1e6, "memory": after.ru_maxrss / 1e3}


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "report.md")
    parser.add_argument("--root", help="a data root, of which audit and report are measured too")
    parser.add_argument("--problem", type=Path, help="the problem file of it")
    parser.add_argument("--step", choices=("models", "report", "root"), help="do this alone, in this process")
    parser.add_argument("--of", choices=SIZES, help="the size that a step is of")
    parser.add_argument("--models", type=Path, help="the folder of models for a step")
    arguments = parser.parse_args()
    if arguments.step == "models":
        write_models(SIZES[arguments.of], arguments.models)
    elif arguments.step == "report":
        print(json.dumps(measure(SIZES[arguments.of], arguments.models)))
    elif arguments.step == "root":
        print(json.dumps(measure_root(arguments.root, arguments.problem)))
    else:
        text = report(dict(_measure_all(arguments)))
        arguments.output.write_text(text, encoding="utf-8")
        sys.stdout.write(text)


def _measure_all(arguments: argparse.Namespace) -> Iterator[tuple[str, dict[str, float]]]:
    for name, size in SIZES.items():
        with tempfile.TemporaryDirectory() as models:
            of = "--of", name, "--models", models
            if size.folds:
                _apart("models", *of)
            yield name, json.loads(_apart("report", *of))
    if arguments.root:
        found = json.loads(_apart("root", "--root", arguments.root, "--problem", str(arguments.problem)))
        yield f"{found['pictures']:,} real photos, in folds, with activation maps: with the audit", found


def _apart(step: str, *more: str) -> str:
    """The last line that a process of its own says."""
    command = [sys.executable, __file__, "--step", step, *more]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    return lines[-1] if lines else ""


def report(found: Mapping[str, Mapping[str, float]]) -> str:
    """The result as Markdown."""
    rows = "\n".join(
        f"| {name} | {one['seconds']:.0f} | {one['processor']:.0f} | {one['memory']:.0f} | {one['page']:.1f} | "
        f"{'kept' if _is_kept(one) else '**missed**'} |"
        for name, one in found.items()
    )
    return f"""# What a report costs

`python benchmarks/report.py`, {time.strftime("%Y-%m-%d")}; {machine()}.

Of three models, a fifth of the pictures judged, or all of them in folds. The aim: {MOST_SECONDS} s,
{MOST_MEMORY:,} MB of memory (the tables that it is made from are among it), {MOST_MEGABYTES} MB of page. Where others
work on the machine, too, the clock says how many they are: the aim is held against processor seconds, all in all.

| report of | seconds | processor seconds | memory, MB | page, MB | aim |
|---|---:|---:|---:|---:|---|
{rows}
"""


def _is_kept(one: Mapping[str, float]) -> bool:
    return one["processor"] < MOST_SECONDS and one["page"] < MOST_MEGABYTES and one["memory"] < MOST_MEMORY


if __name__ == "__main__":
    main()
