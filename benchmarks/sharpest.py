"""Which of two copies is kept where one was made from the other: enlarged from it, or shrunk.

    python benchmarks/sharpest.py [--archive DIR] [--photos 18] [--skip 18] [--rows FILE]
        [--output benchmarks/results/sharpest.md]

DIR is a recorded archive with its truth (docs/archive-format.md), of which those photos are taken that are no copies;
without one, the three photos that scikit-learn and matplotlib bring along. They are taken in an order by hash: by the
copies of the first 18 of an archive the thresholds of `duplicates/sharpness.py` were chosen, so that others have to
tell how well they do. What was measured of each pair is written to FILE, a pickled table.
"""

import argparse
import csv
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import matplotlib as mpl
import numpy as np
import pandas as pd
import sklearn
from peers.environment import machine
from PIL import Image

from cic_assets.domain.duplicates.sharpness import Finding
from cic_assets.domain.duplicates.upscaled import evidence_of, opened
from cic_assets.domain.duplicates.windows import WHOLE, Box, Guess, Orientation
from cic_assets.domain.images import CANNOT_BE_READ, Rgb, decode, read_header

HERE = Path(__file__).resolve().parent
SMALLEST_SIDE, LARGEST_SIDE = 300, 1600  # pixels of the photos that are taken
LARGEST_MADE = 2000
SHARPER_BY = 0.6  # of sides: shrunk to this a photo is as sharp as its pixels allow, whatever it was
CHOSEN_BY = 18  # photos, the first of the private archive
CHANGES = 3  # of those that an enlarged one is made with at each scale

OPENCV = {
    "linear": cv2.INTER_LINEAR,
    "cubic": cv2.INTER_CUBIC,
    "Lanczos (OpenCV)": cv2.INTER_LANCZOS4,
    "area": cv2.INTER_AREA,
    "nearest": cv2.INTER_NEAREST,
}
PILLOW = {"Lanczos (Pillow)": Image.Resampling.LANCZOS, "cubic (Pillow)": Image.Resampling.BICUBIC}
WAYS = (*OPENCV, *PILLOW)
QUALITIES = (None, 95, 85, 75, 60)


UPRIGHT = Guess(WHOLE, WHOLE)


class Pair(NamedTuple):
    """Two files, which of them is the one to keep, and how the other was made."""

    larger: bytes
    smaller: bytes
    keeps: str
    kind: str
    scale: float
    way: str
    quality: int | None
    guess: Guess = UPRIGHT


def resized(rgb: Rgb, scale: float, way: str) -> Rgb:
    """A picture of other sides."""
    width, height = (max(8, round(side * scale)) for side in rgb.shape[1::-1])
    if way in PILLOW:
        return np.asarray(Image.fromarray(rgb).resize((width, height), PILLOW[way]))
    return np.asarray(cv2.resize(rgb, (width, height), interpolation=OPENCV[way]))


def encoded(rgb: Rgb, quality: int | None) -> bytes:
    """A JPEG, or a PNG where there is no quality."""
    bgr = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2BGR)
    if quality is None:
        return cv2.imencode(".png", bgr)[1].tobytes()
    return cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def sharpened(rgb: Rgb, radius: float, amount: float) -> Rgb:
    """An unsharp mask."""
    soft = cv2.GaussianBlur(rgb.astype(np.float32), (0, 0), radius)
    return np.clip(rgb + amount * (rgb - soft), 0, 255).astype(np.uint8)


def noisy(rgb: Rgb, levels: float, rng: np.random.Generator) -> Rgb:
    """With noise of so many levels of standard deviation."""
    return np.clip(rgb + rng.normal(0, levels, rgb.shape), 0, 255).astype(np.uint8)


