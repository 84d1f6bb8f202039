"""Fingerprints and copies of photos on engines, and on what one would take instead, in one run on one machine.

    python benchmarks/scale_engine.py PHOTOS [--count 240] [--rounds 2] [--output benchmarks/results/scale_engine.md]

PHOTOS is a folder of real JPEGs, which are taken as they are. A Ray cluster of three nodes is
started on loopback: one that gives no processor, and two with one each. Each contender is a process of its own; what it
and the cluster's processes spent is read from the system, so that images a second a core are those of one busy core,
whatever else the machine does. Contenders take turns, round after round; of each the best round counts. A warm-up of
each is not counted.
"""

import argparse
import atexit
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from peers.environment import machine, python_of

from cic_assets.domain.images import UnreadableImage, decode
from cic_assets_tests.fixtures.ray_cluster import Cluster, descendants

LOCAL = ("threads", "processes", "our copies")
HERE = Path(__file__).resolve().parent
SHARD = 16
WARM_UP = 4 * SHARD
"""Pictures of a warm-up: some shards for each node."""
IDLE_SECONDS = 10
NOOP_SHARDS = 300
ROWS = (10_000, 100_000, 1_000_000)

PEERS = {
    "img2dataset==1.47.0": ("resizers.py", "img2dataset", "{photos}", "2", "{result}"),
    "daft==0.7.26": ("frames.py", "daft", "{photos}", "{result}"),
}
"""Programs of `peers/` and what they are told, each in an environment of its own."""

ON_RAY = "img2dataset==1.47.0 on Ray"
"""The one that runs on the cluster; its workers are of its environment, which has the same Ray."""

CONTENDERS = {
    "threads": "fingerprint and copy, ours on 2 threads",
    "processes": "fingerprint and copy, a pool of 2 processes",
    "ours on Ray": "fingerprint and copy, ours on Ray",
    "Ray Data": "fingerprint and copy, the same work by Ray Data's `map_batches`",
    "our copies": "copy alone, ours on 2 threads",
    "our copies on Ray": "copy alone, ours on Ray",
    "Ray Data's own": "copy alone, Ray Data's `read_images(size=(256, 256))`, which does not keep the aspect",
    "img2dataset==1.47.0": "copy alone, the resizer of img2dataset==1.47.0 on 2 threads",
    ON_RAY: "copy alone, the same in tasks of Ray, a shard each",
    "daft==0.7.26": "copy alone, `decode_image` and `resize(256, 256)` of daft==0.7.26, which does not keep the aspect",
}


def both(path: str) -> int:
    """What the graph does with a picture: its fingerprint, and its resized copy."""
    from cic_assets.domain.duplicates.fingerprints import _row
    from cic_assets.domain.images import prepared_jpeg

    data = Path(path).read_bytes()
    return len(_row(data)) + len(prepared_jpeg(data, 256, 92))


def copy(path: str) -> int:
    """The resized copy alone."""
    from cic_assets.domain.images import prepared_jpeg

    return len(prepared_jpeg(Path(path).read_bytes(), 256, 92))


def on_engine(name: str, task: Callable[[str], int], paths: list[str], shard: int = SHARD) -> int:
    """How many were done."""
    from cic_assets.engine import open_engine

    return sum(1 for _ in open_engine(name, 2).each(task, paths, shard=shard))


def many(paths: list[str]) -> list[int]:
    """A shard of the process pool."""
    return [both(path) for path in paths]


def on_processes(paths: list[str]) -> int:
    """As a user would without an engine."""
    with ProcessPoolExecutor(2, mp_context=get_context("forkserver")) as pool:
        shards = [paths[first : first + SHARD] for first in range(0, len(paths), SHARD)]
        return sum(len(done) for done in pool.map(many, shards))


def ray_data() -> Any:
    """Ray Data, quiet."""
    import logging

    import ray
    import ray.data

    if not ray.is_initialized():
        ray.init("auto", log_to_driver=False, logging_level=logging.ERROR)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray.data


