"""What a glance at thumbnails spares the search for duplicates: pairs whose pixels need no look. And any copy lost.

    python benchmarks/glance.py PHOTOS …

Each of PHOTOS has a folder a class, of JPEGs. Every other photo gets a copy that only pixels prove: cut, mirrored,
framed, in other light, with a caption or compressed. Pairs are those that hashes propose within so many bits and that
numbers do not settle. All of them are compared by their pixels, whatever the glance says.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cic_assets.domain.duplicates import DuplicateSettings, guesses
from cic_assets.domain.duplicates.descriptors import descriptors_of
from cic_assets.domain.duplicates.glance import ALIKE, correlations
from cic_assets.domain.duplicates.looks import Looks
from cic_assets.domain.duplicates.meetings import meetings
from cic_assets.domain.duplicates.verify import Verifier
from cic_assets.domain.images import decode, encode_jpeg, examine
from cic_assets.storage import sha256_hex

Images = NDArray[np.uint8]


def copies_of(files: list[Path]) -> Iterator[tuple[int, bytes]]:
    """The photos, and a copy of every other, each with the number of the photo that it is."""
    random = np.random.default_rng(0)
    for number, file in enumerate(files):
        data = file.read_bytes()
        yield number, data
        if number % 2 == 0:
            yield number, changed(decode(data), random)


def changed(rgb: Images, random: np.random.Generator) -> bytes:
    """One of seven changes, with a cut of 1 to 18 % of the sides."""
    height, width = rgb.shape[:2]
    share = random.uniform(0.82, 0.99)
    top, left = (round(random.uniform(0, 1 - share) * side) for side in (height, width))
    cut = rgb[top : top + round(share * height), left : left + round(share * width)]
    kind = random.integers(7)
    if kind == 1:
        cut = cut[:, ::-1]
    elif kind == 2:
        cut = cv2.copyMakeBorder(cut, height // 8, height // 8, 0, 0, cv2.BORDER_CONSTANT)
    elif kind == 3:
        cut = (255 * (cut / 255) ** random.uniform(0.6, 1.7)).astype(np.uint8)
    elif kind == 4:
        cut = np.concatenate([rgb, np.full_like(rgb[: height // 9], 255)])
    elif kind == 6:
        cut = np.rot90(rgb, random.integers(1, 4))
    return encode_jpeg(np.ascontiguousarray(cut, np.uint8), 20 if kind == 5 else 90)


def described(files: list[Path]) -> tuple[pd.DataFrame, dict[str, bytes]]:
    """What the search knows of each different picture and which photo it is; and the bytes, by SHA-256."""
    pictures, rows = dict[str, bytes](), []
    for photo, data in copies_of(files):
        sha256 = sha256_hex(data)
        if sha256 not in pictures:
            pictures[sha256] = data
            found = examine(data)
            looks = {**found.fingerprint.row(), **asdict(descriptors_of(found.pixels, found.preview))}
            rows.append({"sha256": sha256, "photo": photo, **looks})
    return pd.DataFrame(rows), pictures


def measure(pictures: pd.DataFrame, load: dict[str, bytes], radius: int) -> dict[str, object]:
    """A row of the table."""
    settings = DuplicateSettings(radius=radius)
    looks, everyone = Looks.of(pictures), np.arange(len(pictures))
    vivid = np.flatnonzero(pictures["flatness"] < settings.flat_share)
    met = list(meetings(looks, vivid, vivid, radius))
    asked, known = (np.concatenate([getattr(some, end) for some in met]) for end in ("asked", "known"))
    began = time.process_time()
    correlation = np.concatenate([correlations(looks, some, workers=1) for some in met])
    glancing = time.process_time() - began

    keys = np.minimum(asked, known) * len(everyone) + np.maximum(asked, known)
    pairs, pair_of = np.unique(keys, return_inverse=True)
    best = np.full(len(pairs), -1.0)
    np.maximum.at(best, pair_of, correlation)
    ends = np.divmod(pairs, len(everyone))
    verifier = Verifier(pictures, looks, np.zeros(len(everyone), bool), load.__getitem__, settings)
    # Without the glance: whatever meets is compared where its hashes say.
    began = time.process_time()
    with mock.patch.object(guesses, "ALIKE", -1.0):
        verdicts = [next(verifier.compare(one, np.array([other]))) for one, other in zip(*np.array(ends).tolist())]  # noqa: B905
    comparing = time.process_time() - began
    is_by_pixels = np.array(
        [verdict is not None and verdict.verified_by.startswith("alignment") for verdict in verdicts]
    )
    photo = pictures["photo"].to_numpy()
    is_stranger = (photo[ends[0]] != photo[ends[1]]) & np.array([verdict is None for verdict in verdicts])
    return {
        "radius": radius,
        "pairs": len(pairs),
        "copies by their pixels": int(is_by_pixels.sum()),
        "their lowest correlation": round(float(best[is_by_pixels].min()), 2),
        "of them lost": int((best[is_by_pixels] < ALIKE).sum()),
        "two photos that pass": f"{(best[is_stranger] >= ALIKE).sum()} of {is_stranger.sum()}",
        "CPU us a meeting": round(1e6 * glancing / len(keys)),
        "CPU ms a comparison": round(1e3 * comparing / len(pairs), 1),
    }


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--radius", type=int, nargs="*", default=[8, 10])
    options = parser.parse_args()
    files = [file for folder in options.photos for file in sorted(folder.glob("*/*.jpg"))]
    pictures, load = described(files)
    print(f"{len(files)} photos, {len(pictures)} pictures")
    for radius in options.radius:
        print(measure(pictures, load, radius), flush=True)


if __name__ == "__main__":
    main()
