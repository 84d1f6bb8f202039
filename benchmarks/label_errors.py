"""How many planted label errors and pictures of no class the audit finds, beside other ways, and what it costs.

    python benchmarks/label_errors.py PHOTOS --others OTHERS --weights xception_notop.weights.h5

PHOTOS has a folder a class, of JPEGs. Flips: 5 % of the labels are another class's. Pictures of no class: 30 photos of
other things among 970, each under a class drawn for it; of them how many are among the first 40 of the list. OTHERS is
where Debian's packages were unpacked that hold such photos, of which `PHOTOS_OF_OTHERS` names those that are neither
drawn nor of a car:

    apt-get download lomiri-wallpapers-16.04 lomiri-wallpapers-20.04 mate-backgrounds opencv-doc
    for package in *.deb; do dpkg -x "$package" OTHERS; done

Two more come with scikit-learn. All are cut and made as small as the photos are before they get features.
`--large 100000` measures so many drawn pictures of 100 classes instead.
"""

import argparse
import resource
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from photos import Photos, read_photos

from cic_assets.domain.audit import audit_dataset
from cic_assets.domain.dataset import assign_folds
from cic_assets.domain.images import prepare
from cic_assets.domain.models import fit_to_side, open_pooled_backbone
from cic_assets.engine import Threads

SIDE, SHOT = 256, 128
"""Pictures' side, and what the photos were before: others are to be as blurred."""
PLANTED, AMONG, FIRST = 30, 1000, 40
FLIPPED = 0.05

PHOTOS_OF_OTHERS = {
    "**/backgrounds/*_by_*.jpg": "*",
    "**/backgrounds/mate/nature/*.jpg": "*",
    "**/examples/data/*.jpg": "fruits baboon butterfly apple orange home building squirrel_cls messi5 aloeL stuff",
    "**/examples/text/scenetext0[1-6].jpg": "*",
}
"""Where they lie below OTHERS, and which of the files there; `*` for all but `DRAWN`."""
DRAWN = ("Fossa", "Infinite-Sea", "analogpattern", "Painting-Colors", "umang")

Features = NDArray[np.float16]


def features_of(images: NDArray[np.uint8], options: argparse.Namespace) -> Features:
    """By the frozen Xception, as of `image_features`."""
    backbone = open_pooled_backbone(options.side, options.weights)
    return np.concatenate(list(Threads(options.threads).map(lambda one: backbone.features(one[np.newaxis]), images)))


def others(folder: Path) -> Iterator[Path]:
    """The photos of other things."""
    import sklearn

    for pattern, names in PHOTOS_OF_OTHERS.items():
        for path in sorted(folder.glob(pattern)):
            if path.stem in names.split() if names != "*" else not path.name.startswith(DRAWN):
                yield path
    yield from sorted((Path(sklearn.__file__).parent / "datasets" / "images").glob("*.jpg"))


def squares(paths: list[Path]) -> NDArray[np.uint8]:
    """Cut, and as blurred as the photos."""
    whole = np.stack([prepare(path.read_bytes(), SHOT) for path in paths])
    return fit_to_side(whole, SIDE)


