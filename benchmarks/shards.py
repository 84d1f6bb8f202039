"""An epoch out of shards, out of arrays and out of a file a picture, and out of the same shards by WebDataset.

    python benchmarks/shards.py PHOTOS [--pictures 50000 200000] [--output benchmarks/results/shards.md]

At the smallest count all begins as files and is packed; larger sets are written as shards at once.

PHOTOS has real JPEGs; some of them, at 128 pixels, are made as many as are asked for by a comment in each, so that no
two are the same file. Each way to read is a process of its own, whose peak memory counts; before it, what the system
remembers of the files is dropped, so all come from the disk; of an epoch the first pictures are read, more than are
ever in memory at once. Arrays and files are read at the smallest count alone.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from peers.environment import machine, python_of

from cic_assets.domain.images import CANNOT_BE_READ, decode, prepared_jpeg
from cic_assets.domain.models.stored_images import RUN, WINDOW, StoredImages, in_runs
from cic_assets.storage import DataRoot, ShardedStore, create_array, sha256_hex
from cic_assets.storage.shards import as_keys, divide, write_shard

HERE = Path(__file__).resolve().parent
PEER = ("webdataset==1.0.2", "numpy==2.2.6", "opencv-python-headless==4.12.0.88")
SIDE, BATCH, GROUPS = 128, 32, 8
SHARD_BYTES = 256 * 2**20
SAMPLES = 64
MOST_READ = 12_000


def made_up(photos: Path, count: int) -> Iterator[bytes]:
    """JPEGs, no two the same."""
    kept: list[bytes] = []
    for path in sorted(photos.rglob("*.jpg")):
        try:
            kept.append(prepared_jpeg(path.read_bytes(), SIDE, 95))
        except CANNOT_BE_READ:
            continue
        if len(kept) == SAMPLES:
            break
    for number in range(count):
        comment = number.to_bytes(8, "big")
        jpeg = kept[number % len(kept)]
        yield jpeg[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + jpeg[2:]


def write_files(root: DataRoot, photos: Path, count: int) -> list[tuple[str, str, int]]:
    """A file each: name, SHA-256 and size, in the order of rows, which is that of shards."""
    store, rows = root.resized(SIDE), []
    for number, jpeg in enumerate(made_up(photos, count)):
        sha256 = sha256_hex(b"%d" % number)
        path = Path(str(store.path(sha256, "jpeg")))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(jpeg)
        rows.append((sha256, sha256_hex(jpeg), len(jpeg)))
    return sorted(rows, key=lambda row: (int(row[0], 16) % GROUPS, row[0]))


def write_shards(root: DataRoot, photos: Path, count: int) -> list[tuple[str, str, int]]:
    """The same in shards."""
    pictures = {sha256_hex(b"%d" % number): jpeg for number, jpeg in enumerate(made_up(photos, count))}
    rows = []
    for group in range(GROUPS):
        names = sorted(name for name in pictures if int(name, 16) % GROUPS == group)
        sizes = np.array([len(pictures[name]) for name in names])
        for bits, place in divide(as_keys(names), sizes, SHARD_BYTES):
            some = ((name, pictures[name]) for name in names[place])
            write_shard(root.path / "shards" / str(SIDE), f"source{group}/{bits or 'all'}", some)
        rows += [(name, sha256_hex(pictures[name]), len(pictures[name])) for name in names]
    return rows


def pack(store: ShardedStore, rows: list[tuple[str, str, int]]) -> int:
    """How many shards were written."""
    written = 0
    for group in range(GROUPS):
        sizes = {sha256: size for sha256, _, size in rows if int(sha256, 16) % GROUPS == group}
        written += store.pack(f"source{group}", sizes, SHARD_BYTES)
    return written


def write_array(root: DataRoot, rows: list[tuple[str, str, int]]) -> None:
    """As the data set of a small set has them."""
    array, store = (
        create_array(Path(str(root.path)) / "train.npy", (len(rows), SIDE, SIDE, 3), np.uint8),
        root.resized(SIDE),
    )
    for row, (sha256, _, _) in enumerate(rows):
        array[row] = decode(store.get(sha256, "jpeg"))
    array.flush()


def read(way: str, folder: Path) -> dict[str, Any]:
    """An epoch in batches, shuffled as its way wants it."""
    root = DataRoot(str(folder))
    store, rows = root.resized(SIDE), [line.split() for line in (folder / "rows.txt").read_text().splitlines()]
    names, random = [row[0] for row in rows], np.random.default_rng(1)
    order = in_runs(len(rows), random) if way == "shards" else random.permutation(len(rows))
    if way == "arrays":
        images: Any = np.load(folder / "train.npy", mmap_mode="r")
    elif way == "shards":
        images = StoredImages(store, names, [row[1] for row in rows], SIDE)
    began, cpu, count = time.perf_counter(), time.process_time(), 0
    for batch in np.array_split(order, len(order) // BATCH)[: MOST_READ // BATCH]:
        chosen = np.sort(batch)
        if way == "files":
            pictures = np.stack([decode(store.get(names[row], "jpeg")) for row in chosen])
        else:
            pictures = images[chosen]
        count += len(pictures)
    return {
        "pictures": count,
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "peak": peak(),
    }


def peak() -> int:
    """Bytes of memory that this process had at most; in those of `getrusage` are its parent's."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def measured(way: str, folder: Path) -> dict[str, Any]:
    """In a process of its own, from the disk."""
    forget(folder)
    with tempfile.TemporaryDirectory() as name:
        result = Path(name) / "result.json"
        if way == "webdataset":
            shards = folder / "shards" / str(SIDE)
            command = [
                python_of("shards", PEER),
                HERE / "peers" / "shard_readers.py",
                shards,
                str(RUN * WINDOW),
                str(MOST_READ),
                result,
            ]
        else:
            command = [sys.executable, __file__, "--read", way, folder, result]
        subprocess.run(list(map(str, command)), check=True)
        found: dict[str, Any] = json.loads(result.read_text())
    print(way, found, flush=True)
    return found


