"""Preparing pictures against its peers, in one run: photos of 2 to 16 megapixels to the same 256 x 256 squares.

    python benchmarks/resize.py PHOTOS [--count 24] [--rounds 5] [--output benchmarks/results/resize.md]

PHOTOS is a folder of real JPEGs. They are enlarged to the sizes of cameras, once smooth and once with a sensor's grain,
which makes files larger and their codes costlier to find, as a camera does. Each peer gets an environment of its own,
made with pip on the first run. They take turns, round after round, so that what else the machine does strikes them
alike; of each the fastest round counts.
"""

import argparse
import json
import math
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from peers.environment import machine, python_of

from cic_assets.domain.images import UnreadableImage, decode, resize_and_crop

HERE = Path(__file__).resolve().parent
MEGAPIXELS = (2, 4, 6, 8, 12, 16)
QUALITIES = (85, 90, 92)
SMALLEST_SOURCE = 400
GRAINS = {"smooth": 0.0, "with grain": 3.0}
THREADS = (1, 2)


@dataclass(frozen=True)
class Peer:
    """Who takes part.

    Attributes:
        name: in `peers/resizers.py`.
        title: in the table.
        packages: pinned; none for those that run in our own environment.
    """

    name: str
    title: str
    packages: tuple[str, ...] = ()

    def python(self) -> Path:
        """The interpreter to run it with; its environment is made if it is missing."""
        return python_of(self.name, self.packages)

    def run(self, folder: Path, threads: int, result: Path) -> None:
        """One round over the photos of a folder; `result` is a .json for times or a .npy for squares."""
        script = HERE / "peers" / "resizers.py"
        command = [self.python(), "-W", "ignore", script, self.name, folder, str(threads), result]
        subprocess.run(command, check=True, timeout=600)


PEERS = (
    Peer("original", "the original's loop: OpenCV, decode all, bilinear"),
    Peer("pillow", "Pillow with draft, `ImageOps.fit`, Lanczos"),
    Peer("img2dataset", "img2dataset 1.47.0's resizer (result as JPEG)", ("img2dataset==1.47.0",)),
    Peer("libvips", "libvips thumbnail, centre crop", ("pyvips[binary]==3.2.0", "numpy")),
    Peer("ours", "cic_assets `prepare`"),
)
LIMIT = Peer("limit", "the limit: every code of the file found, no pixels made")


def make_photos(sources: Path, target: Path, count: int, grain: float) -> float:
    """Enlarge real photos to camera sizes; returns their mean bits a pixel."""
    rng = np.random.default_rng(0)
    target.mkdir()
    written = bits = pixels = 0
    for path in sorted(sources.rglob("*.jpg")):
        photo = _readable(path)
        if photo is None or written == count:
            continue
        megapixels = MEGAPIXELS[written % len(MEGAPIXELS)]
        large = enlarge(photo, megapixels, grain, rng)
        quality = [cv2.IMWRITE_JPEG_QUALITY, QUALITIES[written % len(QUALITIES)]]
        data = cv2.imencode(".jpg", large[:, :, ::-1], quality)[1].tobytes()
        (target / f"{written:03d}_{megapixels}.jpg").write_bytes(data)
        written, bits, pixels = written + 1, bits + 8 * len(data), pixels + large.shape[0] * large.shape[1]
    if written < count:
        raise SystemExit(f"{sources} has {written} readable photos of at least {SMALLEST_SOURCE} pixels, need {count}")
    return bits / pixels


def _readable(path: Path) -> np.ndarray | None:
    try:
        photo = decode(path.read_bytes())
    except UnreadableImage:
        return None
    return photo if min(photo.shape[:2]) >= SMALLEST_SOURCE else None


