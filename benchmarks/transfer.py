"""Transfer learning on a frozen Xception, four ways on the same hold-outs: how often right, how sure, for what work.

    python benchmarks/transfer.py PHOTOS --weights xception_notop.weights.h5 --holdouts 20 --long 1
    python benchmarks/transfer.py PHOTOS --report

PHOTOS has a folder a class. Each hold-out judges a fifth of the duplicate groups by what was trained on the others:

- `guide`: the end-to-end example of Keras' guide to transfer learning. 150 pixels, flips and rotations drawn anew,
  dropout and a dense layer on the pooled features, Adam; then all of it at 1e-5. Epochs as given, batches of 32.
- `original`: the notebooks' Xception, our variant of that name.
- `logistic`: scikit-learn's logistic regression, as it is, on the pooled features at 299 pixels.
- `ours`: what `modern` trains, on the same features.

Features of all photos are computed once, so that many hold-outs cost little; those of what varies its pictures cannot
be, so `guide` and `original` are judged on fewer, `--long`. CPU seconds are of a whole training: features of as many
pictures as it sees, at what they took, included; starting Python and Keras is not. Each is a line of RECORDS, and none
is done twice.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from photos import Photos, Rows, apart, digest, folds, read_photos
from training import CACHE, SIDE, Records
from trainings import FOLDS, VALIDATION, Features, activate_here, judged

from cic_assets.domain.evaluation import wilson_interval
from cic_assets.domain.models import ModelSettings, fit_to_side, softmax

HERE = Path(__file__).resolve().parent
GUIDE_SIDE = 150
RECIPES = ("ours", "logistic", "guide", "original")
LONG = ("guide", "original")

Record = dict[str, Any]


def guide(photos: Photos, train: Rows, test: Rows, seed: int, options: argparse.Namespace) -> Record:
    """Written anew after https://keras.io/guides/transfer_learning/."""
    import keras

    from cic_assets.domain.models.xception import pretrained

    keras.utils.set_random_seed(seed)
    images = fit_to_side(photos.images, GUIDE_SIDE)
    backbone = pretrained(GUIDE_SIDE, _arrays(options))  # it brings bytes to -1..1 itself
    backbone.trainable = False
    image = keras.Input((GUIDE_SIDE, GUIDE_SIDE, 3))
    x = keras.layers.RandomRotation(0.1)(keras.layers.RandomFlip("horizontal")(image))
    x = keras.layers.GlobalAveragePooling2D()(backbone(x, training=False))
    answer = keras.layers.Dense(len(photos.classes))(keras.layers.Dropout(0.2)(x))
    model = keras.Model(image, answer)
    for rate, epochs in zip((1e-3, 1e-5), options.guide_epochs, strict=True):
        backbone.trainable = rate < 1e-3
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizer=keras.optimizers.Adam(rate), loss=loss, jit_compile=False)
        model.fit(images[train].astype(np.float32), photos.labels[train], batch_size=32, epochs=epochs, verbose=0)
    return judged(photos, test, softmax(model.predict(images[test].astype(np.float32), verbose=0)))


def original(photos: Photos, train: Rows, test: Rows, seed: int, options: argparse.Namespace) -> Record:
    """With the features of all photos, of which those of the test are needed too."""
    settings = ModelSettings(architecture="xception", variant="original")
    features = Features(photos, settings, options)
    return features.judge(train, test, seed) | {"features_seconds": features.seconds_a_picture * len(train)}


class OnPooledFeatures:
    """The two that learn a last layer alone, on features of all photos that were computed once."""

    def __init__(self, photos: Photos, options: argparse.Namespace) -> None:
        self._photos = photos
        self._settings = ModelSettings(architecture="xception", input_size=options.side)
        self._features = Features(photos, self._settings, options)

    def logistic(self, train: Rows, test: Rows, seed: int) -> Record:
        """As scikit-learn has it, L2 with C = 1, on the pictures that ours learns from: validation is left out."""
        from sklearn.linear_model import LogisticRegression

        pooled, (train, _) = (
            self._features.plain.astype(np.float32),
            apart(self._photos, train, VALIDATION["modern"], seed),
        )
        model = LogisticRegression(max_iter=1000).fit(pooled[train], self._photos.labels[train])
        return judged(self._photos, test, model.predict_proba(pooled[test])) | self._work(train)

    def ours(self, train: Rows, test: Rows, seed: int) -> Record:
        """As the product trains it."""
        return self._features.judge(train, test, seed) | self._work(train)

    def _work(self, train: Rows) -> Record:
        return {"features_seconds": self._features.seconds_a_picture * len(train)}


