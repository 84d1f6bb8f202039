"""The reject rule on photos of other things: how many it finds, and how many of the classes it refuses.

    apt-get download gcompris-qt-data mate-backgrounds palapeli-data
    for package in *.deb; do dpkg-deb -x "$package" OTHERS; done
    python benchmarks/reject.py PHOTOS OTHERS --weights xception_notop.weights.h5 --holdouts 20 --vgg 2

PHOTOS has a folder a class. OTHERS are 255 photos out of these packages of Debian 12 that nobody here made: animals,
monuments, tools, fish, household things, landscapes, flowers; none of them is in training, and none sets anything. They
are made as small as PHOTOS are, for whatever is sharper is told too easily. Each hold-out divides the duplicate groups
by seed as the product does by default: 70 % to learn from, 15 % to set the threshold by, 15 % to judge.

- `transfer`: the embedding of `modern` Xception, which is its frozen backbone's pooled features at 299 pixels whatever
  its head learns, and the program's own rule on it, which training pictures set too, each without its unit.
- others on the same features, set by validation pictures alone: the same rule, all dimensions, the nearest alone, the
  Mahalanobis distance from the nearest class, and how sure a logistic regression is.
- `vgg`: whole trainings of `modern`, of which each takes minutes, and the rule that each leaves in its card.
"""

import argparse
import io
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from photos import Photos, Rows, read_photos, write_dataset
from PIL import Image
from training import CACHE, SIDE
from upath import UPath

from cic_assets.domain.images import prepare
from cic_assets.domain.models import (
    ModelSettings,
    TrainingSpec,
    load_embeddings,
    open_pooled_backbone,
    train_in_process,
)
from cic_assets.domain.models.embed import embeddings_of
from cic_assets.domain.models.embeddings import NEIGHBOURS, Embeddings
from cic_assets.domain.models.export import ExportedModel
from cic_assets.domain.models.reject import set_rule
from cic_assets.engine import Threads

BUNDLES = ("erase", "explore_monuments", "explore_world_animals", "categorization")
FOLDERS = ("usr/share/backgrounds/mate/nature", "usr/share/palapeli/collection")
SMALLEST = 120
"""Pixels; smaller ones are icons."""

COLUMNS = (
    "way", "hold-outs", "AUROC", "least", "FPR at 95 % TPR", "refused of the classes", "most",
    "refused of other things",
)  # fmt: skip

Floats = NDArray[np.floating]


class Judged(NamedTuple):
    """How strange some pictures are: those that set the threshold, others of the classes, and of other things."""

    validation: Floats
    test: Floats
    others: Floats


def other_photos(folder: Path, side: int) -> NDArray[np.uint8]:
    """Photos of other things, shrunk to a side, then enlarged to that of the data set."""
    found = []
    for data in _files(folder):
        image = Image.open(io.BytesIO(data))
        if min(image.size) >= SMALLEST:
            with io.BytesIO() as jpeg:
                image.convert("RGB").save(jpeg, "JPEG", quality=95)
                small = prepare(jpeg.getvalue(), side)
            found.append(cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC))
    return np.stack(found)


def _files(folder: Path) -> Iterator[bytes]:
    for bundle in BUNDLES:
        yield from _webp_in((folder / "usr/share/gcompris-qt/rcc" / f"{bundle}.rcc").read_bytes())
    for name in FOLDERS:
        for path in sorted((folder / name).glob("*.jpg")):
            yield path.read_bytes()


def _webp_in(bundle: bytes) -> Iterator[bytes]:
    """The pictures in a bundle of Qt's, which has them as they are."""
    at = bundle.find(b"RIFF")
    while at >= 0:
        if bundle[at + 8 : at + 12] == b"WEBP":
            yield bundle[at : at + 8 + int.from_bytes(bundle[at + 4 : at + 8], "little")]
        at = bundle.find(b"RIFF", at + 4)


