"""How many planted leaks the search for scenes finds, how many strangers it joins, and what it costs.

    python benchmarks/scenes.py PHOTOS … --weights xception_notop.weights.h5 --planted 110

Each of PHOTOS has a folder a class, of JPEGs. A leak is planted by a cut of a photo that a corner bounds,
of 70 to 90 % of its side, and darker or brighter by 15 to 35 %. Photos that `duplicates` finds to be the same as
another are left out of the strangers. Beside it, what features alone would do: the share of strangers that have a
neighbour as near as nine tenths of the planted are to theirs.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from photos import read_photos

from cic_assets.domain.features import find_scenes
from cic_assets.domain.models import fit_to_side, open_pooled_backbone
from cic_assets.engine import Threads

HERE = Path(__file__).resolve().parent
SIDE = 256

Images = NDArray[np.uint8]


def cut_in_other_light(image: Images, random: np.random.Generator) -> Images:
    """A leak: what lies in a corner, at the same side as before."""
    side = round(len(image) * random.uniform(0.7, 0.9))
    top, left = random.choice([0, len(image) - side], 2)
    light = random.choice([random.uniform(0.65, 0.85), random.uniform(1.15, 1.35)])
    cut = image[top : top + side, left : left + side].astype(np.float32) * light
    return fit_to_side(cut.clip(0, 255).astype(np.uint8)[np.newaxis], len(image))[0]


def measure(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """A row of the table."""
    photos = read_photos(folder, SIDE, options.work / "pictures")
    alone = pd.Series(photos.groups).duplicated(keep=False).to_numpy()
    images = photos.images[~alone]
    random = np.random.default_rng(0)
    rows = random.choice(len(images), min(options.planted, len(images)), replace=False)
    planted = np.stack([cut_in_other_light(images[row], random) for row in rows])
    pictures = {f"{i:06}": image for i, image in enumerate([*images, *planted])}
    features = features_of(list(pictures.values()), options)
    table = pd.DataFrame({"sha256": list(pictures), "features": [one.tobytes() for one in features]})
    began = time.process_time()
    found = find_scenes(table, pictures.__getitem__, workers=options.threads)
    seconds = time.process_time() - began
    of_plant = {f"{len(images) + i:06}": f"{row:06}" for i, row in enumerate(rows)}
    pairs = set(zip(found.pairs["one"], found.pairs["other"], strict=True))
    hit = sum((row, plant) in pairs for plant, row in of_plant.items())
    is_planted = found.pairs["one"].isin(of_plant) | found.pairs["other"].isin(of_plant)
    of_strangers = found.pairs[~is_planted]
    joined = {*of_strangers["one"], *of_strangers["other"]}
    return {
        "photos": f"{folder.name}: {len(images)}",
        "planted, found": f"{hit} of {len(rows)} ({hit / len(rows):.1%})",
        "strangers joined": f"{len(joined)} of {len(images)} ({len(joined) / len(images):.1%})",
        "points that those have in common": sorted(of_strangers["points"].tolist()),
        "strangers joined by features alone": f"{by_features_alone(features, rows, len(images)):.0%}",
        "pictures of the largest scene": largest(found.pairs),
        "CPU s": round(seconds),
    }


def features_of(images: list[Images], options: argparse.Namespace) -> NDArray[np.float16]:
    """By the frozen Xception, as of `image_features`."""
    backbone = open_pooled_backbone(options.side, options.weights)
    made = Threads(options.threads).map(lambda image: backbone.features(image[np.newaxis]), images)
    return np.concatenate(list(made))


def by_features_alone(features: NDArray[np.float16], rows: NDArray[np.int64], count: int) -> float:
    """Share of strangers that have a neighbour as near as nine tenths of the planted are to theirs."""
    roots = np.sqrt(features.astype(np.float32))
    directions = roots / np.linalg.norm(roots, axis=1, keepdims=True)
    near = np.quantile((directions[count:] * directions[rows]).sum(axis=1), 0.1)
    strangers = directions[:count] @ directions[:count].T
    np.fill_diagonal(strangers, -1)
    return float((strangers.max(axis=1) >= near).mean())


def largest(pairs: pd.DataFrame) -> int:
    """Pictures of the largest scene."""
    from cic_assets.domain.components import Components

    components = Components(zip(pairs["one"], pairs["other"], strict=True))
    names = {*pairs["one"], *pairs["other"]}
    return int(pd.Series([components.root(name) for name in names]).value_counts().max()) if names else 1


def cost(count: int, threads: int) -> Iterator[str]:
    """CPU seconds and memory of the search among so many pictures' features: matrix products alone."""
    features = np.random.default_rng(0).random((count, 2048), np.float32).astype(np.float16)
    table = pd.DataFrame({"sha256": [f"{i:08}" for i in range(count)], "features": [one.tobytes() for one in features]})
    began = time.process_time()
    find_scenes(table, lambda _name: np.zeros((8, 8, 3), np.uint8), workers=threads)
    yield f"{count:,} pictures without a point in common: {time.process_time() - began:.0f} CPU s"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--weights", help="Xception's")
    parser.add_argument("--planted", type=int, default=110)
    parser.add_argument("--side", type=int, default=299)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000])
    parser.add_argument("--work", type=Path, required=True, help="for the pictures by their hash")
    options = parser.parse_args()
    for folder in options.photos:
        print(measure(folder, options), flush=True)
    for count in options.counts:
        print(*cost(count, options.threads), flush=True)


if __name__ == "__main__":
    main()