class Maker:
    """Pairs of one photo: each way of resizing meets each quality, scale and change over all photos, not in each."""

    def __init__(self, data: bytes) -> None:
        self._data, self._rgb = data, decode(data)
        self._rng = np.random.default_rng(int.from_bytes(hashlib.sha256(data).digest()[:8]))

    def pairs(self) -> Iterator[Pair]:
        """All of them."""
        for scale in (0.8, 0.67, 0.5, 0.33, 0.25):
            yield from self._shrunk(scale)
        for scale in (1.25, 1.5, 2.0, 3.0, 4.0):
            yield from self._enlarged(scale, self._data, self._rgb, "")
            small = resized(self._rgb, SHARPER_BY, "area")
            yield from self._enlarged(scale, encoded(small, 95), small, " of a sharp one")

    def _any(self, *options: Any) -> Any:
        return options[self._rng.integers(len(options))]

    def _shrunk(self, scale: float) -> Iterator[Pair]:
        if min(self._rgb.shape[:2]) * scale < 100:
            return
        quality, way = self._any(*QUALITIES), self._any(*WAYS)
        small = resized(self._rgb, scale, way)
        sharp = sharpened(resized(self._rgb, scale, "area"), self._any(0.7, 1, 2), self._any(0.5, 1))
        with_noise = noisy(small, self._any(3, 6, 10), self._rng)
        for kind, made in (("shrunk", small), ("shrunk, sharpened", sharp), ("shrunk, noise added", with_noise)):
            yield Pair(self._data, encoded(made, quality), "larger", kind, scale, way, quality)
        again = encoded(self._rgb, self._any(60, 75, 85))
        of_again = encoded(resized(decode(again), scale, way), quality)
        yield Pair(again, of_again, "larger", "shrunk, of one compressed hard", scale, way, quality)

    def _enlarged(self, scale: float, data: bytes, rgb: Rgb, of: str) -> Iterator[Pair]:
        if max(rgb.shape) * scale > LARGEST_MADE or min(rgb.shape[:2]) < 150:
            return
        rgb = decode(data)
        quality = self._any(*QUALITIES)
        way = self._any(*(way for way in WAYS if way != "nearest"))
        large = resized(rgb, scale, way)
        yield Pair(encoded(large, quality), data, "smaller", "enlarged" + of, scale, way, quality)
        if of:
            changes = [self._sharpened, self._noisy, self._blocks, self._cut, self._turned]
            for change in self._rng.permutation(len(changes))[:CHANGES]:
                kind, made, guess = changes[change](rgb, large, scale)
                by = "nearest" if kind == "in blocks" else way
                name = f"enlarged, {kind}, of a sharp one"
                yield Pair(encoded(made, quality), data, "smaller", name, scale, by, quality, guess)

    def _sharpened(self, _rgb: Rgb, large: Rgb, _scale: float) -> tuple[str, Rgb, Guess]:
        return "sharpened", sharpened(large, self._any(0.7, 1, 2), self._any(0.5, 1, 1.5)), UPRIGHT

    def _noisy(self, _rgb: Rgb, large: Rgb, _scale: float) -> tuple[str, Rgb, Guess]:
        return "noise added", noisy(large, self._any(3, 6), self._rng), UPRIGHT

    def _blocks(self, rgb: Rgb, _large: Rgb, scale: float) -> tuple[str, Rgb, Guess]:
        return "in blocks", resized(rgb, scale, "nearest"), UPRIGHT

    def _cut(self, _rgb: Rgb, large: Rgb, _scale: float) -> tuple[str, Rgb, Guess]:
        height, width = large.shape[:2]
        top, left = (round(side * self._rng.uniform(0.01, 0.06)) for side in (height, width))
        return "cut", large[top:, left:], Guess(WHOLE, Box(left / width, top / height, 1, 1))

    def _turned(self, _rgb: Rgb, large: Rgb, _scale: float) -> tuple[str, Rgb, Guess]:
        held = Orientation(is_mirrored=True, turns=1)
        return "mirrored and turned", held.held(large), Guess(WHOLE, WHOLE, held)


def measured(pair: Pair) -> dict[str, Any]:
    """What was found of a pair, and what it took."""
    began = time.process_time()
    small = opened(pair.smaller, WHOLE)
    evidence = evidence_of(opened(pair.larger, WHOLE, small), small, [pair.guess])
    took = time.process_time() - began
    finding = Finding.UNSURE if evidence is None else evidence.finding()
    return {
        **pair._asdict(),
        "larger": len(pair.larger),
        "smaller": len(pair.smaller),
        "guess": None,
        "unexplained": np.nan if evidence is None else evidence.unexplained,
        "fading": np.nan if evidence is None else evidence.fading,
        "finding": finding.name,
        "is_right": (finding is Finding.ENLARGED) == (pair.keeps == "smaller"),
        "seconds": took,
    }


def photos(archive: Path | None, skip: int, count: int) -> list[bytes]:
    """Some photos, in an order that is drawn by lot once and for all."""
    if archive is None:
        sample = Path(mpl.get_data_path()) / "sample_data" / "grace_hopper.jpg"
        shipped = Path(sklearn.__file__).parent / "datasets" / "images"
        return [path.read_bytes() for path in (shipped / "china.jpg", shipped / "flower.jpg", sample)]
    with (archive / "truth.csv").open(newline="") as file:
        urls = {row["url"] for row in csv.DictReader(file) if row["outcome"] == "ok" and not row["copy_of"]}
    routes = [json.loads(line) for line in (archive / "routes.jsonl").read_text().splitlines()]
    names = {route["file"] for route in routes if "file" in route and f"http://{route['host']}{route['path']}" in urls}
    found = [data for name in names if _is_taken(data := (archive / "media" / name).read_bytes())]
    return sorted(set(found), key=lambda data: hashlib.sha256(b"drawn" + data).digest())[skip : skip + count]