def forget(folder: Path) -> None:
    """Have the system drop what it remembers of the files in a folder."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            handle = os.open(path, os.O_RDONLY)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


def timed(what: Any) -> tuple[float, float, Any]:
    """Seconds, processor seconds, and what it gave."""
    began, cpu = time.perf_counter(), time.process_time()
    given = what()
    return time.perf_counter() - began, time.process_time() - cpu, given


def one_count(photos: Path, count: int, parent: Path, *, is_smallest: bool) -> tuple[list[str], list[str]]:
    """Rows of both tables: reading, and writing."""
    folder = parent / str(count)
    folder.mkdir()
    root = DataRoot(str(folder))
    rows = (write_files if is_smallest else write_shards)(root, photos, count)
    (folder / "rows.txt").write_text("\n".join(f"{sha256} {copy} {size}" for sha256, copy, size in rows))
    ways = {}
    if is_smallest:
        write_array(root, rows)
        ways = {"a file a picture": measured("files", folder), "arrays, in memory mapped": measured("arrays", folder)}
        (folder / "train.npy").unlink()
    writing = []
    if is_smallest:
        seconds, cpu, shards = timed(lambda: pack(root.resized(SIDE), rows))
        writing = [f"| {count:,} | all files into {shards} shards | {seconds:.1f} | {cpu:.1f} |"]
    ways |= {"shards, ours": measured("shards", folder), "shards, WebDataset": measured("webdataset", folder)}
    for name, number in (("1 picture", 1), ("100 pictures", 100)):
        gone = [row[0] for row in rows[:: len(rows) // number][:number]]
        before = {path.name for path in folder.rglob("*.tar")}
        seconds, cpu, _ = timed(lambda some=gone: root.resized(SIDE).remove_all(some))
        changed = len(before - {path.name for path in folder.rglob("*.tar")})
        writing.append(f"| {count:,} | a take-down of {name}, in {changed} shards | {seconds:.1f} | {cpu:.1f} |")
    shutil.rmtree(folder)
    reading = [
        f"| {count:,} | {way} | {it['pictures'] / it['seconds']:,.0f} | {it['pictures'] / it['cpu']:,.0f} "
        f"| {it['peak'] / 1e6:,.0f} |"
        for way, it in ways.items()
    ]
    return reading, writing


def main() -> None:
    """Measure, and write the result."""
    parser = argparse.ArgumentParser()
    parser.add_argument("photos", type=Path)
    parser.add_argument("--pictures", type=int, nargs="+", default=[50_000, 200_000])
    parser.add_argument("--output", type=Path, default=HERE / "results" / "shards.md")
    arguments = parser.parse_args()
    reading, writing = [], []
    with tempfile.TemporaryDirectory(prefix="cic-shards-") as name:
        for count in sorted(arguments.pictures):
            more = one_count(arguments.photos, count, Path(name), is_smallest=count == min(arguments.pictures))
            reading += more[0]
            writing += more[1]
    command = f"python benchmarks/shards.py PHOTOS --pictures {' '.join(map(str, arguments.pictures))}"
    text = (HERE / "peers" / "shards.md").read_text()
    arguments.output.write_text(
        text.format(
            command=command,
            date=time.strftime("%Y-%m-%d"),
            machine=machine(),
            side=SIDE,
            reading="\n".join(reading),
            writing="\n".join(writing),
        )
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        Path(sys.argv[4]).write_text(json.dumps(read(sys.argv[2], Path(sys.argv[3]))))
    else:
        main()