def run(options: argparse.Namespace) -> None:
    """Every recipe on every hold-out."""
    activate_here(options)
    photos, records = read_photos(options.photos, SIDE, options.work / "pictures"), Records(options.records)
    pooled = OnPooledFeatures(photos, options)
    recipes: dict[str, Callable[[Rows, Rows, int], Record]] = {
        "ours": pooled.ours,
        "logistic": pooled.logistic,
        "guide": lambda *given: guide(photos, *given, options),
        "original": lambda *given: original(photos, *given, options),
    }
    for recipe, judge in [(name, recipes[name]) for name in options.recipes]:
        for seed in range(min(options.long, options.holdouts) if recipe in LONG else options.holdouts):
            train, test = next(folds(photos, FOLDS, seed))
            key = {"protocol": "transfer", "model": recipe, "variant": _how(recipe, options), "seed": seed}
            records.once(key, lambda: _timed(judge, train, test, seed))  # noqa: B023 - called at once


def _how(recipe: str, options: argparse.Namespace) -> str:
    """What of the program and the arguments a record is of."""
    if recipe == "ours":
        return digest(ModelSettings(architecture="xception", input_size=options.side).of_training)
    return {"guide": str(options.guide_epochs), "logistic": f"{options.side}, without validation"}.get(recipe, "")


def _timed(judge: Callable[[Rows, Rows, int], Record], train: Rows, test: Rows, seed: int) -> Record:
    began = time.process_time()
    found = judge(train, test, seed)
    # Where features were computed on the way, `features_seconds` says what those of the training pictures took.
    spent = found["cpu_seconds"] if "cpu_seconds" in found else time.process_time() - began
    return found | {"cpu_seconds": spent + found.get("features_seconds", 0.0), "trained": len(train)}


def _arrays(options: argparse.Namespace) -> Any:
    from cic_assets.domain.models import resolve_weights

    return resolve_weights(options.weights).arrays


def report(options: argparse.Namespace) -> None:
    """Write the table of what is in the records."""
    rows = pd.DataFrame([one for one in Records(options.records).all if one["protocol"] == "transfer"])
    rows = rows[rows["variant"] == rows.groupby("model")["variant"].transform("last")]  # of today's program
    lines = ["| recipe | hold-outs | right | accuracy | 95 % | log-loss | CPU s a training |", "|---" * 7 + "|"]
    for recipe, of_recipe in rows.groupby("model", sort=False):
        right, count = int(of_recipe["right"].sum()), int(of_recipe["count"].sum())
        interval = wilson_interval(round(right / count * (photos := _different(of_recipe))), photos)
        lines.append(
            f"| {recipe} | {len(of_recipe)} | {right} of {count} | {right / count:.2%} "
            f"| {interval.low:.1%} to {interval.high:.1%} | {of_recipe['loss'].mean():.4f} "
            f"| {of_recipe['cpu_seconds'].mean():.0f} |"
        )
    notes = (HERE / "results" / "transfer_notes.md").read_text(encoding="utf-8")
    options.output.write_text("\n".join(["# Transfer learning", "", *lines, "", notes]), encoding="utf-8")
    print("\n".join(lines))


def _different(rows: pd.DataFrame) -> int:
    """Photos that several hold-outs judged count once."""
    return len({sha256 for judged in rows["judged"] for sha256 in judged})


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=RECIPES)
    parser.add_argument("--holdouts", type=int, default=20)
    parser.add_argument("--long", type=int, default=1, help="hold-outs of the recipes that take minutes each")
    parser.add_argument("--side", type=int, default=299, help="of the pictures that pooled features are of")
    parser.add_argument("--guide-epochs", nargs=2, type=int, default=[20, 10], help="of the top, and of all")
    parser.add_argument("--weights", help="Xception's")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--work", type=Path, default=CACHE)
    parser.add_argument("--records", type=Path, default=CACHE / "transfer.jsonl")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "transfer.md")
    parser.add_argument("--report", action="store_true", help="only the table of what is on record")
    options = parser.parse_args()
    if not options.report:
        run(options)
    report(options)


if __name__ == "__main__":
    main()
