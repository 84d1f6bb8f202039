"""Close pairs among many 64-bit hashes, as the product asks for them and of one hash a picture, and by faiss.

    python benchmarks/hash_search.py [--photos FOLDER] [--pictures 100000] [--largest 10000000] [--output FILE]

The product looks for every picture by two hashes among 41 of every other one: that is the first table, from drawn
thumbnails to pairs. The others measure the search alone, on one hash a picture.

FOLDER has real photos, of whose pHashes the rates and correlations of bits are taken for the sets "as photos". Each
search runs in a process of its own, so that its peak memory is its own.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import NormalDist

import numpy as np
from peers.environment import machine, python_of
from peers.hash_searchers import asked_and_known

from cic_assets.domain.duplicates import DuplicateSettings
from cic_assets.domain.duplicates.blocks import best_scheme
from cic_assets.domain.duplicates.descriptors import SIDE, even_tones
from cic_assets.domain.images import UnreadableImage, fingerprint

HERE = Path(__file__).resolve().parent
FAISS = ("faiss-cpu==1.15.1", "numpy==2.4.6")
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
ROUNDS = 3
LONG = 2_000_000
"""Sets of more hashes than this are searched once."""
PLANTED = 1_000
SAMPLE = 2_000
FEW = 200
"""Hashes that are asked by brute force, too, among those of all windows."""
COPIES_OF = 50
"""Hashes that half of a clumped set are copies of."""


@dataclass(frozen=True)
class Found:
    """One search: times in seconds, memory in bytes, and its pairs of positions."""

    wall: float
    processor: float
    peak: float
    pairs: np.ndarray


def fastest(searcher: str, hashes: np.ndarray, radius: int, queries: int | None = None) -> Found:
    """The fastest of some rounds of one searcher over distinct hashes in ascending order."""
    rounds = [search(searcher, hashes, radius, queries) for _ in range(ROUNDS if len(hashes) <= LONG else 1)]
    return min(rounds, key=lambda found: found.wall)


def search(searcher: str, hashes: np.ndarray, radius: int, queries: int | None) -> Found:
    """One round of one searcher."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "hashes.npy", Path(folder) / "pairs.npy"
        np.save(source, hashes)
        python = python_of("faiss", FAISS if searcher.startswith("faiss") else ())
        script = HERE / "peers" / "hash_searchers.py"
        command = [python, script, searcher, source, str(radius), str(queries or len(hashes)), target]
        answer = subprocess.run(command, check=True, timeout=3600, stdout=subprocess.PIPE, text=True)
        measured = json.loads(answer.stdout.splitlines()[-1])
        return Found(measured["wall"], measured["processor"], measured["peak"], np.load(target))