def pooled(images: NDArray[np.uint8], file: Path, weights: str | None) -> NDArray[np.float32]:
    """Features of pictures, kept in a file for the next time."""
    if not file.exists():
        backbone = open_pooled_backbone(299, weights, print)
        rows = list(Threads().map(lambda row: backbone.features(images[row : row + 1])[0], range(len(images))))
        file.parent.mkdir(parents=True, exist_ok=True)
        np.save(file, np.stack(rows))
    return np.load(file).astype(np.float32)


def divided(photos: Photos, seed: int) -> dict[str, Rows]:
    """Rows of each split."""
    groups = np.unique(photos.groups)
    np.random.default_rng(seed).shuffle(groups)
    bounds = [round(share * len(groups)) for share in (0, 0.15, 0.3, 1)]
    names = ("test", "validation", "train")
    return {
        name: np.flatnonzero(np.isin(photos.groups, groups[first:last]))
        for name, first, last in zip(names, bounds[:-1], bounds[1:], strict=True)
    }


Way = Callable[[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]], Floats]
"""From features and labels that are learned from, and features that are asked about, to how strange each is."""


def by_rule(learned: NDArray[np.float32], labels: NDArray[np.int64], asked: NDArray[np.float32]) -> Floats:
    """As the program does."""
    nothing = ([], np.empty(0, np.int64))
    known = Embeddings.of(
        "", [(list(map(str, range(len(labels)))), labels), nothing, nothing], [learned, learned[:0], learned[:0]]
    )
    return np.array([one.mean for row in asked if (one := known.nearest(row)) is not None])


