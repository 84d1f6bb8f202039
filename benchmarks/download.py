"""Downloading against its peers, in one run, from one host on loopback that answers at once and after 100 ms.

    python benchmarks/download.py [--count 2100] [--rounds 3] [--output benchmarks/results/download.md]

Each peer gets an environment of its own, made with pip on the first run. The clients take turns, round after round, so
that what else the machine does strikes them alike; of each the fastest round counts.
"""

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from peers.environment import machine, python_of

HERE = Path(__file__).resolve().parent
LATENCIES = (0, 100)
PHOTOS = 60
FEW = 20
"""Images of the run that measures what a client costs before its first image."""


@dataclass(frozen=True)
class Client:
    """Who takes part.

    Attributes:
        name: in `peers/download_clients.py`.
        title: in the table.
        packages: pinned; none for those that run in our own environment.
        slow: it takes a latency per image, so that it gets fewer of them.
    """

    name: str
    title: str
    packages: tuple[str, ...] = ()
    slow: bool = False

    def python(self) -> Path:
        """The interpreter to run it with; its environment is made if it is missing."""
        return python_of(self.name, self.packages)


REQUESTS = ("requests==2.34.2", "opencv-python-headless==4.14.0.94", "numpy==2.4.6")
CLIENTS = (
    Client("serial", "the original's loop: requests, one after another, saved again as JPEG", REQUESTS, slow=True),
    Client("threads", "requests in 64 threads, nothing checked", REQUESTS),
    Client("gallery_dl", "gallery-dl 1.32.18, a file of direct links", ("gallery-dl==1.32.18",), slow=True),
    Client(
        "img2dataset", "img2dataset 1.47.0, 1 process, 64 threads, bytes kept as they come", ("img2dataset==1.47.0",)
    ),
    Client("ours", "cic_assets, 64 at once"),
    Client("ours_more", "cic_assets, 96 at once, the product's default"),
    Client("aiohttp_bare", "aiohttp alone, 64 at once, nothing kept"),
)


@dataclass(frozen=True)
class Result:
    """What one client took for one round.

    Attributes:
        rate: images a second.
        cpu: milliseconds of processor time an image, of the client and its children.
        peak: megabytes of the largest process.
    """

    rate: float
    cpu: float
    peak: float


def make_photos(folder: Path) -> None:
    """Photos of 640 x 480 pixels and about 75 kB: blurred colours under the grain of a sensor."""
    chance = np.random.default_rng(1)
    for number in range(PHOTOS):
        colours = chance.integers(0, 256, (12, 16, 3), dtype=np.uint8)
        photo = cv2.resize(colours, (640, 480), interpolation=cv2.INTER_CUBIC) + chance.normal(0, 8, (480, 640, 1))
        cv2.imwrite(
            str(folder / f"{number:02}.jpg"), photo.clip(0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 82]
        )


@contextmanager
def host(photos: Path, latency: int) -> Iterator[int]:
    """The host while the block runs; gives its port."""
    command = [sys.executable, HERE / "peers" / "download_host.py", photos, str(latency)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.terminate()


def run(client: Client, port: int, count: int, folder: Path) -> dict[str, float]:
    """One client, once, into a fresh folder."""
    folder.mkdir()
    os.sync()  # ours ends with all of the file system written out: what others left is not its to wait for
    command = [client.python(), HERE / "peers" / "download_clients.py", client.name, str(port), str(count), folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=1200)
    if done.returncode:
        raise SystemExit(f"{client.name} failed:\n{done.stderr[-2000:]}")
    taken: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return taken


def measure(client: Client, port: int, count: int, folder: Path) -> Result:
    """One round of one client."""
    taken = run(client, port, count, folder)
    # Processes that a client starts import their libraries while it is timed: that is no cost of an image.
    own_seconds = taken["own_seconds"]
    idle = run(client, port, FEW, folder.with_suffix(".few"))["cpu"] if own_seconds else 0.0
    images = count - FEW if own_seconds else count
    rate = count / (own_seconds or taken["seconds"])
    return Result(rate=rate, cpu=(taken["cpu"] - idle) / images * 1000, peak=taken["peak_mb"])


def measure_all(count: int, rounds: int) -> dict[tuple[str, int], Result]:
    """The fastest round of each client at each latency.

    Everything is written to the repository's disk, and deleted at the end only: files that are created right after
    others were deleted cost ext4 more.
    """
    best: dict[tuple[str, int], Result] = {}
    with tempfile.TemporaryDirectory() as photos, tempfile.TemporaryDirectory(dir=HERE / "results") as scratch:
        make_photos(Path(photos))
        for latency, number, client in itertools.product(LATENCIES, range(rounds), CLIENTS):
            images = count // 10 if client.slow and latency else count
            with host(Path(photos), latency) as port:
                result = measure(client, port, images, Path(scratch) / f"{client.name}-{latency}-{number}")
            print(f"{latency} ms, round {number + 1}: {client.name} {result}", flush=True)
            key = client.name, latency
            best[key] = max(best.get(key, result), result, key=lambda one: one.rate)
    return best


def table(best: dict[tuple[str, int], Result]) -> str:
    """The results as Markdown."""
    lines = [
        "| client | images/s at 0 ms | images/s at 100 ms | CPU ms/image | peak MB |",
        "|---|---:|---:|---:|---:|",
    ]
    for client in CLIENTS:
        near, far = (best[client.name, latency] for latency in LATENCIES)
        cpu, peak = f"{near.cpu:.1f} / {far.cpu:.1f}", max(near.peak, far.peak)
        lines.append(f"| {client.title} | {near.rate:,.0f} | {far.rate:,.1f} | {cpu} | {peak:.0f} |")
    return "\n".join(lines)


def ratios(best: dict[tuple[str, int], Result]) -> str:
    """The comparisons that were asked for."""
    lines = []
    for latency, (name, at_once) in itertools.product(LATENCIES, (("ours", 64), ("ours_more", 96))):
        ours = best[name, latency]
        for peer_name in ("img2dataset", "gallery_dl", "serial", "threads"):
            peer = best[peer_name, latency]
            rate, cpu = ours.rate / peer.rate, ours.cpu / peer.cpu
            ratio = f"{rate:.1f} times {peer_name}'s images/s, at {cpu:.2f} of its CPU an image"
            lines.append(f"- {latency} ms, {at_once} at once: {ratio}")
    return "\n".join(lines)


def main() -> None:
    """Measure and write the page."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--count", type=int, default=2100, help="images a client and round")
    arguments.add_argument("--rounds", type=int, default=3)
    arguments.add_argument("--output", type=Path, default=HERE / "results" / "download.md")
    options = arguments.parse_args()
    for client in CLIENTS:
        client.python()
    load = os.getloadavg()[0]
    best = measure_all(options.count, options.rounds)
    page = (
        (HERE / "peers" / "download.md")
        .read_text()
        .format(
            command=f"python benchmarks/download.py --count {options.count} --rounds {options.rounds}",
            machine=f"{machine()} (before: {load:.1f})",
            date=time.strftime("%Y-%m-%d"),
            table=table(best),
            ratios=ratios(best),
        )
    )
    options.output.parent.mkdir(exist_ok=True)
    options.output.write_text(page)
    print(page)


if __name__ == "__main__":
    main()