def planted(hashes: np.ndarray, radius: int, rng: np.random.Generator) -> np.ndarray:
    """Neighbours of the first hashes at 1 to `radius` bits."""
    flips = rng.integers(1, radius + 1, min(PLANTED, len(hashes) // 4))
    masks = [
        np.bitwise_or.reduce(np.uint64(1) << rng.choice(64, count, replace=False).astype(np.uint64)) for count in flips
    ]
    return hashes[: len(masks)] ^ np.array(masks, np.uint64)


def like_photos(folder: Path, n: int, rng: np.random.Generator) -> np.ndarray:
    """Hashes whose bits are set, and go together in twos, as often as in the pHashes of a folder of photos.

    Thresholded normal variables: the correlation of two of them is sin(pi/2 r) for bits that correlate by r.
    """
    known = np.unpackbits(photo_hashes(folder).astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    rates = np.clip(known.mean(axis=0), 1e-3, 1 - 1e-3)
    together = np.corrcoef(known + rng.normal(0, 1e-9, known.shape), rowvar=False)
    values, vectors = np.linalg.eigh(np.sin(np.pi / 2 * together))
    mixing = (vectors * np.sqrt(np.clip(values, 0, None))).astype(np.float32)
    thresholds = np.array([NormalDist().inv_cdf(1 - rate) for rate in rates], np.float32)
    parts = []
    for start in range(0, n, 1 << 18):
        normal = rng.standard_normal((min(1 << 18, n - start), 64), np.float32) @ mixing.T
        parts.append(np.packbits(normal > thresholds, axis=1).view(">u8").ravel().astype(np.uint64))
    return np.concatenate(parts)


def photo_hashes(folder: Path) -> np.ndarray:
    """The distinct pHashes of the pictures under a folder."""
    hashes = set()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.stat().st_size < 20_000_000:
            try:
                hashes.add(fingerprint(path.read_bytes()).phash)
            except UnreadableImage:
                continue
    return np.array(sorted(hashes), np.uint64)


def recall(hashes: np.ndarray, wanted: np.ndarray, found: np.ndarray, radius: int) -> float:
    """The share of the pairs of some hashes, by brute force, that were found."""
    known = found[0] * len(hashes) + found[1]  # ascending, as the pairs are
    hits = total = 0
    for position in np.searchsorted(hashes, wanted).tolist():
        near = np.flatnonzero(np.bitwise_count(hashes ^ hashes[position]) <= radius)
        others = near[near != position]
        pairs = np.minimum(others, position) * len(hashes) + np.maximum(others, position)
        at = np.minimum(np.searchsorted(known, pairs), len(known) - 1)
        hits += int((known[at] == pairs).sum()) if len(known) else 0
        total += len(pairs)
    return hits / total if total else 1.0


def sets(n: int, radius: int, photos: Path | None, rng: np.random.Generator) -> Iterator[tuple[str, np.ndarray]]:
    """The sets of n hashes that are searched, by name."""
    uniform = rng.integers(0, 2**64, n, dtype=np.uint64)
    yield "uniform", np.concatenate([uniform, planted(uniform, radius, rng)])
    half = uniform[: n // 2]
    clumps = rng.choice(half[-COPIES_OF:], n - len(half))
    yield "clumped", np.concatenate([half, clumps, planted(half, radius, rng)])
    if photos:
        real = like_photos(photos, n, rng)
        yield "as photos", np.concatenate([real, planted(real, radius, rng)])


def thumbnails(n: int, rng: np.random.Generator) -> np.ndarray:
    """(n, 32, 32) drawn ones: noise whose amplitude falls with its frequency, as in photos, its tones evened."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.rfftfreq(SIDE), indexing="ij"))
    falling = 1 / np.maximum(frequencies, 1 / SIDE)
    drawn = np.empty((n, SIDE, SIDE), np.uint8)
    for i in range(n):
        noise = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * falling, (SIDE, SIDE))
        drawn[i] = even_tones(np.clip(128 + 40 * noise / noise.std(), 0, 255).astype(np.uint8))
    return drawn


def of_pictures(largest: int, radius: int) -> Iterator[str]:
    """Rows of the table of what the product asks."""
    rng = np.random.default_rng(2)
    for n in (size for size in SIZES if size <= largest):
        drawn = thumbnails(n, rng)
        found = search("product", drawn, radius, None)
        asked, known = asked_and_known(drawn)
        near, total, hits = set(map(tuple, found.pairs.T.tolist())), 0, 0
        for position in rng.choice(len(asked), FEW).tolist():
            others = np.flatnonzero(np.bitwise_count(known ^ asked[position]) <= radius).tolist()
            total, hits = total + len(others), hits + sum((position, other) in near for other in others)
        row = (
            f"| {n:,} | {len(asked):,} | {len(known):,} | {found.pairs.shape[1]:,} | {found.wall:.2f} | "
            f"{found.processor:.2f} | {found.peak / 1e6:,.0f} | {hits / total:.1%} |"
        )
        print(row, flush=True)
        yield row


def curve(largest: int, radius: int, photos: Path | None) -> Iterator[str]:
    """Rows of the table of ours."""
    rng = np.random.default_rng(0)
    for n in (size for size in SIZES if size <= largest):
        for name, hashes in sets(n, radius, photos, rng):
            start = time.perf_counter()
            distinct = np.unique(hashes)
            collapsing = time.perf_counter() - start
            found = fastest("ours", distinct, radius)
            wanted = np.unique(np.concatenate([hashes[-SAMPLE // 2 :], rng.choice(distinct, SAMPLE // 2)]))
            share = recall(distinct, wanted, found.pairs, radius)
            scheme = best_scheme(len(distinct), (len(distinct) + 1) // 2, radius)
            row = (
                f"| {n:,} | {name} | {found.pairs.shape[1]:,} | {found.wall + collapsing:.2f} | "
                f"{found.processor + collapsing:.2f} | {found.peak / 1e6:,.0f} | {share:.1%} | "
                f"errors {scheme.shares}, {scheme.matching} blocks agree: {len(scheme.passes())} passes |"
            )
            print(row, flush=True)
            yield row


def against_faiss(largest: int, radius: int) -> Iterator[str]:
    """Rows of the table of peers; where faiss would take minutes, from a share of the queries."""
    rng = np.random.default_rng(1)
    yield "| hashes | searcher | wall s | processor s | processor s / ours |"
    yield "|---:|---|---:|---:|---:|"
    for n, queries in ((10_000, None), (100_000, None), (1_000_000, 5_000)):
        if n > largest:
            continue
        hashes = np.unique(rng.integers(0, 2**64, n, dtype=np.uint64))
        base = fastest("ours", hashes, radius)
        yield f"| {n:,} | cic_assets, numpy | {base.wall:.2f} | {base.processor:.2f} | 1 |"
        for searcher, title in (
            ("faiss_flat", "faiss IndexBinaryFlat"),
            ("faiss_multihash", "faiss IndexBinaryMultiHash"),
        ):
            run = search if queries else fastest
            found = run(searcher, hashes, radius, queries)
            scale = len(hashes) / (queries or len(hashes))
            of = f" ({queries:,} queries, times {scale:.0f})" if queries else ""
            wall, processor = found.wall * scale, found.processor * scale
            row = f"| {n:,} | {title}{of} | {wall:.2f} | {processor:.2f} | {processor / base.processor:.1f} |"
            print(row, flush=True)
            yield row


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--pictures", type=int, default=100_000, help="at most, as the product asks")
    parser.add_argument("--largest", type=int, default=SIZES[-1], help="set of one hash a picture")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "hash_search.md")
    arguments = parser.parse_args()
    radius = DuplicateSettings().radius
    pictures = list(of_pictures(arguments.pictures, radius))
    rows = list(curve(arguments.largest, radius, arguments.photos))
    peers = list(against_faiss(arguments.largest, radius))
    photos = "bits as often set, and as often together in twos, as in the pHashes of real photos"
    text = (
        (HERE / "peers" / "hash_search.md")
        .read_text()
        .format(
            command=f"python benchmarks/hash_search.py{' --photos FOLDER' if arguments.photos else ''}",
            date=time.strftime("%Y-%m-%d"),
            machine=machine(),
            radius=radius,
            sample=SAMPLE,
            pictures="\n".join(pictures),
            few=FEW,
            curve="\n".join(rows),
            photos=photos if arguments.photos else f"{photos} (not measured: no folder was given)",
            peers="\n".join(peers),
        )
    )
    arguments.output.parent.mkdir(exist_ok=True)
    arguments.output.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
