"""The server under load: exported models against the same models in Keras, and what many requests do to its memory.

    python benchmarks/serve.py [--model vgg] [--input-size 64] [--width 320] [--seconds 10] [--requests 10000]

One net is trained for an epoch on made-up pictures. `cic serve` then serves it, once as it was exported, once as a root
from before models were exported: with Keras, traced. Clients in another process, on the same cores, each send a JPEG
and wait for the answer before they send the next. A run ends after so many seconds or requests, whichever comes first.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp
import cv2
import numpy as np
import requests
from peers.environment import machine

BIN = Path(sys.executable).parent
NOTES = Path(__file__).resolve().parent / "results" / "serve_notes.md"
SOURCES = ("dark", "light")
PICTURES = 40
CLIENTS = (1, 8, 32)
TOO_MANY = 64
"""Clients; the server takes 32 requests at once."""
MOST_REQUESTS = 3000
"""Of a run."""
PROBLEM = """
name: serving
classes: {{dark: ["folder:dark"], light: ["folder:light"]}}
dataset: {{side: 256, min_per_class: 5}}
models:
  {others}
  {model}: {{input_size: {side}, epochs: 1}}
"""


@dataclass
class Load:
    """What clients saw.

    Attributes:
        seconds: that the run took.
        times: of the requests that were answered, in seconds.
        statuses: how many of each.
        processor: seconds of the server's.
    """

    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    processor: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.times) / self.seconds

    def quantile(self, share: float) -> float:
        """In milliseconds."""
        return float(np.quantile(self.times, share)) * 1000


def make_world(folder: Path, model: str, side: int) -> tuple[dict[str, Path], dict[str, str]]:
    """Data roots with one trained net, as it was exported and as before there were exports; and the environment."""
    for index, source in enumerate(SOURCES):
        (folder / source).mkdir()
        for number in range(PICTURES):
            (folder / source / f"{number}.jpg").write_bytes(picture(1000 * index + number, 128 * index))
    others = "\n  ".join(f"{one}: null" for one in ("vgg", "peetz_net", "xception") if one != model)
    (folder / "problem.yaml").write_text(PROBLEM.format(model=model, side=side, others=others))
    roots = {"exported": folder / "exported", "Keras, traced": folder / "keras"}
    outer = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment = outer | {"CIC_PROBLEM": str(folder / "problem.yaml"), "CIC_ALLOW_RANDOM_WEIGHTS": "1"}
    command = [BIN / "cic", "run", "--data-root", roots["exported"]]
    subprocess.run(command, env=environment, cwd=folder, check=True, capture_output=True)
    shutil.copytree(roots["exported"], roots["Keras, traced"])
    card = roots["Keras, traced"] / "models" / model / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"export": None}))
    return roots, environment


def picture(seed: int, offset: int = 0, width: int = 400) -> bytes:
    """A JPEG with something on every scale, four to three."""
    random, size = np.random.default_rng(seed), (width, 3 * width // 4)
    layers = [
        cv2.resize(random.integers(0, 128, (4 * n, 5 * n, 3)).astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
        / n
        for n in (1, 2, 4, 8, 16)
    ]
    mixed = np.clip(offset + sum(layers) / 2, 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", mixed, [cv2.IMWRITE_JPEG_QUALITY, 85])[1].tobytes()


@contextlib.contextmanager
def serving(root: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """`cic serve`, once its models are loaded."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    command = [BIN / "cic", "serve", "--data-root", root, "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            while not _is_ready(url):
                assert process.poll() is None, "the server ended"
                time.sleep(0.1)
            yield url
        finally:
            process.terminate()


def _is_ready(url: str) -> bool:
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(f"{url}/ready", timeout=20).status_code == 200
    return False


async def load(url: str, bodies: Sequence[bytes], clients: int, seconds: float, most: int) -> Load:
    """Requests of so many clients at once, each after the answer to its last."""
    told, numbers = Load(processor=-metric(url, "process_cpu_seconds_total")), itertools.count()
    began = time.perf_counter()

    async def client(session: aiohttp.ClientSession) -> None:
        while time.perf_counter() - began < seconds and (number := next(numbers)) < most:
            start = time.perf_counter()
            async with session.post(f"{url}/api/v1/predict", data=bodies[number % len(bodies)]) as answer:
                await answer.read()
                told.statuses[answer.status] += 1
                if answer.status == 200:
                    told.times.append(time.perf_counter() - start)
                else:
                    await asyncio.sleep(0.1)  # who is sent away does not ask again at once

    async with _session(clients) as session:
        await asyncio.gather(*(client(session) for _ in range(clients)))
    told.seconds = time.perf_counter() - began
    told.processor += metric(url, "process_cpu_seconds_total")
    return told


