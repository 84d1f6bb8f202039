"""What a report of many pictures, and one of many classes, costs: seconds, memory, size of the page.

    python benchmarks/report.py [--output benchmarks/results/report.md]

Tables are made up, of three models; the pictures that the page shows are random ones. Each report is made in a process
of its own.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from peers.environment import machine

from cic_assets.domain.dataset import DatasetInfo, Split
from cic_assets.domain.evaluation import ModelRun, ReportInputs, SourceInfo, build_report, write_report
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


SIZES: Mapping[str, Size] = {
    "1,300 pictures, 2 classes": Size(1_300, 2),
    "100,000 pictures, 2 classes": Size(100_000, 2),
    "20,000 pictures, 100 classes": Size(20_000, 100),
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


def make_inputs(size: Size) -> ReportInputs:
    """Tables of so many pictures; a third of them in posts of several."""
    random, n = np.random.default_rng(1), size.pictures
    classes = [f"class{k:03}" for k in range(size.classes)]
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
        models={name: _run(name, rows, classes, skill) for name, skill in zip(MODELS, (0.8, 0.85, 0.95), strict=True)},
    )  # fmt: skip


def _run(name: str, rows: pd.DataFrame, classes: list[str], skill: float) -> ModelRun:
    random = np.random.default_rng(len(name))
    judged = rows.loc[rows["split"] != Split.TRAIN, ["sha256", "split", "klass", "label"]].reset_index(drop=True)
    table = random.dirichlet(np.full(len(classes), 0.2), len(judged))
    labels = judged["label"].to_numpy()
    said = np.where(random.random(len(labels)) < skill, labels, random.integers(0, len(classes), len(labels)))
    places = np.arange(len(labels))
    best = table.argmax(axis=1)
    table[places, best], table[places, said] = table[places, said], table[places, best]
    judged["predicted"] = np.array(classes)[table.argmax(axis=1)]
    columns = pd.DataFrame(table, columns=[f"p_{klass}" for klass in classes])
    return ModelRun(_card(name, classes), pd.concat([judged, columns], axis=1))


def _card(name: str, classes: list[str]) -> Card:
    epoch = {"loss": 0.5, "accuracy": 0.8, "val_loss": 0.6, "val_accuracy": 0.8, "seconds": 1.0, "best": True}
    measures = dict.fromkeys(("wall_seconds", "cpu_seconds", "train_seconds", "images_per_second"), 1.0)
    counts = ("peak_rss_bytes", "parameters", "trainable_parameters", "flops", "disk_bytes")
    return Card.model_validate(
        {
            "name": name, "settings": ModelSettings(architecture=name), "labels": classes, "sha256": "0" * 64,
            "preprocessing": {"side": 256, "input_size": 224}, "data_version": "0", "code_version": "0",
            "keras_version": "3", "backend": "tensorflow", "device": "cpu", "accelerator": {}, "weights": None,
            "random_weights": False, "best_epoch": 1, "stopped_early": False, "warnings": [],
            "scores": {split: {"loss": 0.5, "accuracy": 0.8, "count": 1} for split in ("validation", "test")},
            "measures": {**measures, **dict.fromkeys(counts, 1), "features_seconds": None, "peak_gpu_bytes": None},
            "history": [{"epoch": 1 + k, **epoch} for k in range(30)],
        }
    )  # fmt: skip


def measure(size: Size) -> dict[str, float]:
    """Make one report in this process."""
    inputs = make_inputs(size)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        page = write_report(build_report(inputs), DataRoot(folder))
        length = page.stat().st_size
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"seconds": seconds, "processor": processor, "page": length / 1e6, "memory": after.ru_maxrss / 1e3}


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=HERE / "results" / "report.md")
    parser.add_argument("--one", choices=SIZES, help="make this report here, and print what it took")
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(measure(SIZES[arguments.one])))
        return
    found = {}
    for name in SIZES:
        command = [sys.executable, __file__, "--one", name]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
    text = report(found)
    arguments.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def report(found: Mapping[str, Mapping[str, float]]) -> str:
    """The result as Markdown."""
    rows = "\n".join(
        f"| {name} | {one['seconds']:.0f} | {one['processor']:.0f} | {one['memory']:.0f} | {one['page']:.1f} | "
        f"{'kept' if _is_kept(one) else '**missed**'} |"
        for name, one in found.items()
    )
    return f"""# What a report costs

`python benchmarks/report.py`, {time.strftime("%Y-%m-%d")}; {machine()}.

Of three models, a fifth of the pictures judged. The aim: {MOST_SECONDS} s, {MOST_MEMORY:,} MB of memory (the tables
that it is made from are among it), {MOST_MEGABYTES} MB of page.

| report of | seconds | processor seconds | memory, MB | page, MB | aim |
|---|---:|---:|---:|---:|---|
{rows}
"""


def _is_kept(one: Mapping[str, float]) -> bool:
    return one["seconds"] < MOST_SECONDS and one["page"] < MOST_MEGABYTES and one["memory"] < MOST_MEMORY


if __name__ == "__main__":
    main()