def _is_taken(data: bytes) -> bool:
    try:
        header = read_header(data)
    except CANNOT_BE_READ:
        return False
    is_usual = header.format == "jpeg" and header.mode == "rgb" and header.orientation == 1
    return is_usual and header.shorter_side >= SMALLEST_SIDE and max(header.width, header.height) <= LARGEST_SIDE


def table(rows: pd.DataFrame, by: list[str]) -> str:
    """How often the right one is kept."""
    lines = [f"| {' | '.join(by)} | pairs | right one kept |", f"|{'---|' * len(by)}---:|---:|"]
    for names, some in rows.groupby(by, sort=True, dropna=False):
        told = ["none" if pd.isna(name) else name if isinstance(name, str) else f"{name:g}" for name in names]
        lines.append(f"| {' | '.join(told)} | {len(some)} | {some['is_right'].mean():.1%} |")
    return "\n".join(lines)


def page(rows: pd.DataFrame, command: str, source: str) -> str:
    """The result as Markdown."""
    enlarged, shrunk = rows[rows["keeps"] == "smaller"], rows[rows["keeps"] == "larger"]
    plain = enlarged[(enlarged["scale"] >= 1.5) & enlarged["kind"].isin(["enlarged", "enlarged of a sharp one"])]
    wrong = shrunk[~shrunk["is_right"]]
    return PAGE.format(
        command=command,
        date=time.strftime("%Y-%m-%d"),
        machine=machine(),
        photos=rows["photo"].nunique(),
        source=source,
        pairs=len(rows),
        enlarged=f"{plain['is_right'].mean():.1%} of {len(plain)}",
        shrunk=f"{shrunk['is_right'].mean():.1%} of {len(shrunk)}",
        kinds=table(rows, ["keeps", "kind"]),
        scales=table(enlarged, ["scale"]),
        smaller=table(shrunk, ["scale"]),
        ways=table(enlarged[enlarged["scale"] >= 1.5], ["way"]),
        qualities=table(enlarged[enlarged["scale"] >= 1.5], ["quality"]),
        wrong=len(wrong),
        listed="".join(
            f"\n- {one.kind} to {one.scale:g}, {one.way}, quality {one.quality}" for one in wrong.itertuples()
        ),
        median=f"{1000 * rows['seconds'].median():.0f}",
        most=f"{1000 * rows['seconds'].quantile(0.95):.0f}",
    )


PAGE = """# Which of two copies is kept

`{command}`, {date}; {machine}.

{photos} photos of {source}, {pairs} pairs of a photo and a copy that was enlarged from it or shrunk. *Right* is the
photo in both cases. *Of a sharp one*: the photo was shrunk to 60 % of its sides first and then enlarged, so that what
it was enlarged from is as sharp as its pixels allow; others are as they are, and some are soft. *Of one compressed
hard*: the photo was compressed to quality 60 to 85 before it was shrunk. A JPEG has quality 60 to 95 by lot; *none* is
a PNG. Where nothing is sure, the larger one is kept.

By the first 18 photos of the private archive the thresholds were chosen; after a look at the 12 that come next, the
stricter of some that did about as well on the 18 were taken. What comes after these 30 was not looked at before.

- Enlarged by 1.5 or more, and not changed besides: the photo is kept in {enlarged}.
- Shrunk: the photo is kept in {shrunk}.
- Processor time a pair, decoding both, one thread: {median} ms, and {most} ms at the 95th percentile.

## By what was done

{kinds}

## Enlarged, by scale

{scales}

## Shrunk, by scale

{smaller}

## Enlarged by 1.5 or more, by way

{ways}

## Enlarged by 1.5 or more, by quality of the JPEG

{qualities}

## Shrunk ones that were taken for the original

{wrong}{listed}
"""


def main() -> None:
    """Measure and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--archive", type=Path, help="a recorded archive; three photos of packages without")
    parser.add_argument("--photos", type=int, default=18)
    parser.add_argument("--skip", type=int, default=CHOSEN_BY)
    parser.add_argument("--rows", type=Path, help="is read where it is there, and written where it is not")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "sharpest.md")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    if arguments.rows and arguments.rows.exists():
        rows = pd.read_pickle(arguments.rows)
    else:
        taken = photos(arguments.archive, arguments.skip, arguments.photos)
        rows = pd.DataFrame(
            [{"photo": number, **measured(pair)} for number, data in enumerate(taken) for pair in Maker(data).pairs()]
        )
    if arguments.rows:
        rows.to_pickle(arguments.rows)
    count = f" --photos {arguments.photos} --skip {arguments.skip}" if arguments.archive else ""
    command = "python benchmarks/sharpest.py" + (" --archive DIR" if arguments.archive else "") + count
    source = "a recorded archive" if arguments.archive else "packages"
    arguments.output.write_text(page(rows, command, source))


if __name__ == "__main__":
    main()