class World:
    """A data set out of rows of the photos and of others, as the audit takes it."""

    def __init__(self, photos: Photos, of_photos: Features, of_others: Features) -> None:
        self.features = np.concatenate([of_photos, of_others])
        self.labels = np.concatenate([photos.labels, np.zeros(len(of_others), np.int64)])
        self.groups = [*photos.groups, *(f"other{i}" for i in range(len(of_others)))]
        self.count, self.classes = len(photos), photos.classes

    def tables(self, rows: NDArray[np.int64], labels: NDArray[np.int64]) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Manifest and features."""
        manifest = pd.DataFrame(
            {
                "sha256": [f"{row:064}" for row in rows],
                "resized_sha256": "",
                "unit_id": [self.groups[row] for row in rows],
                "subreddit": "",
                "klass": [self.classes[label] for label in labels],
                "label": labels,
            }
        )
        stored = [self.features[row].tobytes() for row in rows]
        return manifest, manifest[["sha256", "resized_sha256"]].assign(features_version="1", features=stored)


def flips(world: World, seed: int) -> dict[str, tuple[float, float]]:
    """Precision and recall of each way of finding flipped labels."""
    from cleanlab.filter import find_label_issues

    random, rows = np.random.default_rng(seed), np.arange(world.count)
    wrong = random.choice(rows, round(FLIPPED * world.count), replace=False)
    labels = world.labels[rows].copy()
    labels[wrong] = (labels[wrong] + random.integers(1, len(world.classes), len(wrong))) % len(world.classes)
    manifest, features = world.tables(rows, labels)
    table, _ = audit_dataset(manifest, features, world.classes)
    probabilities = table[[f"p_{klass}" for klass in world.classes]].to_numpy()
    found = {
        "ours: cleanlab, twice": table["likely_error"].to_numpy(),
        "cleanlab, once": find_label_issues(labels, probabilities, n_jobs=1),
        "confident learning, once": find_label_issues(labels, probabilities, filter_by="confident_learning", n_jobs=1),
        "the baseline says otherwise": probabilities.argmax(axis=1) != labels,
    }
    planted = np.isin(rows, wrong)
    return {
        how: (float(planted[flagged].mean()) if flagged.any() else 1.0, float(flagged[planted].mean()))
        for how, flagged in found.items()
    }


def of_no_class(world: World, seed: int) -> dict[str, int]:
    """Of the planted, those among the first of each way's list; and how many pictures ours flags."""
    random = np.random.default_rng(seed)
    kept = random.choice(world.count, AMONG - PLANTED, replace=False)
    planted = random.choice(np.arange(world.count, len(world.features)), PLANTED, replace=False)
    rows = np.concatenate([kept, planted])
    labels = np.concatenate([world.labels[kept], random.integers(0, len(world.classes), PLANTED)])
    table, _ = audit_dataset(*world.tables(rows, labels), world.classes)
    is_planted = np.isin(table["sha256"], [f"{row:064}" for row in planted])
    directions = world.features[rows].astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    similarity = directions @ directions.T
    np.fill_diagonal(similarity, -1)
    means = np.stack([directions[labels == k].sum(axis=0) for k in range(len(world.classes))])
    means /= np.linalg.norm(means, axis=1, keepdims=True)
    lists = {
        "the tenth nearest picture": 1 - np.sort(similarity, axis=1)[:, -10],
        "the nearest class's mean": 1 - (directions @ means.T).max(axis=1),
    }
    found = {how: int((np.argsort(-scores)[:FIRST] >= len(kept)).sum()) for how, scores in lists.items()}
    ours = is_planted[np.argsort(-table["off_topic_score"].to_numpy())[:FIRST]].sum()
    return {
        "ours: both": int(ours),
        **found,
        "flagged by ours": int(table["off_topic"].sum()),
        "of them planted": int(table["off_topic"].to_numpy()[is_planted].sum()),
    }


