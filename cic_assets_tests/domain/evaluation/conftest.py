"""A data root as the graph leaves it, made by the real steps from small real pictures; only the answers are made up."""

import hashlib
import json
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest

from cic_assets.domain.dataset import DatasetSettings, SplitSettings, build_dataset, lay_over, resize_pictures
from cic_assets.domain.evaluation import build_report, load_report_inputs
from cic_assets.domain.evaluation.report import _data
from cic_assets.domain.models import Card, ModelSettings
from cic_assets.domain.models.embeddings import EMBEDDINGS_FILE, Embeddings, save_embeddings
from cic_assets.domain.models.reject import set_rule
from cic_assets.domain.overrides import LabelDecisions
from cic_assets.storage import DataRoot, write_json

MODELS = ("vgg", "peetz_net", "xception")
BEFORE = "peetz_net"
"""A model from before there were reject rules."""
SEEDS_RIGHT = (70, 68, 73)
"""Of the pictures of `folds_world`, by Xception with each of its seeds."""
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
            "label_conflict": conflict, "kept_by": "sharpness" if keep else "",
        }  # fmt: skip

    def write_data(self, decisions=None):
        """Tables and data set; `decisions` of a person about classes."""
        failed = self.raw.head(4).assign(
            outcome=["http_error", "skipped", "skipped", "timeout"], sha256="", post_id=["f1", "f2", "f3", "f4"]
        )
        raw = pd.concat([self.raw, failed], ignore_index=True)
        for key, part in raw.groupby("subreddit"):
            self.root.write_table("raw_images", part.drop(columns="klass"), key)
        self.root.write_table("duplicates", self.groups)
        in_doubt = self.groups["label_conflict"]
        out = set(self.groups.loc[(self.groups["keep"] == 0) & ~in_doubt, "sha256"])
        out |= set(self.groups.loc[in_doubt, "sha256"].iloc[1:])  # the first stands for the group
        named = dict(zip(self.groups["sha256"], self.groups["group_id"], strict=True))
        kept = self.raw[~self.raw["sha256"].isin(out)].assign(
            group_id=lambda rows: [named.get(one, one) for one in rows["sha256"]],
            label_conflict=lambda rows: rows["sha256"].isin(self.groups.loc[in_doubt, "sha256"]),
        )
        resized = self.root.resized(self.side)
        pictures = resize_pictures(kept, self.root.images, resized, self.settings).drop(columns="made")
        overlaid = lay_over(pictures, self.groups, decisions or LabelDecisions())
        self.info = build_dataset(
            overlaid.pictures, resized, self.root.dataset, self.settings, name="cars-and-tanks", classes=self.classes,
            sample=self.sample, left_out=overlaid.left_out,
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
        card = self._card(name, predictions, random_weights, epochs)
        if name != BEFORE:
            card["reject"] = self._write_references(folder, card["sha256"], random)
        card |= changes
        write_json(folder / "card.json", card)
        return predictions

    def judge_in_folds(self, name, skill=0.8, count=4):
        """Add answers in folds over all pictures to a model that is there."""
        random, folder = np.random.default_rng(len(name)), self.root.model(name)
        table = self.manifest[["sha256", "klass", "label"]].reset_index(drop=True)
        table.insert(1, "fold", np.arange(len(table)) % count)
        probabilities = _answers(random, table["label"].to_numpy(), len(self.classes), skill)
        table["predicted"] = np.array(self.classes)[probabilities.argmax(axis=1)]
        for k, klass in enumerate(self.classes):
            table[f"p_{klass}"] = probabilities[:, k]
        table.to_parquet(folder / "folds.parquet", index=False)
        calibrations = [
            {"temperature": 1.0 + fold, "largest_doubts": {"90": 0.5, "95": 0.2 * fold}, "pictures": 9, "units": 9}
            for fold in range(count)
        ]
        right = float((table["predicted"] == table["klass"]).mean())
        folds = {
            "count": count, "scores": {"loss": 0.4, "accuracy": right, "count": len(table)}, "sha256": "f" * 64,
            "calibrations": calibrations, "wall_seconds": 11.0, "cpu_seconds": 22.0,
        }  # fmt: skip
        write_json(folder / "card.json", json.loads((folder / "card.json").read_text()) | {"folds": folds})
        return table

    def train_with_seeds(self, name, right, n, where="test"):
        """Add what further seeds made of a model that is there; `right` answers with each."""
        seeds = {
            "seeds": list(range(len(right))), "where": where, "changed": 3, "wall_seconds": 5.0, "cpu_seconds": 9.0,
            "scores": [{"loss": 0.4, "accuracy": one / n, "count": n} for one in right],
        }  # fmt: skip
        write_json(
            self.root.model(name) / "card.json",
            json.loads((self.root.model(name) / "card.json").read_text()) | {"seeds": seeds},
        )

    def _write_references(self, folder, model_sha256, random):
        """Each picture near the direction of its class; one test picture is of no class, the rule as of a training."""
        parts = [
            self.manifest[self.manifest["split"] == split].sort_values("row")
            for split in ("train", "validation", "test")
        ]
        vectors = [
            np.eye(len(self.classes), 20)[part["label"]] + random.uniform(0, 0.1, (len(part), 20)) for part in parts
        ]
        vectors[2][0] = np.eye(20)[19]
        pictures = [(list(part["sha256"]), part["label"].to_numpy()) for part in parts]
        embeddings = Embeddings.of(model_sha256, pictures, vectors)
        save_embeddings(folder / EMBEDDINGS_FILE, embeddings)
        distances = np.array([one.mean for one in embeddings.of_split(1)])
        units = parts[1]["unit_id"].to_numpy(str)
        return set_rule(distances, units, neighbours=5, references=len(parts[0]), of=len(parts[0])).model_dump()

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


def numbers_of(world):
    """Those of the report of a world. Its figures, which are not drawn here, are most of what a report takes."""
    return _data(load_report_inputs(world.root, world.question()))


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


@pytest.fixture(scope="session")
def folds_world(tmp_path_factory):
    """Two models, the better one judged in folds over all pictures; tests only read it."""
    made = World(tmp_path_factory.mktemp("folds"))
    made.write_model("vgg", 0.75)
    made.write_model("xception", 0.95)
    made.judge_in_folds("xception", 0.9)
    made.train_with_seeds("xception", SEEDS_RIGHT, len(made.manifest), "folds")
    return made


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
