"""A data root as the graph leaves it, made by the real steps from small real pictures; only the answers are made up."""

import hashlib
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.dataset import DatasetSettings, SplitSettings, build_dataset, resize_pictures
from cic_assets.domain.evaluation import build_report, load_report_inputs
from cic_assets.domain.models import Card, ModelSettings
from cic_assets.storage import DataRoot, write_json

MODELS = ("vgg", "peetz_net", "xception")
HOSTILE_TITLE = "\"><script>alert('x')</script><img src=x onerror=alert(1)> & \u202egnp.exe"
WEIGHTS = {"source": "/home/somebody/xception.h5", "sha256": "0" * 64}
HOSTILE_LINKS = ("javascript:alert(1)", 'https://x.example/"onmouseover="alert(1)', "https://www.reddit.com/r/a/1/")


def photo(seed, width=160, height=120):
    """A real JPEG, different for each seed."""
    small = np.random.default_rng(seed).integers(0, 255, (6, 8, 3), np.uint8)
    return cv2.imencode(".jpg", cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC))[1].tobytes()


class World:
    """Builds a data root: raw_images, duplicates, resized copies, data set, model cards and predictions."""

    def __init__(self, folder, classes=("car", "tank"), each=40, side=64, picture=photo, sample=False):
        self.root = DataRoot(str(folder))
        self.classes = list(classes)
        self.side = side
        self.sample = sample
        self.settings = DatasetSettings(
            side=side, splits=SplitSettings(train=0.4, validation=0.3, test=0.3), min_per_class=3
        )
        self.raw = pd.DataFrame(
            [self._post(k, i, klass, picture) for k, klass in enumerate(classes) for i in range(each)]
        )
        self.groups = self._groups()
        self.write_data()

    def _post(self, k, i, klass, picture):
        seed = 1000 * k + i
        body = picture(seed, *[(160, 120), (120, 200), (300, 100)][i % 3])
        height, width = cv2.imdecode(np.frombuffer(body, np.uint8), 1).shape[:2]
        return {
            "post_id": f"p{seed}", "subreddit": f"{klass}porn", "klass": klass, "outcome": "ok",
            "sha256": self.root.images.put(body, "jpeg"), "format": "jpeg", "width": width, "height": height,
            "fetched_at": f"2026-11-{1 + i % 20:02}T10:00:00+00:00", "bytes": len(body),
            "permalink": HOSTILE_LINKS[i % 3], "title": f"{HOSTILE_TITLE} {seed}",
            "author": "<b>somebody</b>", "created_utc": 1.6e9 + 3e5 * i, "media_url": f"http://i.redd.it/{seed}.jpg",
        }  # fmt: skip

    def _groups(self):
        """The first two of each class are one picture; the third of the first two classes are in conflict."""
        rows = []
        for klass, part in self.raw.groupby("klass", sort=False):
            rows += [
                self._member(row, f"g-{klass}", n == 0, n / 32, False) for n, (_, row) in enumerate(part[:2].iterrows())
            ]
        for klass in self.classes[:2]:
            rows.append(self._member(self.raw[self.raw["klass"] == klass].iloc[2], "g-conflict", False, 0.125, True))
        return pd.DataFrame(rows)

    @staticmethod
    def _member(row, group, keep, distance, conflict):
        return {
            "sha256": row["sha256"], "subreddit": row["subreddit"], "klass": row["klass"], "group_id": group,
            "keep": int(keep), "distance": distance, "verified_by": "phash256" if distance else "representative",
            "label_conflict": conflict,
        }  # fmt: skip

    def write_data(self):
        failed = self.raw.head(4).assign(
            outcome=["http_error", "skipped", "skipped", "timeout"], sha256="", post_id=["f1", "f2", "f3", "f4"]
        )
        raw = pd.concat([self.raw, failed], ignore_index=True)
        for key, part in raw.groupby("subreddit"):
            self.root.write_table("raw_images", part.drop(columns="klass"), key)
        self.root.write_table("duplicates", self.groups)
        out = set(self.groups.loc[self.groups["keep"] == 0, "sha256"])
        kept = self.raw[~self.raw["sha256"].isin(out)].assign(group_id=lambda rows: rows["sha256"])
        resized = self.root.resized(self.side)
        pictures = resize_pictures(kept, self.root.images, resized, self.settings).drop(columns="made")
        self.info = build_dataset(
            pictures, resized, self.root.dataset, self.settings, name="cars-and-tanks", classes=self.classes,
            sample=self.sample,
        )  # fmt: skip
        self.manifest = pd.read_parquet(self.root.dataset / "manifest.parquet")

    def write_model(self, name, skill=0.8, random_weights=False, epochs=4, seed=None, **changes):
        """A card and predictions; `skill` is the chance of a right answer."""
        random = np.random.default_rng(seed if seed is not None else sum(map(ord, name)))
        rows = self.manifest[self.manifest["split"] != "train"][["sha256", "split", "klass", "label"]]
        predictions = rows.reset_index(drop=True)
        probabilities = _answers(random, predictions["label"].to_numpy(), len(self.classes), skill)
        predictions["predicted"] = np.array(self.classes)[probabilities.argmax(axis=1)]
        for k, klass in enumerate(self.classes):
            predictions[f"p_{klass}"] = probabilities[:, k]
        folder = self.root.model(name)
        folder.mkdir(parents=True, exist_ok=True)
        predictions.to_parquet(folder / "predictions.parquet", index=False)
        card = self._card(name, predictions, random_weights, epochs) | changes
        write_json(folder / "card.json", card)
        return predictions

    def _card(self, name, predictions, random_weights, epochs):
        right = predictions["predicted"] == predictions["klass"]
        scores = {
            split: {"loss": 0.4, "accuracy": float(right[predictions["split"] == split].mean()),
                    "count": int((predictions["split"] == split).sum())}
            for split in ("validation", "test")
        }  # fmt: skip
        architecture = name if name in MODELS else "vgg"
        history = [
            {"epoch": n + 1, "epochs": epochs, "loss": 0.7 / (n + 1), "accuracy": 0.5 + 0.1 * n,
             "val_loss": 0.8 / (n + 1), "val_accuracy": 0.5 + 0.09 * n, "learning_rate": 1e-3, "seconds": 3.0,
             "images_per_second": 40.0, "best": n == epochs - 1}
            for n in range(epochs)
        ]  # fmt: skip
        return Card(
            name=name, settings=ModelSettings(architecture=architecture), labels=self.classes,
            preprocessing={"side": self.side, "input_size": 64}, sha256=hashlib.sha256(name.encode()).hexdigest(),
            data_version=self.info.version, code_version="0.1.0", keras_version="3.15.1", backend="tensorflow",
            device="cpu", accelerator={}, random_weights=random_weights, best_epoch=epochs, stopped_early=False,
            weights=WEIGHTS if architecture == "xception" and not random_weights else None,
            scores=scores, history=history, warnings=[],
            measures={
                "wall_seconds": 80.0, "cpu_seconds": 150.0, "train_seconds": 61.5, "images_per_second": 40.0,
                "features_seconds": 9.0 if architecture == "xception" else None, "peak_rss_bytes": 1_234_567_890,
                "peak_gpu_bytes": None, "parameters": 3_400_000, "trainable_parameters": 3_000_000,
                "flops": 27_000_000_000, "disk_bytes": 13_600_000,
            },
        ).model_dump(mode="json")  # fmt: skip

    def question(self, **changes):
        """The problem, as far as the report asks it."""
        partitions = {
            f"{klass}porn": SimpleNamespace(klass=klass, source=SimpleNamespace(kind="r", value=f"{klass.title()}porn"))
            for klass in self.classes
        }
        models = [name for name in MODELS if (self.root.model(name) / "card.json").exists()]
        values = {
            "name": "cars-and-tanks", "question": "Car or tank?", "class_names": self.classes, "partitions": partitions,
            "models": dict.fromkeys(models), "model_dump": lambda **_: {"name": "cars-and-tanks"},
        }  # fmt: skip
        return SimpleNamespace(**(values | changes))