def _unit(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def nearest(count: int) -> Way:
    """Mean cosine distance to so many of the nearest, in all dimensions."""

    def way(learned: NDArray[np.float32], _labels: NDArray[np.int64], asked: NDArray[np.float32]) -> Floats:
        distances = 1 - _unit(asked) @ _unit(learned).T
        return np.partition(distances, count - 1, axis=1)[:, :count].mean(axis=1)

    return way


def mahalanobis(learned: NDArray[np.float32], labels: NDArray[np.int64], asked: NDArray[np.float32]) -> Floats:
    """From the mean of the nearest class, in the first 128 principal components, all classes as wide."""
    centre = _unit(learned).mean(axis=0)
    base = np.linalg.svd(_unit(learned) - centre, full_matrices=False)[2][:128].T
    learned, asked = (_unit(learned) - centre) @ base, (_unit(asked) - centre) @ base
    means = [learned[labels == label].mean(axis=0) for label in np.unique(labels)]
    inverse = np.linalg.inv(np.cov((learned - np.stack(means)[labels]).T))
    return np.min([np.einsum("nd,de,ne->n", asked - mean, inverse, asked - mean) for mean in means], axis=0)


def doubt(learned: NDArray[np.float32], labels: NDArray[np.int64], asked: NDArray[np.float32]) -> Floats:
    """How little a logistic regression's probability for its answer is."""
    from sklearn.linear_model import LogisticRegression

    logits = LogisticRegression(max_iter=1000).fit(learned, labels).decision_function(asked)
    return -np.abs(logits)


WAYS: dict[str, Way] = {
    "transfer, by validation alone": by_rule,
    "nearest 5, all 2,048 dimensions": nearest(NEIGHBOURS),
    "the nearest alone": nearest(1),
    "Mahalanobis": mahalanobis,
    "confidence": doubt,
}


def of_transfer(
    photos: Photos, splits: dict[str, Rows], features: NDArray[np.float32], strange: NDArray[np.float32]
) -> tuple[Judged, NDArray[np.str_]]:
    """As the program does, with the units of what sets the threshold."""
    learned, units = features[splits["train"]], photos.groups[splits["train"]].astype(str)
    nothing = ([], np.empty(0, np.int64))
    pictures = [(list(units), photos.labels[splits["train"]]), nothing, nothing]
    known = Embeddings.of("", pictures, [learned, learned[:0], learned[:0]])
    among = [one.mean for one in known.of_training(units) if one is not None]
    validation, test, others = (
        np.array([one.mean for row in asked if (one := known.nearest(row)) is not None])
        for asked in (features[splits["validation"]], features[splits["test"]], strange)
    )
    of_validation = photos.groups[splits["validation"]].astype(str)
    return Judged(np.concatenate([validation, among]), test, others), np.concatenate([of_validation, units])


def of_vgg(photos: Photos, splits: dict[str, Rows], others: NDArray[np.uint8]) -> Judged:
    """What a whole training leaves."""
    with tempfile.TemporaryDirectory() as name:
        dataset, output = write_dataset(photos, splits, Path(name) / "dataset"), Path(name) / "model"
        settings = ModelSettings(architecture="vgg")
        card = train_in_process(
            TrainingSpec(name="vgg", settings=settings, dataset=str(dataset), output=str(output)), lambda _event: None
        )
        print(f"vgg: {card.scores['test'].accuracy:.3f} right, {card.reject}", flush=True)
        known = load_embeddings(UPath(output), card)
        assert known is not None
        model = ExportedModel(output / "model.onnx", threads=1)
        asked = embeddings_of(model, others, np.arange(len(others)), side=settings.input_size)
        strange = [one.mean for row in asked if (one := known.nearest(row)) is not None]
        return Judged(*(np.array([one.mean for one in known.of_split(split)]) for split in (1, 2)), np.array(strange))


def measured(judged: Judged, units: NDArray[np.str_]) -> list[float]:
    """AUROC, share of other things that pass where 95 % of the classes do, and what the threshold refuses of both."""
    from sklearn.metrics import roc_auc_score, roc_curve

    truth = np.repeat([0, 1], [len(judged.test), len(judged.others)])
    scores = np.concatenate(judged[1:])
    # Classes are what is to pass: 95 % of them at a threshold, and which share of other things below it.
    below, passed, _ = roc_curve(1 - truth, -scores)
    rule = set_rule(judged.validation, units, neighbours=NEIGHBOURS, references=0, of=0)
    refused = [float((part > rule.threshold).mean()) for part in judged[1:]]
    return [float(roc_auc_score(truth, scores)), float(below[np.searchsorted(passed, 0.95)]), *refused]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("others", type=Path)
    parser.add_argument("--weights", help="Xception's")
    parser.add_argument("--holdouts", type=int, default=20)
    parser.add_argument("--vgg", type=int, default=0, help="hold-outs on which vgg is trained")
    parser.add_argument("--photo-side", type=int, default=128, help="pixels that PHOTOS have")
    parser.add_argument("--work", type=Path, default=CACHE / "reject")
    options = parser.parse_args()
    photos = read_photos(options.photos, SIDE, options.work / "pictures")
    others = other_photos(options.others, options.photo_side)
    features = pooled(photos.images, options.work / "photos.npy", options.weights)
    strange = pooled(others, options.work / "others.npy", options.weights)
    print(f"{len(photos)} photos of the classes, {len(others)} of other things", flush=True)
    found: dict[str, list[list[float]]] = {}
    for seed in range(options.holdouts):
        splits = divided(photos, seed)
        learned, labels = features[splits["train"]], photos.labels[splits["train"]]
        units = photos.groups[splits["validation"]].astype(str)
        found.setdefault("transfer", []).append(measured(*of_transfer(photos, splits, features, strange)))
        for name, way in WAYS.items():
            asked = [features[splits["validation"]], features[splits["test"]], strange]
            found.setdefault(name, []).append(measured(Judged(*(way(learned, labels, one) for one in asked)), units))
        if seed < options.vgg:
            found.setdefault("vgg", []).append(measured(of_vgg(photos, splits, others), units))
        print(f"{seed + 1} of {options.holdouts}", flush=True)
    print(f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|")
    for name, rows in found.items():
        table = np.array(rows)
        (area, passing, refused, caught), least, most = table.mean(axis=0), table[:, 0].min(), table[:, 2].max()
        cells = f"{area:.4f}", f"{least:.4f}", f"{passing:.2%}", f"{refused:.1%}", f"{most:.1%}", f"{caught:.1%}"
        print(f"| {' | '.join([name, str(len(rows)), *cells])} |")


if __name__ == "__main__":
    main()