def strengths(world: World) -> Iterator[str]:
    """Accuracy and log-loss of logistic regressions over three divisions into folds."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.arange(world.count)
    manifest, labels = world.tables(rows, world.labels[rows])[0], world.labels[rows]
    features = world.features[rows].astype(np.float32)
    ways: dict[str, Callable[[], object]] = {
        "as they are, C = 1 (ours)": lambda: LogisticRegression(max_iter=1000),
        "as they are, C = 0.1": lambda: LogisticRegression(C=0.1, max_iter=1000),
        "standardised, C = 1": lambda: make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "standardised, C = 0.01": lambda: make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=1000)),
    }
    for how, make in ways.items():
        accuracies, losses = [], []
        for seed in range(3):
            folds, table = assign_folds(manifest, seed=seed), np.zeros((len(rows), len(world.classes)))
            for fold in np.unique(folds):
                out = folds == fold
                table[out] = make().fit(features[~out], labels[~out]).predict_proba(features[out])  # type: ignore[attr-defined]
            accuracies.append((table.argmax(axis=1) == labels).mean())
            losses.append(-np.log(np.maximum(table[rows, labels], 1e-15)).mean())
        yield f"| {how} | {np.mean(accuracies):.2%} | {np.mean(losses):.4f} |"


def large(count: int, classes: int = 100) -> Iterator[str]:
    """What so many drawn pictures cost, and one baseline of them."""
    random = np.random.default_rng(0)
    centres = random.gamma(0.5, 0.6, (classes, 2048)).astype(np.float32)
    labels = np.arange(count) % classes
    features = np.empty((count, 2048), np.float16)
    for start in range(0, count, 4096):
        part = labels[start : start + 4096]
        features[start : start + 4096] = centres[part] * random.gamma(1, 1, (len(part), 1)) + random.gamma(
            0.5, 0.8, (len(part), 2048)
        )
    manifest = pd.DataFrame(
        {"sha256": [f"{i:064}" for i in range(count)], "label": labels, "subreddit": "", "resized_sha256": ""}
    ).assign(unit_id=lambda rows: rows["sha256"], klass=[f"c{label}" for label in labels])
    table = manifest[["sha256", "resized_sha256"]].assign(
        features_version="1", features=[one.tobytes() for one in features]
    )
    del features
    began, cpu = time.monotonic(), time.process_time()
    found = audit_dataset(manifest, table, [f"c{k}" for k in range(classes)])
    right = (found.table["predicted"] == found.table["klass"]).mean()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    yield (
        f"{count:,} pictures of {classes} classes: {time.monotonic() - began:.0f} s, "
        f"{time.process_time() - cpu:.0f} CPU s, at most {peak:.1f} GB; the baseline is right on {right:.1%}"
    )


def report(world: World, options: argparse.Namespace) -> Iterator[str]:
    """All tables."""
    began, cpu = time.monotonic(), time.process_time()
    rows = np.arange(world.count)
    clean, summary = audit_dataset(*world.tables(rows, world.labels[rows]), world.classes)
    took = f"{time.monotonic() - began:.0f} s, {time.process_time() - cpu:.0f} CPU s"
    yield f"The {world.count:,} photos as they are: {took}; {clean['likely_error'].sum()} likely label errors, "
    yield f"{clean['off_topic'].sum()} pictures of no class. Accuracy by pictures learned from: " + ", ".join(
        f"{point.pictures}: {point.accuracy:.2%}" for point in summary.curve
    )
    yield from ["", f"| way, of {FLIPPED:.0%} flipped | precision | recall | worst of both |", "|---|---|---|---|"]
    found = [flips(world, seed) for seed in range(options.draws)]
    for how in found[0]:
        measured = np.array([one[how] for one in found])
        precision, recall = measured.mean(axis=0)
        yield f"| {how} | {precision:.1%} | {recall:.1%} | {measured.min():.1%} |"
    yield from [
        "",
        f"| way, {PLANTED} among {AMONG:,} | in the first {FIRST}, on average | at least |",
        "|---|---|---|",
    ]
    lists = pd.DataFrame([of_no_class(world, seed) for seed in range(options.draws)])
    yield from (f"| {how} | {lists[how].mean():.1f} | {lists[how].min()} |" for how in lists)
    yield from ["", "| features of the baseline | accuracy | log-loss |", "|---|---|---|", *strengths(world)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="?")
    parser.add_argument("--others", type=Path, help="where the packages were unpacked")
    parser.add_argument("--weights", help="Xception's")
    parser.add_argument("--side", type=int, default=299)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--draws", type=int, default=10, help="of flips and of planted photos")
    parser.add_argument("--large", type=int, help="so many drawn pictures instead")
    parser.add_argument("--work", type=Path, default=Path("/tmp/cic_label_errors"))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    if options.large:
        print(*large(options.large), sep="\n")
        return
    photos = read_photos(options.photos, SIDE, options.work / "pictures")
    kept = options.work / "features.npz"
    if not kept.exists():
        planted = squares(list(others(options.others)))
        np.savez(kept, photos=features_of(photos.images, options), others=features_of(planted, options))
    found = np.load(kept)
    for line in report(World(photos, found["photos"], found["others"]), options):
        print(line, flush=True)


if __name__ == "__main__":
    main()