def enlarge(photo: np.ndarray, megapixels: int, grain: float, rng: np.random.Generator) -> np.ndarray:
    """A photo of so many megapixels, with Gaussian grain of so many grey levels."""
    scale = (megapixels * 1e6 / (photo.shape[0] * photo.shape[1])) ** 0.5
    large = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    noise = rng.standard_normal(large.shape, np.float32) * grain
    return np.clip(large + noise, 0, 255).astype(np.uint8)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal to noise ratio in dB; infinite for equal pictures."""
    error = float(np.mean((a.astype(np.float64) - b) ** 2))
    return 10 * math.log10(255**2 / error) if error else math.inf


def qualities(peer: Peer, photos: Path, references: list[np.ndarray]) -> list[float]:
    """How near a peer's squares are to a full decode averaged by area, a picture each."""
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        peer.run(photos, 1, Path(file.name))
        return [
            psnr(square[..., :3], reference) for square, reference in zip(np.load(file.name), references, strict=True)
        ]


def speeds(photos: Path, rounds: int) -> dict[tuple[str, int], dict[str, float]]:
    """The fastest round of each peer, by name and threads: images a second of processor time, and of wall time."""
    best: dict[tuple[str, int], dict[str, float]] = {}
    result = photos / "times.json"
    for round_number in range(rounds):
        for threads in THREADS:
            for peer in (*PEERS, LIMIT):
                peer.run(photos, threads, result)
                found = json.loads(result.read_text())
                speed = {kind: found["count"] / found[kind] for kind in ("processor", "wall")}
                before = best.get((peer.name, threads), speed)
                best[peer.name, threads] = {kind: max(speed[kind], before[kind]) for kind in speed}
        print(f"round {round_number + 1} of {rounds} done", flush=True)
    return best


def decibels(value: float) -> str:
    """A ratio for people."""
    return "the same" if math.isinf(value) else f"{value:.1f} dB"


def table(photos: Path, rounds: int) -> str:
    """One table of all peers on one folder of photos, and what limits them."""
    references = [resize_and_crop(decode(path.read_bytes()), 256) for path in sorted(photos.glob("*.jpg"))]
    best = speeds(photos, rounds)
    base, vips = best["original", 1]["processor"], best["libvips", 1]["processor"]
    lines = [
        "| | images/s a core | x original | x libvips | images/s, 2 threads | PSNR median | PSNR worst |",
        "|---|---|---|---|---|---|---|",
    ]
    for peer in PEERS:
        one, two = best[peer.name, 1]["processor"], best[peer.name, 2]["wall"]
        near = qualities(peer, photos, references)
        speed = f"{one:.1f} | {one / base:.2f} | {one / vips:.2f} | {two:.1f}"
        lines.append(f"| {peer.title} | {speed} | {decibels(float(np.median(near)))} | {decibels(min(near))} |")
    floor = best["limit", 1]["processor"]
    share = best["ours", 1]["processor"] / floor
    lines += [f"| {LIMIT.title} | {floor:.1f} | {floor / base:.2f} | {floor / vips:.2f} | | | |", ""]
    beyond = " More than all of it is the spread of the measurement: next to nothing else is left." if share > 1 else ""
    lines.append(f"Finding the codes (entropy decoding) is {share:.0%} of the time of `prepare`.{beyond}")
    return "\n".join(lines)


def main() -> None:
    """Make the photos, run all rounds, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "resize.md")
    arguments = parser.parse_args()
    sections = []
    with tempfile.TemporaryDirectory() as folder:
        for name, grain in GRAINS.items():
            photos = Path(folder) / name.replace(" ", "_")
            bits = make_photos(arguments.photos, photos, arguments.count, grain)
            sections.append(f"## Photos {name}, {bits:.2f} bits a pixel\n\n{table(photos, arguments.rounds)}\n")
    template = (HERE / "peers" / "resize.md").read_text()
    text = template.format(
        command=f"python benchmarks/resize.py PHOTOS --count {arguments.count} --rounds {arguments.rounds}",
        date=time.strftime("%Y-%m-%d"),
        machine=machine(),
        tables="\n".join(sections).strip(),
    )
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