def on_ray_data(paths: list[str]) -> int:
    """The same work, the same shards."""
    data = ray_data()
    blocks = max(len(paths) // SHARD, 1)
    rows = data.from_items([{"path": path} for path in paths], override_num_blocks=blocks)
    done = rows.map_batches(lambda rows: {"bytes": [both(path) for path in rows["path"]]}, batch_size=None)
    return sum(len(batch["bytes"]) for batch in done.iter_batches())


def on_read_images(paths: list[str]) -> int:
    """Ray Data's own decoding and resizing; its arrays stay where they are made."""
    images = ray_data().read_images(paths, size=(256, 256), mode="RGB", override_num_blocks=max(len(paths) // SHARD, 1))
    return sum(
        len(batch["n"]) for batch in images.map_batches(lambda rows: {"n": [1] * len(rows["image"])}).iter_batches()
    )


RUNS: dict[str, Callable[[list[str]], int]] = {
    "threads": lambda paths: on_engine("local", both, paths),
    "processes": on_processes,
    "ours on Ray": lambda paths: on_engine("ray", both, paths),
    "Ray Data": on_ray_data,
    "our copies": lambda paths: on_engine("local", copy, paths),
    "our copies on Ray": lambda paths: on_engine("ray", copy, paths),
    "Ray Data's own": on_read_images,
}


def shards_of_nothing(name: str) -> float:
    """Milliseconds a shard of 100 rows that does nothing."""
    if name == "Ray Data":
        data = ray_data()

        def run(count: int) -> None:
            blocks = data.range(count * 100, override_num_blocks=count)
            for _ in blocks.map_batches(lambda rows: rows, batch_size=None).iter_batches(batch_size=None):
                pass

    else:

        def run(count: int) -> None:
            from cic_assets.engine import open_engine

            assert sum(1 for _ in open_engine("ray").each(lambda item: item, range(count * 100), shard=100))

    run(8)
    began = time.perf_counter()
    run(NOOP_SHARDS)
    return (time.perf_counter() - began) / NOOP_SHARDS * 1000


def rows_of_results(count: int) -> float:
    """MB that the driver took at most while so many small rows came back, which it did not keep."""
    from cic_assets.engine import open_engine

    results = open_engine("ray").each(lambda item: {"sha256": f"{item:064x}", "bytes": item}, range(count), shard=1000)
    assert sum(1 for _ in results) == count
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def one(what: str, name: str, folder: str, result: str) -> None:
    """A contender's process."""
    if what == "photos":
        paths = sorted(map(str, Path(folder).glob("*.jpg")))
        RUNS[name](paths[:WARM_UP])  # imports, and workers that have them
        RUNS[name](paths[:WARM_UP])
        Path(result + ".ready").touch()
        while not Path(result + ".go").exists():
            time.sleep(0.01)
        began = time.perf_counter()
        assert RUNS[name](paths) == len(paths)
        found: Any = time.perf_counter() - began
    elif what == "nothing":
        found = shards_of_nothing(name)
    else:
        found = rows_of_results(int(name))
    Path(result).write_text(json.dumps(found))
    while what == "photos" and Path(result + ".go").exists():  # its processor time is read before it goes
        time.sleep(0.01)


def ask(cluster: Cluster, what: str, name: str, folder: Path) -> tuple[float, float]:
    """What a contender's process found, and the processor seconds of all that took part."""
    result = folder / f"{what}-{name}.json"
    variables = {**os.environ, **cluster.variables, "OPENCV_FOR_THREADS_NUM": "1", "OMP_NUM_THREADS": "1"}
    variables["OPENBLAS_NUM_THREADS"] = "1"
    command: list[str | Path] = [sys.executable, "-W", "ignore", __file__, "one", what, name, folder / "photos", result]
    if name == ON_RAY:
        python = python_of("img2dataset_on_ray", ("img2dataset==1.47.0", f"ray=={version('ray')}"))
        program = HERE / "peers" / "resizers_on_ray.py"
        command = [python, "-W", "ignore", program, "img2dataset", folder / "photos", str(SHARD), result]
    with subprocess.Popen(command, env=variables, stderr=(folder / "said").open("w")) as process:
        spent, counted = 0.0, process.pid if name in LOCAL else os.getpid()
        if what == "photos":
            _wait(result.with_name(result.name + ".ready"), process)
            before = cpu_seconds(counted)
            go = result.with_name(result.name + ".go")
            go.touch()
            _wait(result, process)
            spent = cpu_seconds(counted) - before
            go.unlink()
        process.wait()
    found = float(json.loads(result.read_text()))
    for left in folder.glob(f"{what}-{name}.json*"):
        left.unlink()
    return found, spent


def cpu_seconds(pid: int) -> float:
    """Of a process and all below it, also of those that have ended."""
    ticks = 0
    for one_of_them in (pid, *descendants(pid)):
        with suppress(OSError):
            fields = Path(f"/proc/{one_of_them}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _wait(path: Path, process: "subprocess.Popen[bytes]") -> None:
    while not path.exists() or (not path.read_bytes() and path.suffix == ".json"):
        if process.poll() is not None:
            raise SystemExit((path.parent / "said").read_text()[-2000:])
        time.sleep(0.02)


def ask_peer(package: str, folder: Path) -> tuple[float, float]:
    """Seconds, and those of processors, of a peer in an environment of its own."""
    result = folder / "peer.json"
    python = python_of(package.partition("==")[0], (package,))
    program, *arguments = (part.format(photos=folder / "photos", result=result) for part in PEERS[package])
    subprocess.run([python, "-W", "ignore", HERE / "peers" / program, *arguments], check=True, timeout=600)
    found = json.loads(result.read_text())
    return found["wall"], found["processor"]


def take_photos(sources: Path, target: Path, count: int) -> float:
    """Copy readable photos that are larger than their copies will be; returns their mean megapixels."""
    target.mkdir()
    pixels: list[int] = []
    for path in sorted(sources.rglob("*.jpg")):
        data = path.read_bytes()
        try:
            height, width = decode(data).shape[:2]
        except UnreadableImage:
            continue
        if min(height, width) > 256 and len(pixels) < count:
            (target / f"{len(pixels):04d}.jpg").write_bytes(data)
            pixels.append(height * width)
    if len(pixels) < count:
        raise SystemExit(f"{sources} has {len(pixels)} readable photos of more than 256 pixels, need {count}")
    return sum(pixels) / len(pixels) / 1e6


def main() -> None:
    """Run all, and write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--count", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--output", type=Path, default=HERE / "results" / "scale_engine.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cicray", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder, cluster = Path(name), Cluster(Path(name))
        atexit.register(cluster.stop)
        cluster.restore()
        megapixels = take_photos(options.photos, folder / "photos", options.count)
        best: dict[str, tuple[float, float]] = {}
        for _ in range(options.rounds):
            for contender in CONTENDERS:
                is_peer = contender in PEERS
                seconds, spent = ask_peer(contender, folder) if is_peer else ask(cluster, "photos", contender, folder)
                before = best.get(contender, (seconds, spent))
                best[contender] = (min(seconds, before[0]), min(spent, before[1]))
                print(contender, f"{seconds:.1f} s, {spent:.1f} s of processors", flush=True)
        idle = cpu_seconds(os.getpid())
        time.sleep(IDLE_SECONDS)
        idle = (cpu_seconds(os.getpid()) - idle) / IDLE_SECONDS
        nothing = {name: ask(cluster, "nothing", name, folder)[0] for name in ("ours", "Ray Data")}
        memory = {count: ask(cluster, "rows", str(count), folder)[0] for count in ROWS}
    options.output.write_text(report(options, megapixels, best, idle, nothing, memory))
    print(options.output.read_text())


def report(
    options: argparse.Namespace,
    megapixels: float,
    best: dict[str, tuple[float, float]],
    idle: float,
    nothing: dict[str, float],
    memory: dict[int, float],
) -> str:
    """The tables."""
    rows = [
        f"| {CONTENDERS[name]} | {options.count / spent:.1f} | {options.count / seconds:.1f} |"
        for name, (seconds, spent) in best.items()
    ]
    told = ", ".join(f"{count:,} rows {mb:.0f} MB" for count, mb in memory.items())
    return f"""# Engines

`python benchmarks/scale_engine.py PHOTOS --count {options.count} --rounds {options.rounds}`: {machine()}.
{options.count} photos of {megapixels:.1f} megapixels in the mean, in shards of {SHARD}; a Ray cluster of three nodes on
this machine, two of which give a processor each. A second of a core is one of processor time of all that took part: the
contender, its workers, and on Ray the cluster's own processes too, which took {idle:.2f} s a second while there was
nothing to do. Copies of ours and of img2dataset are cropped, and JPEGs; Ray Data's and Daft's are stretched, arrays. On
Ray, img2dataset's resizer is given paths, a shard a task, as its own distributor does with URLs. Daft decodes all of a
photo, averages as Pillow's bilinear filter does, and does not turn it as EXIF says.

| what | images a second of a core | images a second |
|---|---|---|
{chr(10).join(rows)}

A shard of 100 rows that does nothing: ours on Ray {nothing["ours"]:.1f} ms, Ray Data {nothing["Ray Data"]:.1f} ms
({NOOP_SHARDS} shards).

Memory of the process that asks, at most, while small rows come back in shards of 1,000: {told}.
"""


if __name__ == "__main__":
    if sys.argv[1] == "one":
        one(*sys.argv[2:])
    else:
        main()