def _answers(random, labels, classes, skill):
    """Probabilities (N, K) whose highest is the right one about `skill` of the times."""
    table = random.dirichlet(np.full(classes, 0.6), len(labels))
    said = np.where(random.random(len(labels)) < skill, labels, (labels + 1) % classes)
    for row, answer in zip(table, said, strict=True):
        best = row.argmax()
        row[[best, answer]] = row[[answer, best]]
    return table


@pytest.fixture(scope="session")
def world(tmp_path_factory):
    """Two classes and the three models; tests only read it."""
    made = World(tmp_path_factory.mktemp("world"))
    for name, skill in zip(MODELS, (0.75, 0.85, 1.0), strict=True):
        made.write_model(name, skill)
    return made


@pytest.fixture(scope="session")
def inputs(world):
    """What the report of `world` is made from."""
    return load_report_inputs(world.root, world.question())


@pytest.fixture(scope="session")
def report(inputs):
    """The report of `world`."""
    return build_report(inputs)


@pytest.fixture
def new_world(tmp_path):
    """Makes worlds of one's own."""

    def make(**kwargs):
        return World(tmp_path / "data", **kwargs)

    return make


@pytest.fixture
def edit_json():
    """Changes keys of a JSON file."""

    def edit(path, **changes):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return edit