@contextlib.asynccontextmanager
async def _session(clients: int) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=clients)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=120)) as session:
        yield session


def metric(url: str, name: str) -> float:
    """One of the server's own numbers."""
    lines = requests.get(f"{url}/metrics", timeout=20).text.splitlines()
    return float(next(line for line in lines if line.startswith(f"{name} ")).split()[1])


def memory(url: str) -> float:
    """Megabytes that the server holds."""
    return metric(url, "process_resident_memory_bytes") / 1e6


def measure(url: str, bodies: Sequence[bytes], seconds: float, count: int) -> tuple[list[Load], list[float]]:
    """Each number of clients; and the memory before, and after each tenth of so many requests more."""
    held = [memory(url)]
    asyncio.run(load(url, bodies, 1, 1, MOST_REQUESTS))  # the first are slower
    loads = [asyncio.run(load(url, bodies, clients, seconds, MOST_REQUESTS)) for clients in (*CLIENTS, TOO_MANY)]
    for _ in range(10 if count else 0):
        asyncio.run(load(url, bodies, 8, 600, count // 10))
        held.append(memory(url))
    return loads, held


def main() -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=["vgg", "peetz_net", "xception"], default="vgg")
    parser.add_argument("--input-size", type=int, default=64)
    parser.add_argument("--width", type=int, default=320, help="of the JPEGs that are sent, in pixels")
    parser.add_argument("--seconds", type=float, default=10, help="of a run")
    parser.add_argument("--requests", type=int, default=10_000, help="over which memory is looked at; 0 for none")
    parser.add_argument("--output", type=Path, default=Path(__file__).resolve().parent / "results" / "serve.md")
    arguments = parser.parse_args()
    bodies = [picture(seed, width=arguments.width) for seed in range(20)]
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        roots, environment = make_world(Path(folder), arguments.model, arguments.input_size)
        for name, root in roots.items():
            with serving(root, environment) as url:
                measured[name] = measure(url, bodies, arguments.seconds, arguments.requests)
    text = report(arguments, measured)
    arguments.output.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def report(arguments: argparse.Namespace, measured: Mapping[str, tuple[list[Load], list[float]]]) -> str:
    """The result as Markdown."""
    rows, notes = [], []
    for name, (loads, held) in measured.items():
        for clients, one in zip((*CLIENTS, TOO_MANY), loads, strict=True):
            others = ", ".join(f"{count} x {status}" for status, count in sorted(one.statuses.items()) if status != 200)
            rows.append(
                f"| {name} | {clients} | {one.rate:.1f} | {one.quantile(0.5):.0f} | {one.quantile(0.99):.0f} "
                f"| {one.processor / len(one.times) * 1000:.1f} | {one.statuses[200]} | {others or 'none'} |"
            )
        if len(held) > 1:
            notes.append(f"| {name} | " + " | ".join(f"{megabytes:.0f}" for megabytes in (held[0], *held[1::3])) + " |")
    (ours, _), (theirs, _) = measured.values()
    ratios = ", ".join(
        f"{clients}: {one.rate / other.rate:.1f}" for clients, one, other in zip(CLIENTS, ours, theirs, strict=False)
    )
    tenths = [f"after {(number + 1) * arguments.requests // 10:,}" for number in range(0, 10, 3)]
    called = f"--model {arguments.model} --input-size {arguments.input_size} --width {arguments.width}"
    limits = f"--seconds {arguments.seconds:g} --requests {arguments.requests}"
    return f"""# Serving

`python benchmarks/serve.py {called} {limits}`, {time.strftime("%Y-%m-%d")}; {machine()}.

`cic serve` with one net, `{arguments.model}` at {arguments.input_size} pixels, and JPEGs {arguments.width} pixels wide.
Clients on the same cores. A run takes {arguments.seconds:g} s or {MOST_REQUESTS:,} requests. {TOO_MANY} clients are
more than the server takes at once: what it cannot take is to be answered with 503.

| models | clients | answers/s | p50, ms | p99, ms | server's processor ms an answer | answers | others |
|---|---:|---:|---:|---:|---:|---:|---|
{chr(10).join(rows)}

Answers a second, exported to Keras, by clients: {ratios}.

{_memory(notes, tenths)}
{NOTES.read_text(encoding="utf-8")}"""


def _memory(rows: Sequence[str], columns: Sequence[str]) -> str:
    if not rows:
        return ""
    return f"""Memory of the server in MB, loaded, and after so many requests of 8 clients more:

| models | loaded | {" | ".join(columns)} |
|---|{"---:|" * (len(columns) + 1)}
{chr(10).join(rows)}
"""


if __name__ == "__main__":
    main()
